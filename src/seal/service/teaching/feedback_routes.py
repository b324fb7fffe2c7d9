"""`/v1/seal/why`, `feedback`, `wanted`: where an answer is from, what people say of it, what should be
learned next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from seal.errors import UnknownNameError
from seal.learner.correcting import FeedbackTaken
from seal.learner.explaining import Why
from seal.registry import RememberedAnswer
from seal.service.access import Caller, Role
from seal.service.openai.model_ids import target_of
from seal.service.problems import invalid, not_found
from seal.service.teaching.version_routes import Reason
from seal.service.teaching.wire import (
    AfterQuery,
    Approver,
    Asker,
    Auditor,
    Json,
    LimitQuery,
    ListPage,
    Teacher,
    feedback_json,
    job_id,
    page,
)

router = APIRouter(tags=["feedback"])
_SEEN = r"\S"
_MOST_CHARS = 20_000


class WhyAsked(BaseModel):
    """A question, or the id of an answer that was given."""

    model_config = ConfigDict(extra="forbid")

    question: str | None = Field(default=None, min_length=1)
    answer: str | None = Field(default=None, description="ans_..., or the id of a chat completion.")
    version: str | None = Field(
        default=None, description="For a question: another version than the live one."
    )


class _Feedback(BaseModel):
    """What is said of an answer, by its id or that of its chat completion."""

    model_config = ConfigDict(extra="forbid")


class Thumbs(_Feedback):
    """Up or down for an answer."""

    kind: Literal["thumbs"]
    value: Literal["up", "down"]
    answer: str


class ConversationThumbs(_Feedback):
    """Up or down for all answers of a conversation; `why` names it."""

    kind: Literal["thumbs"]
    value: Literal["up", "down"]
    conversation: str


class Comment(_Feedback):
    """A comment on an answer."""

    kind: Literal["comment"]
    value: str = Field(pattern=_SEEN, max_length=_MOST_CHARS)
    answer: str


class ConversationComment(_Feedback):
    """A comment on a conversation."""

    kind: Literal["comment"]
    value: str = Field(pattern=_SEEN, max_length=_MOST_CHARS)
    conversation: str


class RightAnswer(_Feedback):
    """The right answer instead of one that was given. It becomes a document."""

    kind: Literal["right_answer", "demonstration"]
    value: str = Field(pattern=_SEEN, max_length=_MOST_CHARS)
    answer: str


class Demonstration(_Feedback):
    """How a question is to be answered, whether it was asked or not. It becomes a document."""

    kind: Literal["right_answer", "demonstration"]
    value: str = Field(pattern=_SEEN, max_length=_MOST_CHARS)
    question: str = Field(pattern=_SEEN, max_length=_MOST_CHARS)


GivenFeedback: TypeAlias = (
    Thumbs | ConversationThumbs | Comment | ConversationComment | RightAnswer | Demonstration
)


@router.post("/v1/seal/why")
async def why(asked: WhyAsked, caller: Asker) -> Json:
    """Where an answer is from: the version, the document, its sentence, the lines that taught it, how much
    less likely the answer is without the document, and what older documents said."""
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

    def explained() -> Why:  # a version that is no model to be asked has no why either
        version = None if asked.version is None else target_of(learner, asked.version).version
        return learner.why(question, version=None if version is None else version.id)

    return why_json(await tenant.read(explained))


@router.post("/v1/seal/feedback")
async def give_feedback(given: GivenFeedback, caller: Asker) -> Json:
    """Say something of an answer or a conversation. Nothing is trained on it: a correction by a key that may
    teach is studied as a document of its own, and one by another key waits for a person."""
    learner, about = caller.tenant.learner, getattr(given, "answer", None)
    taken = await caller.tenant.write(
        learner.give_feedback,
        given.kind,
        given.value,
        answer=None if about is None else (await own_answer(caller, about)).id,
        conversation=getattr(given, "conversation", None),
        question=getattr(given, "question", ""),
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
) -> ListPage:
    """What was said, the latest first."""
    learner = caller.tenant.learner

    def told() -> list[Json]:
        try:
            found = learner.feedback(held=held, before=after, most=limit + 1)
        except UnknownNameError as error:
            raise not_found(f"there is no {after!r} in this list", "after") from error
        return [feedback_json(one) for one in found]

    return page(await caller.tenant.read(told), None, limit)


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
async def list_wanted(caller: Teacher, limit: LimitQuery = 100) -> ListPage:
    """What should be learned next: questions that no document answered, or whose answers were voted down; the
    most asked first."""
    learner = caller.tenant.learner
    told = await caller.tenant.read(learner.wanted, limit)
    return ListPage(data=[{"object": "seal.wanted", **asdict(one)} for one in told])


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
