"""How much of a passage an adapter has learned, without any exam: how likely its sentences have become.

Knows texts and adapters. Knows nothing about questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from seal.grading.statistics import mean
from seal.models import score_answers
from seal.text import sentences
from seal.training import AdapterBank
from seal.types import Context, Score


def recited(
    tokenizer: Any,
    exams: Sequence[tuple[Context, Context | None]],
    *,
    answers: bool,
    bank: AdapterBank,
    model: Any,
) -> list[Score]:
    """For the context of each exam, by the adapter in its slot, the mean probability of a token of its text:
    each sentence by itself, after the title. It is the `likelihood` of the score. Nothing is asked, so there
    are no `answers`."""
    assert not answers
    told = [(slot, one, text) for slot, (one, _) in enumerate(exams) for text in sentences(one.text)]
    pairs = [(f"{context.title}\n", text) for _, context, text in told]
    scores = score_answers(model, tokenizer, pairs, adapters=bank, slots=[slot for slot, _, _ in told])
    logs: dict[int, list[float]] = {slot: [] for slot in range(len(exams))}
    for (slot, _, _), score in zip(told, scores, strict=True):
        logs[slot] += score.token_logs
    likelihoods = [mean(map(math.exp, logs[slot])) for slot in range(len(exams))]
    return [
        Score(context.id, (), None, float(likelihood is not None), likelihood)
        for (context, _), likelihood in zip(exams, likelihoods, strict=True)
    ]
