"""A decoder layer of the Llama family as one node of autograd, for many adapters at once, in fp32 or bf16.

The same arithmetic as the model's own layer with `AdapterBank`'s modules in it, written out by hand in
`native/block.cpp`: what lies between two matrix products is one pass over memory, no intermediate result is
kept that the backward pass does not read, modules that share an input are adapted in one product, and each
adapter meets just its own tokens, without padding. In bf16 the results are the same bit for bit whatever the
number of threads.

Whether a model's layers are of this kind is found out by trying, as in `seal.models.packed`: they are, if
they have the same parts, and give the same gradients and logits, these as the output head's of the last
hidden states and nothing else. All others go the bank's general way, as do all where no compiler is. Knows
nothing about losses or plans.
"""

from __future__ import annotations

import copy
import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.models import native
from seal.models.native_blocks import block_of, integers, norms_of
from seal.models.pace import threads_of_layers
from seal.models.packed import Batch, packs, texts_in_flight
from seal.models.packed_attention import TextGroup
from seal.models.prefixes import SharedPrefix
from seal.training.bank import AdapterBank, LoraLayer, Route

_TOLERANCE = 1e-3
_LEAST_ROUNDING = 0.02
_HEADROOM = 2  # times as much memory is mapped as is wanted at first; untouched, it takes none
_ATTENTION, _FEED = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")
_can_fuse: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


class _Room:
    """Memory that one pass after the other keeps its activations in.

    Every pass has another number of tokens, and blocks of ever other sizes leave gaps in a heap. These are
    mapped by themselves, with room to grow: what nothing has been written to takes no memory.
    """

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, n_bytes: int) -> Tensor:
        """A block of at least so many bytes, with anything in them."""
        fitting = [i for i, block in enumerate(self._free) if block.numel() >= n_bytes]
        if fitting:
            return self._free.pop(min(fitting, key=lambda i: self._free[i].numel()))
        if self._free:  # it takes the place of one that has become too small
            self._free.pop(max(range(len(self._free)), key=lambda i: self._free[i].numel()))
        return torch.frombuffer(mmap.mmap(-1, _HEADROOM * n_bytes), dtype=torch.uint8)

    def give(self, block: Tensor) -> None:
        self._free.append(block)

    def empty(self) -> None:
        """Gives back to the system what is not in use."""
        self._free.clear()


class _Pass:
    """What the blocks of one pass are given. cos and sin are [1, N, head width]."""

    def __init__(self, bank: AdapterBank, route: Route, room: _Room, cos: Tensor, sin: Tensor) -> None:
        groups = [group for whole in texts_in_flight() for group in _singly(whole)]
        lengths = [n for group in groups for n in group.rests_tokens]
        n_tokens = sum(group.n_tokens for group in groups)
        assert bank.gradients is not None and sum(route.shares) == n_tokens == cos.shape[1]
        self.bank, self.route, self.room, self.n_tokens, self.cos = bank, route, room, n_tokens, cos
        self._held = cos, sin = cos.float().contiguous(), sin.float().contiguous()
        arrays = [
            integers(given)
            for given in (
                [slot - route.first for slot in route.slots],
                route.shares,
                [group.prefix_tokens for group in groups],
                [len(group.rests_tokens) for group in groups],
                lengths,
            )
        ]
        self.structs = (
            native.Bank(
                route.weights.data_ptr(),
                bank.gradients[route.first].data_ptr(),
                bank.scales[:, route.first].data_ptr(),
                *bank.weights.shape,
                bank.rank,
            ),
            native.Pass(
                n_tokens,
                len(route.slots),
                len(groups),
                len(lengths),
                threads_of_layers(),
                *arrays,
                cos.data_ptr(),
                sin.data_ptr(),
                int(route.fresh),
            ),
        )

    @contextmanager
    def scratch(self, block: native.Block) -> Iterator[Tensor]:
        made = self.room.take(native.loaded().scratch_bytes(block, self.structs[1], self.bank.rank))
        yield made
        self.room.give(made)


def _singly(group: TextGroup) -> list[TextGroup]:
    """Those that share nothing each by itself: threads share them out."""
    return [group] if group.prefix_tokens else [TextGroup(0, (n,)) for n in group.rests_tokens]


