"""Many LoRA adapters on one frozen base. Knows nothing about losses, tokens or optimisers.

All factors of all adapters are one tensor `weights` [S, P]: a row is a slot, which holds one adapter.
The factors of a module are views A [S, r, in] and B [S, out, r] of its columns, so that the norm of an
adapter's gradient, its optimiser step, its copy and its removal are operations on one row. Adapters of a
smaller rank or with fewer target modules have zeros in the rest: no gradient reaches these, and they
stay zero.

While the bank is open the target modules compute, for the rows that `route` says belong to slot a,

    y = W x + bias + scale_a * B_a (A_a x)          (LoRA, Hu et al., arXiv 2106.09685)

with the base frozen. Only the modules' `forward` is replaced, and closing the bank puts it back; the
model's tree, names and weights are never touched.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from seal.errors import ConfigError
from seal.models.native_layers import adapt, release
from seal.training.adapter import Adapter, AdapterFactors, check_fit, match_targets, matrix, modules_of
from seal.training.grouped import Groups, groups_of
from seal.types import Hyperparameters

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle

    from seal.training.adapter import Linear


def stream(seed: int, purpose: str) -> torch.Generator:
    """A random stream of its own for each purpose of a seed, on the CPU."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@dataclass(frozen=True)
class LoraLayer:
    """A target module, and where the columns of its A and of its B begin in the bank.

    The A of all modules come first, so that those of modules that share an input are one matrix.
    """

    name: str
    module: Linear
    index: int
    start_a: int
    start_b: int
    n_in: int
    n_out: int

    def factors(self, rows: Tensor, rank: int) -> tuple[Tensor, Tensor]:
        """Views A [n, r, in] and B [n, out, r] of `rows` [n, P]."""
        return (
            rows.narrow(1, self.start_a, rank * self.n_in).view(-1, rank, self.n_in),
            rows.narrow(1, self.start_b, self.n_out * rank).view(-1, self.n_out, rank),
        )


@dataclass(frozen=True)
class RowDropout:
    """Dropout on the adapters' input for one row of `slot`: `generator` alone says what falls out.

    `start` is where the row begins among the flattened tokens of the batch; its padding is not dropped.
    """

    probability: float
    generator: torch.Generator
    length_tokens: int
    start: int
    slot: int


