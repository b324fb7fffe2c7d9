"""Causal attention where several texts lie in one row: each sees itself, and the prefix that it shares.

For a backward pass texts of like length are laid side by side and attended to by plain matrix products:
torch's own attention for the CPU took a fifth of a training step in bf16, nearly all of it in its backward
pass (12 texts of 39 tokens, 9 heads of 64, forward and backward: 40 ms, by products 2.7 ms). Knows nothing
about models beyond their queries, keys and values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

_MOST_SCORES = 1 << 22  # of one product; of a text by itself it may be more


@dataclass(frozen=True)
class _Bucket:
    """Texts of like length side by side, filled up to `height` tokens."""

    n_rows: int
    height: int


@dataclass(frozen=True)
class _Tiles:
    """All buckets one after another: the token at each place, the place of each token, and what fills up."""

    buckets: tuple[_Bucket, ...]
    tokens: Tensor
    places: Tensor
    filler: Tensor


@dataclass(frozen=True)
class TextGroup:
    """Texts in a row after the prefix that they share: `rests_tokens` is what each has besides it.

    `singly`: each is attended to by a call of its own, as the embedded models' were when they were trained.
    """

    prefix_tokens: int
    rests_tokens: tuple[int, ...]
    singly: bool = False

    @property
    def n_tokens(self) -> int:
        return self.prefix_tokens + sum(self.rests_tokens)

    def attended(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """query [1, H, n, d], key and value [1, H', n, d] of this group -> [1, H, n, d]."""
        learns = query.requires_grad or key.requires_grad or value.requires_grad
        if not self.prefix_tokens and (self.singly or not learns):
            q, k, v = (part.split(self.rests_tokens, 2) for part in (query, key, value))
            each = zip(q, k, v, strict=True)
            return torch.cat([_by_torch(*one, seen=None, scaling=scaling) for one in each], 2)
        attend = _by_products if learns else _by_torch
        p, done = self.prefix_tokens, []
        if p:
            done.append(attend(query[:, :, :p], key[:, :, :p], value[:, :, :p], None, scaling))
        tiles = self._tiles_on(query.device, query.shape[1])
        rests = [_Spread.apply(part[0, :, p:], tiles) for part in (query, key, value)]
        at, made = 0, []
        for bucket in tiles.buckets:
            n = bucket.n_rows * bucket.height
            q, k, v = (
                one[:, at : at + n].unflatten(1, (bucket.n_rows, bucket.height)).transpose(0, 1)  # type: ignore[index]
                for one in rests
            )
            if p:
                k, v = (
                    torch.cat([whole[:, :, :p].expand(bucket.n_rows, -1, -1, -1), own], 2)
                    for whole, own in ((key, k), (value, v))
                )
            seen = torch.ones(bucket.height, p + bucket.height, dtype=torch.bool, device=query.device)
            y = attend(q, k, v, seen.tril(p), scaling)
            made.append(y.transpose(0, 1).flatten(1, 2))
            at += n
        done.append(_Gather.apply(torch.cat(made, 1), tiles).unsqueeze(0))  # type: ignore[union-attr]
        return torch.cat(done, 2)

    def _tiles_on(self, device: torch.device, n_heads: int) -> _Tiles:
        if (device, n_heads) not in self._kept:
            self._kept[device, n_heads] = self._laid_out(device, n_heads)
        return self._kept[device, n_heads]

    def _laid_out(self, device: torch.device, n_heads: int) -> _Tiles:
        starts, at = [], 0
        for n in self.rests_tokens:
            starts.append(at)
            at += n
        buckets: list[_Bucket] = []
        tokens: list[int] = []
        filler: list[int] = []
        places = [0] * at
        for members in self._alike(n_heads):
            height = max(self.rests_tokens[i] for i in members)
            buckets.append(_Bucket(len(members), height))
            for i in members:
                start, n = starts[i], self.rests_tokens[i]
                places[start : start + n] = range(len(tokens), len(tokens) + n)
                filler += range(len(tokens) + n, len(tokens) + height)
                tokens += [*range(start, start + n), *[start] * (height - n)]
        indices = [torch.tensor(part, dtype=torch.long, device=device) for part in (tokens, places, filler)]
        return _Tiles(tuple(buckets), *indices)

    def _alike(self, n_heads: int) -> Iterator[list[int]]:
        """Texts within a factor of the root of two in length, as many at a time as keep scores in bounds."""
        kinds: dict[int, list[int]] = {}
        for i, n in enumerate(self.rests_tokens):
            kinds.setdefault(math.ceil(2 * math.log2(n)), []).append(i)
        for members in kinds.values():
            height = max(self.rests_tokens[i] for i in members)
            size = max(1, _MOST_SCORES // (n_heads * height * (self.prefix_tokens + height)))
            yield from (members[at : at + size] for at in range(0, len(members), size))

    @cached_property
    def _kept(self) -> dict[tuple[torch.device, int], _Tiles]:
        return {}


class _Spread(torch.autograd.Function):
    """Tokens [H, n, d] to their places in tiles [H, m, d]. What fills up is after all that is seen, so that
    no gradient comes from it, and each token has one place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tiles: _Tiles) -> Tensor:
        ctx.tiles = tiles
        return x.index_select(1, tiles.tokens)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0].index_select(1, ctx.tiles.places), None


class _Gather(torch.autograd.Function):
    """From tiles back to tokens."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tiles: _Tiles) -> Tensor:
        ctx.tiles = tiles
        return x.index_select(1, tiles.places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0].index_select(1, ctx.tiles.tokens).index_fill_(1, ctx.tiles.filler, 0), None


def _by_torch(
    query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None, scaling: float | None
) -> Tensor:
    return nn.functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=seen,
        is_causal=seen is None,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _by_products(
    query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None, scaling: float | None
) -> Tensor:
    """query [B, H, n, d], key and value [B, H', m, d], `seen` [n, m] (None: causal) -> [B, H, n, d]."""
    b, h, n, d = query.shape
    shared, m = key.shape[1], key.shape[2]
    if seen is None:
        seen = torch.ones(n, m, dtype=torch.bool, device=query.device).tril()
    bias = torch.zeros(n, m, device=query.device).masked_fill_(~seen, -math.inf)
    # Heads that share keys are rows of one product.
    y = _Products.apply(
        query.reshape(b * shared, h // shared * n, d),
        key.reshape(b * shared, m, d),
        value.reshape(b * shared, m, -1),
        bias.repeat(h // shared, 1),
        d**-0.5 if scaling is None else scaling,
    )
    return y.view(b, h, n, -1)  # type: ignore[union-attr]


class _Products(torch.autograd.Function):
    """softmax(scaling * q k^T + bias) v, the softmax in fp32; the backward pass computes it anew."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, scaling: float) -> Tensor:
        ctx.save_for_backward(q, k, v, bias)
        ctx.scaling = scaling
        return torch.bmm(_shares(q, k, bias, scaling).to(v.dtype), v)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, bias = ctx.saved_tensors
        shares, grad = _shares(q, k, bias, ctx.scaling), gradients[0]
        grad_v = torch.bmm(shares.to(grad.dtype).mT, grad)
        grad_shares = torch.bmm(grad, v.mT).float()
        inner = (grad_shares * shares).sum(-1, keepdim=True)
        grad_scores = grad_shares.sub_(inner).mul_(shares).mul_(ctx.scaling).to(q.dtype)
        return torch.bmm(grad_scores, k), torch.bmm(grad_scores.mT, q), grad_v, None, None


def _shares(q: Tensor, k: Tensor, bias: Tensor, scaling: float) -> Tensor:
    """What each query takes of each value [B, n, m], in fp32."""
    scores = torch.bmm(q, k.mT).float().mul_(scaling).add_(bias)
    return torch.softmax(scores, -1)


def attended(
    groups: Sequence[TextGroup], query: Tensor, key: Tensor, value: Tensor, scaling: float | None
) -> Tensor:
    """query [1, H, N, d], key and value [1, H', N, d] -> [1, N, H, d]."""
    sizes = [group.n_tokens for group in groups]
    parts = [
        group.attended(q, k, v, scaling)
        for group, q, k, v in zip(groups, query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2))
    ]
    return (parts[0] if len(parts) == 1 else torch.cat(parts, 2)).transpose(1, 2)
