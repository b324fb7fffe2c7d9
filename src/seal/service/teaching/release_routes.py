"""`/v1/seal/release`: what is live, how it may change by itself, and the version that is tried beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from seal.learner import Learner
from seal.learner.rolling_out import RolloutView
from seal.registry import Comparison
from seal.service.access import Caller
from seal.service.teaching.version_routes import Reason
from seal.service.teaching.wire import (
    AfterQuery,
    Approver,
    Auditor,
    Json,
    LimitQuery,
    ListPage,
    page,
    version_json,
)

router = APIRouter(tags=["release"])


class RolloutForm(Reason):
    """Which version is to be tried, and how."""

    version: str = Field(min_length=1, description="One that was held, or that was live before.")
    mode: Literal["shadow", "canary"]
    share: float | None = Field(
        default=None, gt=0, le=1, description="Of the questions (shadow) or of the callers (canary)."
    )


class DifferenceForm(BaseModel):
    """Which of two answers is right."""

    model_config = ConfigDict(extra="forbid")

    better: Literal["candidate", "live", "neither"]


@router.get("/v1/seal/release")
async def showrelease_json(caller: Auditor) -> Json:
    """What is live, the autonomy, the brake, the version that is being tried with what was seen of it, and
    all rollouts before it."""
    return await caller.tenant.read(release_json, caller.tenant.learner)


@router.post("/v1/seal/release")
async def begin_rollout(given: RolloutForm, caller: Approver) -> Json:
    """Try a version beside the live one. As a shadow it answers a share of the questions after the caller was
    answered; as a canary it answers a share of the callers. A sequential test promotes or reverts it."""
    return await _changed(
        caller,
        lambda own: own.try_out(
            given.version, given.mode, share=given.share, reason=given.reason, actor=caller.actor
        ),
    )


@router.post("/v1/seal/release/promote")
async def promote(given: Reason, caller: Approver) -> Json:
    """Make the version that is tried live, whatever was seen of it."""
    return await _changed(caller, lambda own: own.promote(reason=given.reason, actor=caller.actor))


@router.post("/v1/seal/release/revert")
async def revert(given: Reason, caller: Approver) -> Json:
    """End the rollout at once: all callers are answered by the live version."""
    return await _changed(caller, lambda own: own.revert(reason=given.reason, actor=caller.actor))


@router.get("/v1/seal/release/differences")
async def list_differences(
    caller: Auditor,
    rollout: Annotated[int | None, Query(ge=1, lt=1 << 31, description="By default the latest.")] = None,
    after: AfterQuery = None,
    limit: LimitQuery = 100,
) -> ListPage:
    """Where the two versions of a rollout answered differently, the newest first."""
    learner = caller.tenant.learner
    told = await caller.tenant.read(
        lambda: [difference_json(one) for one in learner.differences(rollout, most=None)]
    )
    return page(told, after, limit)


@router.post("/v1/seal/release/differences/{difference}")
async def judge_difference(
    difference: Annotated[int, Path(ge=1, lt=1 << 31)], given: DifferenceForm, caller: Approver
) -> Json:
    """Say which of two answers that differ is right."""
    learner = caller.tenant.learner
    judged = await caller.tenant.write(learner.judge, difference, given.better, actor=caller.actor)
    return difference_json(judged)


def rollout_json(view: RolloutView) -> Json:
    """A rollout with what was seen in it."""
    evidence = {**asdict(view.evidence), "reason": view.evidence.reason}
    return {
        "object": "seal.rollout",
        **asdict(view.rollout),
        "seen": asdict(view.counts),
        "evidence": evidence,
    }


def difference_json(one: Comparison) -> Json:
    return {"object": "seal.difference", **asdict(one), "id": str(one.id)}


def release_json(learner: Learner) -> Json:
    live, brake, rollouts = learner.live(), learner.brake(), learner.rollouts()
    told = [rollout_json(one) for one in rollouts]
    running = [one for one in told if one["state"] == "running"]
    return {
        "object": "seal.release",
        "live": None if live is None else version_json(live),
        "autonomy": learner.parts.config.autonomy,
        "brake": None if brake is None else asdict(brake),
        "rollout": running[0] if running else None,
        "past": [one for one in reversed(told) if one["state"] != "running"],
        "pushes": [asdict(one) for one in learner.pushes()],
    }


async def _changed(caller: Caller, verb: Callable[[Learner], object]) -> Json:
    """Does something about the rollout; what is live and tried then."""

    def done() -> Json:
        verb(caller.tenant.learner)
        return release_json(caller.tenant.learner)

    return await caller.tenant.write(done)
