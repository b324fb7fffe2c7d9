"""What is live and how it changes: the version that is tried beside it, what was seen of it, and the servers
elsewhere that were given adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Request, Response

from seal.learner import Learner
from seal.service.access import Caller
from seal.service.dashboard.frame import ReasonField, page_router, pages_of, part_of, shown, to, twins
from seal.service.dashboard.standing import titles
from seal.service.teaching.release_routes import difference_json, release_json
from seal.service.teaching.wire import Approver, Auditor, Json, version_json

router: APIRouter = page_router()
_SHOWN = 20


@twins(router, "/release")
async def release(request: Request, caller: Auditor) -> Response:
    """What is live, the version that is tried beside it, and where the two answered differently"""
    return shown(request, caller, "release", await caller.tenant.read(_told, caller.tenant.learner))


@router.post("/release/begin")
async def begin(
    caller: Approver,
    version: Annotated[str, Form(min_length=1)],
    mode: Annotated[Literal["shadow", "canary"], Form()],
    percent: Annotated[float, Form(gt=0, le=100)] = 10.0,
    reason: ReasonField = "",
) -> Response:
    """Try a version beside the live one"""
    told = {"share": percent / 100, "reason": reason, "actor": caller.actor}
    return await _done(caller, lambda own: own.try_out(version, mode, **told), "tried")


@router.post("/release/promote")
async def promote(caller: Approver, reason: ReasonField = "") -> Response:
    """Make the version that is tried live"""
    return await _done(caller, lambda own: own.promote(reason=reason, actor=caller.actor), "promoted")


@router.post("/release/revert")
async def revert(caller: Approver, reason: ReasonField = "") -> Response:
    """End the trial: the live version answers everybody"""
    return await _done(caller, lambda own: own.revert(reason=reason, actor=caller.actor), "reverted")


@router.post("/release/differences/{difference}")
async def judge(
    caller: Approver,
    difference: Annotated[int, Path(ge=1, lt=1 << 31)],
    better: Annotated[Literal["candidate", "live", "neither"], Form()],
) -> Response:
    """Say which of two answers that differ is right"""
    return await _done(caller, lambda own: own.judge(difference, better, actor=caller.actor), "noted")


@twins(router, "/pushes")
async def pushes(request: Request, caller: Auditor, page: int = 1) -> Response:
    """Which server elsewhere was given what, and how far that is"""
    learner = caller.tenant.learner

    def told() -> Json:
        every = [asdict(one) for one in reversed(learner.pushes())]
        there = sum(one["state"] in ("loading", "loaded", "unloading") for one in every)
        listed = {"pushes": part_of(every, page), "there": there, "titles": titles(learner)}
        return listed | pages_of(len(every), page)

    return shown(request, caller, "pushes", await caller.tenant.read(told))


def _told(learner: Learner) -> Json:
    told, live = release_json(learner), learner.live()
    candidates = [one for one in reversed(learner.versions()) if not one.erased]
    apart = live.id if live else ""
    return {name: value for name, value in told.items() if name != "pushes"} | {
        "differences": [difference_json(one) for one in learner.differences(most=_SHOWN)],
        "to_try": [version_json(v) for v in candidates if v.state in ("held", "live-once") and v.id != apart],
    }


async def _done(caller: Caller, verb: Callable[[Learner], object], done: str) -> Response:
    await caller.tenant.write(verb, caller.tenant.learner)
    return to("/release", done)
