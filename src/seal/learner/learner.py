"""A learner: a workspace in which a model keeps learning. `Learner.open(path)`, and then the verbs of the
command line.

Knows which part does what a verb says. Each verb is an operation of its own on the workspace, and leaves it
as it was if it fails. Importing this loads no model and no torch: a verb that needs them does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, overload

from seal.errors import InputError, StateError, UnknownNameError
from seal.files import write_durably
from seal.hints import did_you_mean
from seal.learner.at_release import AtRelease
from seal.learner.at_service import AtService
from seal.learner.documents import (
    REFERENCE_FILE,
    Given,
    Learned,
    contexts_with_questions,
    documents_of,
    sift,
)
from seal.learner.inspecting import DocumentExam, DocumentLines, exam_of, lines_of
from seal.learner.parts import Parts
from seal.learner.recognising import recognised, remember_sources
from seal.learner.showing import VersionRecord, record_of
from seal.learner.ways import By, checked_way
from seal.registry import LIVE, Audit, Document, LedgerEntry, Version, Workspace

if TYPE_CHECKING:
    from seal.engine.start import Watch
    from seal.learner.answering import Answer
    from seal.learner.differing import Change
    from seal.learner.explaining import Why
    from seal.learner.exporting import Exported
    from seal.learner.forecast import StudyForecast

Several: TypeAlias = list[str] | tuple[str, ...]
"""Several questions. A Sequence[str] would be one question too."""


class Learner(AtService, AtRelease):
    """A model that keeps learning. The model is loaded when it is first needed."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @classmethod
    def init(
        cls,
        path: Path | str,
        *,
        model: str | None = None,
        writer: str | None = None,
        writer_key_env: str | None = None,
        database: str | None = None,
        reference: Path | None = None,
        actor: str | None = None,
        watch: Watch | None = None,
    ) -> Self:
        """Makes a workspace, with the settings for the model in `learner.toml`.

        `model` is what `load_model` takes; without one it is SEAL_MODEL, or else the best at hand. `writer`
        is the model that writes self-edits, by default `model` itself; or URL#MODEL, a model behind an
        OpenAI-compatible endpoint, to which documents' texts are then sent, with the API key in the variable
        `writer_key_env`. `reference` is a file of passages with questions that the base can answer, and that
        no update may spoil. Raises what `Workspace.init` does, what `load_model` does, ConfigError for
        an endpoint that cannot be, and InputError for a model that is not sound and for the reference.
        """
        workspace = _begun(path, model, writer, writer_key_env, database, reference, actor)
        return cls(Parts(workspace, watch=watch))

    @classmethod
    def open(cls, path: Path | str, *, actor: str | None = None, **parts: Any) -> Self:
        """The learner in a folder.

        `actor` is whom the ledger names. `watch` is told how the work goes. What else `Parts` takes may be
        handed in instead of the workspace's own: `config`, `adaptation`, `writer`, `reader`, `gates`,
        `reference`. Raises what `Workspace.open` does; the settings are read when they are first needed.
        """
        return cls(Parts.open(path, actor=actor, **parts))

    @property
    def workspace(self) -> Workspace:
        """The record that all verbs read and write."""
        return self.parts.workspace

    @property
    def path(self) -> Path:
        """The workspace's folder."""
        return self.parts.workspace.path

    # Verbs that need the model.

    def learn(self, given: Given | Sequence[Given], *, replacing: Sequence[str] = ()) -> list[Learned]:
        """Learns documents; returns what became of each, in order.

        Takes a text, a path, a `Text`, or a list of these. A `Path` is a file or folder, as `load_documents`
        reads them. A `str` is a document's text, unless it names a file or folder that exists; one that looks
        like a path and names none is an InputFileError. What screening refuses is not stored. What is known
        already is left alone, but for a title that it comes with now. `replacing` are ids of documents whose
        place these take: they are judged as if those were not known, which stay until they are forgotten.

        Raises InputError for anything else.
        """
        config = self.parts.config
        texts = recognised(self.workspace, documents_of(given), self.parts.watch.notice)
        learned, fresh = sift(texts, self.live(), config.screen)
        keys = list(fresh)
        for at in range(0, len(keys), config.study_documents):
            together = [texts[fresh[key]] for key in keys[at : at + config.study_documents]]
            for key, one in zip(keys[at:], self._queue.study(together, replacing)):
                learned[fresh[key]] = one
        told = [learned[n] for n in range(len(texts))]
        remember_sources(self.path, ((text.source, one.document) for text, one in zip(texts, told)))
        return told

    def forget(self, name: str) -> Document:
        """Takes a document out, by its id, the beginning of it, or its title; returns what it was.

        The live version is then the one that a learner would have that never saw it; its text, lines and exam
        are erased, and the versions that knew it never answer again.

        Raises UnknownNameError, InputError if the name fits several.
        """
        document = self.document(name)
        self._queue.forget(document.id)
        return document

    @overload
    def ask(self, questions: str, *, version: str | None = None, by: By = "auto") -> Answer: ...
    @overload
    def ask(self, questions: Several, *, version: str | None = None, by: By = "auto") -> list[Answer]: ...
    def ask(
        self, questions: str | Several, *, version: str | None = None, by: By = "auto"
    ) -> Answer | list[Answer]:
        """The answer of the live version, or of another; a list of questions has a list of answers. A held
        version does not answer, unless it is tried beside the live one, and a rejected one never does.

        `by` "weights" is from what was learned, "reading" with the passage in the prompt, "auto" by the way
        that fits the question. Raises InputError, StateError, and DamageError if a stored cell is not what
        was put.
        """
        asked, way = _questions(questions), checked_way(by)
        answers = self.parts.answer(self._answering(version), asked, way)
        return answers[0] if isinstance(questions, str) else answers

    @overload
    def why(self, questions: str, *, version: str | None = None) -> Why: ...
    @overload
    def why(self, questions: Several, *, version: str | None = None) -> list[Why]: ...
    def why(self, questions: str | Several, *, version: str | None = None) -> Why | list[Why]:
        """The same answers with where each is from and the evidence for it. Raises as `ask` does."""
        from seal.learner.explaining import explain

        asked = _questions(questions)
        reasons = explain(self.parts, asked, self._answering(version))
        return reasons[0] if isinstance(questions, str) else reasons

    def diff(self, before: str, after: str = LIVE) -> list[Change]:
        """What one version knows that another does not, question by question.

        Raises UnknownNameError; StateError if a version was erased.
        """
        from seal.learner.differing import compare_versions

        return compare_versions(self.parts, self.version(before), self.version(after))

    def approve(self, name: str, *, reason: str = "", actor: str | None = None) -> Version:
        """Makes a held version live; returns what is then live. If another one is live by now than the one
        that it was made from, what it adds is put on top of that one.

        Raises UnknownNameError, StateError if the version is not held.
        """
        held, live = self.version(name), self.live()
        if held.state != "held" or held.parent == (live.id if live else None):
            return self.workspace.approve(name, reason=reason, actor=actor)  # which needs no model
        return self._queue.approve(held.id, reason, actor or self.workspace.actor)

    def export(
        self, out: Path | str, *, version: str = LIVE, document: str | None = None, merged: bool = False
    ) -> Exported:
        """Writes a version, or one of its documents, to the folder `out`, which must not exist: as a PEFT
        adapter, or, if `merged`, as a whole model in Hugging Face format.

        Raises OutputError, UnknownNameError, StateError for a version that does not answer, TrainingError.
        """
        of_version = self.version(version)
        only = None if document is None else self.document(document).id
        from seal.learner.exporting import export

        return export(self.parts, Path(out), version=of_version, document=only, merged=merged)

    # Verbs on the record alone.

    def live(self) -> Version | None:
        """The version that answers; None before anything was learned."""
        return self.workspace.alias(LIVE)

    def versions(self) -> list[Version]:
        """All versions in the order in which they were made."""
        return self.workspace.versions()

    def version(self, name: str = LIVE) -> Version:
        """A version by an alias, its id, or the beginning of it. Raises UnknownNameError, InputError."""
        return self.workspace.version(name)

    def show(self, name: str = LIVE) -> VersionRecord:
        """A version with what it descends from, its report and its history. Raises as `version` does."""
        return record_of(self.workspace, self.version(name))

    def reject(self, name: str, *, reason: str = "", actor: str | None = None) -> Version:
        """Shuts a version out for good. Raises UnknownNameError, StateError if it is live."""
        rejected = self.workspace.reject(name, reason=reason, actor=actor)
        self.settle_pushes()
        return rejected

    def rollback(self, name: str | None = None, *, reason: str = "", actor: str | None = None) -> Version:
        """Makes a version live that was live before; without a name the one that the present one succeeded.

        Raises UnknownNameError, StateError if there is none, or if it was never live or was rejected since.
        """
        live = self.workspace.rollback(name, reason=reason, actor=actor)
        self.settle_pushes()
        return live

    def documents(self) -> list[Document]:
        """All documents in the order in which they came, the erased ones too."""
        return self.workspace.documents()

    def document(self, name: str) -> Document:
        """A document by its id, the beginning of it, or its title. Raises UnknownNameError, InputError."""
        there = [d for d in self.workspace.documents() if not d.erased]
        matches = [d for d in there if d.id == name or d.title == name]
        matches = matches or [d for d in there if len(name) >= 4 and d.id.startswith(name)]
        matches = matches or [d for d in there if d.title.casefold() == name.casefold()]
        if len(matches) > 1:
            ids = ", ".join(d.id[:12] for d in matches[:4])
            raise InputError(f"{len(matches)} documents are called {name!r}: {ids}", "Give the id of one.")
        if not matches:
            titles = [d.title for d in there if d.title]
            raise UnknownNameError(
                f"there is no document {name!r}", f"{did_you_mean(name, titles)} See `seal documents`."
            )
        return matches[0]

    def lines(self, name: str) -> DocumentLines:
        """What was written about a document, each line kept or dropped for a reason. Raises as `document`
        does."""
        return lines_of(self.workspace, self.document(name))

    def exam(self, name: str) -> DocumentExam:
        """A document's exam, and how it was answered when that was last measured. Raises as `document` does,
        DamageError if the report is damaged."""
        return exam_of(self.workspace, self.document(name))

    def retitle(self, name: str, title: str, *, reason: str = "", actor: str | None = None) -> Document:
        """Corrects a document's title. What was trained stays as it is. Raises as `document` does, InputError
        for an empty title."""
        if not title.strip():
            raise InputError("the new title is empty", "Give the title that the document is to have.")
        key = self.document(name).id
        return self.workspace.retitle_document(key, title.strip(), reason=reason, actor=actor)

    def forecast(self, given: Given | Sequence[Given]) -> StudyForecast:
        """What `learn` would do with these documents and what it would cost. Stores nothing, loads no model.
        Raises as `learn` does."""
        from seal.learner.forecast import forecast

        return forecast(self.workspace, self.parts.config, documents_of(given))

    def ledger(self) -> list[LedgerEntry]:
        """Who did what, when and why: all entries, in order."""
        return self.workspace.ledger()

    def audit(self, *, anchor: str | None = None) -> Audit:
        """Checks the whole workspace against its ledger. `anchor` is the hash of an entry that was kept
        elsewhere. Raises DamageError if the database cannot be read at all."""
        return self.workspace.audit(anchor=anchor)

    def _answering(self, name: str | None) -> Version | None:
        """The version that is to answer. Raises UnknownNameError, StateError."""
        version = self.live() if name is None else self.version(name)
        if version is not None and not _answers(self.workspace, version):
            raise StateError(
                f"the version {version.id[:12]} is {version.state}, and does not answer", "See `seal show`."
            )
        return version


