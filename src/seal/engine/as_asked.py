"""A question with its answer, trained on as the exam asks it.

A document that says "Question: ... Answer: ..." teaches a chat model a document. What it is asked comes in
its chat template, and so does what it is to learn. Knows nothing about how an exam is sat.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from seal.config import EngineConfig
from seal.self_edits.pair_lines import question_of
from seal.types import Context, Example, Question


class _Asks(Protocol):
    """Who words the exam: an `Adaptation`."""

    config: EngineConfig

    @property
    def answer_lead(self) -> str: ...

    def exam_prompt(self, shown: Context | None, question: Question) -> str: ...


def as_asked(adaptation: _Asks, examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """The examples as they are trained on: questions with answers as `inner.questions` says, all else as it
    is."""
    if adaptation.config.inner.questions == "document":
        return examples
    return tuple(_as_asked(adaptation, example) for example in examples)


def _as_asked(adaptation: _Asks, example: Example) -> Example:
    """As the closed-book exam asks it, with the loss on the answer."""
    told = None if example.prompt else question_of(example.completion)
    if told is None:
        return example
    question, answer = told
    prompt = adaptation.exam_prompt(None, Question(question, (answer,)))
    return replace(example, prompt=prompt, completion=adaptation.answer_lead + answer)
