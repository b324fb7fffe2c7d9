"""Ask, and see where the answer is from; say what was wrong with it; and what people said."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response

from seal.errors import UnknownNameError
from seal.learner import Learner
from seal.registry import Feedback
from seal.service.access import Caller, Role
from seal.service.dashboard.frame import (
    A_PAGE,
    ReasonField,
    before_page,
    page_router,
    pages_of,
    shown,
    to,
    twins,
)
from seal.service.problems import conflict
from seal.service.teaching.feedback_routes import own_answer, why_json
from seal.service.teaching.wire import Approver, Asker, Auditor, Json, feedback_json

router: APIRouter = page_router()
_WANTED = 50


@twins(router, "/why")
async def ask(request: Request, caller: Asker, answer: str = "") -> Response:
    """Ask; or, of an answer that was given, where it is from"""
    told = await _why(caller, answer) if answer else None
    return shown(request, caller, "why", {"question": told["question"] if told else "", "why": told})


@router.post("/why")
async def answer(request: Request, caller: Asker, question: Annotated[str, Form(min_length=1)]) -> Response:
    """The live version's answer to a question, and where it is from"""
    tenant, live = caller.tenant, await caller.tenant.read(caller.tenant.learner.live)
    answered = await tenant.ask(question, version=live)
    said = [{"role": "user", "content": question}]
    name = await tenant.read(tenant.remember, answered.answer, answered.version, said, caller.key)
    return shown(request, caller, "why", {"question": question, "why": await _why(caller, name)})


@router.post("/feedback")
async def say(
    caller: Asker,
    kind: Annotated[Literal["thumbs", "comment", "right_answer"], Form()],
    value: Annotated[str, Form(min_length=1)],
    answer: Annotated[str, Form(min_length=1)],
) -> Response:
    """Say something of an answer"""
    one = await own_answer(caller, answer)
    taken = await caller.tenant.write(
        caller.tenant.learner.give_feedback,
        kind,
        value,
        answer=one.id,
        trust=caller.trust,
        teaches=Role.TEACH in caller.roles,
        author=caller.key,
        actor=caller.actor,
    )
    return to("/why", taken.feedback.state)


@twins(router, "/feedback")
async def feedback(request: Request, caller: Auditor, page: int = 1) -> Response:
    """What people said, the corrections that wait for a person, and what should be learned next"""
    learner = caller.tenant.learner

    def told() -> Json:
        n_said = learner.n_feedback()
        here = learner.feedback(skip=before_page(n_said, page), most=A_PAGE)
        wanted = learner.wanted(_WANTED) if Role.TEACH in caller.roles else []
        return {
            "held": [feedback_json(one) for one in learner.feedback(held=True, most=A_PAGE)],
            "n_held": learner.n_feedback(held=True),
            "wanted": [asdict(one) for one in wanted],
            "feedback": [_with_question(learner, one) for one in here],
            "names": {key.id: key.name for key in learner.workspace.access_keys()},
        } | pages_of(n_said, page)

    return shown(request, caller, "feedback", await caller.tenant.read(told))


@router.post("/feedback/{feedback_id}/accept")
async def accept(feedback_id: str, caller: Approver) -> Response:
    """Let a held correction pass"""
    learner = caller.tenant.learner
    taken = await caller.tenant.write(learner.accept_correction, feedback_id, actor=caller.actor)
    return to("/feedback", taken.feedback.state)


@router.post("/feedback/{feedback_id}/refuse")
async def refuse(feedback_id: str, caller: Approver, reason: ReasonField = "") -> Response:
    """Refuse a held correction"""
    learner = caller.tenant.learner
    await caller.tenant.write(learner.refuse_correction, feedback_id, reason=reason, actor=caller.actor)
    return to("/feedback", "refused")


def _with_question(learner: Learner, one: Feedback) -> Json:
    """What was said, with the question that it is about: its own, or that of the answer, if it is still
    kept."""
    about = one.question
    if not about and one.answer is not None:
        try:
            about = learner.answered(one.answer).question
        except UnknownNameError:
            about = ""
    return feedback_json(one) | {"about": about}


async def _why(caller: Caller, name: str) -> Json:
    """An answer that was given, and why it is that."""
    caller.tenant.check_ready()
    one = await own_answer(caller, name)
    if one.erased:
        raise conflict("what this answer was from was forgotten since")
    told = await caller.tenant.read(caller.tenant.learner.why_answered, one.id)
    return {"id": one.id, "at": one.at, "way": one.way, "stated": one.stated, **why_json(told)}
