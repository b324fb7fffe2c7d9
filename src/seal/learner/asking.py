"""How a model is asked: the prompts of questions, how sure it is of an answer, and its own answers as
examples.

Knows nothing about cells, documents or versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seal.engine.adapt import Adaptation
from seal.types import Context, Example, Question


def prompts_of(
    adaptation: Adaptation, questions: Sequence[str], shown: Sequence[Context | None]
) -> list[str]:
    return [adaptation.exam_prompt(s, Question(q, ())) for q, s in zip(questions, shown, strict=True)]


def anchors(
    base: Adaptation, questions: Sequence[str], shown: Sequence[Context | None]
) -> tuple[Example, ...]:
    """Questions that have nothing to do with what is learned, some beside a passage, with the base's own
    answers: a model that is trained on them is held to the base by KL divergence, from the question's first
    word on."""
    prompts = prompts_of(base, questions, shown)
    texts = base.answer(prompts)
    return tuple(
        Example(prompt + base.answer_lead + text, distil=True)
        for prompt, text in zip(prompts, texts, strict=True)
        if text
    )


def answer_probabilities(
    adaptation: Adaptation,
    prompts: Sequence[str],
    answers: Sequence[str],
    bank: Any = None,
    slots: Sequence[int] | None = None,
) -> list[float]:
    """The probability of each answer, as a whole; 0 for an empty one."""
    from seal.models import score_answers

    asked = [i for i, answer in enumerate(answers) if answer.strip()]
    scores = score_answers(
        adaptation.model,
        adaptation.tokenizer,
        [(prompts[i], adaptation.answer_lead + answers[i]) for i in asked],
        adapters=bank,
        slots=[slots[i] for i in asked] if slots is not None else None,
    )
    scored = dict(zip(asked, scores, strict=True))
    return [scored[i].probability if i in scored else 0.0 for i in range(len(answers))]
