"""The next token of each of some rows, which differ in everything that says how it is drawn.

Knows requests and logits; nothing about where those come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seal.engine.serving.requests import Request, TokenLog
from seal.models.sampling import Sampling, draw


@dataclass(frozen=True)
class Chooser:
    """How a row's tokens are drawn. `uniform` [max_new_tokens] is what it draws with, one number a token."""

    request: Request
    uniform: Tensor
    written: Counter[int]

    @classmethod
    def of(cls, request: Request) -> Chooser:
        uniform = torch.zeros(0)
        if request.temperature and request.max_new_tokens:
            generator = torch.Generator().manual_seed(request.seed)
            uniform = torch.rand(request.max_new_tokens, generator=generator)
        return cls(request, uniform, Counter())

    @property
    def plain(self) -> bool:
        """Whether the logits are taken as they are."""
        asked = self.request
        return not (asked.logit_bias or asked.presence_penalty or asked.frequency_penalty or asked.top_k)

    def changed(self, logits: Tensor) -> Tensor:
        """The logits [V] with bias and penalties, and minus infinity where nothing may be drawn."""
        asked, logits = self.request, logits.float().clone()
        for token, bias in asked.logit_bias.items():
            logits[token] += bias
        if self.written and (asked.presence_penalty or asked.frequency_penalty):
            ids = torch.tensor(list(self.written), device=logits.device)
            counts = torch.tensor(list(self.written.values()), device=logits.device, dtype=logits.dtype)
            logits[ids] -= asked.presence_penalty + asked.frequency_penalty * counts
        if 0 < asked.top_k < len(logits):
            least = logits.topk(asked.top_k).values[-1]
            logits = logits.masked_fill(logits < least, float("-inf"))
        return logits


def choose(choosers: Sequence[Chooser], logits: Tensor) -> list[int | None]:
    """The next token of each row of `logits` [B, V]; None where they are not numbers."""
    sound = torch.isfinite(logits.amax(-1)).tolist()
    if not all(one.plain for one in choosers):
        kept = [row if one.plain else one.changed(row) for one, row in zip(choosers, logits, strict=True)]
        logits = torch.stack([row.float() for row in kept])
    groups: dict[tuple[float, float], list[int]] = {}
    for place, one in enumerate(choosers):
        top_p = one.request.top_p if one.request.temperature else 1.0
        groups.setdefault((one.request.temperature, top_p), []).append(place)
    tokens: list[int | None] = [None] * len(choosers)
    for (temperature, top_p), places in groups.items():
        own = logits if len(places) == len(choosers) else logits[places]
        numbers = [_number(choosers[place]) for place in places]
        uniform = torch.tensor(numbers, device=logits.device)
        drawn = draw(own, Sampling(1, temperature, top_p), uniform).tolist()
        for place, token in zip(places, drawn, strict=True):
            if sound[place]:
                tokens[place] = token
    return tokens


def _number(chooser: Chooser) -> float:
    """What the next token is drawn with."""
    return float(chooser.uniform[chooser.written.total()]) if len(chooser.uniform) else 0.0


def token_logs(logits: Tensor, targets: Sequence[int], n_top: int) -> list[TokenLog]:
    """How likely each target was under its row of `logits` [n, V], and the `n_top` likeliest tokens of it."""
    logs = torch.log_softmax(logits.float(), -1)
    index = torch.tensor(targets, device=logits.device).unsqueeze(1)
    own, hits = logs.gather(1, index).squeeze(1).tolist(), logits.argmax(-1).tolist()
    tops: list[tuple[tuple[int, float], ...]] = [()] * len(targets)
    if n_top:
        values, ids = logs.topk(min(n_top, logs.shape[1]))
        both = zip(ids.tolist(), values.tolist(), strict=True)
        tops = [tuple(zip(i, v, strict=True)) for i, v in both]
    every = zip(targets, own, hits, tops, strict=True)
    return [TokenLog(token, log, hit == token, top) for token, log, hit, top in every]
