"""What learning has cost and brought, version by version: what new documents gave, what was forgotten of the
earlier ones, how far the model has moved from its base, and how large it is.

Reads what the gates judged by; nothing is measured anew. A version whose report was erased with a document
that was forgotten has no figures but its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seal.learner import Learner
from seal.learner.measuring import WHEN_LEARNED
from seal.learner.showing import report_of
from seal.registry import LIVE, Build, Version
from seal.service.dashboard.standing import n_right
from seal.service.teaching.wire import Json

_OF_BASE = "what the base knows"
_PARTS = {"right": "candidate", "right_before": "reference"}


def progress_json(learner: Learner) -> list[Json]:
    """Every version that was live, in the order in which they were made."""
    sizes: dict[str, int] = {}
    documents = {d.id for d in learner.documents()}
    went_live = [v for v in learner.versions() if v.state == "live-once" or LIVE in v.aliases]
    return [_step(learner, version, documents, sizes) for version in went_live]


def _step(learner: Learner, version: Version, documents: set[str], sizes: dict[str, int]) -> Json:
    told = report_of(learner.workspace, version)
    report: Mapping[str, Any] = told.get("report", {}) if isinstance(told, Mapping) else {}
    builds = [learner.workspace.build(key) for key in version.builds]
    return {
        "version": version.id,
        "sequence": version.sequence,
        "at": version.created_at,
        "live": LIVE in version.aliases,
        "documents": len(version.documents),
        "adapters": len(builds),
        "bytes": sum(_size(learner, build, sizes) for build in builds),
        "new": _share(report.get("documents", ())),
        "earlier": _earlier(report, documents),
        "known_to_base": _share([e for e in report.get("retained", ()) if e["name"] == _OF_BASE]),
        "drift_nats": report.get("drift_nats"),
    }


def _earlier(report: Mapping[str, Any], documents: set[str]) -> Json | None:
    """The exams of all earlier documents, beside how they were answered when each was learned."""
    found = [e for e in report.get("retained", ()) if e["reference_name"] == WHEN_LEARNED]
    own = [{item for item, of in e["clusters"].items() if of in documents} for e in found]
    exams = [
        {part: {item: e[part][item] for item in items} for part in ("candidate", "reference")}
        for e, items in zip(found, own, strict=True)
    ]
    return _share(exams)


def _share(exams: Sequence[Mapping[str, Any]]) -> Json | None:
    """Right answers of graded questions, of the version and of what it was compared with."""
    graded = [value for exam in exams for value in exam["candidate"].values() if value is not None]
    if not graded:
        return None
    right = {name: sum(n_right(exam[part]) for exam in exams) for name, part in _PARTS.items()}
    return {"questions": len(graded), **right}


def _size(learner: Learner, build: Build, sizes: dict[str, int]) -> int:
    """The bytes of an adapter's files as they are stored."""
    if build.erased:
        return 0
    if build.object not in sizes:
        sizes[build.object] = sum(m.size_bytes for m in learner.workspace.store.members(build.object))
    return sizes[build.object]
