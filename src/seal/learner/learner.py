"""A learner: a workspace in which a model keeps learning. `Learner.open(path)`, and then the verbs of the
command line.

Knows how the parts of this folder belong together. Each verb is an operation of its own on the workspace, and
leaves it as it was if it fails.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from seal.domains.knowledge import load_contexts
from seal.domains.knowledge.screen import screen
from seal.engine.adapt import Adaptation
from seal.engine.start import Silent, Watch
from seal.engine.workers import usable_cores
from seal.errors import BusyError, InputError, StaleLeaseError, StateError, UnknownNameError
from seal.files import write_durably
from seal.learner.answering import Answer, GivenAnswers, Mind
from seal.learner.approving import approve_on_top, is_next
from seal.learner.compiling import Compiler
from seal.learner.differing import Change, compare_versions
from seal.learner.explaining import Why, explain
from seal.learner.forgetting import forget
from seal.learner.library import KnownDocument, Library
from seal.learner.reference import ReferenceItem
from seal.learner.reference_sets import reference_items
from seal.learner.settings import FILE, LearnerConfig, preset, read_settings, settings_text
from seal.learner.study import Learned, Study
from seal.models.load import BUILTIN
from seal.plugins import did_you_mean
from seal.registry import LIVE, Document, Lease, Version, Workspace
from seal.registry.canonical import sha256
from seal.types import Context

_REFERENCE, _CACHE = "reference.json", ".cache"
_LEASE_S = 20.0
_NOW_S = 1e-6  # a lease of this length has run out
_ATTEMPTS = 5


@dataclass(frozen=True)
class Text:
    """A document as it comes in. `trust` None is the workspace's default."""

    text: str
    title: str = ""
    trust: float | None = None
    questions: tuple[Any, ...] = ()


