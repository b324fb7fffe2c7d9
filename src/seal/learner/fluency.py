"""How well a model reads neutral text (neutral.txt), with a document's cell switched on and without any.

As served, neutral text reaches no cell; this is what the cell would do to the language if it did, or if it is
exported. Knows nothing about gates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from seal.engine.adapt import Adaptation
from seal.gates import Perplexity
from seal.learner.answering import Cell
from seal.models import score_answers
from seal.models.context import context_tokens
from seal.models.tokens import encode_prompt
from seal.training import AdapterBank

_TOKENS, _TOKENS_OTHERWISE = 4096, 600
"""Tokens of one pass, in the two arrangements of which the base's own difference is the noise."""


@dataclass(frozen=True)
class NeutralReading:
    """How the base reads the neutral text: its perplexity, and by what share that changes if the same text is
    computed in another arrangement."""

    perplexity: float
    noise: float


def read_neutral(base: Adaptation) -> NeutralReading:
    one, other = (_perplexity(base, max_tokens=n) for n in (_TOKENS, _TOKENS_OTHERWISE))
    return NeutralReading(one, abs(other / one - 1))


def perplexities(base: Adaptation, reading: NeutralReading, cells: Sequence[Cell]) -> tuple[Perplexity, ...]:
    """Each cell by itself, switched on; none if the text does not fit the model."""
    found = []
    for cell in cells if math.isfinite(reading.perplexity) else ():
        with AdapterBank.of(base.model, [cell.adapter]) as bank:
            value = _perplexity(base, bank)
        found.append(Perplexity(cell.document, value, reading.perplexity, reading.noise))
    return tuple(found)


def _perplexity(base: Adaptation, bank: AdapterBank | None = None, max_tokens: int = _TOKENS) -> float:
    """exp of the mean loss of a token, each piece after its first word; nan if no piece fits the model."""
    limit = context_tokens(base.model) or math.inf
    fitting = [p for p in neutral_pieces() if len(encode_prompt(base.tokenizer, p)) < limit]
    pairs = [(first, f" {rest}") for first, _, rest in (piece.partition(" ") for piece in fitting)]
    if not pairs:
        return math.nan
    scores = score_answers(
        base.model,
        base.tokenizer,
        pairs,
        adapters=bank,
        slots=None if bank is None else [0] * len(pairs),
        max_tokens=max_tokens,
    )
    nats, tokens = sum(s.log_probability for s in scores), sum(s.n_tokens for s in scores)
    return math.exp(-nats / tokens)


@cache
def neutral_pieces() -> tuple[str, ...]:
    """The paragraphs of the neutral text."""
    text = (files("seal.learner") / "neutral.txt").read_text(encoding="utf-8")
    told = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(piece.strip() for piece in told.split("\n\n") if piece.strip())
