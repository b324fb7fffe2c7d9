"""Decoder layers of the Llama family by native code, in passes without gradients.

For writing, answering and scoring in bf16 on a CPU, where most of the time otherwise goes into calls and into
copying weights to another layout. Everything but attention is `native/block.cpp`'s, adapters included;
attention is the model's own, so that caches and packed texts are as they were, but for that of rows with one
token each. A few rows are each computed as if they were alone, whatever is beside them. Only for
`seal.models.decoder.Decoder`, whose layers are known to be what a block computes; others, and fp32, go
operator by operator. Knows nothing about losses, caches or sampling.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from ctypes import c_void_p
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.models import native
from seal.models.native_blocks import FactorPlace, block_of, integers


class RoutedRows(Protocol):
    """Which rows of a pass belong to which slots: `seal.training.bank.Route`."""

    slots: tuple[int, ...]
    shares: tuple[int, ...]
    n_rows: int
    first: int
    weights: Tensor


class OpenBank(Protocol):
    """What holds the adapters of a model: `seal.training.AdapterBank`."""

    scales: Tensor
    rank: int

    @property
    def current_route(self) -> RoutedRows | None: ...


_adapted: WeakKeyDictionary[nn.Module, tuple[OpenBank, FactorPlace]] = WeakKeyDictionary()
_blocks: WeakKeyDictionary[nn.Module, _LayerBlock] = WeakKeyDictionary()
_KINDS_OF_POSITIONS = 2  # in one pass at most: Gemma 3 turns layers with a window otherwise
_opened = 0  # how often a bank was opened or closed
_state = threading.local()


def adapt(bank: OpenBank, places: Mapping[nn.Module, FactorPlace]) -> None:
    """From now on these modules are adapted by `bank`."""
    global _opened
    _opened += 1
    for module, place in places.items():
        _adapted[module] = bank, place


def release(modules: Sequence[nn.Module]) -> None:
    """From now on nothing adapts these modules."""
    global _opened
    _opened += 1
    vars(_state).pop("passes", None)  # they hold the factors of the last pass
    for module in modules:
        _adapted.pop(module, None)


class _LayerBlock:
    """A layer's block, for as long as its weights and the bank stay what they are."""

    def __init__(self, layer: Any) -> None:
        linear = [part for part in layer.modules() if isinstance(part, nn.Linear)]
        found = {module: _adapted[module] for module in linear if module in _adapted}
        self.opened, self._owners = _opened, [part for part in layer.modules() if part._parameters]
        self._places = self._now()
        banks = {id(bank): bank for bank, _ in found.values()}
        self.bank = next(iter(banks.values()), None)
        self.known = len(banks) < 2 and all("forward" not in vars(m) or m in found for m in linear)
        self.block = block_of(layer, {module: place for module, (_, place) in found.items()})

    def current(self) -> bool:
        return self.opened == _opened and self._places == self._now()

    def _now(self) -> list[int]:
        """Where the layer's weights lie."""
        return [p.data_ptr() for part in self._owners for p in part._parameters.values() if p is not None]


