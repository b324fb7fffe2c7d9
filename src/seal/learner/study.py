"""A study: documents come in, and what passes every gate goes live. Read this first.

screen → write → ground → train → examine → gates → a version, live or held or rejected. Documents that a gate
stops do not stop the others: each of them becomes a version of its own, for a person to see. All that came of
a study is committed in one transaction, with the end of its job. A document that contradicts another one of
its study waits for the next study, which sees what became of that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from seal.domains.knowledge.screen import screen
from seal.gates import Concern, Conflict, Decision, Exam, Report, decide
from seal.gates.rules import acquisition, consistency, groundedness, screening
from seal.learner.answering import Cell
from seal.learner.compiling import FOR_EXAM, Compiled, compile_all
from seal.learner.conflicts import Retirement, against_base, pairs_of, unasked
from seal.learner.library import KnownDocument
from seal.learner.measuring import (
    denials,
    drift_nats,
    exam,
    exam_items,
    honesty,
    leaks,
    memorised,
    retained,
    when_learned,
)
from seal.learner.replacing import positions_of, rebuild, replaced
from seal.registry import LIVE, Lease, Version
from seal.self_edits.ground import SAID_BEFORE

if TYPE_CHECKING:
    from seal.learner.learner import Learner

DocumentOutcome = Literal["live", "held", "rejected", "known"]
_STATES = {"live": "live-once", "held": "held", "rejected": "rejected"}
_ALONE = (screening, groundedness, consistency, acquisition)


@dataclass(frozen=True)
class Learned:
    """What became of a document, and why. `before` and `after` are its exam's right answers of
    `questions`.
    """

    document: str
    title: str
    outcome: DocumentOutcome
    reason: str
    version: str | None = None
    lines_kept: int = 0
    lines_written: int = 0
    before: int = 0
    after: int = 0
    questions: int = 0
    supersedes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A document that was compiled, with all that the gates judge of it alone."""

    known: KnownDocument
    compiled: Compiled
    cell: Cell
    retired: tuple[Retirement, ...]
    concerns: tuple[Concern, ...]
    conflicts: tuple[Conflict, ...]
    exam: Exam
    by: tuple[str, ...] = ()

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
class _Release:
    """A version to be: its documents' builds, and what the gates decided."""

    candidates: tuple[_Candidate, ...]
    report: Report
    decision: Decision
    rebuilt: Mapping[str, tuple[KnownDocument, Cell, tuple[str, ...]]]


