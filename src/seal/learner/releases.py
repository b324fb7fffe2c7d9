"""What a study releases, and how it is recorded: builds, a version in the state that was decided, the alias,
and the end of the job, in one transaction.

Knows nothing about how documents were compiled, examined or judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from seal.gates import Concern, Conflict, Decision, Exam, Report, passed
from seal.gates.report import recorded
from seal.learner.answering import Cell
from seal.learner.compiling import Compiled
from seal.learner.conflicts import Retirement
from seal.learner.documents import DocumentOutcome, Learned
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.learner.rolling_out import ACTOR, begin
from seal.learner.writing import FOR_EXAM
from seal.registry import LIVE, Lease, Version
from seal.self_edits.ground import SAID_BEFORE

_STATES = {"live": "live-once", "held": "held", "rejected": "rejected"}


@dataclass(frozen=True)
class Candidate:
    """A document that was compiled, with all that the gates judge of it alone.

    `retired` is what it replaces of older documents; `by` are the newer ones that replace something of it.
    """

    known: KnownDocument
    cell: Cell
    retired: tuple[Retirement, ...]
    concerns: tuple[Concern, ...]
    conflicts: tuple[Conflict, ...]
    exam: Exam
    by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.known.document.id

    @property
    def report(self) -> Report:
        written = [line for line in self.known.lines if line.reason != SAID_BEFORE]
        return Report(
            documents=(self.exam,),
            lines_written=len(written),
            lines_kept=sum(line.kept or line.reason == FOR_EXAM for line in written),
            concerns=self.concerns,
            conflicts=self.conflicts,
        )


@dataclass(frozen=True)
class Rebuilt:
    """An older document without the lines that newer ones, `by`, replace: what is left of it, and its
    cell."""

    known: KnownDocument
    cell: Cell
    by: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """A version to be: its documents' builds, and what the gates decided."""

    candidates: tuple[Candidate, ...]
    report: Report
    decision: Decision
    rebuilt: Mapping[str, Rebuilt]


@dataclass(frozen=True)
class StudyResult:
    """All that came of a study: what was compiled, what is released, what failed, and what waits for the next
    study."""

    compiled: Sequence[Compiled]
    releases: Sequence[Release]
    failed: Sequence[Learned]
    waiting: Sequence[str]


def commit(parts: Parts, lease: Lease, live: Version | None, outcome: StudyResult) -> list[Learned]:
    """Records all of it together with the end of the job; returns what became of each document.

    Raises StaleLeaseError if another worker took over.
    """
    library, workspace = parts.library, parts.workspace
    objects: dict[str, str] = {}
    for release in outcome.releases:
        for cell in [c.cell for c in release.candidates] + [one.cell for one in release.rebuilt.values()]:
            if cell.object not in objects:
                objects[cell.object] = library.put(cell)
    learned = {one.document: one for one in outcome.failed}
    with workspace.transaction(lease=lease):
        for one in outcome.compiled:
            library.record(one.document, one.lines, one.exam)
        for proposed in outcome.releases:
            release = _first_to_be_live(parts, proposed, live)
            version, live = _record(parts, release, live, objects)
            for candidate in release.candidates:
                learned[candidate.id] = _told(candidate, release, version, learned.get(candidate.id))
        told = {key: asdict(one) | {"title": ""} for key, one in learned.items()}
        waiting = list(outcome.waiting)
        then = workspace.enqueue("study", {"documents": waiting}).id if waiting else None
        if not waiting and all(one.outcome in ("live", "read") for one in learned.values()):
            for older in lease.inputs.get("supersedes", ()):
                workspace.enqueue("forget", {"forget": older}, reason="superseded")
        workspace.finish(lease, {"documents": told, "then": then})
    return list(learned.values())


def _record(
    parts: Parts, release: Release, live: Version | None, objects: Mapping[str, str]
) -> tuple[Version, Version | None]:
    """The version of a release, in the state that was decided; and the version that is then live."""
    library, workspace = parts.library, parts.workspace
    builds = {str(workspace.build(key).recipe["document"]): key for key in (live.builds if live else ())}
    for candidate in release.candidates:
        object = objects[candidate.cell.object]
        builds[candidate.id] = library.add_build(candidate.known, object, candidate.by).key
    for key, one in release.rebuilt.items():
        builds[key] = library.add_build(one.known, objects[one.cell.object], one.by).key
    version = _version(parts, release, sorted(builds.values()), live)
    outcome, reason = release.decision.outcome, release.decision.reason
    if outcome == "live":
        return (live := workspace.move_alias(LIVE, version.id, reason=reason)), live
    if version.state == "candidate":
        set_aside = workspace.hold if outcome == "held" else workspace.reject
        version = set_aside(version.id, reason=reason)
        if _to_be_tried(parts, release) and workspace.rollout() is None:
            begin(workspace, parts.config.rollout, version.id, "canary", reason=reason, actor=ACTOR)
    return version, live


def _to_be_tried(parts: Parts, release: Release) -> bool:
    """Whether a release that is held is so to be tried beside the live version."""
    decision = release.decision
    return parts.config.autonomy == "canary" and decision.outcome == "held" and passed(decision)


def _first_to_be_live(parts: Parts, release: Release, live: Version | None) -> Release:
    """The release as it is; one that is to be tried goes live if there is nothing to try it beside."""
    if live is not None or not _to_be_tried(parts, release):
        return release
    reason = "all gates passed; nothing was live to try it beside"
    return replace(release, decision=replace(release.decision, outcome="live", reason=reason))


def _version(parts: Parts, release: Release, builds: Sequence[str], live: Version | None) -> Version:
    """The version of these builds, new or as it was decided before. One that was rejected by a person or
    erased since, or that is in another state for another reason, is never left: it is made once more.
    """
    wanted = ("candidate", _STATES[release.decision.outcome])
    again = 0
    while True:
        report = json.dumps(report_json(release.report, release.decision, again)).encode()
        version = parts.workspace.add_version(
            base=parts.library.base,
            builds=builds,
            parent=None if live is None else live.id,
            settings=parts.version_settings,
            report=parts.workspace.store.put_bytes(report),
            reason=release.decision.reason,
        )
        if version.state in wanted and not version.erased:
            return version
        again += 1


def report_json(report: Report, decision: Decision, again: int = 0) -> dict[str, Any]:
    """What was measured and decided, without a word of any document; `again`: how often it was before."""
    told = {"report": recorded(report), "decision": asdict(decision)}
    return told | ({"again": again} if again else {})


def live_of(releases: Sequence[Release]) -> list[Candidate]:
    """The documents of the releases that go live."""
    return [c for r in releases if r.decision.outcome == "live" for c in r.candidates]


def _told(candidate: Candidate, release: Release, version: Version, refused: Learned | None) -> Learned:
    """`refused`: the same document with its cell, if it is to be read instead."""
    own = candidate.exam
    outcome: DocumentOutcome = release.decision.outcome
    reason = release.decision.reason
    if refused is not None:
        outcome = "read" if outcome == "live" else outcome
        reason = f"it can only be read: {refused.reason}"
    return Learned(
        document=candidate.id,
        title=candidate.known.document.title,
        outcome=outcome,
        reason=reason,
        version=version.id,
        lines_kept=candidate.report.lines_kept,
        lines_written=candidate.report.lines_written,
        before=sum(v == 1 for v in own.reference.values()),
        after=sum(v == 1 for v in own.candidate.values()),
        questions=len(own.candidate),
        supersedes=tuple(r.older for r in candidate.retired),
    )
