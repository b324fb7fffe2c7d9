"""The verbs of a learner that serves many: work is put into the queue instead of being waited for, answers
are remembered, feedback is taken, and studying can be stopped.

Knows which part does what a verb says, and loads no model by itself. Who may call what is the caller's to
know.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from seal.errors import StateError
from seal.learner.documents import Given, Learned, documents_of, sift
from seal.learner.parts import Parts
from seal.learner.queue import Queue
from seal.learner.recognising import recognised
from seal.learner.writing_together import WritesTogether
from seal.registry import Brake, Document, Feedback, Job, JobEvent, LedgerEntry, RememberedAnswer, Version
from seal.registry.feedback import CORRECTIONS
from seal.registry.records import FeedbackKind

if TYPE_CHECKING:
    from seal.learner.answering import Answer
    from seal.learner.correcting import FeedbackTaken
    from seal.learner.explaining import Why
    from seal.learner.remembering import WantedQuestion


@dataclass(frozen=True)
class Submitted:
    """A document that was handed in: what became of it at once (`learned`: it is known, or screening refused
    it), or the `job` in which it is studied; neither for one that is only stored."""

    document: str
    title: str
    job: int | None = None
    learned: Learned | None = None


class AtService:
    """What a learner does for those who do not wait."""

    parts: Parts

    @cached_property
    def _queue(self) -> Queue:
        return Queue(self.parts)

    @cached_property
    def _answers(self) -> WritesTogether[RememberedAnswer]:
        return WritesTogether(self.parts.workspace.remember_answers)

    def document(self, name: str) -> Document:
        """A document by its id, the beginning of it, or its title."""
        raise NotImplementedError

    def version(self, name: str = "live") -> Version:
        """A version by an alias, its id, or the beginning of it."""
        raise NotImplementedError

    # Work for the queue

    def submit(
        self,
        given: Given | Sequence[Given],
        *,
        supersedes: Sequence[str] = (),
        study: bool = True,
        request: str | None = None,
        actor: str | None = None,
    ) -> list[Submitted]:
        """Does what `learn` does up to the study, which is put into the queue for a worker; with `study`
        False the documents are only stored. What became of each, in order. `supersedes` are ids of
        documents whose place these take: they are forgotten once these are live.

        `request` names the request: the same once more queues nothing. Raises as `learn` does, StateError
        if a request of this name was for other documents.
        """
        workspace, config = self.parts.workspace, self.parts.config
        texts = recognised(workspace, documents_of(given), self.parts.watch.notice)
        decided, fresh = sift(texts, workspace.alias(), config.screen)
        told = {n: Submitted(one.document, one.title, None, one) for n, one in decided.items()}
        keys = list(fresh)
        with workspace.transaction():
            for at in range(0, len(keys), config.study_documents):
                places = [fresh[key] for key in keys[at : at + config.study_documents]]
                together = [texts[n] for n in places]
                name = None if request is None else f"{request}/{at}"
                job, stored = (
                    self._queue.put(together, supersedes=supersedes, request=name, actor=actor)
                    if study
                    else (None, self._queue.store(together, actor=actor))
                )
                for n, key in zip(places, stored, strict=True):
                    told[n] = Submitted(key, texts[n].title, job.id if job else None)
        return [told[n] for n in range(len(texts))]

    def submit_stored(
        self,
        documents: Sequence[str],
        *,
        replacing: Sequence[str] = (),
        request: str | None = None,
        actor: str | None = None,
    ) -> Job:
        """Puts the study of documents that are stored into the queue. Raises as `document` does, StateError
        if all of them are live already, and as `submit` does."""
        keys = list(dict.fromkeys(self.document(name).id for name in documents))
        live = self.parts.workspace.alias()
        fresh = [key for key in keys if live is None or key not in live.documents]
        if request is not None and (there := self.parts.workspace.job_of_request(request)) is not None:
            fresh = [key for key in keys if key in there.inputs.get("documents", ())]
        if not fresh:
            raise StateError("all of these documents are live already", "There is nothing to study.")
        told = {"documents": fresh} | ({"replacing": list(replacing)} if replacing else {})
        return self.parts.workspace.enqueue("study", told, request=request, actor=actor)

    def submit_forget(self, name: str, *, request: str | None = None, actor: str | None = None) -> Job:
        """Puts the taking out of a document into the queue. Raises as `document` does."""
        document = self.document(name).id
        return self.parts.workspace.enqueue("forget", {"forget": document}, request=request, actor=actor)

    def submit_approve(self, name: str, *, reason: str = "", actor: str | None = None) -> Version | Job:
        """Makes a held version live: at once if it can be done without a model, else by a job.

        Raises UnknownNameError, StateError if the version is not held.
        """
        workspace = self.parts.workspace
        held, live = self.version(name), workspace.alias()
        if held.state != "held" or held.parent == (live.id if live else None):
            return workspace.approve(held.id, reason=reason, actor=actor)
        told = {"approve": held.id, "reason": reason, "actor": actor or workspace.actor}
        return workspace.enqueue("approve", told, actor=actor)

    def work(self, stop: threading.Event, *, idle_s: float | None = None) -> None:
        """Does what comes into the queue until told to stop, or nothing came for `idle_s`. What fails is told
        in the job."""
        self._queue.work(stop, idle_s)

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they came."""
        return self.parts.workspace.jobs()

    def job(self, number: int) -> Job:
        """Raises UnknownNameError."""
        return self.parts.workspace.job(number)

    def job_events(self, number: int, *, after: int = 0) -> list[JobEvent]:
        """What a job's worker told of it, after the event `after`."""
        return self.parts.workspace.job_events(number, after=after)

    def job_history(self, number: int) -> list[LedgerEntry]:
        """The ledger's entries about a job. Raises UnknownNameError."""
        return self.parts.workspace.job_history(number)

    def cancel(self, number: int, *, reason: str = "", actor: str | None = None) -> Job:
        """Ends a job; nothing of it is kept but what was written about its documents. Raises
        UnknownNameError, StateError if it has ended."""
        return self.parts.workspace.cancel(number, reason=reason, actor=actor)

    def brake(self) -> Brake | None:
        """The brake, if it is on."""
        return self.parts.workspace.brake()

    def pull_brake(self, *, reason: str = "", actor: str | None = None) -> Brake:
        """Stops all studying, also what is under way, until the brake is released. Answering and forgetting
        go on."""
        return self.parts.workspace.pull_brake(reason=reason, actor=actor)

    def release_brake(self, *, reason: str = "", actor: str | None = None) -> None:
        """Lets studying go on with what stands in the queue."""
        self.parts.workspace.release_brake(reason=reason, actor=actor)

    # Answers that were given, and what was said of them

    def remember(
        self,
        answer: Answer,
        *,
        version: str | None,
        conversation: Sequence[Mapping[str, str]] = (),
        key: str = "",
    ) -> str:
        """Keeps an answer of a version, by its id, to a question of somebody with this key; returns the
        answer's id."""
        from seal.learner.remembering import remembered

        given_by = None if version is None else self.version(version)
        one = remembered(answer, given_by, conversation, key)
        self._answers.put(one)
        return one.id

    def answered(self, name: str) -> RememberedAnswer:
        """An answer that was given, by its id. Raises UnknownNameError."""
        return self.parts.workspace.answer(name)

    def why_answered(self, name: str) -> Why:
        """Why an answer that was given was that: in the version that gave it, which may be live no more.

        Raises UnknownNameError, StateError if what it was from was erased since.
        """
        from seal.learner.remembering import why_answered

        return why_answered(self.parts, name)

    def give_feedback(
        self,
        kind: FeedbackKind,
        value: str,
        *,
        answer: str | None = None,
        conversation: str | None = None,
        question: str = "",
        trust: float | None = None,
        teaches: bool = True,
        author: str = "",
        actor: str | None = None,
    ) -> FeedbackTaken:
        """Takes what `author` says of an answer or a conversation: "thumbs" (up or down), a "comment", the
        "right_answer" to the question of that answer or to `question`, or a "demonstration" of how to answer
        `question`.

        A correction becomes a document with the author's `trust` and is studied as any other. It is held
        for a person if it contradicts another author's, or if its author `teaches` not. Raises InputError,
        UnknownNameError, StateError if the answer was erased.
        """
        from seal.learner.correcting import receive

        workspace = self.parts.workspace
        if kind in CORRECTIONS and answer is not None and not question:
            question = workspace.answer(answer).question
        with workspace.transaction():
            given = workspace.add_feedback(
                kind,
                value,
                author=author or workspace.actor,
                question=question,
                answer=answer,
                conversation=conversation,
                trust=trust,
            )
            return receive(self.parts, self._queue, given, teaches=teaches, actor=actor)

    def accept_correction(self, name: str, *, actor: str | None = None) -> FeedbackTaken:
        """A person lets a held correction pass: it is studied. Raises UnknownNameError, StateError."""
        from seal.learner.correcting import take

        return take(self.parts, self._queue, self.parts.workspace.feedback(name), actor=actor)

    def refuse_correction(self, name: str, *, reason: str = "", actor: str | None = None) -> Feedback:
        """A person refuses a held correction. Raises UnknownNameError, StateError."""
        workspace = self.parts.workspace
        return workspace.settle_feedback(name, "refused", reason=reason, actor=actor)

    def feedback(
        self,
        *,
        held: bool = False,
        answer: str | None = None,
        before: str | None = None,
        skip: int = 0,
        most: int | None = None,
    ) -> list[Feedback]:
        """What was said, the latest first, or `most` of it that was said before another, or after so many to
        `skip`; only the corrections that wait for a person if `held`. Raises UnknownNameError if nothing is
        called `before`."""
        return self.parts.workspace.all_feedback(
            state="held" if held else None, answer=answer, before=before, skip=skip, newest=most
        )

    def n_feedback(self, *, held: bool = False) -> int:
        """How much was said, or how many corrections wait for a person."""
        return self.parts.workspace.n_feedback(state="held" if held else None)

    def wanted(self, most: int = 100) -> list[WantedQuestion]:
        """What should be learned next: questions that no document answered, and those whose answers were
        voted down; most asked first."""
        from seal.learner.remembering import wanted

        workspace = self.parts.workspace
        answers = workspace.answers(newest=_REMEMBERED)
        return wanted(answers, workspace.all_feedback(newest=_REMEMBERED))[:most]


_REMEMBERED = 10_000
"""Answers and pieces of feedback that are looked through, the newest."""
