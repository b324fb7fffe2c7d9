"""Exact match after SQuAD v1.1 normalisation, and what all graders share.

Source of the normalisation: the official SQuAD v1.1 evaluation script (Rajpurkar et al., arXiv 1606.05250):
lower case, no ASCII punctuation, no English articles, single spaces. It is made for English.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from seal.errors import InputError
from seal.protocols import Grader
from seal.types import Graded, Question

NO_GOLD = "the question has no gold answer"

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """The text as SQuAD v1.1 compares it; empty if nothing but articles and punctuation is in it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def comparable(text: str) -> str:
    """`normalise`, keeping as much as is needed for a text that is not blank to stay so.

    So "A" (a blood group) and "+" (an operator) are answers as well: the articles stay where nothing else
    is left, and then the punctuation.
    """
    lowered = text.lower()
    return normalise(text) or " ".join(lowered.translate(_WITHOUT_PUNCTUATION).split()) or lowered.strip()


def golds(question: Question) -> tuple[str, ...]:
    """The gold answers that are not blank."""
    return tuple(gold for gold in question.answers if gold.strip())


def check_lengths(questions: Sequence[Question], answers: Sequence[str]) -> None:
    """Raises InputError unless there is one answer a question."""
    if len(questions) != len(answers):
        raise InputError(
            f"{len(answers)} answers for {len(questions)} questions",
            "Give one answer a question, in the same order.",
        )


def ungraded(question: Question, answer: str, reason: str) -> Graded:
    """The record of an answer that could not be graded."""
    return Graded(question.text, question.answers, answer, "ungraded", None, reason)


class GoldGrader(Grader):
    """A grader that judges each answer by itself, beside the gold answers that its question has."""

    def grade(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Graded]:
        """One Graded an answer, in order; ungraded where no gold answer is given.

        Raises InputError if there is not one answer a question.
        """
        check_lengths(questions, answers)
        return [self._graded(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def _graded(self, question: Question, answer: str) -> Graded:
        accepted = golds(question)
        if not accepted:
            return ungraded(question, answer, NO_GOLD)
        return self.one(question, accepted, answer)

    def one(self, question: Question, accepted: Sequence[str], answer: str) -> Graded:
        """The answer graded; `accepted` has at least one gold answer."""
        raise NotImplementedError


class ExactConfig(BaseModel):
    """The exact grader has nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exact(GoldGrader):
    """Right iff the answer equals one of the gold answers after SQuAD v1.1 normalisation; scores 1 and 0.

    For models that answer with nothing but the answer. A right answer in a sentence of its own is wrong here.
    """

    Config = ExactConfig
    name: str = "exact"

    def __init__(self, config: ExactConfig | None = None) -> None:
        self.config = config or ExactConfig()

    def one(self, question: Question, accepted: Sequence[str], answer: str) -> Graded:
        right = comparable(answer) in {comparable(gold) for gold in accepted}
        return Graded(question.text, question.answers, answer, "right" if right else "wrong", float(right))
