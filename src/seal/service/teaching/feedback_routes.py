"""`/v1/seal/why`, `feedback`, `wanted`: where an answer is from, what people say of it, what should be learned
next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from seal.learner.correcting import FeedbackTaken
from seal.learner.explaining import Why
from seal.registry import RememberedAnswer
from seal.service.access import Caller, Role, needs
from seal.service.problems import invalid, not_found
from seal.service.teaching.version_routes import Reason
from seal.service.teaching.wire import AfterQuery, Json, LimitQuery, Page, feedback_json, job_id, page

router = APIRouter(tags=["feedback"])
Asker = Annotated[Caller, needs(Role.ASK)]
Teacher = Annotated[Caller, needs(Role.TEACH)]
Approver = Annotated[Caller, needs(Role.APPROVE)]
Auditor = Annotated[Caller, needs(Role.AUDIT)]


class WhyAsked(BaseModel):
    """A question, or the id of an answer that was given."""

    model_config = ConfigDict(extra="forbid")

    question: str | None = Field(default=None, min_length=1)
    answer: str | None = Field(default=None, description="ans_..., or the id of a chat completion.")
    version: str | None = Field(
        default=None, description="For a question: another version than the live one."
    )


class GivenFeedback(BaseModel):
    """What is said of an answer or a conversation. A right answer, or a demonstration, becomes a document."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["thumbs", "comment", "right_answer", "demonstration"]
    value: str = Field(min_length=1, description="up or down; the comment; the right answer.")
    answer: str | None = None
    conversation: str | None = None
    question: str = Field(default="", description="Of a correction that is about no answer that was given.")


@router.post("/v1/seal/why")
async def why(asked: WhyAsked, caller: Asker) -> Json:
    """Where an answer is from: the version, the document, its sentence, the lines that taught it, how much less
    likely the answer is without the document, and what older documents said."""
    tenant, learner = caller.tenant, caller.tenant.learner
    if (asked.question is None) == (asked.answer is None):
        raise invalid("give a question or an answer, and not both", "question")
    tenant.check_ready()
    if asked.answer is not None:
        one = await own_answer(caller, asked.answer)
        told = await tenant.read(learner.why_answered, one.id)
        return {
            "id": one.id,
            "at": one.at,
            "way": one.way,
            "conversation": one.conversation,
            **why_json(told),
        }
    question = str(asked.question)
    return why_json(await tenant.read(lambda: learner.why(question, version=asked.version)))


@router.post("/v1/seal/feedback")
async def give_feedback(given: GivenFeedback, caller: Asker) -> Json:
    """Say something of an answer or a conversation. Nothing is trained on it: a correction by a key that may
    teach is studied as a document of its own, and one by another key waits for a person."""
    learner = caller.tenant.learner
    answer = None if given.answer is None else (await own_answer(caller, given.answer)).id
    taken = await caller.tenant.write(
        learner.give_feedback,
        given.kind,
        given.value,
        answer=answer,
        conversation=given.conversation,
        question=given.question,
        trust=caller.trust,
        teaches=Role.TEACH in caller.roles,
        author=caller.key,
        actor=caller.actor,
    )
    return _taken_json(taken)


@router.get("/v1/seal/feedback")
async def list_feedback(
    caller: Auditor,
    held: Annotated[bool, Query(description="Only corrections that wait for a person.")] = False,
    after: AfterQuery = None,
    limit: LimitQuery = 100,
) -> Page:
    """What was said, the latest first."""
    learner = caller.tenant.learner
    told = await caller.tenant.read(lambda: [feedback_json(one) for one in learner.feedback(held=held)])
    return page(told, after, limit)


@router.post("/v1/seal/feedback/{feedback_id}/accept")
async def accept_correction(feedback_id: str, caller: Approver) -> Json:
    """Let a held correction pass: it is studied."""
    learner = caller.tenant.learner
    return _taken_json(await caller.tenant.write(learner.accept_correction, feedback_id, actor=caller.actor))


@router.post("/v1/seal/feedback/{feedback_id}/refuse")
async def refuse_correction(feedback_id: str, given: Reason, caller: Approver) -> Json:
    """Refuse a held correction."""
    learner = caller.tenant.learner
    refused = await caller.tenant.write(
        learner.refuse_correction, feedback_id, reason=given.reason, actor=caller.actor
    )
    return feedback_json(refused)


@router.get("/v1/seal/wanted")
async def list_wanted(caller: Teacher, limit: LimitQuery = 100) -> Page:
    """What should be learned next: questions that no document answered, or whose answers were voted down; the
    most asked first."""
    learner = caller.tenant.learner
    told = await caller.tenant.read(learner.wanted, limit)
    return Page(data=[{"object": "seal.wanted", **asdict(one)} for one in told])


async def own_answer(caller: Caller, name: str) -> RememberedAnswer:
    """An answer that the caller was given, or, for one who may audit, anybody was. Raises Problem (404)."""
    key = f"ans_{name.removeprefix('chatcmpl-')}" if name.startswith("chatcmpl-") else name
    one = await caller.tenant.read(caller.tenant.learner.answered, key)
    if one.key != caller.key and Role.AUDIT not in caller.roles:
        raise not_found(f"there is no answer {name!r}", "answer")
    return one


def why_json(told: Why) -> Json:
    return {
        "object": "seal.why",
        **asdict(told),
        "evidence_nats": told.evidence_nats,
        "verdict": told.verdict,
    }


def _taken_json(taken: FeedbackTaken) -> Json:
    return {**feedback_json(taken.feedback), "job": None if taken.job is None else job_id(taken.job)}
