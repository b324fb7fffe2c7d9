"""Documents as a learner holds them: text, lines, exam, and the cell of each, out of a workspace and into it.

Knows how a document's cell is recorded as a build and what of a document a newer one has retired. That is a
property of a version: it stands in the recipe of the build, so rolling back brings the older fact back.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from seal.domains.knowledge.units import units_of
from seal.engine.adapt import Adaptation
from seal.errors import AdapterError, DamageError
from seal.learner.answering import Cell, fingerprint
from seal.learner.caches import ADAPTER_BYTES, RecentlyUsed
from seal.learner.documents import TAUGHT
from seal.learner.practice import skills_name
from seal.learner.settings import LearnerConfig
from seal.learner.speaking import DirectSpeaker, Speaker
from seal.learner.writing import SourceDocument
from seal.models.dtypes import DTYPES
from seal.models.identity import stored_digest, weights_fingerprint
from seal.registry import Build, Document, Line, Version, Workspace
from seal.registry.canonical import digest_of
from seal.registry.digests import gives_its_id, key_of
from seal.retention import DocumentPage, PageText
from seal.seeds import derive_seed
from seal.self_edits.pair_lines import line_of, question_of
from seal.text import sentences
from seal.training import Adapter, load_peft, save_peft
from seal.training.fingerprint import fingerprint_tolerance, same_fingerprint
from seal.types import Question

_FINGERPRINT = "fingerprint.json"


@dataclass(frozen=True)
class KnownDocument:
    """A document with what was made of it. `retired` are positions of lines that newer documents replace.

    `read_only`: its cell was refused, so that it is answered by reading alone.
    """

    document: Document
    text: str
    lines: tuple[Line, ...]
    exam: tuple[Question, ...]
    build: str = ""
    retired: tuple[int, ...] = ()
    read_only: bool = False

    @property
    def active_lines(self) -> tuple[Line, ...]:
        return tuple(line for i, line in enumerate(self.lines) if line.kept and i not in set(self.retired))

    @property
    def retired_answers(self) -> frozenset[str]:
        """Answers that no line gives any more."""
        gone = {pair[1] for i in self.retired if (pair := question_of(self.lines[i].text))}
        left = {pair[1] for line in self.active_lines if (pair := question_of(line.text))}
        return frozenset(gone - left)

    @property
    def active_exam(self) -> tuple[Question, ...]:
        return tuple(q for q in self.exam if q.answers[0] not in self.retired_answers)

    def entry(self) -> DocumentPage:
        """The words by which a question finds the document: its sentences and lines, less what is retired;
        and these, of which newer documents speak."""
        gone = self.retired_answers
        told = [s for s in sentences(self.text) if not any(answer in s for answer in gone)]
        lines = tuple(line.text for line in self.active_lines)
        if self.retired and not lines:  # replaced as a whole: no question is meant for it
            return DocumentPage(self.document.id, "", (), self.document.sequence)
        replaced = tuple(self.lines[i].text for i in self.retired)
        document = self.document
        return DocumentPage(document.id, document.title, (*told, *lines), document.sequence, replaced)


def page_of(known: KnownDocument) -> PageText:
    """The document's text in passages, but for the sentences that newer documents replace."""
    document = known.document
    gone = {known.lines[i].sentence for i in known.retired}
    units = tuple(u for u in units_of(document.title, known.text) if u.text not in gone)
    pairs = (question_of(line.text) for line in known.active_lines)
    questions = tuple(pair[0] for pair in pairs if pair)
    return PageText(document.id, document.title, known.text, units, questions, document.sequence)


