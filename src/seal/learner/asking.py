"""How a model is asked: the prompts of questions, how sure it is of an answer, and its own answers as
examples.

Knows nothing about cells, documents or versions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from seal.engine.adapt import Adaptation
from seal.types import Context, Example, Question

if TYPE_CHECKING:
    from seal.models import AnswerScore


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

    texts = [adaptation.answer_lead + one if one.strip() else "" for one in answers]
    told = [slot for slot, text in zip(slots, texts) if text] if slots is not None else None
    return probabilities_of(
        prompts,
        texts,
        lambda pairs: score_answers(adaptation.model, adaptation.tokenizer, pairs, adapters=bank, slots=told),
    )


def probabilities_of(
    prompts: Sequence[str],
    texts: Sequence[str],
    score: Callable[[Sequence[tuple[str, str]]], Sequence[AnswerScore]],
) -> list[float]:
    """How likely each text is after its prompt, as `score` finds it for those that are not empty; 0 for an
    empty one."""
    asked = [i for i, text in enumerate(texts) if text]
    found = dict(zip(asked, score([(prompts[i], texts[i]) for i in asked]), strict=True))
    return [found[i].probability if i in found else 0.0 for i in range(len(texts))]
