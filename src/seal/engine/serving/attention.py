"""Attention of one pass in which rows write a token each while others read their prompts.

The tokens of all rows lie in one row, one after another, without padding: everything else in a transformer
works on tokens by themselves. Here each row's keys and values go to its lane, and its tokens see what is
there. Rows that write are attended to together, those that read each by themselves. Whether a model can be
run this way is found out by trying (`can_serve`). Knows nothing about requests or adapters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.engine.serving.lanes import Lane, LaneCache, Room
from seal.models.attention_backends import attending
from seal.models.decoder import Decoder

_NAME = "seal_lanes"
_TOLERANCE = 1e-3
_TOLERANCE_ROUNDED = 0.05
_DENSE = 0.5  # lanes are attended to where they lie if at least this share of them is wanted
_state = threading.local()
_can_serve: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


@dataclass(frozen=True)
class Chunk:
    """`n` tokens of the pass, which follow on what `lane` holds; they begin at `start` of all tokens."""

    lane: Lane
    start: int
    n: int

    @property
    def end(self) -> int:
        """What the lane holds afterwards, in tokens."""
        return self.lane.length_tokens + self.n


@dataclass(frozen=True)
class _Writers:
    """Rows of one room with one new token each."""

    room: Room
    chunks: Sequence[Chunk]
    device: torch.device

    def _tensor(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, device=self.device)

    @cached_property
    def tokens(self) -> Tensor:
        """Where the token of each row lies."""
        return self._tensor([chunk.start for chunk in self.chunks])

    @cached_property
    def lanes(self) -> Tensor:
        return self._tensor([chunk.lane.index for chunk in self.chunks])

    @cached_property
    def places(self) -> Tensor:
        """Where in its lane the token goes."""
        return self._tensor([chunk.end - 1 for chunk in self.chunks])

    @cached_property
    def longest(self) -> int:
        return max(chunk.end for chunk in self.chunks)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The first and last lane and one, if most between are wanted."""
        first = min(chunk.lane.index for chunk in self.chunks)
        last = max(chunk.lane.index for chunk in self.chunks) + 1
        return (first, last) if len(self.chunks) >= _DENSE * (last - first) else None

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows are the lanes of the span, one after another."""
        if self.span is None:
            return True
        return [chunk.lane.index for chunk in self.chunks] == list(range(*self.span))

    @cached_property
    def sources(self) -> Tensor:
        """The token of each lane in the span; any for one that is not wanted."""
        assert self.span is not None
        first, last = self.span
        sources = [self.chunks[0].start] * (last - first)
        for chunk in self.chunks:
            sources[chunk.lane.index - first] = chunk.start
        return self._tensor(sources)

    @cached_property
    def own(self) -> Tensor:
        """The lane of each row, counted from the first of the span."""
        assert self.span is not None
        return self.lanes - self.span[0]

    @cached_property
    def _masks(self) -> dict[int, Tensor | None]:
        return {}

    def mask(self, window: int) -> Tensor | None:
        """What each sees of its lane [n, 1, 1, longest]; None: all of it. A window of 0 is none."""
        if window not in self._masks:
            lengths = [chunk.end for chunk in self.chunks]
            if self.span is not None and not self.in_order:
                lengths = [1] * (self.span[1] - self.span[0])
                for chunk in self.chunks:
                    lengths[chunk.lane.index - self.span[0]] = chunk.end
            self._masks[window] = None
            if min(lengths) < self.longest or 0 < window < self.longest:
                ends = self._tensor(lengths).unsqueeze(1)
                at = torch.arange(self.longest, device=self.device)
                seen = at < ends
                if window:
                    seen &= at >= ends - window
                self._masks[window] = seen[:, None, None, :]
        return self._masks[window]

    def attended(self, query: Tensor, keys: Tensor, values: Tensor, **how: Any) -> Tensor:
        """query [N, H, d] of all tokens, keys and values of the room [n, H', capacity, d] -> [rows, H, d]."""
        mask = self.mask(how.pop("window"))
        if self.span is None:
            keys, values = keys[:, :, : self.longest][self.lanes], values[:, :, : self.longest][self.lanes]
        else:
            where = slice(*self.span)
            keys, values = keys[where, :, : self.longest], values[where, :, : self.longest]
        asking = query.index_select(0, self.tokens if self.in_order else self.sources)
        y = _attend(asking.unsqueeze(2), keys, values, mask, **how).squeeze(2)
        return y if self.in_order else y.index_select(0, self.own)


class StepAttention:
    """How the tokens of one pass attend. `chunks` are in the order of the tokens."""

    def __init__(self, chunks: Sequence[Chunk], device: torch.device) -> None:
        self.readers = [chunk for chunk in chunks if chunk.n > 1]
        rooms: dict[int, list[Chunk]] = {}
        for chunk in chunks:
            if chunk.n == 1:
                rooms.setdefault(chunk.lane.room.capacity_tokens, []).append(chunk)
        self.writers = [_Writers(own[0].lane.room, own, device) for own in rooms.values()]

    def __call__(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, *, window: int, **how: Any
    ) -> Tensor:
        """query [1, H, N, d], key and value [1, H', N, d] of the new tokens -> [1, N, H, d]."""
        queries, new_keys, new_values = (part[0].transpose(0, 1) for part in (query, key, value))
        y = query.new_empty(query.shape[2], query.shape[1], value.shape[3])
        for group in self.writers:
            keys, values = group.room.layer(layer, key, value)
            keys[group.lanes, :, group.places] = new_keys[group.tokens]
            values[group.lanes, :, group.places] = new_values[group.tokens]
            y[group.tokens] = group.attended(queries, keys, values, window=window, **how)
        for chunk in self.readers:
            keys, values = chunk.lane.room.layer(layer, key, value)
            at, own = chunk.lane.index, slice(chunk.start, chunk.start + chunk.n)
            keys[at, :, chunk.lane.length_tokens : chunk.end] = key[0, :, own]
            values[at, :, chunk.lane.length_tokens : chunk.end] = value[0, :, own]
            seen = (keys[at : at + 1, :, : chunk.end], values[at : at + 1, :, : chunk.end])
            mask = _causal(chunk, window, query.device)
            y[own] = _attend(query[:, :, own], *seen, mask, **how)[0].transpose(0, 1)
        return y.unsqueeze(0)

    @contextmanager
    def on(self, model: Any) -> Iterator[None]:
        """Around the forward pass."""
        with attending(model, _NAME, _attention):
            _state.step = self
            try:
                yield
            finally:
                del _state.step


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """That of the pass in flight, by the names of `transformers`."""
    layer = module.layer if hasattr(module, "layer") else module.layer_idx
    step: StepAttention = _state.step
    y = step(layer, query, key, value, window=sliding_window or 0, scaling=scaling, softcap=softcap)
    return y, None


def _causal(chunk: Chunk, window: int, device: torch.device) -> Tensor | None:
    """What the tokens of a chunk see of their lane [n, end]; None: all that are not after them, and nothing
    was there before."""
    before = chunk.lane.length_tokens
    windowed = 0 < window < chunk.end
    if not before and not windowed:
        return None
    seen = torch.ones(chunk.n, chunk.end, dtype=torch.bool, device=device).tril(before)
    return seen.triu(before - window + 1) if windowed else seen


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    scaling: float | None,
    softcap: float | None,
) -> Tensor:
    """query [B, H, n, d], key and value [B, H', m, d]; without a mask one token sees all, several what is not
    after them. -> [B, H, n, d]"""
    b, heads, n, d = query.shape
    shared = heads // key.shape[1]
    causal = mask is None and n > 1
    if shared > 1 and n == 1:  # heads that share keys are queries of one head; torch is slow otherwise
        query = query.reshape(b, key.shape[1], shared, d)
    elif shared > 1:
        key, value = (x[:, :, None].expand(-1, -1, shared, -1, -1).flatten(1, 2) for x in (key, value))
    if softcap:
        y = _capped(query, key, value, mask, causal, d**-0.5 if scaling is None else scaling, softcap)
    else:
        y = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scaling, is_causal=causal
        )
    return y.reshape(b, heads, n, -1)


