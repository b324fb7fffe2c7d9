"""What a part must offer to be plugged in.

A new part is one file, and one line in its folder's `__init__`.

Knows nothing about any implementation.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from seal.types import Context, Example, Graded, Question, SelfEdit


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


@runtime_checkable
class Domain(Protocol):
    """Says what is learned, and realises a self-edit as training examples."""

    name: str

    def examples(self, context: Context, self_edit: SelfEdit) -> tuple[Example, ...]: ...


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
