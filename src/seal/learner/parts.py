"""What the parts of a learner share: its workspace and settings, the models, and what was made ready of them.

Everything heavy is made when it is first used, and imported then: a command that asks no model starts without
torch. Knows nothing about jobs, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from seal.errors import StateError
from seal.files import cache_folder
from seal.learner.caches import MINDS, GivenAnswers, RecentlyUsed
from seal.learner.documents import REFERENCE_FILE
from seal.registry import Version, Workspace

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation
    from seal.engine.start import Watch
    from seal.learner.answer_ways import Answerer
    from seal.learner.answering import Answer, Mind
    from seal.learner.asked_base import AskedBase
    from seal.learner.compiling import Compiler
    from seal.learner.judging import Gates
    from seal.learner.library import KnownDocument, Library
    from seal.learner.reference import ReferenceItem
    from seal.learner.settings import LearnerConfig
    from seal.learner.skills import Skills
    from seal.learner.speaking import Speaker
    from seal.learner.ways import By
    from seal.learner.writing import DocumentReader, DocumentWriter
    from seal.retention import Encoder, Reranker
    from seal.training import Adapter


_CACHE = ".cache"
_MEANINGS = "meanings.npz"


class Parts:
    """One learner's parts. Each can be handed in instead of the workspace's own.

    Handed in are the settings, the loaded model (`adaptation`), what writes about documents and reads them,
    the gates, and the reference. A writer or reader that is handed in works in this process only. `speaking`
    gives that by which a loaded model answers (`LoopSpeaker`); without it, one thread at a time may ask.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        watch: Watch | None = None,
        config: LearnerConfig | None = None,
        adaptation: Adaptation | None = None,
        writer: DocumentWriter | None = None,
        reader: DocumentReader | None = None,
        gates: Gates | None = None,
        reference: Sequence[ReferenceItem] | None = None,
        speaking: Callable[[Adaptation], Speaker | None] | None = None,
    ) -> None:
        self.workspace, self.speaker_of = workspace, speaking or (lambda _: None)
        self.given_writer, self.given_reader = writer, reader
        if watch is not None:
            self.watch = watch
        if config is not None:
            self.config = config
        if adaptation is not None:
            self.adaptation = adaptation
        if gates is not None:
            self.gates = gates
        if reference is not None:
            self.reference = tuple(reference)
        self.minds: RecentlyUsed[str | None, Mind] = RecentlyUsed(MINDS)
        self.answerers: RecentlyUsed[str | None, Answerer] = RecentlyUsed(MINDS)

    @classmethod
    def open(cls, path: Path | str, *, actor: str | None = None, **given: Any) -> Self:
        """The parts of the learner in a folder. Raises what `Workspace.open` does."""
        return cls(Workspace.open(path, actor=actor), **given)

    @cached_property
    def watch(self) -> Watch:
        """Is told how the work goes."""
        from seal.engine.start import Silent

        return Silent()

    @cached_property
    def config(self) -> LearnerConfig:
        """The settings. Raises ConfigError, InputFileError."""
        from seal.learner.settings import read_settings

        return read_settings(self.workspace.path, self.model_name, self.watch.notice)

    @property
    def model_name(self) -> str:
        return self.workspace.settings()["model"]

    @cached_property
    def adaptation(self) -> Adaptation:
        """The model that learns, loaded."""
        from seal.engine.adapt import Adaptation
        from seal.models.load import hide_progress_bars

        hide_progress_bars()
        self.watch.progress(f"loading {self.model_name}", 0, 1)
        return Adaptation.load(self.config.engine_config(self.model_name))

    @cached_property
    def writing_model(self) -> Adaptation:
        """The model that writes; it is frozen, so that what it wrote of one document tells nothing of
        another.
        """
        from seal.engine.adapt import Adaptation

        settings = self.workspace.settings()
        if settings["writer"] == settings["model"]:
            return self.adaptation
        return Adaptation.load(self.config.engine_config(settings["writer"]))

    @cached_property
    def compiler(self) -> Compiler:
        return _compiler(self, self.config)

    def compiler_of(self, known: KnownDocument) -> Compiler:
        """The compiler with the recipe by which a document was built, which may be an earlier one."""
        if not known.build:
            return self.compiler
        names, then = self.config.recipe(), self.workspace.build(known.build).recipe
        if all(then.get(name) == value for name, value in names.items()):
            return self.compiler
        return _compiler(self, self.config.with_recipe(then))

    @cached_property
    def skills(self) -> Skills:
        """The writing model with its skills on: it writes about documents and reads them."""
        from seal.learner.skills import skills_of

        model = self.writing_model
        speaker = self.speaker_of(model)
        if speaker is None:
            return skills_of(model, self.watch.progress)
        return speaker.alone(lambda: skills_of(model, self.watch.progress, speaker))

    @cached_property
    def cell_start(self) -> Adapter:
        """What every cell begins as."""
        from seal.learner.skills import recall_of

        return recall_of(self.adaptation, self.watch.progress)

    @cached_property
    def library(self) -> Library:
        from seal.learner.library import Library

        speaker = self.speaker_of(self.adaptation)
        return Library(self.workspace, self.config, self.adaptation, self.writing_model, speaker=speaker)

    @cached_property
    def gates(self) -> Gates:
        """What decides whether something goes live."""
        from seal.learner.judging import ConfiguredGates

        return ConfiguredGates(self.config.gates, self.config.autonomy)

    @cached_property
    def reference(self) -> tuple[ReferenceItem, ...]:
        """What must not be lost."""
        from seal.domains.knowledge import load_contexts
        from seal.learner.reference_sets import reference_items

        path = self.workspace.path / REFERENCE_FILE
        given = load_contexts(path) if path.exists() else []
        items = reference_items(self.model_name, given)
        if given or self.config.judging == "words":
            return items
        return self.asked_base.choice(items).of(items)

    @property
    def reference_power(self) -> tuple[str, ...]:
        """What the reference can show of a loss, in words; the base is asked if it was not yet."""
        from seal.learner.reference_choice import said_of

        return said_of(self.reference, self.config.gates)

    @cached_property
    def asked_base(self) -> AskedBase:
        """What was found out about the base by asking it."""
        from seal.learner.asked_base import AskedBase

        identity = (self.library.base, self.library.environment)
        folder = _folder_for_bases(self.workspace.path, self.config)
        speaker = self.speaker_of(self.adaptation)
        return AskedBase(folder, self.adaptation, identity, self.config, self.watch, speaker=speaker)

    @property
    def version_settings(self) -> Mapping[str, Any]:
        """What decides how a version answers, beside its cells."""
        told = {"strategy": "cells", "router": self.config.router.model_dump(mode="json")}
        return told | ({"meaning": True} if self.config.ways.meaning else {})

    @cached_property
    def encoder(self) -> Encoder | None:
        """What finds passages by meaning; None where the settings do not ask. Raises InputFileError."""
        return _encoder(self.workspace.path) if self.config.ways.meaning else None

    @cached_property
    def reranker(self) -> Reranker | None:
        """What ranks passages by the model; None where the settings do not ask."""
        from seal.learner.reranking import WriterReranker

        return WriterReranker(lambda: self.skills) if self.config.ways.reranked else None

    @property
    def processes(self) -> int:
        """How many processes study documents side by side."""
        handed_in = self.given_writer is not None or self.given_reader is not None
        return 1 if handed_in else _processes(self.config, self.model_name)

    @cached_property
    def answers(self) -> GivenAnswers:
        """Answers that were given. Those of the base to the reference are never dropped, and are kept in a
        file from one process to the next."""
        return self.asked_base.answers(self.reference)

    def answer(self, version: Version | None, questions: Sequence[str], by: By) -> list[Answer]:
        """The answers of a version, by one of the ways. Raises StateError for a way that this learner lacks,
        and what `mind` does."""
        if self.config.method == "units":
            return self.answerer(version).ask(questions, by)
        if by == "reading":
            raise StateError("this model answers from what was learned only", "Leave --by reading out.")
        return self.mind(version).ask(questions)

    def answerer(self, version: Version | None) -> Answerer:
        """What answers for a version by any of the ways."""
        from seal.learner.answer_ways import Answerer

        key = None if version is None else version.id
        made = self.answerers.get(key)
        if made is None:
            made = Answerer(self.mind(version), self.skills, self.config.ways)
            self.answerers.put(key, made)
        return made

    def bare_mind(self) -> Mind:
        """The frozen base."""
        return self.mind(None)

    def mind(self, version: Version | None) -> Mind:
        """What a version knows, ready to be asked; its cells are checked as they are read.

        Raises AdapterError if it was made with another base, DamageError if it was altered.
        """
        from seal.learner.answering import Mind

        key = None if version is None else version.id
        mind = self.minds.get(key)
        if mind is None:
            if version is not None:
                self.library.check(version)
            known = self.library.of_version(version)
            cells = {name: self.library.cell(one) for name, one in known.items()}
            recites = self.config.method == "units"
            given = (self.adaptation, cells, self.config.router, self.answers, recites, self.encoder)
            made = Mind(*given, speaker=self.speaker_of(self.adaptation), reranker=self.reranker)
            mind = self.minds.put(key, made)
        return mind

    def drop_meanings(self) -> None:
        """Removes the vectors of passages, which tell something of what they say, and what the reranker
        remembers of them; the next question makes anew what is still wanted."""
        (self.workspace.path / _CACHE / _MEANINGS).unlink(missing_ok=True)
        for made in ("encoder", "reranker"):
            self.__dict__.pop(made, None)

    def drop_minds(self) -> None:
        """Forgets what was loaded: versions that were erased must not answer from memory."""
        self.minds.clear()
        self.answerers.clear()
        self.library.drop_adapters()
        self.answers.drop_cells()