@dataclass
class Route:
    """The adapters of the rows in flight: slots `first` to `first + n`, and how the rows fall to them."""

    slots: tuple[int, ...]
    shares: tuple[int, ...]
    n_rows: int
    first: int
    n: int
    weights: Tensor  # [n, P]
    gradient_rows: Tensor | None  # [n, P]
    layers: Sequence[LoraLayer]
    rank: int
    scales: Tensor  # [layers, n]
    fresh: bool
    dropout: Sequence[RowDropout]
    groups: dict[int, tuple[Groups, Tensor]] = field(default_factory=dict)
    spread: tuple[Tensor, Tensor] | None = None

    @cached_property
    def factors(self) -> list[tuple[Tensor, Tensor]]:
        """A and B of each layer."""
        return [layer.factors(self.weights, self.rank) for layer in self.layers]

    @cached_property
    def gradients(self) -> list[tuple[Tensor, Tensor]]:
        """Those of A and B of each layer."""
        assert self.gradient_rows is not None
        return [layer.factors(self.gradient_rows, self.rank) for layer in self.layers]

    def groups_for(self, n_tokens: int) -> tuple[Groups, Tensor]:
        """How `n_tokens` flattened tokens fall to the slots, and their scales [layers, n_tokens, 1]."""
        if n_tokens not in self.groups:
            sizes = groups_of(self.slots, self.shares, self.first, self.n, n_tokens // self.n_rows)
            groups = Groups(sizes, self.scales.device)
            self.groups[n_tokens] = groups, groups.each(self.scales)
        return self.groups[n_tokens]

    def input_tiles(self, x: Tensor, flat: Tensor, groups: Groups) -> Tensor:
        """The input of a module in tiles; modules that are given one and the same tensor share them."""
        if self.spread is None or self.spread[0] is not x:
            self.spread = x, groups.tiles(flat)
        return self.spread[1]


class _LoraLinear(torch.autograd.Function):
    """y = x W^T + bias + scale (x A^T) B^T, each row with its own adapter, in few passes over memory.

    x is [..., in], its rows in the order of their slots. The gradients of A and B go to the bank's own
    buffers; `anchor` only makes autograd call us. The base has none, so nothing is computed for it.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, layer: LoraLayer, route: Route, mask: Tensor | None
    ) -> Tensor:
        (a, b), module = route.factors[layer.index], layer.module
        flat, weight = x.reshape(-1, layer.n_in), matrix(module).t()
        groups, scales = route.groups_for(len(flat))
        out = x.new_empty(*x.shape[:-1], layer.n_out)  # no view: some models go on in place
        y = out.view(-1, layer.n_out)
        if module.bias is None:
            torch.mm(flat, weight, out=y)
        else:
            torch.addmm(module.bias, flat, weight, out=y)
        seen = flat if mask is None else flat * mask
        tiles = route.input_tiles(x, flat, groups) if mask is None else groups.tiles(seen)
        hidden = groups.product(seen, tiles, a.mT).mul_(scales[layer.index])
        y += groups.product(hidden, groups.tiles(hidden), b.mT)
        ctx.save_for_backward(seen, tiles, hidden, mask)
        ctx.layer, ctx.route, ctx.shape = layer, route, x.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, route = ctx.layer, ctx.route
        seen, tiles, hidden, mask = ctx.saved_tensors
        (a, b), (grad_a, grad_b) = route.factors[layer.index], route.gradients[layer.index]
        grad = gradients[0].reshape(-1, layer.n_out)
        groups, scales = route.groups_for(len(grad))
        grad_tiles, add = groups.tiles(grad, zero=True), not route.fresh
        grad_hidden = groups.product(grad, grad_tiles, b).mul_(scales[layer.index])
        hidden_tiles = groups.tiles(grad_hidden, zero=True)
        groups.outer(grad, grad_tiles, hidden, groups.tiles(hidden), grad_b, add=add)
        groups.outer(grad_hidden, hidden_tiles, seen, tiles, grad_a, add=add)
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, None
        grad_seen = groups.product(grad_hidden, hidden_tiles, a)
        grad_x = torch.addmm(grad_seen if mask is None else grad_seen * mask, grad, matrix(layer.module))
        return grad_x.view(ctx.shape), None, None, None, None


class AdapterBank:
    """`n_slots` adapters of rank at most `rank` on `model`, for use in a `with` block.

    The factors are fp32 even where the base is not; a pass computes in the base's precision. `dtype`: of
    factors that learn no more, which need not be rounded anew in every pass.

    Raises ConfigError if a target matches no module.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_slots: int,
        rank: int,
        targets: Collection[str | tuple[str, ...]] = ("all-linear",),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model, self.n_slots, self.rank = model, n_slots, rank
        modules = list(modules_of(model, targets))
        if not modules:
            raise ConfigError(
                "the model has no linear module to adapt", "only nn.Linear and Conv1D are supported"
            )
        self.layers: list[LoraLayer] = []
        at_a, at_b = 0, rank * sum(matrix(module).shape[1] for _, module in modules)
        for index, (name, module) in enumerate(modules):
            n_out, n_in = matrix(module).shape
            self.layers.append(LoraLayer(name, module, index, at_a, at_b, n_in, n_out))
            at_a, at_b = at_a + rank * n_in, at_b + rank * n_out
        weight = self.layers[0].module.weight
        self.device, self.dtype = weight.device, weight.dtype
        self.weights = torch.zeros(n_slots, at_b, device=self.device, dtype=dtype)
        self.gradients: Tensor | None = None
        self.scales = torch.zeros(len(self.layers), n_slots, device=self.device)
        self._idle = [[True] * n_slots for _ in self.layers]
        self.anchor = torch.zeros(0, device=self.device, requires_grad=True)
        self.current_route: Route | None = None
        self._frozen: list[nn.Parameter] = []
        self._counting: RemovableHandle | None = None
        self._rounded: tuple[tuple[int, int, int], Tensor] | None = None
        self._n_tokens = 0  # of the model's input in flight, if its rows are those of the route

    @classmethod
    def of(cls, model: nn.Module, adapters: Sequence[Adapter]) -> Self:
        """A bank that holds `adapters`, the i-th in slot i."""
        targets = {adapter.hyperparameters.targets for adapter in adapters}
        bank = cls(
            model, n_slots=len(adapters), rank=max(a.hyperparameters.rank for a in adapters), targets=targets
        )
        for slot, adapter in enumerate(adapters):
            bank.load(slot, adapter)
        return bank

    def __enter__(self) -> Self:
        taken = [layer.name for layer in self.layers if "forward" in vars(layer.module)]
        if taken:
            raise ConfigError(f"{taken[0]} has a forward of its own already", "close the other bank first")
        self._frozen = [p for p in self.model.parameters() if p.requires_grad]
        for parameter in self._frozen:
            parameter.requires_grad_(False)
        for layer in self.layers:
            layer.module.forward = partial(self._forward, layer)  # type: ignore[method-assign, assignment]
        adapt(self, {layer.module: layer for layer in self.layers})
        self._counting = self.model.register_forward_pre_hook(self._count, with_kwargs=True)
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._rounded = None
        if self._counting is not None:
            self._counting.remove()
        for layer in self.layers:
            vars(layer.module).pop("forward", None)
        release([layer.module for layer in self.layers])
        for parameter in self._frozen:
            parameter.requires_grad_(True)

    def initialise(self, slot: int, hyperparameters: Hyperparameters, seed: int) -> None:
        """Puts a fresh adapter in `slot`: A uniform as PEFT's (Kaiming, a = sqrt 5), B zero.

        Its weights depend on the seed, its rank and its targets, and on nothing else in the bank.
        """
        generator = stream(seed, "weights")
        factors = {}
        for layer in self._own(hyperparameters):
            bound = 1 / math.sqrt(layer.n_in)
            a = torch.rand(hyperparameters.rank, layer.n_in, generator=generator).mul_(2 * bound).sub_(bound)
            factors[layer.name] = (a, torch.zeros(layer.n_out, hyperparameters.rank))
        self.load(slot, Adapter("", hyperparameters, factors))

    def load(self, slot: int, adapter: Adapter) -> None:
        """Puts a trained adapter in `slot`. Raises AdapterError if it does not fit the model."""
        modules = {layer.name: layer.module for layer in self.layers}
        hyperparameters = adapter.hyperparameters
        check_fit(adapter.factors, modules, hyperparameters.rank, where=f"adapter {adapter.id!r}")
        self.clear(slot)
        for layer in self.layers:
            self._idle[layer.index][slot] = layer.name not in adapter.factors
            if layer.name in adapter.factors:
                self.scales[layer.index, slot] = adapter.scale
        self.put(self.weights, slot, adapter.factors)

    def put(self, rows: Tensor, slot: int, factors: AdapterFactors) -> None:
        """Writes factors into the row of `slot` in `rows` [S, P]: the bank's weights, or such."""
        for layer in self.layers:
            if layer.name in factors:
                own_a, own_b = factors[layer.name]
                a, b = layer.factors(rows[slot : slot + 1], self.rank)
                a[0, : len(own_a)] = own_a.to(self.device)
                b[0, :, : len(own_a)] = own_b.to(self.device)

    def clear(self, slot: int) -> None:
        """Empties a slot: what is routed to it is the bare base's."""
        self.weights[slot] = 0
        self.scales[:, slot] = 0

    def read(
        self, slot: int, hyperparameters: Hyperparameters, rows: Tensor | None = None
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """A copy of the factors in `slot`, without what pads them, on the CPU; or what `rows` [S, P] have."""
        row = (self.weights if rows is None else rows)[slot : slot + 1].cpu()
        factors = {layer.name: layer.factors(row, self.rank) for layer in self._own(hyperparameters)}
        rank = hyperparameters.rank
        return {name: (a[0, :rank].clone(), b[0, :, :rank].clone()) for name, (a, b) in factors.items()}

    def _own(self, hyperparameters: Hyperparameters) -> list[LoraLayer]:
        names = set(match_targets([layer.name for layer in self.layers], hyperparameters.targets))
        return [layer for layer in self.layers if layer.name in names]

    @contextmanager
    def route(
        self,
        slots: Sequence[int],
        shares: int | Sequence[int],
        *,
        dropout: Sequence[RowDropout] = (),
        fresh: bool = True,
    ) -> Iterator[None]:
        """Inside, the rows of a batch belong to `slots`, which rise: `shares[i]` rows to `slots[i]`.

        A number gives every slot as many. Where all texts lie in one row, a share is in tokens. Without a
        route the model is the bare base. With gradients enabled, a backward pass inside puts the factors'
        gradients of all slots from the first to the last into `gradients` [S, P]; `fresh`: in place of what
        is there, else on top of it.
        """
        shares = (shares,) * len(slots) if isinstance(shares, int) else tuple(shares)
        assert all(a < b for a, b in pairwise(slots)), "slots rise, so that they are rows of one slice"
        first, n = slots[0], slots[-1] + 1 - slots[0]
        where = slice(first, first + n)
        learn = torch.is_grad_enabled()
        if learn and self.gradients is None:
            self.gradients = torch.zeros_like(self.weights)
        weights, scales = self._computed(where, learn), self.scales[:, where].to(self.dtype)
        gradients = self.gradients[where] if learn and self.gradients is not None else None
        self.current_route = Route(
            slots=tuple(slots),
            shares=shares,
            n_rows=sum(shares),
            first=first,
            n=n,
            weights=weights,
            gradient_rows=gradients,
            layers=self.layers,
            rank=self.rank,
            scales=scales,
            fresh=fresh,
            dropout=dropout,
        )
        self._n_tokens = 0
        try:
            yield
        finally:
            # A tensor that the route holds knows, by its graph, the route: nothing would ever free the two.
            self.current_route.spread = None
            self.current_route = None

    def _computed(self, where: slice, learn: bool) -> Tensor:
        """The factors of some slots in the base's precision; rounded once, until they change."""
        if learn or self.weights.dtype == self.dtype or self.weights.is_inference():
            return self.weights[where].to(self.dtype)
        state, kept = (self.weights._version, where.start, where.stop), self._rounded
        self._rounded = kept if kept and kept[0] == state else (state, self.weights[where].to(self.dtype))
        return self._rounded[1]

    def _forward(self, layer: LoraLayer, x: Tensor) -> Tensor:
        route = self.current_route
        if route is None:
            return type(layer.module).forward(layer.module, x)  # type: ignore[arg-type]
        # Some models hand a module their rows as they are, some all tokens one after another.
        if route.n_rows != x.shape[0] and x.numel() // layer.n_in not in (route.n_rows, self._n_tokens):
            raise ConfigError(
                f"{layer.name} was given a batch of {x.shape[0]} rows, the route has {route.n_rows}",
                "a module that regroups its rows cannot be adapted: leave it out of targets",
            )
        mask = self._mask(x, layer, route) if route.dropout else None
        return _LoraLinear.apply(x, self.anchor, layer, route, mask)  # type: ignore[no-any-return]

    def _count(self, _: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        ids = args[0] if args else given.get("input_ids")
        tokens = given["inputs_embeds"][..., 0] if ids is None else ids
        route = self.current_route
        self._n_tokens = tokens.numel() if route is not None and len(tokens) == route.n_rows else 0

    def _mask(self, x: Tensor, layer: LoraLayer, route: Route) -> Tensor:
        """The factor [tokens, in] that the adapters' input is multiplied by: 0, or 1 / (1 - p)."""
        mask = torch.ones(x.numel() // layer.n_in, layer.n_in)
        for row in route.dropout:
            if not self._idle[layer.index][row.slot]:
                keep = 1 - row.probability
                drawn = torch.rand(row.length_tokens, layer.n_in, generator=row.generator)
                mask[row.start : row.start + row.length_tokens] = (drawn < keep).float() / keep
        return mask.to(x.device, x.dtype)


def padded_parts(bank: AdapterBank, slot: int, hyperparameters: Hyperparameters) -> Mapping[str, Tensor]:
    """What `slot` holds beyond its own rank and targets; all of it is zero, always."""
    own, parts = {layer.name for layer in bank._own(hyperparameters)}, {}
    for layer in bank.layers:
        a, b = layer.factors(bank.weights[slot : slot + 1], bank.rank)
        used = hyperparameters.rank if layer.name in own else 0
        parts[layer.name] = torch.cat([a[0, used:].flatten(), b[0, :, used:].flatten()])
    return parts
