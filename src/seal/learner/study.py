"""A study: documents come in, and what passes every gate goes live. Read this first.

screen → write → ground → train → examine → gates → a version, live or held or rejected. Documents that a gate
stops do not stop the others: each of them becomes a version of its own, for a person to see. All that came of
a study is committed in one transaction, with the end of its job. A document that contradicts another one of
its study waits for the next study, which sees what became of that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from seal.domains.knowledge.screen import screen
from seal.endpoint.client import ChatClient
from seal.gates import (
    FEWEST_TO_TEST,
    Concern,
    Conflict,
    Denial,
    Exam,
    Leak,
    Perplexity,
    Report,
    about_document,
)
from seal.learner.answering import Cell, Mind
from seal.learner.compiling import Compiled, compile_all
from seal.learner.conflicts import Retirement, against_base, pairs_of, unasked
from seal.learner.documents import Learned
from seal.learner.fluency import perplexities
from seal.learner.library import KnownDocument
from seal.learner.likelihoods import with_likelihoods
from seal.learner.measuring import (
    denials,
    drift_nats,
    exam,
    exam_items,
    honesty,
    leaks,
    leaks_by_kind,
    memorised,
    retained,
    when_learned,
)
from seal.learner.only_read import cell_alone, to_be_read
from seal.learner.parts import Parts
from seal.learner.releases import Candidate, Rebuilt, Release, StudyResult, commit, live_of
from seal.learner.replacing import positions_of, rebuild, replaced
from seal.learner.settings import WriterEndpointConfig
from seal.learner.writing import SourceDocument
from seal.registry import LIVE, Lease
from seal.spans import span


class Study:
    """One study of one learner, on top of its live version; documents whose place the new ones take
    (`replacing`) are left out of what these are compared with."""

    def __init__(self, parts: Parts, documents: Sequence[str], replacing: Sequence[str] = ()) -> None:
        self.parts, self.workspace = parts, parts.workspace
        self.documents = sorted(documents, key=lambda key: self.workspace.document(key).sequence)
        self.live = self.workspace.alias(LIVE)
        known = parts.library.of_version(self.live)
        self.before = {key: one for key, one in known.items() if key not in replacing}
        self.parent, self.base = parts.mind(self.live), parts.bare_mind()
        if len(self.before) < len(known):
            self.parent = self.parent.with_cells({}, without=replacing)
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
        with span("seal.compile", seal__documents=len(self.documents)):
            compiled = self._compile(lease)
        failed = [
            Learned(one.document, one.title, "rejected", one.failed, None, 0, len(one.lines))
            for one in compiled
            if one.failed
        ]
        sound, waiting = self._apart([one for one in compiled if not one.failed])
        candidates = [self._candidate(one, known) for one, known in sound]
        self.parts.watch.progress("examining what was learned", 0, 1)
        with span("seal.examine", seal__documents=len(candidates)):
            candidates = self._examine(candidates)
            releases = self._releases(candidates)
            releases += self._read_instead(releases)
        self.parts.watch.progress("recording", 0, 1)
        return commit(self.parts, lease, self.live, StudyResult(compiled, releases, failed, waiting))

    def _compile(self, lease: Lease) -> list[Compiled]:
        parts = self.parts
        sources = [parts.library.source(self.workspace.document(key)) for key in self.documents]
        if parts.config.units.endpoint is not None:
            sources = self._written(sources, parts.config.units.endpoint, lease)
        settings = self.workspace.settings()
        return compile_all(
            parts.compiler,
            sources,
            model=settings["model"],
            writer=settings["writer"],
            processes=parts.processes,
            on_progress=lambda done, n: parts.watch.progress("writing, grounding and training", done, n),
        )

    def _written(
        self, sources: Sequence[SourceDocument], endpoint: WriterEndpointConfig, lease: Lease
    ) -> list[SourceDocument]:
        """The documents with what an endpoint writes about them, before any is trained on. It would not write
        the same twice: each document's lines are kept as soon as all of it is written about, and hold for
        whoever takes up this study, or begins another one. Raises ConfigError, EndpointError.
        """
        written = []
        if not all(source.lines for source in sources):
            ChatClient(endpoint)  # a key that is missing is told before a base practises for minutes
        for source in sources:
            done = self.parts.compiler.written(source)
            if done is not source:
                with self.workspace.transaction(lease=lease):
                    self.parts.library.record(done.id, done.lines, done.exam)
            written.append(done)
        return written

    def _apart(self, compiled: Sequence[Compiled]) -> tuple[list[tuple[Compiled, KnownDocument]], list[str]]:
        """Documents that have nothing to do with one another, and those that contradict one before them."""
        sound: list[tuple[Compiled, KnownDocument]] = []
        earlier: list[KnownDocument] = []
        waiting: list[str] = []
        for one in compiled:
            record = self.workspace.document(one.document)
            given = self.parts.library.exam(record.id, "given")
            known = KnownDocument(record, self.workspace.text(record.id), one.lines, given or one.exam)
            if replaced(self.parts, known, earlier):
                waiting.append(record.id)
            else:
                sound.append((one, known))
            earlier.append(known)
        return sound, waiting

    def _candidate(self, compiled: Compiled, known: KnownDocument) -> Candidate:
        parts, record = self.parts, known.document
        assert compiled.adapter is not None
        cell = parts.library.cell_of(known, f"new/{record.id}", compiled.adapter)
        # It may be older than what is live, where it was held or rolled back before.
        by = [r for newer in self.before.values() for r in replaced(parts, newer, [known])]
        if by:
            known, cell = rebuild(parts, known, positions_of(by))
        # A near-copy by a source of no less trust is an update: what it contradicts, it supersedes.
        above = {k: o.text for k, o in self.before.items() if o.document.trust > record.trust}
        concerns = tuple(
            Concern(record.id, flag.action, flag.reason)
            for flag in screen(record.title, known.text, parts.config.screen, known=above)
        )
        asked = [question for question, _ in pairs_of(known.lines, known.exam)]
        near = {key for route in self.parent.route(asked) for key in route}
        retired = tuple(replaced(parts, known, self.before.values()))
        near |= {retirement.older for retirement in retired}
        older = [other for key, other in self.before.items() if key in near]
        conflicts = [*self._conflicts(known, older, retired)]
        judging = parts.config.judging
        sure = parts.config.sure if judging == "words" else parts.asked_base.sure
        conflicts.append(against_base(known, self.base, sure, judging))
        empty = Exam(about_document(record.id), "the live version", {}, {})
        older_than = tuple(sorted(r.newer for r in by))
        return Candidate(known, cell, retired, concerns, tuple(conflicts), empty, older_than)

    def _conflicts(
        self, known: KnownDocument, older: Sequence[KnownDocument], retired: Sequence[Retirement]
    ) -> list[Conflict]:
        """With documents that it contradicts, or that are trusted more and that not all was compared with."""
        contradicted = {r.older: (r.contradicted, r.questions) for r in retired}
        n_unasked = unasked(known)
        conflicts = []
        for other in older:
            key, less = other.document.id, known.document.trust < other.document.trust
            if key in contradicted or (less and n_unasked):
                counts = contradicted.get(key, (0, 0))
                conflicts.append(Conflict(known.document.id, key, *counts, less, unasked=n_unasked))
        return conflicts

    def _examine(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Each document's own exam, before and after, all together."""
        cells = {c.id: c.cell for c in candidates}
        mind = self.parent.with_cells(cells | {k: r.cell for k, r in self._rebuilt(candidates).items()})
        mind.ask([i.question for c in candidates for i in exam_items(c.known)])
        return [replace(c, exam=self._own_exam(c, mind)) for c in candidates]

    def _own_exam(self, c: Candidate, mind: Mind) -> Exam:
        items, config = exam_items(c.known), self.parts.config
        by_heart, fresh = memorised(c.known), items
        if config.judging == "meaning":
            # A person's exam may ask what a line asks too: the rest of it shows what was learned.
            fresh = [item for item in items if item.id not in by_heart] or items
        ungraded = set(by_heart) & {item.id for item in fresh}
        made = exam(about_document(c.id), "the live version", mind, self.parent, fresh, ungraded)
        if config.judging == "words" and len(items) >= FEWEST_TO_TEST:
            return made
        return with_likelihoods(made, mind, self.parent, fresh, c.known.text, config.gates.alpha)

    def _releases(self, candidates: Sequence[Candidate]) -> list[Release]:
        """What is released together, and what each document that a gate stops would be on top of that."""
        sound = [c for c in candidates if self.parts.gates.sound(c.report)]
        others = [c for c in candidates if c not in sound]
        releases: list[Release] = []
        if sound:
            together = self._release(sound, [])
            if together.decision.outcome == "rejected" and len(sound) > 1:
                for candidate in sound:  # one of them does harm: the others need not wait for it
                    releases.append(self._release([candidate], live_of(releases)))
            else:
                releases.append(together)
        on_top = live_of(releases)
        return releases + [self._release([candidate], on_top) for candidate in others]

    def _read_instead(self, releases: Sequence[Release]) -> list[Release]:
        """What each document would be of which nothing but the cell was refused: live without one, to be read
        when it is asked about."""
        if self.parts.config.method != "units":
            return []
        refused = [release for release in releases if cell_alone(release.decision)]
        made: list[Release] = []
        for candidate in (c for release in refused for c in release.candidates):
            on_top = live_of([*releases, *made])
            read = self._release([to_be_read(self.parts, self.parent, candidate)], on_top)
            if read.decision.outcome != "rejected":
                made.append(read)
        return made

    def _release(self, candidates: Sequence[Candidate], on_top: Sequence[Candidate]) -> Release:
        parts, base = self.parts, self.base
        parent = self.parent.with_cells({c.id: c.cell for c in on_top})
        rebuilt = self._rebuilt([*on_top, *candidates])
        cells = {c.id: c.cell for c in candidates}
        mind = parent.with_cells(cells | {key: one.cell for key, one in rebuilt.items()})
        before = {**self.before, **{c.id: c.known for c in on_top}}
        before |= {key: one.known for key, one in rebuilt.items() if key in before}
        speaking = [c for c in candidates if c.cell.answers]
        report = Report(
            documents=tuple(c.exam for c in candidates),
            retained=retained(mind, parent, base, before, parts.reference, self._learned(on_top)),
            honesty=honesty(
                mind,
                base,
                {c.id: c.known.document.title for c in candidates},
                parts.reference,
                parts.config.judging,
            ),
            drift_nats=drift_nats(mind, base, [i for i in parts.reference if i.kind != "private"]),
            lines_written=sum(c.report.lines_written for c in candidates),
            lines_kept=sum(c.report.lines_kept for c in candidates),
            leaks=self._leaks(mind, speaking),
            denials=self._denials(mind, parent, speaking),
            concerns=tuple(concern for c in candidates for concern in c.concerns),
            conflicts=tuple(conflict for c in candidates for conflict in c.conflicts),
            perplexities=self._perplexities(speaking),
        )
        return Release(tuple(candidates), report, parts.gates.decide(report), rebuilt)

    def _leaks(self, mind: Mind, candidates: Sequence[Candidate]) -> tuple[Leak, ...]:
        known = [c.known for c in candidates]
        if self.parts.config.judging == "words":
            return leaks(mind, known)
        return leaks_by_kind(mind, self.base, known)

    def _denials(self, mind: Mind, parent: Mind, candidates: Sequence[Candidate]) -> tuple[Denial, ...]:
        reader = self.parts.compiler.reader if self.parts.config.judging == "meaning" else None
        known = [c.known for c in candidates]
        return denials(mind, parent, known, self.parts.config.ground.words, reader)

    def _perplexities(self, candidates: Sequence[Candidate]) -> tuple[Perplexity, ...]:
        """Of models that read more than their own world."""
        if self.parts.config.judging == "words":
            return ()
        return perplexities(
            self.parts.adaptation, self.parts.asked_base.neutral, [c.cell for c in candidates]
        )

    def _learned(self, on_top: Sequence[Candidate]) -> dict[str, float | None]:
        """The same, with those of this study that are live already."""
        return self.learned | {key: value for c in on_top for key, value in c.exam.candidate.items()}

    def _rebuilt(self, candidates: Sequence[Candidate]) -> dict[str, Rebuilt]:
        """Cells of documents of which newer ones replace lines, trained anew without these."""
        by_older: dict[str, list[Retirement]] = {}
        for candidate in candidates:
            for retirement in candidate.retired:
                by_older.setdefault(retirement.older, []).append(retirement)
        rebuilt = {}
        for key, retirements in by_older.items():
            known = self.before[key]
            earlier = self.workspace.build(known.build).sources
            by = sorted({r.newer for r in retirements} | {s for s in earlier if s != key})
            positions = sorted({p for r in retirements for p in r.positions} | set(known.retired))
            name = (key, tuple(positions))
            if name not in self._made:
                self._made[name] = rebuild(self.parts, known, positions)
            rebuilt[key] = Rebuilt(*self._made[name], tuple(by))
        return rebuilt