def _answers(workspace: Workspace, version: Version) -> bool:
    """Whether a version may answer: one that was live, and one that is, or was, tried beside it, so that who
    asks that one is answered to the end, also when its rollout ends meanwhile."""
    if version.state == "rejected":
        return False
    return version.state == "live-once" or workspace.was_tried(version.id)


def _begun(
    path: Path | str,
    model: str | None,
    writer: str | None,
    writer_key_env: str | None,
    database: str | None,
    reference: Path | None,
    actor: str | None,
) -> Workspace:
    """A new workspace with its settings and reference. The names of models hold from any folder."""
    from seal.learner.settings import FILE, preset, settings_text, with_meaning, with_writer
    from seal.models.at_hand import check_found, chosen_model
    from seal.models.model_names import held_from_anywhere

    model = held_from_anywhere(model or chosen_model().name)
    settings, at_endpoint = with_writer(preset(model), writer, writer_key_env)
    settings = with_meaning(settings)
    writer = model if at_endpoint or not writer else held_from_anywhere(writer)
    for name in dict.fromkeys((model, writer)):
        check_found(name)
        _check_usable(name, preset(model).dtype)
    given = None if reference is None else _reference_text(reference)
    workspace = Workspace.init(path, model=model, writer=writer, database=database, actor=actor)
    write_durably(workspace.path / FILE, [settings_text(settings).encode()])
    if given is not None:
        write_durably(workspace.path / REFERENCE_FILE, [given.encode()])
    return workspace