class _StepPass:
    """What the layers of one pass are given. cos and sin are [B or 1, T, head width]."""

    def __init__(
        self, x: Tensor, cos: Tensor, sin: Tensor, bank: OpenBank | None, route: RoutedRows | None
    ) -> None:
        n_rows, n, _ = x.shape
        self.cos, self.route, self.n_threads = cos, route, torch.get_num_threads()
        self.shape, self.n_tokens = (n_rows, n), n_rows * n
        wide = [part.float().expand(n_rows, -1, -1).contiguous() for part in (cos, sin)]
        slots, sizes = list[int](), list[int]()
        bank_struct = native.Bank(None, None, None, 0, 0, 0 if bank is None else bank.rank)
        if bank is not None and route is not None:
            slots = [slot - route.first for slot in route.slots]
            sizes = [share * (self.n_tokens // route.n_rows) for share in route.shares]
            scales = bank.scales[:, route.first]
            shape = bank.scales.shape[1], route.weights.shape[1]
            bank_struct = native.Bank(route.weights.data_ptr(), None, scales.data_ptr(), *shape, bank.rank)
        none = integers([])
        self._sizes: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._held = wide, bank
        self.angles = [part.data_ptr() for part in wide]
        self.structs = (
            bank_struct,
            native.Pass(
                self.n_tokens,
                len(slots),
                0,
                0,
                self.n_threads,
                integers(slots),
                integers(sizes),
                none,
                none,
                none,
                *self.angles,
                0,
            ),
        )

    def rooms(self, block: native.Block) -> tuple[Tensor, Tensor]:
        """Memory that a block needs while it runs; all layers of a pass share it."""
        sizes = block.feed_out.n_in, block.attention_in.n_out, block.attention_in.n_in
        if sizes not in self._sizes:
            built, rank = native.loaded(), self.structs[0].rank
            self._sizes[sizes] = (
                built.kept_bytes(block, self.n_tokens, rank),
                built.scratch_bytes(block, self.structs[1], rank),
            )
        kept, scratch = self._sizes[sizes]
        return _room("kept", kept), _room("scratch", scratch)

    def is_of(self, x: Tensor, cos: Tensor, route: RoutedRows | None) -> bool:
        same = self.cos is cos and self.route is route and self.shape == tuple(x.shape[:2])
        return same and self.n_threads == torch.get_num_threads()


class LayerStep:
    """One layer in one pass: what is before attention, and what is after it."""

    def __init__(self, block: native.Block, passing: _StepPass, x: Tensor) -> None:
        self._block, self._passing, self._x = block, passing, x
        self._rooms = passing.rooms(block)

    def heads(self) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, H, T, d] and keys and values [B, H', T, d], turned by their positions."""
        block = self._block
        counts = [block.n_q, block.n_kv, block.n_kv]
        heads = self._x.new_empty(*self._x.shape[:2], sum(counts), block.head_width)
        native.loaded().block_enter(
            block, *self._passing.structs, *map(Tensor.data_ptr, (self._x, heads, *self._rooms))
        )
        query, key, value = heads.transpose(1, 2).split(counts, dim=1)
        return query, key, value

    def output(self, attended: Tensor) -> Tensor:
        """The layer's output, of what its heads have attended to [B, T, H, d]."""
        y, attended = torch.empty_like(self._x), attended.contiguous()
        native.loaded().block_leave(
            self._block, *self._passing.structs, *map(Tensor.data_ptr, (self._x, attended, y, *self._rooms))
        )
        return y


def layer_step(layer: Any, x: Tensor, position_embeddings: tuple[Tensor, Tensor]) -> LayerStep | None:
    """The layer's part in a pass over x [B, T, d]; None where it has to go operator by operator."""
    own = _own(layer, x)
    passing = None if own is None else _passing(own, x, position_embeddings)
    return None if own is None or passing is None else LayerStep(own.block, passing, x.contiguous())


def step_through(
    layers: Sequence[Any],
    x: Tensor,
    turns: Sequence[tuple[Tensor, Tensor]],
    mask: Tensor | None,
    caches: Sequence[tuple[Tensor, Tensor]],
    rows: Sequence[int],
    places: Sequence[int],
) -> Tensor | None:
    """Tokens x [N, 1, d] through all layers in one call, each with its rotary positions of `turns`; their
    output. None where native code is not at hand.

    Token i belongs to row `rows[i]` of the `caches` [B, H', capacity, d], where its keys and values go to
    `places[i]`, and sees what is there up to itself, in a layer with a window so many places back, tokens of
    this very call included. `mask` [B, 1, 1, n]: which places a row sees.
    """
    blocks = [own for own in (_own(layer, x) for layer in layers) if own is not None]
    adapted = [own for own in blocks if own.bank is not None]  # of some layers nothing may be adapted
    if len(blocks) < len(layers) or any(own.bank is not adapted[0].bank for own in adapted):
        return None
    passes = [_passing((adapted or blocks)[0], x, turn) for turn in turns]
    known, passing = [one for one in passes if one is not None], passes[0]
    keys, values = caches[0]
    plain = keys.is_contiguous() and values.is_contiguous() and _is_plain(mask, len(keys))
    if passing is None or len(known) < len(layers) or not plain:
        return None
    block = blocks[0].block
    given = native.Lookup(
        *(None, None, None, None if mask is None else mask.data_ptr(), None),
        *(integers(rows), integers([place + 1 for place in places])),
        *(len(x), block.n_q, block.n_kv, block.head_width),
        *(0, *keys.stride()[:2], 0 if mask is None else mask.stride(0)),
        0.0,
    )
    states = x.clone(memory_format=torch.contiguous_format)
    heads = _room("heads", 2 * len(x) * block.attention_in.n_out)
    attended = _room("attended", 2 * len(x) * block.attention_out.n_in)
    native.loaded().layers_step(
        (c_void_p * len(blocks))(*(ctypes.addressof(own.block) for own in blocks)),
        (native.Cached * len(blocks))(
            *(
                (k.data_ptr(), v.data_ptr(), *one.angles, layer.self_attn.window or 0)
                for (k, v), one, layer in zip(caches, known, layers, strict=True)
            )
        ),
        len(blocks),
        *passing.structs,
        given,
        *map(Tensor.data_ptr, (states, heads, attended, *passing.rooms(block))),
    )
    return states


def _own(layer: Any, x: Tensor) -> _LayerBlock | None:
    """The layer as native code reads it; None where it has to go operator by operator, as all layers of an
    embedded model do: what those write is held to the bit."""
    if layer.self_attn.config.embedded or not _goes_natively(x):
        return None
    own = _blocks.get(layer)
    if own is None or not own.current():
        own = _blocks[layer] = _LayerBlock(layer)
    return own if own.known and own.block.half else None


def _passing(own: _LayerBlock, x: Tensor, position_embeddings: tuple[Tensor, Tensor]) -> _StepPass | None:
    """The pass that is in flight, or a new one; None if its rows are not those of the route."""
    route = None if own.bank is None else own.bank.current_route
    if route is not None and x.shape[0] * x.shape[1] % route.n_rows:
        return None
    passes: deque[_StepPass] = vars(_state).setdefault("passes", deque(maxlen=_KINDS_OF_POSITIONS))
    for passing in passes:
        if passing.is_of(x, position_embeddings[0], route):
            return passing
    passes.append(_StepPass(x, *position_embeddings, own.bank, route))
    return passes[-1]


def most_tokens_alike() -> int:
    """So many tokens may be in flight at once for each to be computed as if it were alone; 0 where native
    code is not at hand."""
    return native.loaded().most_few_rows() if _has_instructions() else 0


def few_rows_product(x: Tensor, weight: Tensor) -> Tensor | None:
    """x [..., k] weight^T [..., n] where the rows are few and native code is at hand; else None."""
    if weight.dtype != x.dtype or not _goes_natively(x):
        return None
    m, k, n = x.numel() // x.shape[-1], x.shape[-1], weight.shape[0]
    if not 0 < m <= native.loaded().most_few_rows() or not weight.is_contiguous():
        return None
    x, y = x.contiguous(), x.new_empty(*x.shape[:-1], n)
    sums = _room("sums", 4 * m * n)
    places = (x, weight, y, sums)
    native.loaded().few_products(m, n, k, torch.get_num_threads(), *map(Tensor.data_ptr, places))
    return y


def attended_rows(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float
) -> Tensor | None:
    """Attention of rows with one token each: query [B, H, 1, d], key and value [B, H', n, d] -> [B, 1, H, d].

    `mask` [B, 1, 1, n] says which keys a row sees. None where native code is not at hand or the parts lie
    otherwise than in a cache.
    """
    n_rows, n_q, n, width = query.shape
    if n != 1 or not _goes_natively(query):
        return None
    cached = key.stride() == value.stride() and key.stride()[2:] == (width, 1)
    if not cached or not _is_plain(mask, n_rows) or query.stride(1) != width or query.stride(3) != 1:
        return None
    out = query.new_empty(n_rows, 1, n_q, width)
    given = native.Lookup(
        *(part.data_ptr() for part in (query, key, value)),
        None if mask is None else mask.data_ptr(),
        out.data_ptr(),
        *(integers(range(n_rows)), integers([key.shape[2]] * n_rows)),
        *(n_rows, n_q, key.shape[1], width),
        *(query.stride(0), *key.stride()[:2], 0 if mask is None else mask.stride(0)),
        scaling,
    )
    native.loaded().look_up_tokens(given, torch.get_num_threads())
    return out


def _is_plain(mask: Tensor | None, n_rows: int) -> bool:
    return mask is None or (mask.dtype == torch.bool and mask.stride(-1) == 1 and len(mask) == n_rows)


def _goes_natively(x: Tensor) -> bool:
    """Whether what is made of `x` has no gradient, and is of a kind that native code is faster for."""
    plain = x.dtype == torch.bfloat16 and x.device.type == "cpu" and not torch.is_grad_enabled()
    return plain and _has_instructions()


@functools.cache
def _has_instructions() -> bool:
    """Whether this processor has those for bf16, and native code is at hand."""
    return native.multiplies_halves() and native.library() is not None and native.loaded().most_few_rows() > 0


def _room(purpose: str, n_bytes: int) -> Tensor:
    """Memory of this thread for a purpose, at least so many bytes with anything in them."""
    rooms: dict[str, Tensor] = vars(_state).setdefault("rooms", {})
    if purpose not in rooms or rooms[purpose].numel() < n_bytes:
        rooms[purpose] = torch.empty(n_bytes, dtype=torch.uint8)
    return rooms[purpose]