class Library:
    """A workspace's documents and cells, for one base, writer and recipe."""

    def __init__(
        self,
        workspace: Workspace,
        config: LearnerConfig,
        base: Adaptation,
        writer: Adaptation,
        speaker: Speaker | None = None,
    ) -> None:
        """`speaker`: what lets the base be run."""
        self.workspace, self.config, self.adaptation = workspace, config, base
        self._speaker = speaker or DirectSpeaker(base)
        settings = workspace.settings()
        named = named_among(base.model, workspace.bases())
        self.base, rounded = named or (stored_digest(base.model), None)
        written_by = self.base if writer is base else stored_digest(writer.model, rounded=rounded)
        self.recipe = config.recipe()
        if config.method == "units":  # what a writer writes depends on its practice
            self.recipe["skills"] = skills_name(weights_fingerprint(writer.model))
            self.recipe["recall"] = skills_name(weights_fingerprint(base.model))
        self.writer = f"{written_by[:16]}/{digest_of(self.recipe)[:16]}"
        self.environment = environment(base)
        self.model_name = settings["model"]
        self._adapters: RecentlyUsed[str, Adapter] = RecentlyUsed(ADAPTER_BYTES, _bytes_of)

    def source(self, document: Document) -> SourceDocument:
        """What is to be compiled: with its lines and exam, if they were written before."""
        lines = tuple(self.workspace.lines(document.id, writer=self.writer)) or self._corrected(document)
        exam = self.exam(document.id, "self") if lines else ()
        text = self.workspace.text(document.id)
        return SourceDocument(document.id, document.compiled_title, text, lines, exam)

    def _corrected(self, document: Document) -> tuple[Line, ...]:
        """The lines of a correction, as the person who gave it wrote them: its sentences, and the questions
        that it is to be learned by. None where a writer asks about single sentences, and none of other
        documents."""
        if self.config.method != "pieces" or self.workspace.correction_of(document.id) is None:
            return ()
        told = sentences(self.workspace.text(document.id))
        taught = self.workspace.exam(document.id, origin=TAUGHT)
        asked = [Line(line_of(q.text, q.answers[0]), sentence=told[0]) for q in taught]
        given = bool(self.exam(document.id, "given"))  # without one the writer has to set an exam
        return (*(Line(one, sentence=one) for one in told), *asked) if given else ()

    def exam(self, document: str, origin: str, writer: str = "") -> tuple[Question, ...]:
        """A document's exam: the "given" one, or the one "self" written, by default by the present writer."""
        name = origin if origin == "given" else f"{origin}/{writer or self.writer}"
        return tuple(Question(q.text, q.answers) for q in self.workspace.exam(document, origin=name))

    def record(self, document: str, lines: Sequence[Line], exam: Sequence[Question]) -> None:
        """Keeps a document's lines and exam, within the caller's transaction."""
        self.workspace.record_lines(document, lines, writer=self.writer)
        if exam:
            self.workspace.record_exam(document, exam, origin=f"self/{self.writer}")

    def known(self, document: str, build: Build | None = None) -> KnownDocument:
        """A document that was compiled before, as a version's build has it."""
        record = self.workspace.document(document)
        writer = self.writer if build is None else build.writer
        exam = self.exam(document, "given") or self.exam(document, "self", writer)
        return KnownDocument(
            record,
            self.workspace.text(document),
            tuple(self.workspace.lines(document, writer=writer)),
            exam,
            "" if build is None else build.key,
            () if build is None else tuple(build.recipe["retired"]),
            build is not None and bool(build.recipe.get("read_only")),
        )

    def of_version(self, version: Version | None) -> dict[str, KnownDocument]:
        """The documents of a version, in the order in which they came."""
        builds = [] if version is None else [self.workspace.build(key) for key in version.builds]
        known = [self.known(str(build.recipe["document"]), build) for build in builds]
        return {k.document.id: k for k in sorted(known, key=lambda k: k.document.sequence)}

    def cell(self, known: KnownDocument) -> Cell:
        """The stored cell of a document; its adapter is read and checked when it is used."""
        build = self.workspace.build(known.build)
        return self.cell_of(known, build.object, partial(self.adapter, build))

    def cell_of(self, known: KnownDocument, object: str, source: Adapter | Callable[[], Adapter]) -> Cell:
        """A document's cell, with that by which questions find it."""
        page = page_of(known) if self.config.method == "units" else None
        return Cell(known.document.id, object, source, known.entry(), page, answers=not known.read_only)

    def check(self, version: Version) -> None:
        """Sees that a version's builds are those that it was made of. Raises AdapterError, DamageError."""
        builds = [self.workspace.build(key) for key in version.builds]
        if any(base != self.base for base in (version.base, *(build.base for build in builds))):
            raise AdapterError(
                f"the version {version.id[:12]} was made with another base ({version.base[:12]})",
                "The workspace's model was exchanged: put the one back that it was begun with.",
            )
        objects = {build.key: build.object for build in builds}
        if not gives_its_id(version, objects) or any(build.key != key_of(build) for build in builds):
            raise DamageError(
                f"the version {version.id[:12]} was altered: its builds are not those that it was made of",
                "`seal audit --verify` says what was changed. Restore the workspace from a copy.",
            )

    def adapter(self, build: Build) -> Adapter:
        """A build's adapter: its digest, its keys, its document and the logits that it gives are checked."""
        known = self._adapters.get(build.object)
        if known is not None:
            return known
        store = self.workspace.store
        with tempfile.TemporaryDirectory(prefix="seal-") as folder:
            store.check_out(build.object, Path(folder))
            adapter = load_peft(folder, self.adaptation.model)
            told = _noted(Path(folder) / _FINGERPRINT)
        if told.get("document") != build.recipe["document"]:
            raise DamageError(
                f"the build {build.key[:12]} has the cell of another document", "Restore the workspace."
            )
        kinds = (DTYPES[_precision(of)] for of in (build.environment, self.environment))
        tolerance = fingerprint_tolerance(*kinds)
        found = self._speaker.alone(partial(fingerprint, self.adaptation, adapter))
        if not _same(found, told.get("logits"), tolerance):
            raise DamageError(
                f"the build {build.key[:12]} no longer gives the logits that were noted when it was made",
                "Were the model or its libraries changed? Restore them, or learn its documents anew.",
            )
        return self._adapters.put(build.object, replace(adapter, id=build.key))

    def drop_adapters(self) -> None:
        """Forgets the adapters that were read."""
        self._adapters.clear()

    def put(self, cell: Cell) -> str:
        """Stores a cell in PEFT's format with its fingerprint; returns the object's digest."""
        adapter = cell.adapter
        with tempfile.TemporaryDirectory(prefix="seal-") as folder:
            made = save_peft(replace(adapter, id="cell"), Path(folder) / "cell", self.model_name)
            logits = self._speaker.alone(partial(fingerprint, self.adaptation, adapter))
            told = {"document": cell.document, "logits": logits}
            (made / _FINGERPRINT).write_text(json.dumps(told) + "\n", encoding="utf-8")
            return self.workspace.store.put_folder(made)

    def add_build(self, known: KnownDocument, object: str, by: Sequence[str] = ()) -> Build:
        """Records a document's cell; one that lacks lines because of other documents, `by`, descends from
        them too. One that was made anew keeps the writer and the recipe of the build whose place it takes.
        """
        document = known.document.id
        earlier = self.workspace.build(known.build) if known.build else None
        recipe = self.recipe if earlier is None else earlier.recipe
        if known.read_only:  # what was built before there was a choice does not say so
            recipe = {**recipe, "read_only": True}
        return self.workspace.add_build(
            base=self.base,
            writer=self.writer if earlier is None else earlier.writer,
            sources=[document, *by],
            recipe={**recipe, "document": document, "retired": sorted(known.retired)},
            seed=derive_seed("cell", recipe["seed"], document),
            object=object,
            environment=self.environment,
        )