class Learner:
    """A model that keeps learning. The model is loaded when it is first needed."""

    def __init__(self, workspace: Workspace, config: LearnerConfig, watch: Watch | None = None) -> None:
        self.workspace, self.config, self.watch = workspace, config, watch or Silent()
        self._minds: dict[str | None, Mind] = {}

    @classmethod
    def init(
        cls,
        path: Path | str,
        *,
        model: str = "tiny",
        writer: str | None = None,
        database: str | None = None,
        reference: Path | None = None,
        actor: str | None = None,
        watch: Watch | None = None,
    ) -> Self:
        """Makes a workspace, with the settings for the model in `learner.toml`.

        `reference` is a file of passages with questions that the base can answer, and that no update may
        spoil. Raises what `Workspace.init` does, and InputError for the reference.
        """
        given = None if reference is None else _reference_text(reference)
        workspace = Workspace.init(path, model=model, writer=writer, database=database, actor=actor)
        config = preset(model)
        write_durably(workspace.path / FILE, [settings_text(config).encode()])
        if given is not None:
            write_durably(workspace.path / _REFERENCE, [given.encode()])
        return cls(workspace, config, watch)

    @classmethod
    def open(cls, path: Path | str, *, actor: str | None = None, watch: Watch | None = None) -> Self:
        """The learner in a folder. Raises what `Workspace.open` does, ConfigError for its settings."""
        workspace = Workspace.open(path, actor=actor)
        return cls(workspace, read_settings(workspace.path, workspace.settings()["model"]), watch)

    # What the parts need of one another.

    @cached_property
    def adaptation(self) -> Adaptation:
        """The model that learns, loaded."""
        from transformers.utils import logging

        logging.disable_progress_bar()
        name = self.workspace.settings()["model"]
        self.watch.progress(f"loading {name}", 0, 1)
        return Adaptation.load(self.config.engine_config(name))

    @cached_property
    def writer(self) -> Adaptation:
        """The model that writes; it is frozen, so that what it wrote of one document tells nothing of
        another.
        """
        settings = self.workspace.settings()
        if settings["writer"] == settings["model"]:
            return self.adaptation
        return Adaptation.load(self.config.engine_config(settings["writer"]))

    @cached_property
    def compiler(self) -> Compiler:
        return Compiler(self.config, self.adaptation, self.writer)

    def compiler_of(self, known: KnownDocument) -> Compiler:
        """The compiler with the recipe by which a document was built, which may be an earlier one."""
        if not known.build:
            return self.compiler
        names, then = self.config.recipe(), self.workspace.build(known.build).recipe
        if all(then.get(name) == value for name, value in names.items()):
            return self.compiler
        return Compiler(self.config.with_recipe(then), self.adaptation, self.writer)

    @cached_property
    def library(self) -> Library:
        return Library(self.workspace, self.config, self.adaptation, self.writer)

    @cached_property
    def reference(self) -> tuple[ReferenceItem, ...]:
        """What must not be lost."""
        path = self.workspace.path / _REFERENCE
        given = load_contexts(path) if path.exists() else []
        return reference_items(self.workspace.settings()["model"], given)

    @property
    def version_settings(self) -> Mapping[str, Any]:
        """What decides how a version answers, beside its cells."""
        return {"strategy": "cells", "router": self.config.router.model_dump(mode="json")}

    @property
    def processes(self) -> int:
        if self.config.processes:
            return self.config.processes
        return usable_cores() if self.workspace.settings()["model"] in BUILTIN else 1

    @cached_property
    def answers(self) -> GivenAnswers:
        """Answers that were given: those of the base to the reference are kept from one call to the next."""
        known: GivenAnswers = {}
        items = self.reference
        path = self.workspace.path / _CACHE / f"base-{self._cache_key}.json"
        if path.exists():
            try:
                known.update({(None, q): (a, p) for q, a, p in json.loads(path.read_text(encoding="utf-8"))})
                return known
            except (OSError, ValueError, TypeError):  # a cache that cannot be read is made anew
                known.clear()
        self.watch.progress("asking the base what must not be lost", 0, 1)
        bare = Mind(self.adaptation, {}, self.config.router, known)
        bare.answer([None] * len(items), [i.question for i in items], [i.shown for i in items])
        text = json.dumps([[q, a, p] for (_, q), (a, p) in known.items()])
        try:
            path.parent.mkdir(exist_ok=True)
            write_durably(path, [text.encode()])
        except OSError:  # a folder that cannot be written is still read
            pass
        return known

    @property
    def _cache_key(self) -> str:
        asked = json.dumps([[i.question, i.shown and i.shown.text] for i in self.reference])
        facts = (self.library.base, self.library.environment, self.adaptation.style, asked)
        return sha256("\0".join(facts).encode())[:16]

    def bare_mind(self) -> Mind:
        """The frozen base."""
        return self.mind(None)

    def mind(self, version: Version | None) -> Mind:
        """What a version knows, ready to be asked; its cells are checked as they are read.

        Raises AdapterError if it was made with another base, DamageError if it was altered.
        """
        key = None if version is None else version.id
        if key not in self._minds:
            if version is not None:
                self.library.check(version)
            known = self.library.of_version(version)
            cells = {name: self.library.cell(one) for name, one in known.items()}
            self._minds[key] = Mind(self.adaptation, cells, self.config.router, self.answers)
        return self._minds[key]

    # The verbs.

    def learn(self, texts: Sequence[Text]) -> list[Learned]:
        """Learns documents; returns what became of each, in order.

        What screening refuses is not stored. What is known already is left alone.
        """
        told: dict[int, Learned] = {}
        fresh: dict[str, int] = {}
        live = self.workspace.alias(LIVE)
        for n, given in enumerate(texts):
            flags = screen(given.title, given.text, self.config.screen)
            refused = next((flag for flag in flags if flag.action == "reject"), None)
            key = sha256(given.text.encode("utf-8", "replace"))
            if refused is not None:
                told[n] = Learned("", given.title, "rejected", f"screening: {refused.reason}")
            elif live is not None and key in live.documents:
                told[n] = Learned(key, given.title, "known", "this very text is known already", live.id)
            elif key in fresh:
                told[n] = Learned(key, given.title, "known", "this very text came twice")
            else:
                fresh[key] = n
        for part in _parts(list(fresh), self.config.study_documents):
            for learned in self._study([texts[fresh[key]] for key in part]):
                told[fresh[learned.document]] = learned
        return [told[n] for n in range(len(texts))]

    def _study(self, texts: Sequence[Text]) -> list[Learned]:
        with self.workspace.transaction():
            keys = []
            for given in texts:
                trust = self.config.trust if given.trust is None else given.trust
                document = self.workspace.add_document(given.text, title=given.title, trust=trust)
                if given.questions:
                    self.workspace.record_exam(document.id, given.questions, origin="given")
                keys.append(document.id)
            job: int | None = self.workspace.enqueue({"documents": keys}).id
        learned: dict[str, Learned] = {}
        while job is not None:  # documents that contradict one another are studied in turn
            learned |= {one.document: one for one in self._work(job)}
            job = self.workspace.job(job).outputs.get("then")
        live = self.workspace.alias(LIVE)
        return [learned.get(key) or self._elsewhere(key, live) for key in keys]

    def _elsewhere(self, key: str, live: Version | None) -> Learned:
        """What became of a document that another study took up before ours came to it."""
        title = self.workspace.document(key).title
        if live is not None and key in live.documents:
            return Learned(key, title, "known", "another study learned it meanwhile", live.id)
        return Learned(key, title, "rejected", "it was forgotten meanwhile")

    def _work(self, job: int) -> list[Learned]:
        """Does the jobs in the queue until `job` is done: one that a killed process left comes first."""
        waited = False
        while True:
            lease = self.workspace.claim(lease_s=_LEASE_S)
            if lease is None:
                if self.workspace.job(job).state in ("done", "failed"):
                    return self._found(job)
                if not waited:
                    self.watch.notice("another study is at work on this workspace; waiting for it")
                    waited = True
                time.sleep(0.5)
                continue
            learned = self._do(lease, ours=lease.job == job)
            if lease.job == job:
                return learned

    def _do(self, lease: Lease, *, ours: bool) -> list[Learned]:
        """Does one job. If it is not `ours` but was left by another process, its failure is only told."""
        with self._renewing(lease):
            try:
                learned = self._run(lease)
            except StaleLeaseError:
                raise
            except Exception as error:
                # Fault-tolerance point: a study that fails must not block the next. The reason has the kind
                # of the error only: its message may have words of the document in it.
                self.workspace.fail(lease, reason=f"it failed with {type(error).__name__}")
                if ours:
                    raise
                self.watch.notice(f"job {lease.job}, which an earlier process had left, failed: {error}")
                return []
            except BaseException:  # stopped: whoever comes next need not wait for the lease to run out
                self.workspace.renew(replace(lease, lease_s=_NOW_S))
                raise
        if not ours:
            self.watch.notice(f"finished job {lease.job}, which an earlier process had left")
        return learned

    def _run(self, lease: Lease) -> list[Learned]:
        if lease.attempt > _ATTEMPTS:
            raise StateError(
                f"job {lease.job} was begun {_ATTEMPTS} times, and ended its process each time",
                "Was memory short? Run the command again with fewer documents.",
            )
        if "forget" in lease.inputs:
            forget(self, lease.inputs["forget"], lease)
            return []
        if "approve" in lease.inputs:
            told = lease.inputs
            approve_on_top(self, told["approve"], told["reason"], told["actor"], lease)
            return []
        live = self.workspace.alias(LIVE)
        there = set(live.documents) if live else set()
        wanted = [key for key in lease.inputs["documents"] if key not in there]
        wanted = [key for key in wanted if not self.workspace.document(key).erased]
        return Study(self, wanted).run(lease)

    def forget(self, name: str) -> Document:
        """Takes a document out, by its id, the beginning of it, or its title; returns what it was.

        The live version is then the one that a learner would have that never saw it; its text, lines and exam
        are erased, and the versions that knew it never answer again.

        Raises UnknownNameError, InputError if the name fits several.
        """
        document = self.document(name)
        job = self.workspace.enqueue({"forget": document.id})
        self._work(job.id)
        return document

    def approve(self, name: str, *, reason: str = "", actor: str | None = None) -> Version:
        """Makes a held version live; returns what is then live. If another one is live by now than the one
        that it was made from, what it adds is put on top of that one.

        Raises UnknownNameError, StateError if the version is not held.
        """
        held = self.workspace.version(name)
        if held.state != "held" or is_next(held, self.workspace.alias(LIVE)):
            return self.workspace.approve(name, reason=reason, actor=actor)  # which needs no model
        told = {"approve": held.id, "reason": reason, "actor": actor or self.workspace.actor}
        job = self.workspace.enqueue(told)
        self._work(job.id)
        return self.workspace.version(self.workspace.job(job.id).outputs["approved"])

    def document(self, name: str) -> Document:
        """A document by its id, the beginning of it, or its title. Raises UnknownNameError, InputError."""
        there = [d for d in self.workspace.documents() if not d.erased]
        found = [d for d in there if d.id == name or d.title == name]
        found = found or [d for d in there if len(name) >= 4 and d.id.startswith(name)]
        found = found or [d for d in there if d.title.casefold() == name.casefold()]
        if len(found) > 1:
            ids = ", ".join(d.id[:12] for d in found[:4])
            raise InputError(f"{len(found)} documents are called {name!r}: {ids}", "Give the id of one.")
        if not found:
            titles = [d.title for d in there if d.title]
            raise UnknownNameError(
                f"there is no document {name!r}", f"{did_you_mean(name, titles)} See `seal documents`."
            )
        return found[0]

    def why(self, questions: Sequence[str], *, version: str | None = None) -> list[Why]:
        """Answers with where each is from and the evidence for it. Raises as `ask` does."""
        return explain(self, questions, self._answering(questions, version))

    def diff(self, before: str, after: str) -> list[Change]:
        """What one version knows that another does not, question by question.

        Raises UnknownNameError; StateError if a version was erased.
        """
        return compare_versions(self, self.workspace.version(before), self.workspace.version(after))

    def drop_minds(self) -> None:
        """Forgets what was loaded: versions that were erased must not answer from memory."""
        self._minds.clear()
        self.library.drop_adapters()
        for key in [key for key in self.answers if key[0] is not None]:
            del self.answers[key]

    def _found(self, job: int) -> list[Learned]:
        """What another process made of a job of ours."""
        done = self.workspace.job(job)
        if done.state == "failed":
            raise StateError(f"the study failed in another process: {done.reason}", "Run the command again.")
        found = done.outputs.get("documents", {})
        return [
            Learned(
                **{**one, "title": self.workspace.document(key).title, "supersedes": tuple(one["supersedes"])}
            )
            for key, one in found.items()
        ]

    @contextmanager
    def _renewing(self, lease: Lease) -> Iterator[None]:
        """Keeps a lease while its work goes on; work that is stopped gives the job back at once."""
        stop = threading.Event()

        def keep() -> None:
            while not stop.wait(_LEASE_S / 4):
                try:
                    self.workspace.renew(lease)
                except (BusyError, OSError):  # tried again; the commit checks the lease in any case
                    continue
                except Exception:  # it has passed to another worker, which the commit will find
                    return

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def ask(self, questions: Sequence[str], *, version: str | None = None) -> list[Answer]:
        """Answers of the live version, or of another. A held or rejected one does not answer.

        Raises StateError, and DamageError if a stored cell is not what was put.
        """
        return self.mind(self._answering(questions, version)).ask(list(questions))

    def _answering(self, questions: Sequence[str], version: str | None) -> Version | None:
        """The version that is to answer. Raises InputError, StateError."""
        if any(not q.strip() for q in questions):
            raise InputError("a question is empty", "Ask something.")
        found = self.workspace.alias(LIVE) if version is None else self.workspace.version(version)
        if found is not None and found.state != "live-once":
            raise StateError(
                f"the version {found.id[:12]} is {found.state}, and does not answer", "See `seal show`."
            )
        return found


def _parts(keys: list[str], size: int) -> list[list[str]]:
    return [keys[i : i + size] for i in range(0, len(keys), size)]


def texts_of(contexts: Sequence[Context], trust: float | None = None) -> list[Text]:
    """Contexts from files as documents that come in."""
    return [Text(c.text, c.title, trust, c.questions) for c in contexts]


def _reference_text(path: Path) -> str:
    """The reference as it is kept. Raises InputError if a passage has no questions."""
    contexts = [c for c in load_contexts(path) if c.questions]
    if not contexts:
        raise InputError(f"{path} has no questions", 'Give records with "questions", as for `seal eval`.')
    return json.dumps(
        [
            {
                "title": c.title,
                "context": c.text,
                "questions": [{"question": q.text, "answers": list(q.answers)} for q in c.questions],
            }
            for c in contexts
        ],
        indent=1,
    )