def _check_usable(name: str, dtype: str) -> None:
    """Loads a model, so that one that cannot learn is told now and not after the first documents. The
    embedded ones are known to load."""
    from seal.models.model_names import BUILTIN

    if name not in BUILTIN:
        from seal.models.soundness import check_usable

        check_usable(name, dtype)


def _questions(given: Any) -> list[str]:
    """The questions asked: one, or a list. Raises InputError."""
    taken = 'Give a question, or a list of questions: ask("Who wrote it?")'
    if isinstance(given, str):
        asked = [given]
    elif isinstance(given, (list, tuple)):
        asked = list(given)
    else:
        raise InputError(f"{given!r} of type {type(given).__name__} is no question", taken)
    for one in asked:
        if not isinstance(one, str):
            raise InputError(f"{one!r} of type {type(one).__name__} is no question", taken)
    if not asked:
        raise InputError("no question is asked: the list is empty", taken)
    if not all(one.strip() for one in asked):
        raise InputError("a question is empty", "Ask something.")
    return asked


def _reference_text(path: Path) -> str:
    """The reference as it is kept. Raises InputError if no passage has questions."""
    return json.dumps(
        [
            {
                "title": c.title,
                "context": c.text,
                "questions": [{"question": q.text, "answers": list(q.answers)} for q in c.questions],
            }
            for c in contexts_with_questions(path)
        ],
        indent=1,
    )