def _processes(config: LearnerConfig, model: str) -> int:
    """As many as are set, or else one a core for an embedded model."""
    from seal.engine.workers import usable_cores
    from seal.models.model_names import BUILTIN

    return config.processes or (usable_cores() if model in BUILTIN else 1)


def _folder_for_bases(workspace: Path, config: LearnerConfig) -> Path:
    """Where it is kept what bases answered. What every base is asked takes a minute, and holds for all
    workspaces of the user; what the user's own reference asks is kept in the workspace."""
    if config.judging == "words" or (workspace / REFERENCE_FILE).exists():
        return workspace / _CACHE
    return cache_folder() / "bases"


def _encoder(workspace: Path) -> Encoder:
    """Raises InputFileError if its model is not installed."""
    from seal.models.sentence_encoder import SentenceEncoder

    return SentenceEncoder(store=workspace / _CACHE / _MEANINGS)


def _compiler(parts: Parts, config: LearnerConfig) -> Compiler:
    from seal.learner.compiling import Compiler

    skills = parts.skills if config.method == "units" else None
    compiler = Compiler(
        config,
        parts.adaptation,
        parts.writing_model,
        writer=parts.given_writer,
        reader=parts.given_reader,
        skills=skills,
        start=parts.cell_start if config.method == "units" else None,
    )
    if config.method == "pieces" and compiler.edit_tokens < config.writing.max_new_tokens:
        parts.watch.progress(f"self-edits are cut at {compiler.edit_tokens} tokens by the context", 0, 1)
    if skills is not None:  # else documents are compiled too fast to tell of parts of one
        compiler.on_progress = parts.watch.progress
    return compiler