class _Fused(torch.autograd.Function):
    """x [1, N, d] through a block. `anchor` only makes autograd call us; `learns_below`: something does."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, block: native.Block, passing: _Pass, learns_below: bool
    ) -> Tensor:
        library = native.loaded()
        x = x.contiguous()
        assert x.shape[:2] == (1, passing.n_tokens) and (x.dtype == torch.bfloat16) == bool(block.half)
        y = torch.empty_like(x)
        kept = passing.room.take(library.kept_bytes(block, passing.n_tokens, passing.bank.rank))
        with passing.scratch(block) as scratch:
            library.block_forward(block, *passing.structs, *map(Tensor.data_ptr, (x, y, kept, scratch)))
        ctx.save_for_backward(x)
        ctx.kept, ctx.given = kept, (block, passing, learns_below)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        block, passing, learns_below = ctx.given
        [x], kept, ctx.kept = ctx.saved_tensors, ctx.kept, None
        grad = gradients[0].contiguous()
        into = torch.empty_like(x) if learns_below and ctx.needs_input_grad[0] else None
        with passing.scratch(block) as scratch:
            native.loaded().block_backward(
                block,
                *passing.structs,
                *map(Tensor.data_ptr, (x, grad, kept)),
                None if into is None else into.data_ptr(),
                scratch.data_ptr(),
            )
        passing.room.give(kept)
        return into, None, None, None, None


@contextmanager
def fused(model: Any, bank: AdapterBank) -> Iterator[Callable[[], None]]:
    """Inside, passes with gradients through `bank` take the decoder layers of `model` whole.

    For a model that `can_fuse`. Yields what gives back the memory that passes hand on: for when none follows
    soon.
    """
    places: dict[nn.Module, LoraLayer] = {layer.module: layer for layer in bank.layers}
    learns = False
    layers, passes = list(model.get_decoder().layers), _Passes(bank)
    for layer in layers:
        learns_below = learns
        learns = learns or any(module in places for module in layer.modules())
        if learns:  # the others, below, have no gradient
            layer.forward = partial(_forward, layer, block_of(layer, places), passes, learns_below)
    try:
        yield passes.room.empty
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


class _Passes:
    """The pass in flight."""

    def __init__(self, bank: AdapterBank) -> None:
        self.bank, self.room = bank, _Room()
        self._last: list[_Pass] = []  # one for each kind of rotary positions

    def current(self, cos: Tensor, sin: Tensor) -> _Pass | None:
        """None where a layer has to go the general way."""
        route = self.bank.current_route
        if route is None or route.dropout or not texts_in_flight() or not torch.is_grad_enabled():
            return None
        if self._last and self._last[0].route is not route:
            self._last.clear()
        found = next((one for one in self._last if one.cos is cos), None)
        if found is None:
            self._last.append(found := _Pass(self.bank, route, self.room, cos, sin))
        return found


def _forward(
    layer: Any, block: native.Block, passes: _Passes, learns_below: bool, hidden_states: Tensor, **given: Any
) -> Any:
    passing = passes.current(*given["position_embeddings"])
    if passing is None:
        return type(layer).forward(layer, hidden_states, **given)
    return _Fused.apply(hidden_states, passes.bank.anchor, block, passing, learns_below)


def can_fuse(model: nn.Module) -> bool:
    """Whether the model's decoder layers are what a `Block` computes: same outputs, same gradients."""
    if model not in _can_fuse:
        _can_fuse[model] = native.library() is not None and _has_parts(model) and _try(model)
    return _can_fuse[model]


