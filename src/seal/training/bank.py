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
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from seal.errors import ConfigError
from seal.training.adapter import Adapter, Linear, check_fit, match_targets, matrix, modules_of
from seal.types import Hyperparameters


def stream(seed: int, purpose: str) -> torch.Generator:
    """A random stream of its own for each purpose of a seed, on the CPU."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@dataclass(frozen=True)
class _Layer:
    """A target module and its place in the bank: columns of A, then columns of B."""

    name: str
    module: Linear
    index: int
    start: int
    n_in: int
    n_out: int

    def factors(self, rows: Tensor, rank: int) -> tuple[Tensor, Tensor]:
        """Views A [n, r, in] and B [n, out, r] of `rows` [n, P]."""
        n, a, b = len(rows), rank * self.n_in, self.n_out * rank
        return (
            rows[:, self.start : self.start + a].view(n, rank, self.n_in),
            rows[:, self.start + a : self.start + a + b].view(n, self.n_out, rank),
        )


@dataclass(frozen=True)
class RowDropout:
    """Dropout on the adapters' input for one row: `generator` alone says what falls out, not padding."""

    probability: float
    generator: torch.Generator
    length_tokens: int


@dataclass
class _Route:
    """The factors of the rows in flight, by layer, and where their gradients add up."""

    n_slots: int
    n_rows: int
    factors: list[tuple[Tensor, Tensor]]
    gradients: list[tuple[Tensor, Tensor]]
    scales: Tensor  # [layers, n, 1, 1]
    idle: list[list[bool]]  # [layers][n]: the slot's adapter has no such target
    dropout: Sequence[RowDropout | None] | None


