"""Documents and jobs: what is to be learned, where each stands and why, and how the queue goes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, TypeAlias

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from seal.errors import InputError
from seal.learner import Learner, Text
from seal.learner.advising import advice
from seal.learner.at_service import Submitted
from seal.service.access import Caller
from seal.service.dashboard.frame import page_router, pages_of, part_of, shown, to, twins
from seal.service.dashboard.standing import documents_json, standings, titles
from seal.service.problems import conflict
from seal.service.teaching.document_routes import allowed_trust
from seal.service.teaching.jobs_wire import checkpoints_of, events_of, job_json
from seal.service.teaching.uploads import documents_of_upload
from seal.service.teaching.wire import Approver, Json, Teacher, document_json, job_id, job_number

router: APIRouter = page_router()
TitleField: TypeAlias = Annotated[str, Form(max_length=1000)]


@twins(router, "/documents")
async def documents(request: Request, caller: Teacher, page: int = 1, state: str = "") -> Response:
    """All documents, where each stands and why"""
    learner = caller.tenant.learner

    def told() -> Json:
        every = documents_json(learner)
        chosen = [one for one in every if state in ("", one["state"])]
        states = sorted({one["state"] for one in every})
        listed = {"documents": part_of(chosen, page), "state": state, "states": states}
        return listed | pages_of(len(chosen), page)

    return shown(request, caller, "documents", await caller.tenant.read(told))


@router.post("/documents")
async def add_text(
    caller: Teacher,
    text: Annotated[str, Form(min_length=1)],
    title: TitleField = "",
    study: Annotated[bool, Form()] = False,
) -> Response:
    """Hand in a text"""
    given = Text(
        text.replace("\r\n", "\n"), title.strip(), allowed_trust(None, caller), (), bool(title.strip())
    )
    return await _handed_in(caller, [given], study=study)


@router.post("/documents/files")
async def add_file(
    caller: Teacher, file: Annotated[UploadFile, File()], study: Annotated[bool, Form()] = False
) -> Response:
    """Hand in a file with one document or several"""
    if not file.filename:
        raise InputError("no file was chosen", "Choose one and send it again.")
    raw, trust = await file.read(), allowed_trust(None, caller)
    found = await caller.tenant.read(documents_of_upload, raw, file.filename, trust=trust)
    return await _handed_in(caller, found, study=study)


@twins(router, "/documents/{document_id}")
async def document(request: Request, caller: Teacher, document_id: str) -> Response:
    """One document: its lines, why each was kept or dropped, and its exam"""
    told = await caller.tenant.read(_document, caller.tenant.learner, document_id)
    return shown(request, caller, "document", told)


@router.post("/documents/{document_id}/retitle")
async def retitle(document_id: str, caller: Teacher, title: TitleField) -> Response:
    """Correct a document's title"""
    made = await caller.tenant.write(caller.tenant.learner.retitle, document_id, title, actor=caller.actor)
    return to(f"/documents/{made.id}", "retitled")


@router.post("/documents/{document_id}/study")
async def study(document_id: str, caller: Teacher) -> Response:
    """Put the study of a stored document into the queue"""
    learner = caller.tenant.learner
    made = await caller.tenant.write(learner.submit_stored, [document_id], actor=caller.actor)
    return to(f"/jobs/{job_id(made.id)}", "queued")


@router.post("/documents/{document_id}/forget")
async def forget(document_id: str, caller: Approver) -> Response:
    """Take a document out, for good"""
    learner = caller.tenant.learner
    made = await caller.tenant.write(learner.submit_forget, document_id, actor=caller.actor)
    return to(f"/jobs/{job_id(made.id)}", "queued")


@twins(router, "/jobs")
async def jobs(request: Request, caller: Teacher, page: int = 1) -> Response:
    """The queue: what waits, what is under way, what came of the rest"""
    learner = caller.tenant.learner

    def told() -> Json:
        every = list(reversed(learner.jobs()))
        shown_now = [_with_last_event(learner, job_json(learner, j)) for j in part_of(every, page)]
        brake = learner.brake()
        more = {"titles": titles(learner), "brake": None if brake is None else asdict(brake)}
        return {"jobs": shown_now} | more | pages_of(len(every), page)

    return shown(request, caller, "jobs", await caller.tenant.read(told))


@twins(router, "/jobs/{job_id}")
async def job(request: Request, caller: Teacher, job_id: str) -> Response:
    """One job: what it is about, what happened, what came of it"""
    learner, number = caller.tenant.learner, job_number(job_id)

    def told() -> Json:
        one = learner.job(number)
        made = job_json(learner, one)
        for outcome in made["seal"]["documents"].values():
            outcome["advice"] = "" if outcome["outcome"] == "live" else advice(outcome["reason"])
        return {
            "job": made,
            "events": list(reversed(events_of(learner, number))),
            "checkpoints": checkpoints_of(learner, one),
            "titles": titles(learner),
        }

    return shown(request, caller, "job", await caller.tenant.read(told))


@router.post("/jobs/{job_id}/cancel")
async def cancel(job_id: str, caller: Teacher) -> Response:
    """End a job"""
    learner, number = caller.tenant.learner, job_number(job_id)
    by = f"cancelled by {caller.actor}"
    await caller.tenant.write(learner.cancel, number, reason=by, actor=caller.actor)
    return to(f"/jobs/{job_id}", "cancelled")


def _with_last_event(learner: Learner, told: Json) -> Json:
    events = learner.job_events(job_number(told["id"])) if told["status"] == "running" else []
    told["seal"]["said"] = events[-1].message if events else ""
    return told


async def _handed_in(caller: Caller, texts: list[Text], *, study: bool) -> Response:
    """Where to go after documents were handed in. Raises Problem (409) if screening refused them all."""
    learner = caller.tenant.learner
    told: list[Submitted] = await caller.tenant.write(learner.submit, texts, study=study, actor=caller.actor)
    queued = [one.job for one in told if one.job is not None]
    if queued:
        return to(f"/jobs/{job_id(queued[0])}", "queued")
    if stored := [one for one in told if one.document]:
        known = stored[0].learned is not None
        return to(f"/documents/{stored[0].document}", "known" if known else "stored")
    why = told[0].learned.reason if told[0].learned else "there is nothing in it"
    raise conflict(f"The document is refused. {why}. {advice(why)}".strip())


def _document(learner: Learner, name: str) -> Json:
    one = learner.document(name)
    lines, exam = learner.lines(one.id), learner.exam(one.id)
    version = lines.version or exam.version
    return {
        "document": document_json(one, learner.live()) | asdict(standings(learner)[one.id]),
        "text": learner.workspace.text(one.id),
        "judged_in": None if version is None else version.id,
        "lines": [asdict(line) for line in lines.lines],
        "exam": [asdict(question) for question in exam.questions],
        "exam_given": exam.given,
    }
