"""`/v1/seal/versions`: what was released, what differs, and what a person decides about it."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask

from seal.learner import Learner
from seal.registry import Job, Version
from seal.service import apart
from seal.service.access import Caller
from seal.service.teaching.jobs_wire import job_json
from seal.service.teaching.wire import (
    AfterQuery,
    Approver,
    Auditor,
    Json,
    LimitQuery,
    ListPage,
    document_json,
    entry_json,
    page,
    version_json,
)

router = APIRouter(tags=["versions"])


class Reason(BaseModel):
    """Why; the ledger keeps it for good, so it should not quote documents."""

    model_config = ConfigDict(extra="forbid")

    reason: str = ""


class Rollback(Reason):
    version: str | None = None


@router.get("/v1/seal/versions")
async def list_versions(caller: Auditor, after: AfterQuery = None, limit: LimitQuery = 100) -> ListPage:
    """All versions in the order in which they were made."""
    learner = caller.tenant.learner
    told = await caller.tenant.read(lambda: [version_json(one) for one in learner.versions()])
    return page(told, after, limit)


@router.get("/v1/seal/versions/{version}")
async def show_version(version: str, caller: Auditor) -> Json:
    """A version with its documents, what the gates judged by, and what happened to it."""
    learner = caller.tenant.learner

    def shown() -> Json:
        record, live = learner.show(version), learner.live()
        return {
            **version_json(record.version),
            "documents": [document_json(one, live) for one in record.documents],
            "builds": [asdict(one) for one in record.builds],
            "report": record.report,
            "history": [entry_json(one) for one in record.history],
        }

    return await caller.tenant.read(shown)


@router.get("/v1/seal/versions/{version}/diff")
async def diff_versions(
    version: str,
    caller: Auditor,
    to: Annotated[str, Query(description="The other version; by default the live one.")] = "live",
) -> ListPage:
    """What one version knows that another does not, question by question."""
    learner = caller.tenant.learner

    def differing() -> list[Json]:
        names = {"before": learner.version(version).id, "after": learner.version(to).id}
        return apart.in_process(learner.path, "diff", **names)

    return ListPage(data=await caller.tenant.read(differing))


@router.post("/v1/seal/versions/{version}/approve")
async def approve_version(version: str, given: Reason, caller: Approver) -> Json:
    """Make a held version live. If another went live meanwhile, a job puts it on top of that one."""
    learner = caller.tenant.learner

    def approved() -> Json:
        made = learner.submit_approve(version, reason=given.reason, actor=caller.actor)
        return job_json(learner, made) if isinstance(made, Job) else version_json(made)

    return await caller.tenant.write(approved)


@router.post("/v1/seal/versions/{version}/reject")
async def reject_version(version: str, given: Reason, caller: Approver) -> Json:
    """Shut a version out for good."""
    return await _changed(caller, lambda own: own.reject(version, reason=given.reason, actor=caller.actor))


@router.post("/v1/seal/rollback")
async def roll_back(given: Rollback, caller: Approver) -> Json:
    """Make a version live that was live before; without one, that which the present one succeeded."""
    return await _changed(
        caller, lambda own: own.rollback(given.version, reason=given.reason, actor=caller.actor)
    )


@router.get("/v1/seal/versions/{version}/export", response_class=FileResponse)
async def export_version(
    version: str,
    caller: Approver,
    document: Annotated[str | None, Query(description="One document alone.")] = None,
    merged: Annotated[bool, Query(description="A whole model instead of a PEFT adapter.")] = False,
) -> Any:
    """A version as a zip file with a PEFT adapter, or with a whole model, that other servers load."""
    learner = caller.tenant.learner

    def exported() -> tuple[tempfile.TemporaryDirectory[str], Path]:
        name = learner.version(version).id
        only = None if document is None else learner.document(document).id
        folder = tempfile.TemporaryDirectory(prefix="seal-export-")
        try:
            made = Path(folder.name) / f"seal-{name[:12]}"
            told = {"version": name, "document": only, "merged": merged, "out": str(made)}
            apart.in_process(learner.path, "export", **told)
            return folder, zipped(made)
        except BaseException:
            folder.cleanup()
            raise

    folder, file = await caller.tenant.read(exported)
    return FileResponse(
        file,
        media_type="application/zip",
        filename=file.name,
        background=BackgroundTask(folder.cleanup),
    )


def zipped(folder: Path) -> Path:
    """A folder as a zip file beside it, with the folder's name before each file's. Weights do not get
    smaller, so that nothing is packed."""
    out = folder.with_suffix(".zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder.parent))
    return out


async def _changed(caller: Caller, verb: Callable[[Learner], Version]) -> Json:
    return version_json(await caller.tenant.write(verb, caller.tenant.learner))
