"""What of a document, and of what is written about it, goes into a model's context.

Knows how long the prompts of a learner are. Where all is as short as texts mostly are, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from seal.domains.knowledge.chunks import chunks
from seal.domains.knowledge.units import Unit, units_of
from seal.engine.check import LEAST_EDIT_TOKENS
from seal.errors import InputError
from seal.models.context import context_tokens
from seal.models.tokens import encode_prompt
from seal.self_edits import FORMATS
from seal.types import Context

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation

_BESIDE: Final = 160  # tokens of a prompt's own words, a title and a question
_LEAST_PIECE: Final = 64
_WINDOW: Final = 5  # a reader sees a unit with those beside it, and a title, a question and an answer


def writing_room(models: Sequence[Adaptation], formats: Sequence[str], wanted_tokens: int) -> tuple[int, int]:
    """The longest self-edit and the longest piece of a document, in tokens, that go into the contexts of all
    `models` together with the prompts of these formats. Raises InputError if none does."""
    limits = [limit for one in models if (limit := context_tokens(one.model)) is not None]
    if not limits:
        return wanted_tokens, 1 << 30
    limit, probe = min(limits), Context("", "", "x")
    prompts = [
        encode_prompt(one.tokenizer, one.render(FORMATS.get(name)().prompt(probe, one.style)))
        for one in models
        for name in formats
    ]
    own = max(map(len, prompts), default=0)
    beside = max(_BESIDE, own + _BESIDE // 4)
    if limit - wanted_tokens - beside >= _LEAST_PIECE:
        return wanted_tokens, limit - wanted_tokens - beside
    free = limit - max(own, _BESIDE // 2)
    if free < 2 * LEAST_EDIT_TOKENS:
        raise InputError(
            f"the model's context of {limit} tokens leaves {max(free, 0)} beside the words of a prompt",
            "Take a model with a longer context.",
        )
    return min(wanted_tokens, free // 2), free - min(wanted_tokens, free // 2)


def units_that_fit(model: Adaptation, title: str, text: str) -> list[Unit]:
    """The units of a document; one that is too long for a prompt with its neighbours is divided. Raises
    InputError if the title alone is too long."""
    limit = context_tokens(model.model)
    found: list[Unit] = []
    for unit in units_of(title, text):
        # No token is shorter than a byte, so that a short text need not be counted.
        if limit is None or len(unit.text.encode("utf-8", "replace")) * _WINDOW <= limit:
            found.append(unit)
            continue
        whole = Context("", "", unit.text)
        parts = chunks(whole, lambda part: len(encode_prompt(model.tokenizer, part)), limit // _WINDOW)
        found += [replace(unit, text=part.text) for part in parts]
    return found
