"""How a model is asked: the prompts of questions, how sure it is of an answer, and its own answers as
examples.

Knows nothing about cells, documents or versions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from seal.engine.adapt import ANSWERS_AT_ONCE, Adaptation, answer_stop
from seal.types import Context, Example, Question

if TYPE_CHECKING:
    from seal.models import AnswerScore
    from seal.models.generate import Generation


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


def told_by_logs(model: Any) -> bool:
    """Whether what is noted while a model writes says how likely its answers are: where native code computes
    each row by itself. Elsewhere the last bits of what is written in a batch depend on the other rows, and
    those of what is read in a packed row do not: there, answers are read once more."""
    import torch

    from seal.models.drafted import can_draft

    return can_draft(model) and next(model.parameters()).dtype == torch.bfloat16


def sure_answers(
    adaptation: Adaptation,
    prompts: Sequence[str],
    bank: Any = None,
    slots: Sequence[int] | None = None,
    *,
    longest_tokens: int = 0,
    known: Sequence[str] | None = None,
) -> list[tuple[str, float]]:
    """What is answered to each of these prompts, and the probability of the answer as a whole; 0 for an empty
    one. The arguments are those of `Adaptation.answer`."""
    from seal.models import score_answers
    from seal.models.generate import generate

    model, tokenizer = adaptation.model, adaptation.tokenizer
    written = generate(
        model,
        tokenizer,
        prompts,
        adapters=bank,
        slots=slots,
        max_new_tokens=longest_tokens or adaptation.answer_tokens,
        stop=answer_stop(adaptation),
        batch_size=ANSWERS_AT_ONCE,
        known=known,
        with_logs=told_by_logs(model),
    )
    texts = [adaptation.domain.clean_answer(one.text) for one in written]
    sure = probabilities_of(
        prompts,
        led(adaptation, texts),
        lambda pairs, owners: score_answers(
            model,
            tokenizer,
            pairs,
            adapters=bank,
            slots=None if slots is None else [slots[i] for i in owners],
        ),
        tokenizer=tokenizer,
        written=written,
    )
    return list(zip(texts, sure, strict=True))


def led(adaptation: Adaptation, answers: Sequence[str]) -> list[str]:
    """Answers as they follow their prompts; an empty one stays empty."""
    return [adaptation.answer_lead + one if one.strip() else "" for one in answers]


def probabilities_of(
    prompts: Sequence[str],
    texts: Sequence[str],
    score: Callable[[Sequence[tuple[str, str]], Sequence[int]], Sequence[AnswerScore]],
    *,
    tokenizer: Any = None,
    written: Sequence[Generation] = (),
) -> list[float]:
    """How likely each text is after its prompt; 0 for an empty one.

    Where it is, token for token, what a model has `written` to the prompt, its logs say it, if any; else
    `score(pairs, places)` finds out, for the pairs of these places.
    """
    found: dict[int, float] = {}
    asked: list[int] = []
    for i, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        logs = _logs_of(tokenizer, prompt, text, written[i]) if written and text else None
        if logs is not None:
            found[i] = math.exp(math.fsum(logs))
        elif text:
            asked.append(i)
    if asked:
        scores = score([(prompts[i], texts[i]) for i in asked], asked)
        found |= {i: one.probability for i, one in zip(asked, scores, strict=True)}
    return [found.get(i, 0.0) for i in range(len(texts))]


def _logs_of(tokenizer: Any, prompt: str, text: str, written: Generation) -> Sequence[float] | None:
    """The log-probabilities of the tokens of `text`, if these are the first that were written; else None."""
    from seal.models.tokens import encode_completion

    if not written.token_logs:
        return None
    ids = encode_completion(tokenizer, text, append_eos=False, after=prompt)
    return written.token_logs[: len(ids)] if ids and tuple(ids) == written.tokens[: len(ids)] else None
