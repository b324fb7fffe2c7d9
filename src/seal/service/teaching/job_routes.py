"""`/v1/fine_tuning/jobs`: studies, in the shape of OpenAI's fine-tuning jobs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from anyio import sleep
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from seal.service.access import Caller
from seal.service.problems import not_found
from seal.service.records import record_in
from seal.service.teaching.jobs_wire import checkpoints_of, events_of, job_json, status_of
from seal.service.teaching.wire import (
    AfterQuery,
    Json,
    LimitQuery,
    ListPage,
    RequestName,
    Teacher,
    job_number,
    page,
    request_of,
)

router = APIRouter(tags=["jobs"])
_LOOK_S = 0.25
_ENDED = ("succeeded", "failed", "cancelled")


class NewJob(BaseModel):
    """A study of stored documents. What else OpenAI's clients send is taken and does nothing: how a document
    is studied is the workspace's to say."""

    model_config = ConfigDict(extra="allow")

    training_file: str = Field(min_length=1, description="The id of a stored document.")
    documents: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[], description="The ids of others that are to be studied with it."
    )
    model: str = Field(default="live", description="The workspace's own model: by its name, live or base.")


@router.post("/v1/fine_tuning/jobs")
async def create_job(given: NewJob, caller: Teacher, name: RequestName = None) -> Json:
    """Study documents that were stored. They are studied together, on top of what is live."""
    learner = caller.tenant.learner
    wanted = [given.training_file, *given.documents]

    def created() -> Json:
        if given.model not in ("live", "base", learner.workspace.settings()["model"]):
            raise not_found(f"this service does not train the model {given.model!r}", "model")
        job = learner.submit_stored(wanted, request=request_of(caller, name), actor=caller.actor)
        return job_json(learner, job)

    return await caller.tenant.write(created)


@router.get("/v1/fine_tuning/jobs")
async def list_jobs(caller: Teacher, after: AfterQuery = None, limit: LimitQuery = 20) -> ListPage:
    """All jobs, the latest first."""
    learner = caller.tenant.learner

    def listed() -> list[Json]:
        return [job_json(learner, job) for job in reversed(learner.jobs())]

    return page(await caller.tenant.read(listed), after, limit)


@router.get("/v1/fine_tuning/jobs/{job_id}")
async def get_job(job_id: str, caller: Teacher) -> Json:
    """One job."""
    learner, number = caller.tenant.learner, job_number(job_id)
    return await caller.tenant.read(lambda: job_json(learner, learner.job(number)))


@router.post("/v1/fine_tuning/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: Teacher) -> Json:
    """End a job. What it has made so far cannot go live."""
    learner, number = caller.tenant.learner, job_number(job_id)

    def cancelled() -> Json:
        by = f"cancelled by {caller.actor}"
        return job_json(learner, learner.cancel(number, reason=by, actor=caller.actor))

    return await caller.tenant.write(cancelled)


@router.get("/v1/fine_tuning/jobs/{job_id}/events", response_model=ListPage)
async def list_events(
    job_id: str,
    http: Request,
    caller: Teacher,
    after: AfterQuery = None,
    limit: LimitQuery = 20,
    stream: Annotated[
        bool, Query(description="Send events as they happen, until the job has ended.")
    ] = False,
) -> Any:
    """What happened in a job: the latest first, or with `stream` as server-sent events in order."""
    learner, number = caller.tenant.learner, job_number(job_id)
    await caller.tenant.read(learner.job, number)
    if stream:
        record_in(http.scope).take_any_time()
        sent = _stream(caller, number, after)
        return StreamingResponse(sent, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
    told = await caller.tenant.read(events_of, learner, number)
    return page(list(reversed(told)), after, limit)


@router.get("/v1/fine_tuning/jobs/{job_id}/checkpoints")
async def list_checkpoints(
    job_id: str, caller: Teacher, after: AfterQuery = None, limit: LimitQuery = 10
) -> ListPage:
    """The versions that a job made."""
    learner, number = caller.tenant.learner, job_number(job_id)
    made = await caller.tenant.read(lambda: checkpoints_of(learner, learner.job(number)))
    return page(made, after, limit)


async def _stream(caller: Caller, number: int, after: str | None) -> AsyncIterator[str]:
    """Events as they happen, after the one with an id, until the job has ended."""
    learner, seen = caller.tenant.learner, set[str]()
    while True:
        # First whether it has ended: all that happened in it is then told in what is read next.
        ended = status_of(await caller.tenant.read(learner.job, number)) in _ENDED
        told = await caller.tenant.read(events_of, learner, number)
        if not seen and after is not None and after in (ids := [event["id"] for event in told]):
            seen.update(ids[: ids.index(after) + 1])
        for event in told:
            if event["id"] not in seen:
                seen.add(event["id"])
                yield f"id: {event['id']}\ndata: {json.dumps(event)}\n\n"
        if ended:
            yield "data: [DONE]\n\n"
            return
        await sleep(_LOOK_S)
