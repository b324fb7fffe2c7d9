"""How the next token is drawn from a model's logits. Knows nothing about models, caches or texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seal.errors import InputError
from seal.models.logits import token_log_probabilities

_TOPS = (64, 2048)  # candidates looked at before the whole vocabulary is sorted
_LARGE_VOCABULARY = 8192  # in a smaller one the second look is hardly dearer than the whole


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. `temperature` 0 is greedy; `top_p` as in nucleus sampling (arXiv 1904.09751)."""

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or "" in self.stop:
            raise InputError(
                f"sampling cannot be {self}",
                "max_new_tokens >= 1, temperature >= 0, 0 < top_p <= 1, and no stop string is empty",
            )


def uniforms(seeds: Sequence[int], sampling: Sampling) -> Tensor:
    """One number in [0, 1) for each row and step, [B, max_new_tokens], from the row's own seed."""
    if sampling.temperature == 0:
        return torch.zeros(len(seeds), sampling.max_new_tokens)
    generator = torch.Generator()
    return torch.stack(
        [torch.rand(sampling.max_new_tokens, generator=generator.manual_seed(seed)) for seed in seeds]
    )


def draw(logits: Tensor, sampling: Sampling, uniform: Tensor) -> Tensor:
    """One token id [B] a row: the inverse of the nucleus's cumulative distribution at `uniform` [B].

    Tokens are ordered by falling probability. The nucleus is the fewest of them that reach `top_p`. A few
    of the likeliest nearly always hold it; only for rows in which they do not is everything sorted.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    p = torch.softmax(logits.float() / sampling.temperature, -1)
    needed = uniform if sampling.top_p == 1 else torch.full_like(uniform, sampling.top_p)
    n_words = p.shape[-1]
    top, ids = p.topk(min(_TOPS[0], n_words))
    tokens = _invert(top, ids, sampling.top_p, uniform)
    short = (top.sum(-1) <= needed).nonzero().squeeze(1)
    if len(short) and n_words > _LARGE_VOCABULARY:
        top, ids = p[short].topk(_TOPS[1])
        tokens[short] = _invert(top, ids, sampling.top_p, uniform[short])
        short = short[top.sum(-1) <= needed[short]]
    if len(short):
        top, ids = p[short].sort(descending=True)
        tokens[short] = _invert(top, ids, sampling.top_p, uniform[short])
    return tokens


def drawn_logs(logits: Tensor, tokens: Tensor) -> list[float]:
    """log p of each row's token under `logits` [B, V] as they stand, before temperature and nucleus."""
    found: list[float] = token_log_probabilities(logits, tokens).tolist()
    return found


def _invert(p: Tensor, ids: Tensor, top_p: float, uniform: Tensor) -> Tensor:
    """The token [B] of `ids` [B, k] at which the falling `p` [B, k] add up to `uniform` of the nucleus."""
    cumulative = p.cumsum(-1)
    if top_p < 1:
        uniform = uniform * (p * ((cumulative - p) < top_p)).sum(-1)
    at = torch.searchsorted(cumulative, uniform.unsqueeze(1), right=True).clamp(max=p.shape[-1] - 1)
    return ids.gather(1, at).squeeze(1)
