"""Exact grading of grids: right, wrong, or ungraded.

Knows grids and how they are written. Knows nothing about how an answer was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel

from seal.domains.arc_agi.domain import ArcConfig
from seal.domains.arc_agi.grids import height, shape_text, width
from seal.domains.arc_agi.text import text_form
from seal.errors import InputError
from seal.grading.exact import NO_GOLD, check_lengths, ungraded
from seal.types import Graded, Grid, Outcome, Question


def grade_grid(predicted: Grid | None, gold: Grid | None) -> tuple[Outcome, str]:
    """The outcome and, unless it is right, the reason. A prediction of None is one that was no grid."""
    if gold is None:
        return "ungraded", NO_GOLD
    if predicted is None:
        return "wrong", "the answer is no grid"
    if predicted == gold:
        return "right", ""
    shapes = [shape_text(height(grid), width(grid)) for grid in (predicted, gold)]
    if shapes[0] != shapes[1]:
        return "wrong", f"{shapes[0]} instead of {shapes[1]}"
    off = sum(a != b for row, other in zip(predicted, gold) for a, b in zip(row, other))
    return "wrong", f"{off} of {height(gold) * width(gold)} cells differ"


class GridGrader:
    """Right iff the answer is the gold grid, cell by cell; a `seal.protocols.Grader`.

    An answer that is no grid is wrong, and the reason says why it is none. A question without a gold grid is
    ungraded.
    """

    Config = ArcConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {"arc": ArcConfig}
    name: str = "grid"

    def __init__(self, config: ArcConfig | None = None) -> None:
        self.config = config or ArcConfig()
        self.form = text_form(self.config.representation, columns=self.config.columns)

    def grade(self, questions: Sequence[Question], answers: Sequence[str]) -> list[Graded]:
        """One Graded an answer, in order.

        Raises InputError if there is not one answer a question, or a gold answer is no grid.
        """
        check_lengths(questions, answers)
        return [self._one(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def _one(self, question: Question, answer: str) -> Graded:
        if not question.answers:
            return ungraded(question, answer, NO_GOLD)
        gold = {self.form.read_answer(one) for one in question.answers}
        try:
            predicted = self.form.read_answer(answer)
        except InputError as error:
            return Graded(question.text, question.answers, answer, "wrong", 0.0, error.message)
        if predicted in gold:
            return Graded(question.text, question.answers, answer, "right", 1.0)
        outcome, reason = grade_grid(predicted, self.form.read_answer(question.answers[0]))
        return Graded(question.text, question.answers, answer, outcome, 0.0, reason)
