"""The first page, the brake, signing in and out, and the files that pages are made with."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse

from seal.registry import LIVE, LedgerEntry, Version, Workspace
from seal.service.access import open_to_all
from seal.service.dashboard.frame import HERE, page_router, places_of, shown, signing_in, to, twins
from seal.service.dashboard.sessions import own_path, sign_in, sign_out
from seal.service.dashboard.standing import standings, titles
from seal.service.hosting import Tenant
from seal.service.problems import Problem
from seal.service.state import ServiceDep
from seal.service.teaching.jobs_wire import job_json
from seal.service.teaching.wire import Approver, Auditor, Json, entry_json, version_json

router: APIRouter = page_router()
_RECENT = 8
_LOOKED_AT = 500
_WRONG = "This key is not valid: it is mistyped, was revoked, or does not hold any more."
_KEPT_S = 86_400


@twins(router, "/")
async def overview(request: Request, caller: Auditor) -> Response:
    """What is live and since when, what waits, and whether studying is stopped"""
    return shown(request, caller, "overview", await caller.tenant.read(_overview, caller.tenant))


@router.post("/brake")
async def set_brake(
    caller: Approver, on: Annotated[bool, Form()], reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Stop all studying, or let it go on"""
    learner = caller.tenant.learner
    verb = learner.pull_brake if on else learner.release_brake
    await caller.tenant.read(verb, reason=reason, actor=caller.actor)
    return to("/", "stopped" if on else "released")


@router.get("/sign-in", dependencies=[open_to_all()])
async def ask_for_key(request: Request) -> Response:
    """The page to sign in with a key"""
    return signing_in(request, {"then": "/", "wrong": ""})


@router.post("/sign-in", dependencies=[open_to_all()])
async def begin_session(
    request: Request,
    service: ServiceDep,
    key: Annotated[str, Form(max_length=200)] = "",
    then: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Sign in"""
    given, wanted = key.strip(), own_path(then)
    try:
        caller = await service.access.recognise(request, given)
    except Problem as problem:
        if problem.status != 401:
            raise
        return signing_in(request, {"then": wanted, "wrong": _WRONG}, 401)
    places = places_of(caller.roles)
    first = places[0].path if places else "/"
    answer = to(first if wanted == "/" else wanted)
    sign_in(request, answer, given)
    return answer


@router.post("/sign-out", dependencies=[open_to_all()])
async def end_session() -> Response:
    """Sign out"""
    answer = to("/sign-in")
    sign_out(answer)
    return answer


@router.get("/dashboard.css", dependencies=[open_to_all()])
async def style() -> Response:
    """How pages look"""
    return _file("dashboard.css", "text/css")


@router.get("/dashboard.js", dependencies=[open_to_all()])
async def script() -> Response:
    """Reloads what has changed on a page"""
    return _file("dashboard.js", "text/javascript")


@router.get("/dashboard.svg", dependencies=[open_to_all()])
async def icon() -> Response:
    """The sign in a browser's tab"""
    return _file("dashboard.svg", "image/svg+xml")


def _file(name: str, media_type: str) -> Response:
    return FileResponse(
        HERE / "static" / name, media_type=media_type, headers={"Cache-Control": f"max-age={_KEPT_S}"}
    )


def _overview(tenant: Tenant) -> Json:
    learner = tenant.learner
    live, brake, jobs = learner.live(), learner.brake(), learner.jobs()
    found = standings(learner)
    held = [version_json(v) for v in learner.versions() if v.state == "held"]
    waiting = [job_json(learner, j) for j in jobs if j.state in ("queued", "running")]
    for one in waiting:
        events = learner.job_events(int(one["id"].removeprefix("ftjob-")))
        one["seal"]["said"] = events[-1].message if events else ""
    head = learner.workspace.head()
    recent = learner.workspace.ledger(after=max(0, head - _RECENT))
    return {
        "model": learner.workspace.settings()["model"],
        "answers": tenant.ready,
        "failure": tenant.failure.message if tenant.failure else "",
        "live": None if live is None else version_json(live) | {"since": _since(learner.workspace, live)},
        "documents": dict(Counter(one.state for one in found.values())),
        "waiting": waiting,
        "held": held,
        "held_corrections": learner.n_feedback(held=True),
        "brake": None if brake is None else asdict(brake),
        "recent": [entry_json(one) for one in reversed(recent)],
        "titles": titles(learner),
    }


def _since(workspace: Workspace, live: Version) -> str:
    """When a version went live last."""
    before = workspace.head()
    while before > 0:
        entries = workspace.ledger(after=max(0, before - _LOOKED_AT), most=min(before, _LOOKED_AT))
        moved = next((e.time for e in reversed(entries) if _made_live(e, live)), None)
        if moved is not None:
            return moved
        before -= _LOOKED_AT
    return live.created_at


def _made_live(entry: LedgerEntry, live: Version) -> bool:
    told = entry.action == "alias.move" and entry.inputs.get("name") == LIVE
    return told and entry.outputs.get("after") == live.id
