"""Versions: which are live, held or rejected and why, what a person decides, what differs between two, and
what learning has cost and brought."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from seal.learner import Learner
from seal.registry import LIVE, Job, Version
from seal.service import apart
from seal.service.access import Caller
from seal.service.dashboard.frame import ReasonField, page_router, pages_of, part_of, shown, to, twins
from seal.service.dashboard.progress import progress_json
from seal.service.dashboard.standing import exams_json, findings_json, titles
from seal.service.teaching.wire import (
    Approver,
    Auditor,
    Json,
    document_json,
    entry_json,
    job_id,
    version_json,
)

router: APIRouter = page_router()


@twins(router, "/versions")
async def versions(request: Request, caller: Auditor, page: int = 1) -> Response:
    """All versions, the latest first, those that are held for a person before them"""
    learner = caller.tenant.learner

    def told() -> Json:
        every = list(reversed(learner.versions()))
        live = learner.live()
        listed = {
            "live": None if live is None else live.id,
            "held": [_held(learner, one) for one in every if one.state == "held"],
            "versions": [version_json(one) for one in part_of(every, page)],
        }
        return listed | pages_of(len(every), page)

    return shown(request, caller, "versions", await caller.tenant.read(told))


@twins(router, "/versions/{version}/diff")
async def diff(
    request: Request, caller: Auditor, version: str, to: str = LIVE, answers: bool = False
) -> Response:
    """What differs between two versions: their documents, and, if it is asked for, their answers"""
    learner = caller.tenant.learner

    def told() -> Json:
        first, second = learner.version(version), learner.version(to)
        told = _differing(learner, first, second)
        if answers:
            names = {"before": first.id, "after": second.id}
            told["changes"] = apart.in_process(learner.path, "diff", **names)
        return told

    return shown(request, caller, "diff", await caller.tenant.read(told))


@twins(router, "/versions/{version}")
async def version(request: Request, caller: Auditor, version: str) -> Response:
    """One version: what it knows, what the gates said of it, and what happened to it"""
    told = await caller.tenant.read(_version, caller.tenant.learner, version)
    return shown(request, caller, "version", told)


@router.post("/versions/{version}/approve")
async def approve(version: str, caller: Approver, reason: ReasonField = "") -> Response:
    """Make a held version live"""
    learner = caller.tenant.learner
    made = await caller.tenant.write(learner.submit_approve, version, reason=reason, actor=caller.actor)
    if isinstance(made, Job):
        return to(f"/jobs/{job_id(made.id)}", "queued")
    return to(f"/versions/{made.id}", "approved")


@router.post("/versions/{version}/reject")
async def reject(version: str, caller: Approver, reason: ReasonField = "") -> Response:
    """Shut a version out for good"""
    return await _decided(
        caller, lambda own: own.reject(version, reason=reason, actor=caller.actor), "rejected"
    )


@router.post("/versions/{version}/restore")
async def restore(version: str, caller: Approver, reason: ReasonField = "") -> Response:
    """Make a version live again that was live before"""
    return await _decided(
        caller, lambda own: own.rollback(version, reason=reason, actor=caller.actor), "rolled-back"
    )


@twins(router, "/memory")
async def memory(request: Request, caller: Auditor) -> Response:
    """Forgetting and plasticity over time, version by version"""
    steps = await caller.tenant.read(progress_json, caller.tenant.learner)
    return shown(request, caller, "memory", {"steps": steps})


async def _decided(caller: Caller, verb: Callable[[Learner], Version], done: str) -> Response:
    made = await caller.tenant.write(verb, caller.tenant.learner)
    return to(f"/versions/{made.id}", done)


def _names(learner: Learner, documents: tuple[str, ...]) -> dict[str, str]:
    """What reports call documents, by what people do; an erased one keeps the name of the report."""
    called = titles(learner)
    return {f"document {key[:12]}": called[key] for key in documents if called.get(key)}


def _held(learner: Learner, one: Version) -> Json:
    record = learner.show(one.id)
    names = _names(learner, one.documents)
    findings = [f for f in findings_json(record.report, names, one.id) if f["judgement"] != "pass"]
    parent = set(learner.version(one.parent).documents) if one.parent else set()
    new = [document_json(d, None) for d in record.documents if d.id not in parent]
    return version_json(one) | {"findings": findings, "new": new, "reason": record.reason}


def _version(learner: Learner, name: str) -> Json:
    record, live = learner.show(name), learner.live()
    names = _names(learner, record.version.documents)
    return {
        "version": version_json(record.version),
        "live": None if live is None else live.id,
        "documents": [document_json(one, live) for one in record.documents],
        "findings": findings_json(record.report, names, record.version.id),
        "exams": list(exams_json(record.report, names)),
        "reported": record.report is not None,
        "reason": record.reason,
        "titles": titles(learner),
        "history": [entry_json(one) for one in reversed(record.history)],
    }


def _differing(learner: Learner, first: Version, second: Version) -> Json:
    """What can be told without asking anything."""
    known = {d.id: d for d in learner.documents()}
    live = learner.live()

    def those(keys: set[str]) -> list[Json]:
        return [document_json(known[key], live) for key in sorted(keys, key=lambda k: known[k].sequence)]

    before, after = set(first.documents), set(second.documents)
    rebuilt = {key for key in before & after if _build(learner, first, key) != _build(learner, second, key)}
    return {
        "before": version_json(first),
        "after": version_json(second),
        "added": those(after - before),
        "removed": those(before - after),
        "rebuilt": those(rebuilt),
        "changes": None,
        "others": [version_json(v) for v in reversed(learner.versions()) if not v.erased],
    }


def _build(learner: Learner, version: Version, document: str) -> str | None:
    """The adapter of a document in a version."""
    builds = (learner.workspace.build(key) for key in version.builds)
    return next((one.object for one in builds if one.recipe.get("document") == document), None)