class _LoraLinear(torch.autograd.Function):
    """y = x W^T + bias + scale (x A^T) B^T for adapter-major rows, in the fewest passes over memory.

    x is [n * R, T, in]. Gradients of A and B are added to the bank's own buffers in place, so they
    accumulate over passes and nothing is allocated for them; `anchor` only makes autograd call us.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, layer: _Layer, route: _Route, mask: Tensor | None
    ) -> Tensor:
        (a, b), module = route.factors[layer.index], layer.module
        flat, weight = x.reshape(-1, layer.n_in), matrix(module).t()
        y = flat @ weight if module.bias is None else torch.addmm(module.bias, flat, weight)
        seen = flat if mask is None else flat * mask
        hidden = torch.bmm(seen.view(route.n_slots, -1, layer.n_in), a.transpose(1, 2))
        hidden.mul_(route.scales[layer.index])
        y.view(route.n_slots, -1, layer.n_out).baddbmm_(hidden, b.transpose(1, 2))
        ctx.save_for_backward(flat, hidden, mask)
        ctx.layer, ctx.route, ctx.shape = layer, route, x.shape
        return y.view(*x.shape[:-1], layer.n_out)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, route = ctx.layer, ctx.route
        flat, hidden, mask = ctx.saved_tensors
        (a, b), (grad_a, grad_b) = route.factors[layer.index], route.gradients[layer.index]
        grad = gradients[0].reshape(-1, layer.n_out)
        grad_n = grad.view(route.n_slots, -1, layer.n_out)
        seen = (flat if mask is None else flat * mask).view(route.n_slots, -1, layer.n_in)
        grad_hidden = torch.bmm(grad_n, b).mul_(route.scales[layer.index])
        grad_b.baddbmm_(grad_n.transpose(1, 2), hidden)
        grad_a.baddbmm_(grad_hidden.transpose(1, 2), seen)
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, None
        grad_x = grad @ matrix(layer.module)
        if mask is None:
            grad_x.view_as(seen).baddbmm_(grad_hidden, a)
        else:
            grad_x.addcmul_(torch.bmm(grad_hidden, a).view_as(grad_x), mask)
        return grad_x.view(ctx.shape), None, None, None, None


class AdapterBank:
    """`n_slots` adapters of rank at most `rank` on `model`, for use in a `with` block.

    The factors are fp32 even where the base is not; a pass computes in the base's precision.

    Raises ConfigError if a target matches no module.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_slots: int,
        rank: int,
        targets: Collection[str | tuple[str, ...]] = ("all-linear",),
    ) -> None:
        self.model, self.n_slots, self.rank = model, n_slots, rank
        self.layers: list[_Layer] = []
        start = 0
        for index, (name, module) in enumerate(modules_of(model, targets)):
            n_out, n_in = matrix(module).shape
            self.layers.append(_Layer(name, module, index, start, n_in, n_out))
            start += rank * (n_in + n_out)
        if not self.layers:
            raise ConfigError(
                "the model has no linear module to adapt", "only nn.Linear and Conv1D are supported"
            )
        weight = self.layers[0].module.weight
        self.device, self.dtype = weight.device, weight.dtype
        self.weights = torch.zeros(n_slots, start, device=self.device)
        self.gradients: Tensor | None = None
        self._scales = torch.zeros(len(self.layers), n_slots, 1, 1, device=self.device)
        self._idle = [[True] * n_slots for _ in self.layers]
        self._anchor = torch.zeros(0, device=self.device, requires_grad=True)
        self._route: _Route | None = None
        self._frozen: list[nn.Parameter] = []

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
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        for layer in self.layers:
            vars(layer.module).pop("forward", None)
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
        self.weights[slot] = 0
        self._scales[:, slot] = 0
        for layer in self.layers:
            self._idle[layer.index][slot] = layer.name not in adapter.factors
            if layer.name in adapter.factors:
                a, b = layer.factors(self.weights[slot : slot + 1], self.rank)
                a[0, : hyperparameters.rank] = adapter.factors[layer.name][0].to(self.device)
                b[0, :, : hyperparameters.rank] = adapter.factors[layer.name][1].to(self.device)
                self._scales[layer.index, slot] = adapter.scale

    def read(self, slot: int, hyperparameters: Hyperparameters) -> dict[str, tuple[Tensor, Tensor]]:
        """A copy of the factors in `slot`, without what pads them, on the CPU."""
        row = self.weights[slot : slot + 1].cpu()
        factors = {layer.name: layer.factors(row, self.rank) for layer in self._own(hyperparameters)}
        rank = hyperparameters.rank
        return {name: (a[0, :rank].clone(), b[0, :, :rank].clone()) for name, (a, b) in factors.items()}

    def _own(self, hyperparameters: Hyperparameters) -> list[_Layer]:
        names = set(match_targets([layer.name for layer in self.layers], hyperparameters.targets))
        return [layer for layer in self.layers if layer.name in names]

    @contextmanager
    def route(
        self, slots: Sequence[int], rows: int, *, dropout: Sequence[RowDropout | None] | None = None
    ) -> Iterator[None]:
        """Inside, a batch has `rows` rows for each of `slots`, adapter-major: [len(slots) * rows, T].

        Without a route the model is the bare base. With gradients enabled, a backward pass inside adds
        the factors' gradients to `gradients` [S, P]. No slot may come twice.
        """
        learn = torch.is_grad_enabled()
        if learn and self.gradients is None:
            self.gradients = torch.zeros_like(self.weights)
        first, n = slots[0], len(slots)
        adjacent = list(slots) == list(range(first, first + n)) and self.dtype == self.weights.dtype
        if adjacent:
            where = slice(first, first + n)
            weights, scales = self.weights[where], self._scales[:, where]
            gradients = self.gradients[where] if learn and self.gradients is not None else None
        else:
            where = torch.tensor(slots, device=self.device)
            weights, scales = self.weights[where].to(self.dtype), self._scales[:, where].to(self.dtype)
            gradients = torch.zeros_like(weights) if learn else None
        self._route = _Route(
            n_slots=n,
            n_rows=n * rows,
            factors=[layer.factors(weights, self.rank) for layer in self.layers],
            gradients=[]
            if gradients is None
            else [layer.factors(gradients, self.rank) for layer in self.layers],
            scales=scales,
            idle=[[idle[slot] for slot in slots] for idle in self._idle] if dropout else [],
            dropout=dropout,
        )
        try:
            yield
            if gradients is not None and isinstance(where, Tensor) and self.gradients is not None:
                self.gradients.index_add_(0, where, gradients.to(self.gradients.dtype))
        finally:
            self._route = None

    def _forward(self, layer: _Layer, x: Tensor) -> Tensor:
        route = self._route
        if route is None:
            return type(layer.module).forward(layer.module, x)  # type: ignore[arg-type]
        if x.shape[0] != route.n_rows:
            raise ConfigError(
                f"{layer.name} was given a batch of {x.shape[0]} rows, the route has {route.n_rows}",
                "a module that regroups its rows cannot be adapted: leave it out of targets",
            )
        mask = _mask(x, layer, route) if route.dropout else None
        return _LoraLinear.apply(x, self._anchor, layer, route, mask)  # type: ignore[no-any-return]


def _mask(x: Tensor, layer: _Layer, route: _Route) -> Tensor:
    """The factor [rows * T, in] that the adapters' input is multiplied by: 0, or 1 / (1 - p)."""
    mask = torch.ones(x.shape)
    rows = route.n_rows // route.n_slots
    for row, dropout in enumerate(route.dropout or ()):
        if dropout is not None and dropout.probability > 0 and not route.idle[layer.index][row // rows]:
            keep = 1 - dropout.probability
            drawn = torch.rand(dropout.length_tokens, layer.n_in, generator=dropout.generator)
            mask[row, : dropout.length_tokens] = (drawn < keep).float() / keep
    return mask.view(-1, layer.n_in).to(x.device, x.dtype)


def padded_parts(bank: AdapterBank, slot: int, hyperparameters: Hyperparameters) -> Mapping[str, Tensor]:
    """What `slot` holds beyond its own rank and targets; all of it is zero, always."""
    own, parts = {layer.name for layer in bank._own(hyperparameters)}, {}
    for layer in bank.layers:
        a, b = layer.factors(bank.weights[slot : slot + 1], bank.rank)
        used = hyperparameters.rank if layer.name in own else 0
        parts[layer.name] = torch.cat([a[0, used:].flatten(), b[0, :, used:].flatten()])
    return parts