def named_among(
    model: Any, known: Collection[str], *, anew: bool = False
) -> tuple[str, torch.dtype | None] | None:
    """That of the known digests by which a workspace names this base, and the type that the weights are
    rounded to for it; None if it is another base. `anew`: whatever is remembered of its files.

    Bases were once named by their weights as loaded. A workspace that was begun then goes on with that name.
    """
    for kind in (None, torch.bfloat16, torch.float16) if known else ():
        if (digest := stored_digest(model, rounded=kind, anew=anew)) in known:
            return digest, kind
    return None


def _bytes_of(adapter: Adapter) -> int:
    return sum(factor.nbytes for pair in adapter.factors.values() for factor in pair)


def _noted(path: Path) -> dict[str, Any]:
    """What was noted of a cell when it was made. Raises DamageError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamageError("a stored cell has no fingerprint that can be read", "Restore it.") from error
    return told if isinstance(told, dict) else {}


def _same(now: Sequence[float], then: Any, tolerance: float) -> bool:
    return isinstance(then, list) and same_fingerprint(now, then, tolerance)


def _precision(environment: str) -> str:
    """The type of numbers that an environment names."""
    last = environment.rpartition(", ")[2]
    return last if last in DTYPES else "float32"


def environment(adaptation: Adaptation) -> str:
    """What changes the bits of a result beside its inputs; training uses one thread."""
    device = next(adaptation.model.parameters()).device
    facts: list[Any] = [f"torch {torch.__version__}", device.type]
    facts.append(
        torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else torch.cuda.get_device_name()
    )
    kind = next(adaptation.model.parameters()).dtype
    if kind != torch.float32:  # what was built before there was a choice does not say so
        facts.append(str(kind).removeprefix("torch."))
    return ", ".join(facts)