def _has_parts(model: Any) -> bool:
    if not packs(model):
        return False
    try:
        layers = list(model.get_decoder().layers)
        norms = [norm for layer in layers for norm in norms_of(layer) if norm is not None]
        parts = [part for layer in layers for part in (layer.self_attn, layer.mlp)] + norms
        widths = {norm.weight.shape for layer in layers for norm in norms_of(layer)[-2:] if norm is not None}
        linear = [getattr(layer.self_attn, name) for layer in layers for name in _ATTENTION]
        linear += [getattr(layer.mlp, name) for layer in layers for name in _FEED]
        children = {name.rpartition(".")[2] for part in parts for name, _ in part.named_modules()}
        has_epsilons = all(hasattr(norm, "variance_epsilon") or hasattr(norm, "eps") for norm in norms)
        alike = {(layer.self_attn.head_dim,) for layer in layers}
    except AttributeError:
        return False
    kinds = {p.dtype for part in parts for p in part.parameters()}
    known_kind = kinds == {torch.float32} or (kinds == {torch.bfloat16} and native.multiplies_halves())
    plain = known_kind and all(p.is_contiguous() for part in parts for p in part.parameters())
    known = {"", "act_fn", "q_norm", "k_norm", *_ATTENTION, *_FEED}
    return (
        plain
        and children <= known
        and has_epsilons
        and widths <= alike
        and all(type(m) is nn.Linear for m in linear)
    )


def _try(model: Any) -> bool:
    """Tries two layers at a time, the first six and the last two: kinds that alternate do so within four."""
    layers = list(model.get_decoder().layers)
    firsts = sorted({i for i in range(0, min(6, len(layers)), 2)} | {max(0, len(layers) - 2)})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little work that several would only wait for one another
    try:
        return all(_alike(model, layers[i : i + 2], logits=not i) for i in firsts)
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _only(model: Any, layers: Sequence[nn.Module]) -> Iterator[None]:
    """Inside, the model has these layers and no others."""
    decoder = model.get_decoder()
    every = decoder.layers
    decoder.layers = nn.ModuleList(layers)
    try:
        yield
    finally:
        decoder.layers = every


def _alike(model: Any, layers: Sequence[nn.Module], *, logits: bool) -> bool:
    """Whether the model with these layers alone gives the same both ways: logits or states, and gradients.

    In bf16 both round, in other places: native code may be off what fp32 gives by twice as much as the
    general way.
    """
    with _only(model, layers):
        try:
            native_way, general = (_outcome(model, whole=way, logits=logits) for way in (True, False))
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
            return False  # it has the parts, and puts them together in another way
    off = _differences(native_way, general)
    if next(layers[0].parameters()).dtype == torch.float32:
        return max(off) <= _TOLERANCE
    with _only(model, [copy.deepcopy(layer).float() for layer in layers]):
        exact = _outcome(model, whole=False, logits=logits)
    bounds = [_LEAST_ROUNDING + 2 * one for one in _differences(general, exact)]
    return all(one <= bound for one, bound in zip(_differences(native_way, exact), bounds, strict=True))


def _differences(found: Sequence[Tensor], other: Sequence[Tensor]) -> list[float]:
    return [((a - b).norm() / b.norm()).item() for a, b in zip(found, other, strict=True)]


def _outcome(model: Any, *, whole: bool, logits: bool) -> tuple[Tensor, Tensor]:
    """Logits or last states of three texts, two of which begin alike, and the gradients of two adapters."""
    n = model.config.get_text_config().vocab_size
    rows = [[i * 7 % n for i in range(1, 6)], [i * 11 % n for i in range(3, 12)], [33 % n, 44 % n, 2 % n]]
    begun = [SharedPrefix((0,), 0), SharedPrefix((1, 2), 2)]
    head = model.get_output_embeddings()
    with AdapterBank(model, n_slots=2, rank=2) as bank:
        draw = torch.Generator().manual_seed(0)
        bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.2)
        bank.scales.copy_(torch.tensor([0.5, 2.0]))
        batch = Batch.of(rows, pad=0, packed=True, device=bank.device, prefixes=begun)
        shares = batch.rows_of([0, 1, 1])
        states = model.get_input_embeddings()(batch.input_ids).to(bank.dtype)
        inputs = {"inputs_embeds": states, "position_ids": batch.position_ids, "use_cache": False}
        route = bank.route(list(shares), list(shares.values()))
        with torch.enable_grad(), route, batch.attention(model):
            if logits and not whole and bank.dtype == head.weight.dtype:
                found = model(**inputs).logits
            else:
                with fused(model, bank) if whole else nullcontext():
                    found = model.get_decoder()(**inputs).last_hidden_state
                found = head(found.to(head.weight.dtype)) if logits else found
            found.square().sum().backward()
        assert bank.gradients is not None
        return found.detach().float(), bank.gradients.clone()
