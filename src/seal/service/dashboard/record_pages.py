"""The ledger with its verification, and the keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from seal.registry import AccessKey
from seal.registry.ledger import verify
from seal.service.access import Caller, Role
from seal.service.access.making import make_key
from seal.service.dashboard.frame import page_router, shown, to, twins
from seal.service.dashboard.standing import titles
from seal.service.problems import invalid
from seal.service.state import ServiceDep
from seal.service.teaching.admin_routes import revoked
from seal.service.teaching.wire import Admin, Auditor, Json, entry_json

router: APIRouter = page_router()
_A_PAGE = 100


@twins(router, "/ledger")
async def ledger(
    request: Request,
    caller: Auditor,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    anchor: Annotated[str, Query(pattern="^([0-9a-f]{64})?$")] = "",
    everything: bool = False,
) -> Response:
    """Who did what, when and why, the latest first, and whether the chain holds"""
    learner = caller.tenant.learner

    def told() -> Json:
        every = learner.ledger()
        found = [one for one in every if before is None or one.sequence < before][-_A_PAGE:]
        if everything:
            audit = learner.audit(anchor=anchor or None)
            check, problems, n_objects = audit.ledger, list(audit.problems), audit.n_objects
        else:
            check, problems, n_objects = verify(every, anchor or None), [], None
        return {
            "entries": [entry_json(one) for one in reversed(found)],
            "older": found[0].sequence if found and found[0].sequence > 1 else None,
            "check": {"sound": check.sound and not problems, "problems": problems, "n_objects": n_objects}
            | {"ledger": asdict(check)},
            "anchor": anchor,
            "titles": titles(learner),
        }

    return shown(request, caller, "ledger", await caller.tenant.read(told))


@twins(router, "/keys")
async def keys(request: Request, caller: Admin) -> Response:
    """All keys of this tenant, without their secrets"""
    return shown(request, caller, "keys", await caller.tenant.read(_keys, caller, None))


@router.post("/keys")
async def create_key(
    request: Request,
    caller: Admin,
    name: Annotated[str, Form(min_length=1, max_length=100)],
    roles: Annotated[list[Role], Form(min_length=1)],
    days: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Make a key, which is shown this once"""
    holds = _days(days)

    def made() -> Json:
        tenant = caller.tenant
        record, secret = make_key(
            tenant.learner.workspace, tenant.name, name=name, roles=roles, days=holds, actor=caller.actor
        )
        return _keys(caller, {"name": record.name, "id": record.id, "key": str(secret)})

    return shown(request, caller, "keys", await caller.tenant.write(made), 201)


@router.post("/keys/{key}/revoke")
async def revoke_key(key: str, caller: Admin, service: ServiceDep) -> Response:
    """End a key at once"""
    await revoked(key, caller, service)
    return to("/keys", "revoked")


def _days(text: str) -> float | None:
    """For how long a key holds; None if nothing was said. Raises Problem (400) for what is no number."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise invalid(f"{text!r} is no number of days", "days") from None


def _keys(caller: Caller, made: Json | None) -> Json:
    workspace = caller.tenant.learner.workspace
    now, there = workspace.clock.now(), workspace.access_keys()
    return {
        "keys": [_key(one, now) | {"own": one.id == caller.key} for one in there],
        "made": made,
        "roles": [str(role) for role in Role],
    }


def _key(key: AccessKey, now: str) -> Json:
    state = "revoked" if key.revoked_at else "holds" if key.valid_at(now) else "expired"
    return asdict(key) | {"state": state}
