"""Exact match after SQuAD v1.1 normalisation, and what all graders share.

Source of the normalisation: the official SQuAD v1.1 evaluation script (Rajpurkar et al., arXiv 1606.05250):
lower case, no punctuation, no English articles, single spaces. It is made for English prose. Other than
there, a sign stays where it makes another answer: within and before a number (3.5, 9:30, -5, $45, 10%), and
in names such as C++, F# and .NET.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from seal.errors import InputError
from seal.protocols import Grader
from seal.signs import MARKS, PUNCTUATION, UNSPACED, in_one_form
from seal.types import Graded, Question

NO_GOLD = "the question has no gold answer"

_MONEY = "$€£¥₹₩₽"
_ARTICLES = re.compile(rf"(?<![\w.])(?:a|an|the)(?![\w{MARKS}+#*-])")
_GROUPED = re.compile(r"(?<![\d.,'])[1-9]\d{0,2}(?:(?:,\d{3})++|(?:'\d{3})++)(?![\d']|,\d)")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_PERCENT = re.compile(r"(?<=\d) ?(?:per ?cent\b|%)")
# a price as "$45", however it is written
_PRICE = re.compile(rf"(?<![\d.,{_MONEY}])(?<!\d-)(-?)(\d[\d.,]*+) ?([{_MONEY}])(?! ?\d)")
_AFTER_MONEY = re.compile(rf"(?<=[{_MONEY}]) (?=\d)")
_SIGN = re.compile(
    r"(?P<kept>(?<=\d)[^\w\s](?=\d)"  # 3.5, 9:30, 3/4, 1990-95, 10^6
    rf"|(?<![^\s(\[\"'{_MONEY}<>=])-(?=[{_MONEY}]?\.?\d)|(?<![^\s(\[])[<>](?=[ -]?[{_MONEY}]?\d)"  # -5, <5
    rf"|[{_MONEY}](?=-?\.?\d)|(?<=\d)%|(?<=\de)-(?=\d)"
    r"|(?<![^\s(\[\"'-])\.(?=[^\W_])"  # .NET, .5
    r"|(?<=[^\W_])\+{1,2}(?![\w+])|(?<=[^\W\d_])#(?![\w#])"  # C++, A+, F#
    r"|(?<=(?<![\w*.-])[^\W\d_])[*-](?![\w*-])|(?<=(?<![\w*.-])ab)-(?![\w-])"  # A*, O-, AB-
    rf")|[_{PUNCTUATION}]"
)
_UNSPACED_CHAR = re.compile(f"[{UNSPACED}][{MARKS}]*")
_ROUNDS = 8


def normalise(text: str) -> str:
    """The text as SQuAD v1.1 compares it, with the signs that tell answers apart; empty if nothing but
    articles and punctuation is in it. A character of a script without spaces counts as a word."""
    for _ in range(_ROUNDS):  # what one round leaves may be an article, or punctuation, to the next
        before, text = text, " ".join(_ARTICLES.sub(" ", _without_punctuation(text)).split())
        if text == before:
            break
    return text


def comparable(text: str) -> str:
    """`normalise`, keeping as much as is needed for a text that is not blank to stay so.

    So "A" (a blood group) and "+" (an operator) are answers as well: the articles stay where nothing else
    is left, and then the punctuation.
    """
    return normalise(text) or " ".join(_without_punctuation(text).split()) or text.lower().strip()


def _without_punctuation(text: str) -> str:
    """In small letters, without the signs that only part words; numbers and prices in one form."""
    plain = in_one_form(in_one_form(text).lower())
    if any(map(str.isdigit, plain)):
        plain = _GROUPED.sub(lambda match: re.sub("[,']", "", match[0]), plain)
        plain = _DECIMAL_COMMA.sub(".", plain)
        plain = _AFTER_MONEY.sub("", _PERCENT.sub("%", plain))
        plain = _PRICE.sub(r"\1\3\2", plain)
    return _UNSPACED_CHAR.sub(r" \g<0> ", _SIGN.sub(lambda match: match["kept"] or "", plain))


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
