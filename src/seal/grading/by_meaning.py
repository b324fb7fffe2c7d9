"""The grader for models that answer in their own words: right if an answer states a gold answer and recites
nothing. Strict on numbers, dates, units, names and negations; reads any language (see `meaning.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from seal.grading.exact import GoldGrader
from seal.grading.meaning import same_answer
from seal.grading.recital import MAX_EXTRA_WORDS, no_answer
from seal.types import Graded, Question


class MeaningConfig(BaseModel):
    """The meaning grader's settings.

    Of 10,581 answers that are one sentence or at most 14 words longer than the gold answer (the held-out
    half that the lexical grader was measured on) it agrees with GPT-4.1 on 87.6 % [85.7, 89.4], κ 0.75
    [0.71, 0.78]. It is a little behind `lexical` there, which is fitted to English and lets "14 February
    2000" pass for 2005.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_extra_words: int = Field(
        default=MAX_EXTRA_WORDS,
        ge=0,
        description="An answer of several sentences may be at most so many words longer than the gold one.",
    )


class Meaning(GoldGrader):
    """Right iff the answer says what a gold answer says, and neither recites nor lists; scores 1 and 0."""

    Config = MeaningConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {"grading.meaning": MeaningConfig}
    name: str = "meaning"

    def __init__(self, config: MeaningConfig | None = None) -> None:
        self.config = config or MeaningConfig()

    def one(self, question: Question, accepted: Sequence[str], answer: str) -> Graded:
        stated = [gold for gold in accepted if same_answer(question.text, gold, answer)]
        reason = no_answer(question.text, stated, answer, self.config.max_extra_words) if stated else ""
        right = bool(stated) and not reason
        return Graded(
            question.text, question.answers, answer, "right" if right else "wrong", float(right), reason
        )
