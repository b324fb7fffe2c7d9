"""What a part must offer to be plugged in.

A new part is one file, and one line in its folder's `__init__`.

Knows nothing about any implementation.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from seal.types import Context, Example, Graded, Hyperparameters, Messages, Question, SelfEdit


@runtime_checkable
class SelfEditFormat(Protocol):
    """Turns a context into a prompt, and what a model wrote into a SelfEdit.

    Formats parse, domains realise.
    """

    name: str

    def prompt(self, context: Context, style: str) -> str:
        """The text shown to the writer. `style` is "base", "chat" or "short"."""
        ...

    def parse(self, context: Context, text: str, *, truncated: bool = False) -> SelfEdit:
        """Never raises on what a model wrote: unusable text gives a SelfEdit without lines."""
        ...

    def limited(
        self, self_edit: SelfEdit, *, n_examples: int, batch_size: int, tokens_an_epoch: int
    ) -> SelfEdit:
        """The self-edit, held to the limits of work that only show once its examples are known."""
        ...


@runtime_checkable
class Domain(Protocol):
    """Says what is learned: realises a self-edit as training examples, and words the exam.

    `answer_lead` stands between an exam prompt and its answer and `answer_end` after it, where no chat
    template says so.
    """

    name: str
    answer_lead: str
    answer_end: str

    def examples(self, context: Context, self_edit: SelfEdit) -> tuple[Example, ...]: ...

    def hyperparameters(self, self_edit: SelfEdit, configured: Hyperparameters) -> Hyperparameters:
        """`configured` with what the self-edit says about its own training."""
        ...

    def edit_alone(self) -> Domain:
        """The same domain, in which nothing but the self-edit is trained on."""
        ...

    def exam_prompt(self, question: Question, style: str) -> str | Messages: ...

    def open_book_prompt(self, context: Context, question: Question, style: str) -> str | Messages: ...

    def clean_answer(self, text: str) -> str: ...


@runtime_checkable
class Grader(Protocol):
    """Grades answers as right, wrong or ungraded. Machinery failures are ungraded, never wrong."""

    name: str

    def grade(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Graded]: ...


@runtime_checkable
class Algorithm(Protocol):
    """Chooses from the scored self-edits of one context those that the policy learns from.

    `uses_baseline` says whether the score without a self-edit has to be measured for it.
    """

    name: str
    uses_baseline: bool

    def select(
        self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random
    ) -> list[int]:
        """Indices of the kept self-edits. A reward of None is ungraded and never kept; `baseline` is the
        score without a self-edit, None if it was not measured."""
        ...

    def weigh(self, rewards: Sequence[float | None], kept: Sequence[int]) -> list[float]:
        """How much each of the kept counts, 0 or more; only the ratios matter."""
        ...
