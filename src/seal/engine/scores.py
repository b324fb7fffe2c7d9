"""The score of an exam from its graded answers. Knows nothing about how it was sat."""

from __future__ import annotations

from collections.abc import Sequence

from seal.grading.statistics import summarise
from seal.types import Context, Graded, Score


def score_of(context: Context, answered: Sequence[tuple[Graded, float | None]]) -> Score:
    """Of answers, each with the likelihood of the gold one where it was measured."""
    known = [likelihood for _, likelihood in answered if likelihood is not None]
    return summarise(
        [graded for graded, _ in answered], context.id, sum(known) / len(known) if known else None
    )


def ungraded(context: Context, reason: str) -> Score:
    """The score of an exam in which nothing was asked, for this reason."""
    answers = tuple(Graded(q.text, q.answers, "", "ungraded", None, reason) for q in context.questions)
    return Score(context.id, answers, None, 0.0)