def _capped(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    causal: bool,
    scaling: float,
    softcap: float,
) -> Tensor:
    """The same with scores held within a cap (Gemma 2, arXiv 2408.00118)."""
    scores = torch.tanh((query @ key.mT) * scaling / softcap) * softcap
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, -1, dtype=torch.float32).to(value.dtype) @ value


def can_serve(model: nn.Module) -> bool:
    """Whether rows may share passes: the logits are the same as of each by itself."""
    if model not in _can_serve:
        _can_serve[model] = isinstance(model, Decoder) or _try(model)
    return _can_serve[model]


def _try(model: Any) -> bool:
    """Reads three rows by lanes, in unlike parts, and each by itself."""
    if not getattr(model, "_supports_attention_backend", False):
        return False
    n, device = model.config.get_text_config().vocab_size, next(model.parameters()).device
    rows = [[i * k % n for i in range(2, 2 + length)] for k, length in ((7, 24), (11, 40), (5, 9))]
    cache = LaneCache(1024)
    lanes = [cache.take(64, None, row, 0) for row in rows]
    taken = [lane for lane in lanes if lane is not None]
    logits: list[list[Tensor]] = [[] for _ in rows]
    try:
        with torch.inference_mode():
            for part in ((8, 1, 4), (1, 30, 1), (15, 9, 4)):
                for own, found in zip(logits, read(model, taken, part, device), strict=True):
                    own.append(found)
            apart = [model(torch.tensor([row], device=device), use_cache=False).logits[0] for row in rows]
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError):
        return False  # a model that cannot be called this way
    together = torch.cat([torch.cat(own) for own in logits]).float()
    alone = torch.cat(apart).float()
    exact = next(model.parameters()).dtype == torch.float32
    allowed = _TOLERANCE if exact else _TOLERANCE_ROUNDED
    return bool((together - alone).abs().max() / alone.abs().max().clamp(min=1e-6) < allowed)


def read(model: Any, lanes: Sequence[Lane], parts: Sequence[int], device: torch.device) -> list[Tensor]:
    """The logits [n, V] of so many tokens more of each lane, which it then holds."""
    chunks: list[Chunk] = []
    for lane, n in zip(lanes, parts, strict=True):
        chunks.append(Chunk(lane, sum(parts[: len(chunks)]), n))
    given = step_inputs(chunks, device)
    with StepAttention(chunks, device).on(model):
        logits = model(**given, use_cache=False).logits[0]
    for chunk in chunks:
        chunk.lane.length_tokens = chunk.end
    return list(logits.split(list(parts)))


def step_inputs(chunks: Sequence[Chunk], device: torch.device) -> dict[str, Tensor]:
    """The keywords of the model's forward: the chunks' tokens and positions."""
    ids = [id for chunk in chunks for id in chunk.lane.tokens[chunk.lane.length_tokens : chunk.end]]
    positions = [at for chunk in chunks for at in range(chunk.lane.length_tokens, chunk.end)]
    both = torch.tensor([ids, positions]).to(device)
    return {"input_ids": both[:1], "position_ids": both[1:]}
