"""What a part must offer to be plugged in.

A new part is one file, and one line in its folder's `__init__`; or a class in another package, named by an
entry point there. A part that inherits from its protocol need only say what differs from the defaults here.

A part with settings has a pydantic class `Config`, and is made with what the table under the part's name
says: `Part(Config(...))`. A part whose settings stand elsewhere says so in `tables`, a mapping from places to
pydantic classes such as {"grading.judge": JudgeConfig}; it is then made with these tables in their order.

Knows nothing about any implementation.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from seal.thoughts import without_thoughts
from seal.types import (
    Context,
    ContextSource,
    Example,
    Graded,
    Hyperparameters,
    Lesson,
    Messages,
    Objective,
    Question,
    SelfEdit,
)


class WriterGrammar(Protocol):
    """A language that a writer can be held to. A state is a value; the empty one is outside of it."""

    @property
    def start(self) -> frozenset[Any]: ...

    def advance(self, state: frozenset[Any], text: str) -> frozenset[Any]:
        """The state after `text`."""
        ...

    def continuations(self, state: frozenset[Any]) -> Sequence[str]:
        """The texts of which one comes next; none at the end."""
        ...

    def ends(self, state: frozenset[Any]) -> bool:
        """Whether the text may end here."""
        ...


@runtime_checkable
class SelfEditFormat(Protocol):
    """Turns a context into a prompt, and what a model wrote into a SelfEdit.

    Formats parse, domains realise. `yields` says what a self-edit holds: "lines", "directives" or a word of
    one's own; a domain takes the formats whose word is its own. Empty: nothing is written. `joins`: two
    self-edits about a context can be made one.
    """

    name: str
    yields: str = "lines"
    joins: bool = False

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
        return self_edit

    def grammar(self) -> WriterGrammar | None:
        """What the writer may write, for `self_edit.constrained`; None if there are no bounds to it."""
        return None

    def joined(
        self, context: Context, first: SelfEdit, second: SelfEdit, fits: Callable[[str], bool]
    ) -> SelfEdit | None:
        """One self-edit of two about a context: the first, and of the second what the first does not say, as
        far as the text `fits`. None if that is nothing. Only of a format that `joins`."""
        return None


@runtime_checkable
class Domain(Protocol):
    """Says what is learned: loads it, realises a self-edit as training examples, and words the exam.

    `takes` says from which formats it learns (`SelfEditFormat.yields`). `unit` and `asked` are what a context
    and a question of its exam are called. `few_shot`: its contexts are the tasks of `ContextSource.tasks`.
    `answer_lead` stands between an exam prompt and its answer and `answer_end` after it, where no chat
    template says so.
    """

    name: str
    takes: str = "lines"
    unit: str = "passage"
    asked: str = "question"
    few_shot: bool = False
    answer_lead: str = " "
    answer_end: str = "\n"

    def load(self, name: str, n: int, *, seed: int) -> ContextSource:
        """The first `n` contexts of a file or folder, or of whatever else a domain gives a name to; what is
        chosen by chance follows from the seed. Raises InputFileError or InputError."""
        ...

    def examples(self, context: Context, self_edit: SelfEdit) -> tuple[Example, ...]: ...

    def hyperparameters(self, self_edit: SelfEdit, configured: Hyperparameters) -> Hyperparameters:
        """`configured` with what the self-edit says about its own training."""
        return configured

    def edit_alone(self) -> Domain:
        """The same domain, in which nothing but the self-edit is trained on."""
        return self

    def exam_prompt(self, question: Question, style: str) -> str | Messages: ...

    def open_book_prompt(self, context: Context, question: Question, style: str) -> str | Messages: ...

    def clean_answer(self, text: str) -> str:
        """The answer in what a model wrote: its first line that is not blank."""
        return next((line.strip() for line in without_thoughts(text).splitlines() if line.strip()), "")


@runtime_checkable
class ContextGenerator(Protocol):
    """Makes contexts without end: "microworld/rl" asks the generator "microworld" for its part "rl".

    `unit` is what a context of it is called; it serves the domains that call theirs the same.
    """

    name: str
    unit: str

    def load(self, domain: Domain, part: str, n: int, *, seed: int, reward: bool) -> ContextSource:
        """`n` contexts, a function of the arguments alone. `reward`: their exams are for the reward of the
        outer loop, not for figures. Raises UnknownNameError for a part that there is not."""
        ...


@runtime_checkable
class Grader(Protocol):
    """Grades answers as right, wrong or ungraded. Machinery failures are ungraded, never wrong."""

    name: str

    def grade(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Graded]: ...


@runtime_checkable
class Algorithm(Protocol):
    """Turns the scored self-edits of one context into what the policy learns from them.

    `uses_baseline`: the score without a self-edit has to be measured for it. `objective`: how the trainer
    takes the lessons; None: each text by its likelihood. `anchor`: the model that an objective holds the
    policy to: that before the round, or the base. `all_rounds`: the policy is trained anew from the base, on
    the lessons of all rounds so far. `best_alone`: only the best sample of a context is ever in its lesson.
    """

    name: str
    uses_baseline: bool = False
    objective: Objective | None = None
    anchor: Literal["before", "base"] = "before"
    all_rounds: bool = False
    best_alone: bool = False

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        """What is learned of samples with these rewards. One of None is ungraded: the machinery failed, so
        the sample is neither good nor bad and never part of a lesson. `baseline` is the score without a
        self-edit, None if it was not measured."""
        ...
