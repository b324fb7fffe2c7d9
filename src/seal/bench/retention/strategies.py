"""Ways to go on learning, each on the same documents and the same lines: what is compared, and nothing else.

    sequential    one model, an adapter merged into it after each document, as published (SEAL, section 4.4)
    replay        the same, with lines of earlier documents and the base's own answers among the new ones
    consolidated  one adapter, trained from the base on the lines of all documents together
    retrieval     no training: the document that the router finds is put before the question

Cells are the learner's own way (`seal.learner`). Knows nothing about exams or how results are told.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from seal.engine.adapt import Adaptation
from seal.learner.answering import Mind
from seal.learner.asking import prompts_of
from seal.learner.compiling import examples_of
from seal.learner.library import KnownDocument
from seal.models.generate import generate
from seal.models.tokens import encode_prompt
from seal.retention import CellRouter, RouterConfig
from seal.seeds import derive_seed
from seal.training import Adapter, AdapterBank, merge, train
from seal.types import Context, Example, Hyperparameters, TrainingPlan


class Answering(Protocol):
    """What is asked, once documents were learned."""

    name: str

    def answer(self, questions: Sequence[str], shown: Sequence[Context | None]) -> list[str]:
        """The answers, in order; `shown[i]` is a passage that question i comes with."""
        ...

    def size_bytes(self) -> int:
        """Of what is kept beside the base."""
        ...

    def prompt_tokens(self, questions: Sequence[str]) -> float:
        """Tokens that are read for a question, on average."""
        ...


class RetentionStrategy(Answering, Protocol):
    """A way to go on learning: it is given the documents in order."""

    def learn(self, known: KnownDocument) -> None: ...


class _Reading:
    """Closed-book answers cost the question."""

    adaptation: Adaptation

    def prompt_tokens(self, questions: Sequence[str]) -> float:
        prompts = prompts_of(self.adaptation, questions, [None] * len(questions))
        return sum(len(encode_prompt(self.adaptation.tokenizer, p)) for p in prompts) / max(1, len(prompts))


class Sequential(_Reading):
    """Merge after each document. Along with its lines so many earlier ones are trained on, and so many of the
    `neutral` examples (see `anchors`), whose teacher is the base."""

    def __init__(
        self,
        adaptation: Adaptation,
        hyperparameters: Hyperparameters,
        *,
        name: str = "sequential",
        n_replayed: int = 0,
        neutral: Sequence[Example] = (),
        n_neutral: int = 0,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.adaptation, self.hyperparameters = adaptation, hyperparameters
        self.model = copy.deepcopy(adaptation.model)
        self.n_replayed, self.seed = n_replayed, seed
        self.neutral, self.n_neutral = list(neutral), n_neutral
        self.past: list[Example] = []

    def learn(self, known: KnownDocument) -> None:
        own = list(examples_of(known.document.title, known.active_lines))
        rng = random.Random(f"{self.name}/{self.seed}/{known.document.id}")
        beside = rng.sample(self.past, min(self.n_replayed, len(self.past)))
        beside += rng.sample(self.neutral, min(self.n_neutral, len(self.neutral)))
        seed = derive_seed(self.name, self.seed, known.document.id)
        plan = TrainingPlan(known.document.id, (*own, *beside), self.hyperparameters, seed)
        tokenizer = self.adaptation.tokenizer
        merge(self.model, train(self.model, tokenizer, [plan], teacher=self.adaptation.model)[0])
        self.past += own

    def answer(self, questions: Sequence[str], shown: Sequence[Context | None]) -> list[str]:
        return _answers(self.adaptation, self.model, prompts_of(self.adaptation, questions, shown))

    def size_bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.model.parameters())


class Consolidated(_Reading):
    """One adapter on everything, trained when it is asked for. `learn` only notes the document."""

    name = "consolidated"

    def __init__(
        self,
        adaptation: Adaptation,
        hyperparameters: Hyperparameters,
        *,
        neutral: Sequence[Example] = (),
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.adaptation, self.hyperparameters, self.seed = adaptation, hyperparameters, seed
        self.neutral, self.on_progress = tuple(neutral), on_progress
        self.known: list[KnownDocument] = []
        self._adapter: Adapter | None = None

    def learn(self, known: KnownDocument) -> None:
        self.known.append(known)
        self._adapter = None

    def train(self) -> None:
        """All that `learn` noted."""
        _ = self.adapter

    @property
    def adapter(self) -> Adapter:
        if self._adapter is None:
            own = tuple(e for k in self.known for e in examples_of(k.document.title, k.active_lines))
            seed = derive_seed(self.name, self.seed, len(self.known))
            plan = TrainingPlan(self.name, (*own, *self.neutral), self.hyperparameters, seed)
            self._adapter = train(
                self.adaptation.model, self.adaptation.tokenizer, [plan], on_progress=self.on_progress
            )[0]
        return self._adapter

    def answer(self, questions: Sequence[str], shown: Sequence[Context | None]) -> list[str]:
        prompts = prompts_of(self.adaptation, questions, shown)
        with AdapterBank.of(self.adaptation.model, [self.adapter]) as bank:
            return self.adaptation.answer(prompts, bank=bank, slots=[0] * len(prompts))

    def size_bytes(self) -> int:
        return adapter_bytes(self.adapter)


class Retrieval:
    """The passage of the router's best document (or of its best `n`) before the question; the base reads
    it.
    """

    def __init__(self, adaptation: Adaptation, config: RouterConfig, n: int = 1) -> None:
        self.name = "retrieval" if n == 1 else f"retrieval_{n}"
        self.adaptation, self.n = adaptation, n
        self.router, self.texts = CellRouter((), config), dict[str, Context]()

    def learn(self, known: KnownDocument) -> None:
        key = known.document.id
        self.router = self.router.with_entries(known.entry())
        self.texts[key] = Context(key, known.document.title, known.text)

    def _shown(self, question: str, given: Context | None) -> Context | None:
        passages = [self.texts[candidate.key] for candidate in self.router.route(question)][: self.n]
        if given is not None or not passages:
            return given
        first, *others = passages
        text = "\n\n".join([first.text, *(f"{o.title}\n{o.text}" for o in others)])
        return Context(first.id, first.title, text)

    def answer(self, questions: Sequence[str], shown: Sequence[Context | None]) -> list[str]:
        seen = [self._shown(q, s) for q, s in zip(questions, shown, strict=True)]
        return _answers(self.adaptation, self.adaptation.model, prompts_of(self.adaptation, questions, seen))

    def size_bytes(self) -> int:
        return sum(len(f"{c.title}{c.text}".encode()) for c in self.texts.values())

    def prompt_tokens(self, questions: Sequence[str]) -> float:
        seen = [self._shown(q, None) for q in questions]
        prompts = prompts_of(self.adaptation, questions, seen)
        return sum(len(encode_prompt(self.adaptation.tokenizer, p)) for p in prompts) / max(1, len(prompts))


class Cells(_Reading):
    """A mind's cells, each question routed to one. The learner has learned them already."""

    name = "cells"

    def __init__(self, mind: Mind) -> None:
        self.mind, self.adaptation = mind, mind.adaptation

    def answer(self, questions: Sequence[str], shown: Sequence[Context | None]) -> list[str]:
        return [a.text for a in self.mind.ask(list(questions), list(shown))]

    def size_bytes(self) -> int:
        return sum(adapter_bytes(cell.adapter) for cell in self.mind.cells.values())


def adapter_bytes(adapter: Adapter) -> int:
    return sum(f.numel() * f.element_size() for pair in adapter.factors.values() for f in pair)


def _answers(adaptation: Adaptation, model: Any, prompts: Sequence[str]) -> list[str]:
    written = generate(
        model,
        adaptation.tokenizer,
        prompts,
        max_new_tokens=adaptation.answer_tokens,
        stop=() if adaptation.style == "chat" else (adaptation.domain.answer_end,),
        batch_size=256,
    )
    return [adaptation.domain.clean_answer(one.text) for one in written]
