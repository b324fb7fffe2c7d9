"""Is a loaded model sound to learn with? Its tokenizer, its chat template, its numbers.

Each check tries what the package does with a model later, on a few texts. Knows nothing about workspaces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from seal.errors import InputError
from seal.models.chat import chat_prompt
from seal.models.chat_template import TEMPLATE_DATE
from seal.models.context import embedded_tokens
from seal.models.speed import Speed
from seal.models.tokens import check_ids, decode_completion, encode_completion, encode_prompt

CheckState = Literal["ok", "warning", "problem"]
_TEXTS = (
    "The Standard plan costs $45.50 a month (from 1 May 2024); it's 20% off.",
    "Die Straße nach Köln ist gesperrt.\n\nBitte über Bonn fahren.",
    "会议改到星期三下午三点。",
    '  two  spaces, "quotes" — and a tab\t.',
)
_READ = (_TEXTS[0], "Anna Berg was born in 1931 and works as a teacher.")
_MESSAGES = [{"role": "user", "content": "Where was Petra Lund born?"}]
_FASTER = 1.3  # times as fast, from which on another type of numbers is worth a word


@dataclass(frozen=True)
class Check:
    """What one check says: how it is, in words, and what to do about it."""

    name: str
    state: CheckState
    said: str
    advice: str = ""


def check_usable(name: str, dtype: str) -> None:
    """Raises what `load_model` does, and InputError for a model whose tokens cannot be used. How well it
    knows what it is asked is no matter here."""
    from seal.models.load import load_model

    model, tokenizer = load_model(name, dtype=dtype)
    for check in _ids(model, tokenizer):
        if check.state == "problem":
            raise InputError(f"the model {name} cannot be used: {check.name}: {check.said}", check.advice)


def check_model(model: Any, tokenizer: Any) -> list[Check]:
    """All checks of a loaded model by itself."""
    return [
        *_ids(model, tokenizer),
        _round_trip(tokenizer),
        *_template(model, tokenizer),
        _numbers(model, tokenizer),
    ]


def _ids(model: Any, tokenizer: Any) -> Iterator[Check]:
    rows = embedded_tokens(model)
    ids = {"end": tokenizer.eos_token_id, "begin": tokenizer.bos_token_id}
    outside = [f"{name} ({id})" for name, id in ids.items() if id is not None and not 0 <= id < rows]
    if outside:
        yield Check(
            "special tokens",
            "problem",
            f"{' and '.join(outside)} lie outside the model's {rows} tokens",
            "The tokenizer is another model's, or tokens were added to it alone: take the pair as published.",
        )
    elif ids["end"] is None:
        yield Check(
            "special tokens",
            "warning",
            "there is no end token, so that every answer is as long as it may be",
            "Set eos_token in its tokenizer_config.json.",
        )
    else:
        told = ", ".join(f"{name} {id}" for name, id in ids.items() if id is not None)
        yield Check("special tokens", "ok", f"{told}, of {rows}")
    highest = max(max(encode_prompt(tokenizer, text)) for text in _TEXTS)
    if highest >= rows:
        yield Check(
            "vocabulary",
            "problem",
            f"the tokenizer makes the token {highest}, and the model has {rows}",
            "The tokenizer is another model's: take the pair as published.",
        )


def _round_trip(tokenizer: Any) -> Check:
    changed = [text for text in _TEXTS if _there_and_back(tokenizer, text) != text]
    if not changed:
        return Check(
            "text to tokens and back", "ok", f"{len(_TEXTS)} texts in three languages come back as they were"
        )
    back = _there_and_back(tokenizer, changed[0])
    return Check(
        "text to tokens and back",
        "warning" if len(changed) < len(_TEXTS) else "problem",
        f"{len(changed)} of {len(_TEXTS)} texts come back changed: {changed[0]!r} as {back!r}",
        "Texts of that kind are learned as they come back. For others take another model.",
    )


def _there_and_back(tokenizer: Any, text: str) -> str:
    return decode_completion(tokenizer, encode_completion(tokenizer, text, append_eos=False))


def _template(model: Any, tokenizer: Any) -> Iterator[Check]:
    name = "chat template"
    if not getattr(tokenizer, "chat_template", None):
        yield Check(name, "ok", "there is none: the model is asked as a base model is")
        return
    try:
        prompt = chat_prompt(tokenizer, _MESSAGES)
        check_ids(tokenizer, [encode_prompt(tokenizer, prompt)], embedded_tokens(model))
    except InputError as error:
        yield Check(name, "problem", f"it fails: {error.message}", error.hint)
        return
    asked = _MESSAGES[0]["content"]
    if asked not in prompt:
        yield Check(name, "problem", "the question does not stand in what it makes", "Take another template.")
        return
    told = f"a question of {len(asked)} letters becomes {len(prompt)}"
    if "strftime_now" in str(tokenizer.chat_template):
        told += f"; it asks for the date, and is always told {TEMPLATE_DATE:%d %b %Y}"
    yield Check(name, "ok", told)


def _numbers(model: Any, tokenizer: Any) -> Check:
    import torch

    rows = embedded_tokens(model)
    losses = []
    for text in _READ:
        ids = torch.tensor([encode_prompt(tokenizer, text)], device=next(model.parameters()).device)
        ids = ids.clamp(max=rows - 1)
        with torch.no_grad():
            logits = model(ids).logits.float()
        if not torch.isfinite(logits).all():
            return Check(
                "numbers",
                "problem",
                f"in {next(model.parameters()).dtype} the model gives numbers that are not finite",
                'Set dtype = "float32" in learner.toml.',
            )
        losses.append(-float(logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None]).mean()))
    said = f"{min(losses):.2f} nats a token on the likelier of {len(_READ)} sentences"
    if min(losses) > 0.95 * math.log(rows):
        return Check(
            "numbers", "problem", f"{said}, which is no better than guessing", "The weights are not trained."
        )
    return Check("numbers", "ok", said)


def check_speed(
    speed: Speed, dtype: str, processors: int, *, busy: float = 0.0, small: bool = False
) -> list[Check]:
    """Whether the type of the weights and the number of threads are the fast ones here. A `small` model is
    fast enough in any. `busy` is how many programs run or wait to run."""
    of = {"float32": speed.float32_flops, "bfloat16": speed.bfloat16_flops}
    told = ", ".join(f"{kind} {rate / 1e9:.0f}" for kind, rate in of.items())
    said = f"{told} billion operations a second by {speed.threads} thread{'' if speed.threads == 1 else 's'}"
    other = max(of, key=lambda kind: of[kind])
    checks = [Check("type of numbers", "ok", f"{dtype}; {said}")]
    if not small and dtype in of and of[other] > _FASTER * of[dtype]:
        times = of[other] / of[dtype]
        checks = [
            Check(
                "type of numbers",
                "warning",
                f"{dtype}, and {other} is {times:.1f} times as fast on this processor ({said})",
                f'Set dtype = "{other}" in learner.toml before learning the first document.',
            )
        ]
    return [*checks, _threads(speed, processors, busy)]


def _threads(speed: Speed, processors: int, busy: float) -> Check:
    name = "threads"
    if speed.device != "cpu":
        return Check(name, "ok", f"the work is done on {speed.device}")
    if speed.threads > processors:
        return Check(
            name,
            "warning",
            f"{speed.threads} threads for {processors} processors",
            f"Set OMP_NUM_THREADS={processors}.",
        )
    if busy > 1.5 * processors:
        return Check(
            name,
            "warning",
            f"{speed.threads}, of {processors} processors, for which {busy:.0f} programs wait",
            "Wait for the others, or learning takes many times as long.",
        )
    more = f", of {processors} processors" if processors > speed.threads else ""
    return Check(name, "ok", f"{speed.threads}{more}")