class Study:
    """One study of one learner, on top of its live version."""

    def __init__(self, learner: Learner, documents: Sequence[str]) -> None:
        self.learner, self.workspace = learner, learner.workspace
        self.documents = sorted(documents, key=lambda key: self.workspace.document(key).sequence)
        self.live = self.workspace.alias(LIVE)
        self.before = learner.library.of_version(self.live)
        self.parent, self.base = learner.mind(self.live), learner.bare_mind()
        self.learned = self._when_learned()
        self._made: dict[tuple[str, tuple[int, ...]], tuple[KnownDocument, Cell]] = {}

    def _when_learned(self) -> dict[str, float | None]:
        """The outcomes of the live documents' exams when each of them was learned."""
        live, store = self.live, self.workspace.store
        if live is None or live.report is None or live.erased:
            return {}
        return when_learned(json.loads(store.read(live.report))["report"])

    def run(self, lease: Lease) -> list[Learned]:
        """Compiles, examines, decides and commits. Raises StaleLeaseError if another worker took over."""
        compiled = self._compile()
        failed = [
            Learned(one.document, one.title, "rejected", one.failed, None, 0, len(one.lines))
            for one in compiled
            if one.failed
        ]
        sound, waiting = self._apart([one for one in compiled if not one.failed])
        candidates = [self._candidate(one, known) for one, known in sound]
        self.learner.watch.progress("examining what was learned", 0, 1)
        candidates = self._examine(candidates)
        releases = self._releases(candidates)
        self.learner.watch.progress("recording", 0, 1)
        return self._commit(lease, compiled, releases, failed, waiting)

    def _compile(self) -> list[Compiled]:
        learner = self.learner
        sources = [learner.library.source(self.workspace.document(key)) for key in self.documents]
        settings = self.workspace.settings()
        return compile_all(
            learner.compiler,
            sources,
            model=settings["model"],
            writer=settings["writer"],
            processes=learner.processes,
            on_progress=lambda done, n: learner.watch.progress("writing, grounding and training", done, n),
        )

    def _apart(self, compiled: Sequence[Compiled]) -> tuple[list[tuple[Compiled, KnownDocument]], list[str]]:
        """Documents that have nothing to do with one another, and those that contradict one before them."""
        sound: list[tuple[Compiled, KnownDocument]] = []
        earlier: list[KnownDocument] = []
        waiting: list[str] = []
        for one in compiled:
            record = self.workspace.document(one.document)
            given = self.learner.library.exam(record.id, "given")
            known = KnownDocument(record, self.workspace.text(record.id), one.lines, given or one.exam)
            if replaced(self.learner, known, earlier):
                waiting.append(record.id)
            else:
                sound.append((one, known))
            earlier.append(known)
        return sound, waiting

    def _candidate(self, compiled: Compiled, known: KnownDocument) -> _Candidate:
        learner, record, text = self.learner, known.document, known.text
        assert compiled.adapter is not None
        cell = Cell(record.id, f"new/{record.id}", compiled.adapter, known.entry())
        # It may be older than what is live, where it was held or rolled back before.
        by = [r for newer in self.before.values() for r in replaced(learner, newer, [known])]
        if by:
            known, cell = rebuild(learner, known, positions_of(by))
        # A near-copy by a source of no less trust is an update: what it contradicts, it supersedes.
        above = {k: o.text for k, o in self.before.items() if o.document.trust > record.trust}
        concerns = tuple(
            Concern(record.id, flag.action, flag.reason)
            for flag in screen(record.title, text, self.learner.config.screen, known=above)
        )
        asked = [question for question, _ in pairs_of(known.lines, known.exam)]
        near = {key for route in self.parent.route(asked) for key in route}
        retired = tuple(replaced(learner, known, self.before.values()))
        near |= {retirement.older for retirement in retired}
        older = [other for key, other in self.before.items() if key in near]
        conflicts = [*self._conflicts(known, older, retired)]
        conflicts.append(against_base(known, self.base, self.learner.config.sure))
        empty = Exam(f"document {record.id[:12]}", "the live version", {}, {})
        older_than = tuple(sorted(r.newer for r in by))
        return _Candidate(known, compiled, cell, retired, concerns, tuple(conflicts), empty, older_than)

    def _conflicts(
        self, known: KnownDocument, older: Sequence[KnownDocument], retired: Sequence[Retirement]
    ) -> list[Conflict]:
        """With documents that it contradicts, or that are trusted more and that not all was compared with."""
        found = {r.older: (r.contradicted, r.questions) for r in retired}
        n_unasked = unasked(known)
        conflicts = []
        for other in older:
            key, less = other.document.id, known.document.trust < other.document.trust
            if key in found or (less and n_unasked):
                conflicts.append(
                    Conflict(known.document.id, key, *found.get(key, (0, 0)), less, unasked=n_unasked)
                )
        return conflicts

    def _examine(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        """Each document's own exam, before and after, all together."""
        cells = {c.known.document.id: c.cell for c in candidates}
        mind = self.parent.with_cells(
            cells | {k: cell for k, (_, cell, _) in self._rebuilt(candidates).items()}
        )
        mind.ask([i.question for c in candidates for i in exam_items(c.known)])
        return [
            replace(
                c,
                exam=exam(
                    f"document {c.known.document.id[:12]}",
                    "the live version",
                    mind,
                    self.parent,
                    exam_items(c.known),
                    memorised(c.known),
                ),
            )
            for c in candidates
        ]

    def _releases(self, candidates: Sequence[_Candidate]) -> list[_Release]:
        """What is released together, and what each document that a gate stops would be on top of that."""
        config = self.learner.config.gates
        sound = [
            c
            for c in candidates
            if all(f.judgement == "pass" for gate in _ALONE for f in gate(c.report, config))
        ]
        others = [c for c in candidates if c not in sound]
        releases: list[_Release] = []
        if sound:
            together = self._release(sound, [])
            if together.decision.outcome == "rejected" and len(sound) > 1:
                for candidate in sound:  # one of them does harm: the others need not wait for it
                    releases.append(self._release([candidate], _live(releases)))
            else:
                releases.append(together)
        on_top = _live(releases)
        return releases + [self._release([candidate], on_top) for candidate in others]

    def _release(self, candidates: Sequence[_Candidate], on_top: Sequence[_Candidate]) -> _Release:
        learner, base = self.learner, self.base
        parent = self.parent.with_cells({c.known.document.id: c.cell for c in on_top})
        rebuilt = self._rebuilt([*on_top, *candidates])
        cells = {c.known.document.id: c.cell for c in candidates}
        mind = parent.with_cells(cells | {key: cell for key, (_, cell, _) in rebuilt.items()})
        before = {**self.before, **{c.known.document.id: c.known for c in on_top}}
        before |= {key: known for key, (known, _, _) in rebuilt.items() if key in before}
        report = Report(
            documents=tuple(c.exam for c in candidates),
            retained=retained(mind, parent, base, before, learner.reference, self._learned(on_top)),
            honesty=honesty(
                mind,
                base,
                {c.known.document.id: c.known.document.title for c in candidates},
                learner.reference,
            ),
            drift_nats=drift_nats(mind, base, [i for i in learner.reference if i.kind != "private"]),
            lines_written=sum(c.report.lines_written for c in candidates),
            lines_kept=sum(c.report.lines_kept for c in candidates),
            leaks=leaks(mind, [c.known for c in candidates]),
            denials=denials(mind, parent, [c.known for c in candidates], learner.config.ground.words),
            concerns=tuple(concern for c in candidates for concern in c.concerns),
            conflicts=tuple(conflict for c in candidates for conflict in c.conflicts),
        )
        decision = decide(report, learner.config.gates, autonomy=learner.config.autonomy)
        return _Release(tuple(candidates), report, decision, rebuilt)

    def _learned(self, on_top: Sequence[_Candidate]) -> dict[str, float | None]:
        """The same, with those of this study that are live already."""
        return self.learned | {key: value for c in on_top for key, value in c.exam.candidate.items()}

    def _rebuilt(
        self, candidates: Sequence[_Candidate]
    ) -> dict[str, tuple[KnownDocument, Cell, tuple[str, ...]]]:
        """Cells of documents of which newer ones replace lines, trained anew without these."""
        by_older: dict[str, list[Retirement]] = {}
        for candidate in candidates:
            for retirement in candidate.retired:
                by_older.setdefault(retirement.older, []).append(retirement)
        rebuilt = {}
        for key, found in by_older.items():
            known = self.before[key]
            earlier = self.workspace.build(known.build).sources
            by = sorted({r.newer for r in found} | {s for s in earlier if s != key})
            positions = sorted({p for r in found for p in r.positions} | set(known.retired))
            name = (key, tuple(positions))
            if name not in self._made:
                self._made[name] = rebuild(self.learner, known, positions)
            rebuilt[key] = (*self._made[name], tuple(by))
        return rebuilt

    def _commit(
        self,
        lease: Lease,
        compiled: Sequence[Compiled],
        releases: Sequence[_Release],
        learned: list[Learned],
        waiting: Sequence[str],
    ) -> list[Learned]:
        library, workspace = self.learner.library, self.workspace
        objects: dict[str, str] = {}
        for release in releases:
            cells = [c.cell for c in release.candidates] + [cell for _, cell, _ in release.rebuilt.values()]
            for cell in cells:
                if cell.object not in objects:
                    objects[cell.object] = library.put(cell)
        with workspace.transaction(lease=lease):
            for one in compiled:
                library.record(one)
            live = self.live
            for release in releases:
                version, live = self._record(release, live, objects)
                learned += [_told(c, release, version) for c in release.candidates]
            told = {one.document: asdict(one) | {"title": ""} for one in learned}
            then = workspace.enqueue({"documents": list(waiting)}).id if waiting else None
            workspace.finish(lease, {"documents": told, "then": then})
        return learned

    def _record(
        self, release: _Release, live: Version | None, objects: Mapping[str, str]
    ) -> tuple[Version, Version | None]:
        """The version of a release, in the state that was decided; and the version that is then live."""
        library, workspace = self.learner.library, self.workspace
        builds = {str(workspace.build(key).recipe["document"]): key for key in (live.builds if live else ())}
        for candidate in release.candidates:
            key = candidate.known.document.id
            object = objects[candidate.cell.object]
            builds[key] = library.add_build(candidate.known, object, candidate.by).key
        for key, (known, cell, by) in release.rebuilt.items():
            builds[key] = library.add_build(known, objects[cell.object], by).key
        version = self._version(release, sorted(builds.values()), live)
        outcome, reason = release.decision.outcome, release.decision.reason
        if outcome == "live":
            return (live := workspace.move_alias(LIVE, version.id, reason=reason)), live
        if version.state == "candidate":
            set_aside = workspace.hold if outcome == "held" else workspace.reject
            version = set_aside(version.id, reason=reason)
        return version, live

    def _version(self, release: _Release, builds: Sequence[str], live: Version | None) -> Version:
        """The version of these builds, new or as it was decided before. One that was rejected by a person or
        erased since, or that is in another state for another reason, is never left: it is made once more.
        """
        wanted = ("candidate", _STATES[release.decision.outcome])
        again = 0
        while True:
            report = json.dumps(report_json(release.report, release.decision, again)).encode()
            version = self.workspace.add_version(
                base=self.learner.library.base,
                builds=builds,
                parent=None if live is None else live.id,
                settings=self.learner.version_settings,
                report=self.workspace.store.put_bytes(report),
                reason=release.decision.reason,
            )
            if version.state in wanted and not version.erased:
                return version
            again += 1


def report_json(report: Report, decision: Decision, again: int = 0) -> dict[str, Any]:
    """What was measured and decided, without a word of any document; `again`: how often it was before."""
    told = {"report": asdict(report), "decision": asdict(decision)}
    return told | ({"again": again} if again else {})


def _live(releases: Sequence[_Release]) -> list[_Candidate]:
    return [c for r in releases if r.decision.outcome == "live" for c in r.candidates]


def _told(candidate: _Candidate, release: _Release, version: Version) -> Learned:
    own = candidate.exam
    return Learned(
        document=candidate.known.document.id,
        title=candidate.known.document.title,
        outcome=release.decision.outcome,
        reason=release.decision.reason,
        version=version.id,
        lines_kept=candidate.report.lines_kept,
        lines_written=candidate.report.lines_written,
        before=sum(v == 1 for v in own.reference.values()),
        after=sum(v == 1 for v in own.candidate.values()),
        questions=len(own.candidate),
        supersedes=tuple(r.older for r in candidate.retired),
    )
