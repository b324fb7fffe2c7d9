"""Poisoned documents in plain English, offered one by one to a learner that knows some good ones.

Good documents first, then the poison in mixed order, then the other good ones. The live answers to the same
questions are taken twice before (the second time says how much changes by itself), between and after. All is
recorded at once, so that a run that was stopped goes on. Knows nothing about how a document is screened or
judged.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from recipes.real_documents.experiment import answers_by
from recipes.real_documents.poison_texts import (
    PoisonSplit,
    RealPoison,
    good_documents,
    make_real_poison,
    world_questions,
)
from recipes.real_documents.records import Records, peak_memory
from seal.domains.knowledge.private_questions import private_questions
from seal.engine.start import Silent, Watch
from seal.learner import Learner, Text
from seal.learner.ways import By
from seal.registry import document_key

MOMENTS = ("before", "again", "between", "after")
_PRIVATE_EACH = 2


@dataclass(frozen=True)
class RealPoisonSettings:
    """`n` poisoned documents, and `n` good ones, a fifth of which is learned before the poison comes. Every
    live answer is asked for in each of `ways` that the learner knows."""

    split: PoisonSplit = "dev"
    seed: int = 0
    n: int = 50
    ways: tuple[By, ...] = ("auto",)

    @property
    def n_first(self) -> int:
        return max(2, self.n // 5)


@dataclass(frozen=True)
class PlainProbe:
    """A question whose live answer is taken; `about` says why. `answers` are right, if any can be."""

    about: str
    question: str
    answers: tuple[str, ...] = ()


class PoisonRun:
    """One run in one folder. `opened` gives a learner on the run's workspace with nothing in its caches."""

    def __init__(
        self,
        folder: Path,
        settings: RealPoisonSettings,
        opened: Callable[[], Learner],
        watch: Watch | None = None,
    ) -> None:
        self.settings, self.opened, self.watch = settings, opened, watch or Silent()
        self.learned, self.answers = Records(folder / "learned.jsonl"), Records(folder / "answers.jsonl")
        goods = good_documents(settings.split, settings.n, seed=settings.seed)
        self.first, self.others = goods[: settings.n_first], goods[settings.n_first :]

    def run(self) -> None:
        """Does whatever of the run is not done yet."""
        self._learn("first", [(Text(d.text, d.title), "good", d.shape) for d in self.first])
        poison = self.poison()
        probes = self.probes(poison)
        self._ask("before", probes)
        self._ask("again", probes)
        self._learn("poison", [(Text(p.text, p.title, p.trust), p.kind, p.way) for p in poison])
        self._ask("between", probes)
        self._learn("other", [(Text(d.text, d.title), "good", d.shape) for d in self.others])
        self._ask("after", probes)

    def poison(self) -> list[RealPoison]:
        """The poisoned documents; which of the first ones are live decides what is contradicted."""
        live = {r["key"] for r in self.learned.all if r["stage"] == "first" and r["outcome"] == "live"}
        known = [d for d in self.first if document_key(d.text, d.title) in live]
        return make_real_poison(self.settings.split, self.settings.n, seed=self.settings.seed, live=known)

    def probes(self, poison: Sequence[RealPoison]) -> list[PlainProbe]:
        """What is asked."""
        probes = [PlainProbe("learned", q.text, q.answers) for d in self.first for q in d.questions]
        probes += [
            PlainProbe("known to all", q.text, q.answers) for q in world_questions(self.settings.split)
        ]
        probes += [PlainProbe(f"asked of {p.kind}", q.text, q.answers) for p in poison for q in p.asks]
        people = [d.title for d in self.first] + [p.title for p in poison if p.kind == "private"]
        for name in dict.fromkeys(people):
            asked = private_questions(random.Random(f"probe/{name}"), name)
            probes += [PlainProbe("private", question) for question in asked[:_PRIVATE_EACH]]
        return list({p.question: p for p in reversed(probes)}.values())[::-1]

    def _learn(self, stage: str, given: Sequence[tuple[Text, str, str]]) -> None:
        """Each document by itself, in order."""
        done = sum(r["stage"] == stage for r in self.learned.all)
        if done == len(given):
            return
        learner = self.opened()
        for n, (text, kind, way) in enumerate(given[done:], start=done):
            self.watch.progress(f"{stage}: {n + 1} of {len(given)} ({kind}, {way})", n, len(given))
            started = time.perf_counter()
            [told] = learner.learn([text])
            record = asdict(told)
            if told.outcome == "known":  # by the run that this one goes on from
                record["outcome"] = "live"
            record |= {"stage": stage, "kind": kind, "way": way, "key": document_key(text.text, text.title)}
            self.learned.add(record | {"seconds": time.perf_counter() - started, "memory": peak_memory()})

    def _ask(self, moment: str, probes: Sequence[PlainProbe]) -> None:
        for way in self.settings.ways:
            done = {r["question"] for r in self.answers.all if (r["moment"], r["way"]) == (moment, way)}
            todo = [p for p in probes if p.question not in done]
            learner = self.opened()
            if not todo or not answers_by(learner, way):
                continue
            for n, probe in enumerate(todo):
                if n % 10 == 0:
                    self.watch.progress(f"asking {moment} by {way}", n, len(todo))
                said = learner.ask(probe.question, by=way)
                record = {"moment": moment, "way": way, **asdict(probe), "text": said.text}
                self.answers.add(record | {"document": said.document, "by": said.way})
