"""A decoder layer of the Llama family as one node of autograd, for many adapters at once on a CPU.

The same arithmetic as the model's own layer with `AdapterBank`'s modules in it, written out by hand: no
intermediate result is kept that the backward pass does not read, what is added is added in place, modules
that share an input are adapted in one product, and each adapter meets just its own tokens, without padding.
At a model of a million parameters this saves a quarter of a training step (docs/benchmarks.md).

Whether a model's layers are of this kind is found out by trying, as in `seal.models.packed`: they are, if
they have the same parts, and give the same outputs and gradients. All others go the bank's general way.
Knows nothing about losses or plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.models.packed import Batch, packs, text_lengths
from seal.training.bank import AdapterBank, Layer, Route

_attend = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_attend_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_TOLERANCE = 1e-3
Adapted = tuple[tuple[int, Layer], ...]
"""Of modules that share an input: the index of each that is adapted, and its place in the bank."""
_can_fuse: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


@dataclass(frozen=True)
class Matrix:
    """A factor of one adapter, its gradient, and the transposes of both: all of them views of a bank."""

    value: Tensor
    value_t: Tensor
    gradient: Tensor

    @classmethod
    def of(cls, bank: AdapterBank, slot: int, start: int, n_rows: int, width: int) -> Matrix:
        assert bank.gradients is not None
        value, gradient = (
            rows[slot].narrow(0, start, n_rows * width).view(n_rows, width)
            for rows in (bank.weights, bank.gradients)
        )
        return cls(value, value.t(), gradient)


class Share:
    """How the tokens of a pass fall to the slots, and the matrices of these slots."""

    def __init__(self, bank: AdapterBank, route: Route, made: dict[tuple[int, int], Matrix]) -> None:
        self.slots, self.sizes, self.fresh = route.slots, route.shares, route.fresh
        self.rank = bank.rank
        self._bank, self._made = bank, made
        sizes = torch.tensor(route.shares)
        self._scales = bank.scales[:, list(route.slots)].repeat_interleave(sizes, 1).t()
        self._of: dict[int, Tensor] = {}

    def scales(self, adapted: Adapted) -> Tensor:
        """The scale [N, k, 1] of each token's adapter in each of these modules."""
        first = adapted[0][1].index
        if first not in self._of:
            self._of[first] = self._scales[:, first : first + len(adapted)].unsqueeze(2).contiguous()
        return self._of[first]

    def b(self, layer: Layer) -> list[Matrix]:
        """B [out, r] of a module, of each slot."""
        return self._matrices(layer.start_b, layer.n_out, self.rank)

    def a(self, adapted: Adapted) -> list[Matrix]:
        """The A of modules that share an input, one below the other [k r, in], of each slot."""
        first = adapted[0][1]
        return self._matrices(first.start_a, len(adapted) * self.rank, first.n_in)

    def _matrices(self, start: int, n_rows: int, width: int) -> list[Matrix]:
        made, found = self._made, []
        for slot in self.slots:
            if (slot, start) not in made:
                made[slot, start] = Matrix.of(self._bank, slot, start, n_rows, width)
            found.append(made[slot, start])
        return found


@dataclass(frozen=True)
class Hidden:
    """The hidden states [N, k r] of the adapters on one input, cut up by slots, and the input [N, in] too."""

    inputs: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    parts: tuple[tuple[Tensor, ...], ...]  # of each of the k modules
    states: Tensor
    share: Share

    @classmethod
    def of(cls, x: Tensor, n_modules: int, share: Share) -> Hidden:
        return cls._cut(x.split(share.sizes), x.new_empty(len(x), n_modules * share.rank), share)

    @classmethod
    def _cut(cls, inputs: tuple[Tensor, ...], states: Tensor, share: Share) -> Hidden:
        parts = tuple(own.split(share.sizes) for own in states.split(share.rank, 1))
        rows = parts[0] if len(parts) == 1 else states.split(share.sizes)
        return cls(inputs, rows, parts, states, share)

    def like(self) -> Hidden:
        """Room for as much, on the same input."""
        return self._cut(self.inputs, torch.empty_like(self.states), self.share)

    def scale(self, scales: Tensor) -> None:
        """Multiplies by the scale [N, k, 1] of each token's adapter in each module."""
        self.states.view(len(self.states), len(self.parts), -1).mul_(scales)


@dataclass(frozen=True)
class Fan:
    """Linear modules that are given the same input, and the adapters on them.

    In what follows N is the number of tokens, k of the modules that are adapted, r the rank of the bank.
    """

    modules: tuple[nn.Linear, ...]
    columns: tuple[tuple[int, int], ...]  # of each module in their joint output: where it begins, its width
    adapted: Adapted

    @classmethod
    def of(cls, modules: Sequence[nn.Linear], layers: dict[int, Layer]) -> Fan:
        columns, at = [], 0
        for module in modules:
            columns.append((at, module.out_features))
            at += module.out_features
        adapted = [(i, layers[id(module)]) for i, module in enumerate(modules) if id(module) in layers]
        return cls(tuple(modules), tuple(columns), tuple(adapted))

    def forward(self, x: Tensor, y: Tensor, share: Share, *, add: bool = False) -> Hidden | None:
        """Puts the modules' outputs for x [N, in] into y [N, out], or adds them to it.

        Returns what `backward` wants back.
        """
        for module, (start, width) in zip(self.modules, self.columns):
            own = y.narrow(1, start, width)
            if add:
                own.addmm_(x, module.weight.t())
                if module.bias is not None:
                    own.add_(module.bias)
            elif module.bias is not None:
                torch.addmm(module.bias, x, module.weight.t(), out=own)
            else:
                torch.mm(x, module.weight.t(), out=own)
        if not self.adapted:
            return None
        hidden = Hidden.of(x, len(self.adapted), share)
        for rows, into, a in zip(hidden.inputs, hidden.rows, share.a(self.adapted)):
            torch.mm(rows, a.value_t, out=into)
        hidden.scale(share.scales(self.adapted))
        for (i, layer), parts in zip(self.adapted, hidden.parts):
            outs = y.narrow(1, *self.columns[i]).split(share.sizes)
            for out, part, b in zip(outs, parts, share.b(layer)):
                out.addmm_(part, b.value_t)
        return hidden

    def backward(
        self, grad: Tensor, hidden: Hidden | None, share: Share, *, wanted: bool = True
    ) -> Tensor | None:
        """Puts the gradients of the adapters into the bank; returns that of the input, if wanted."""
        learned = None if hidden is None else self._learn(grad, hidden, share)
        if not wanted:
            return None
        grad_x = None
        for module, (start, width) in zip(self.modules, self.columns):
            own = grad.narrow(1, start, width)
            grad_x = own @ module.weight if grad_x is None else grad_x.addmm_(own, module.weight)
        assert grad_x is not None
        if learned is not None:
            for into, rows, a in zip(grad_x.split(share.sizes), learned, share.a(self.adapted)):
                into.addmm_(rows, a.value)
        return grad_x

    def _learn(self, grad: Tensor, hidden: Hidden, share: Share) -> tuple[Tensor, ...]:
        """The gradients of both factors, into the bank; returns that of the unscaled hidden states."""
        beta = 0 if share.fresh else 1
        learned = hidden.like()
        for (i, layer), parts, into in zip(self.adapted, hidden.parts, learned.parts):
            rows = grad.narrow(1, *self.columns[i]).split(share.sizes)
            for own, part, out, b in zip(rows, parts, into, share.b(layer)):
                torch.mm(own, b.value, out=out)
                b.gradient.addmm_(own.t(), part, beta=beta)
        learned.scale(share.scales(self.adapted))
        for own, rows, a in zip(learned.rows, hidden.inputs, share.a(self.adapted)):
            a.gradient.addmm_(own.t(), rows, beta=beta)
        return learned.rows


@dataclass(frozen=True)
class Block:
    """The parts of a decoder layer."""

    attention_norm: Any
    attention_in: Fan
    attention_out: Fan
    feed_norm: Any
    feed_in: Fan
    feed_out: Fan
    heads: tuple[int, int]  # of queries, of keys and values
    head_width: int
    scaling: float
    learns_below: bool  # whether something below it is adapted

    @classmethod
    def of(cls, layer: Any, layers: dict[int, Layer], *, learns_below: bool) -> Block:
        attention, feed = layer.self_attn, layer.mlp
        width = attention.head_dim
        return cls(
            layer.input_layernorm,
            Fan.of((attention.q_proj, attention.k_proj, attention.v_proj), layers),
            Fan.of((attention.o_proj,), layers),
            layer.post_attention_layernorm,
            Fan.of((feed.gate_proj, feed.up_proj), layers),
            Fan.of((feed.down_proj,), layers),
            (attention.q_proj.out_features // width, attention.k_proj.out_features // width),
            width,
            attention.scaling,
            learns_below,
        )

    @property
    def fans(self) -> tuple[Fan, ...]:
        return self.attention_in, self.attention_out, self.feed_in, self.feed_out


class _Fused(torch.autograd.Function):
    """x [1, N, d] through a block. `anchor` only makes autograd call us."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, block: Block, share: Share, cos: Tensor, sin: Tensor
    ) -> Tensor:
        run = _Pass(block, share, cos[0, :, : block.head_width // 2], sin[0, :, : block.head_width // 2])
        ctx.run = run
        return run.forward(x[0]).unsqueeze(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        run, ctx.run = ctx.run, None
        grad = run.backward(gradients[0][0], wanted=ctx.needs_input_grad[0])
        return (None if grad is None else grad.unsqueeze(0), None, None, None, None, None)


class _Pass:
    """One pass of a block, with what its backward reads. cos and sin are [N, width / 2]."""

    def __init__(self, block: Block, share: Share, cos: Tensor, sin: Tensor) -> None:
        self.block, self.share, self.lengths = block, share, text_lengths()
        self.cos, self.sin = cos.unsqueeze(1), sin.unsqueeze(1)

    def forward(self, x: Tensor) -> Tensor:
        block, share, n = self.block, self.share, len(x)
        n_q, n_kv = block.heads
        normed, self.inverse = _norm(x, block.attention_norm)
        self.x = x
        raw = x.new_empty(n, (n_q + 2 * n_kv) * block.head_width)
        self.hidden_in = block.attention_in.forward(normed, raw, share)
        self.heads = self._turned(raw, 1)
        attended, self.kept = self._attend(self.heads)
        middle = x.clone()
        self.hidden_out = block.attention_out.forward(attended, middle, share, add=True)
        fed, self.fed_inverse = _norm(middle, block.feed_norm)
        self.middle = middle
        width = block.feed_out.modules[0].in_features
        self.gates = x.new_empty(n, 2 * width)
        self.hidden_gates = block.feed_in.forward(fed, self.gates, share)
        gate, up = self.gates.split(width, 1)
        product = nn.functional.silu(gate).mul_(up)
        y = middle.clone()
        self.hidden_down = block.feed_out.forward(product, y, share, add=True)
        return y

    def backward(self, grad: Tensor, *, wanted: bool) -> Tensor | None:
        block, share = self.block, self.share
        wanted = wanted and block.learns_below
        into = block.feed_out.backward(grad, self.hidden_down, share)
        assert into is not None
        width = into.shape[1]
        gate, up = self.gates.split(width, 1)
        both = torch.empty_like(self.gates)
        torch.mul(into, nn.functional.silu(gate), out=both[:, width:])
        torch.ops.aten.silu_backward.grad_input(into.mul_(up), gate, grad_input=both[:, :width])
        fed = block.feed_in.backward(both, self.hidden_gates, share)
        assert fed is not None
        grad = _norm_backward(fed, grad, self.middle, self.fed_inverse, block.feed_norm)
        attended = block.attention_out.backward(grad, self.hidden_out, share)
        assert attended is not None
        raw = self._turned(self._attend_backward(attended), -1)
        normed = block.attention_in.backward(raw, self.hidden_in, share, wanted=wanted)
        if normed is None:
            return None
        return _norm_backward(normed, grad, self.x, self.inverse, block.attention_norm)

    def _turned(self, raw: Tensor, way: int) -> Tensor:
        """Queries and keys [N, .] turned by their places, or back again (-1); the values as they are."""
        n_q, n_kv = self.block.heads
        turned = raw.clone()
        old, new = (part.view(len(raw), -1, self.block.head_width)[:, : n_q + n_kv] for part in (raw, turned))
        half = self.block.head_width // 2
        new.view(len(raw), n_q + n_kv, 2, half).mul_(self.cos.unsqueeze(1))
        new[..., :half].addcmul_(old[..., half:], self.sin, value=-way)
        new[..., half:].addcmul_(old[..., :half], self.sin, value=way)
        return turned

    def _split(self, joint: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Queries, keys and values of each text as views [1, heads, T, width]."""
        n_q, n_kv = self.block.heads
        heads = joint.view(len(joint), -1, self.block.head_width).transpose(0, 1).unsqueeze(0)
        for text in heads.split(self.lengths, 2):
            yield text[:, :n_q], text[:, n_q : n_q + n_kv], text[:, n_q + n_kv :]

    def _attend(self, joint: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Causal attention within each text: the outputs [N, heads width], and what its backward wants."""
        scale = self.block.scaling
        kept = [_attend(q, k, v, 0.0, True, attn_mask=None, scale=scale) for q, k, v in self._split(joint)]
        outs = [out[0].transpose(0, 1) for out, _ in kept]
        return torch.cat(outs).view(len(joint), -1), kept

    def _attend_backward(self, grad: Tensor) -> Tensor:
        joint = torch.empty_like(self.heads)
        grads = grad.view(len(grad), -1, self.block.head_width).transpose(0, 1).unsqueeze(0)
        parts = zip(self._split(self.heads), self._split(joint), self.kept, grads.split(self.lengths, 2))
        for (q, k, v), into, (out, sums), own in parts:
            found = _attend_backward(
                own, q, k, v, out, sums, 0.0, True, attn_mask=None, scale=self.block.scaling
            )
            for place, part in zip(into, found):
                place.copy_(part)
        return joint


def _norm(x: Tensor, norm: Any) -> tuple[Tensor, Tensor]:
    """RMSNorm (Zhang & Sennrich, arXiv 1910.07467) of x [N, d], and the inverse of its scale [N, 1]."""
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    inverse = length.square_().div_(x.shape[1]).add_(norm.variance_epsilon).rsqrt_()
    return (x * inverse).mul_(norm.weight), inverse


def _norm_backward(grad: Tensor, beside: Tensor, x: Tensor, inverse: Tensor, norm: Any) -> Tensor:
    """The gradient of x [N, d]: what comes through its norm, from `grad`, and what goes `beside` it."""
    grad.mul_(norm.weight)
    along = torch.linalg.vecdot(grad, x).unsqueeze(1)
    along.mul_(inverse.pow(3)).div_(-x.shape[1])
    return torch.addcmul(beside, grad, inverse).addcmul_(x, along)


@contextmanager
def fused(model: Any, bank: AdapterBank) -> Iterator[None]:
    """Inside, passes with gradients through `bank` take the decoder layers of `model` whole.

    For a model that `can_fuse`.
    """
    places = {id(layer.module): layer for layer in bank.layers}
    learns = False
    layers, shares = list(model.get_decoder().layers), _Shares(bank)
    for layer in layers:
        block = Block.of(layer, places, learns_below=learns)
        learns = learns or any(fan.adapted for fan in block.fans)
        if learns:  # the others, below, have no gradient
            layer.forward = partial(_forward, layer, block, shares)
    try:
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


class _Shares:
    """The share of the pass in flight."""

    def __init__(self, bank: AdapterBank) -> None:
        self.bank = bank
        self._matrices: dict[tuple[int, int], Matrix] = {}
        self._last: tuple[Route, Share] | None = None

    def current(self) -> Share | None:
        """None where a layer has to go the general way."""
        route = self.bank.current_route
        if route is None or route.dropout or not text_lengths() or not torch.is_grad_enabled():
            return None
        if self._last is None or self._last[0] is not route:
            self._last = route, Share(self.bank, route, self._matrices)
        return self._last[1]


def _forward(layer: Any, block: Block, shares: _Shares, hidden_states: Tensor, **given: Any) -> Any:
    share = shares.current()
    if share is None:
        return type(layer).forward(layer, hidden_states, **given)
    cos, sin = given["position_embeddings"]
    return _Fused.apply(hidden_states, shares.bank.anchor, block, share, cos, sin)


def can_fuse(model: nn.Module) -> bool:
    """Whether the model's decoder layers are what a `Block` computes: same outputs, same gradients."""
    if model not in _can_fuse:
        _can_fuse[model] = _has_parts(model) and _try(model)
    return _can_fuse[model]


def _has_parts(model: Any) -> bool:
    if next(model.parameters()).dtype != torch.float32 or not packs(model):
        return False
    try:
        layers = list(model.get_decoder().layers)
        parts = [
            part
            for layer in layers
            for part in (layer.self_attn, layer.mlp, layer.input_layernorm, layer.post_attention_layernorm)
        ]
        linear = [
            getattr(layer.self_attn, f"{name}_proj") for layer in layers for name in ("q", "k", "v", "o")
        ] + [getattr(layer.mlp, f"{name}_proj") for layer in layers for name in ("gate", "up", "down")]
        children = {name.rpartition(".")[2] for part in parts for name, _ in part.named_modules()}
        norms = [norm for part in parts for norm in [getattr(part, "variance_epsilon", None)] if norm]
    except AttributeError:
        return False
    known = {"", "act_fn", *(f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down"))}
    return children <= known and len(norms) == 2 * len(layers) and all(type(m) is nn.Linear for m in linear)


def _try(model: Any) -> bool:
    n = model.config.get_text_config().vocab_size
    rows = [[i * 7 % n for i in range(1, 6)], [i * 11 % n for i in range(3, 12)]]
    found = []
    with AdapterBank(model, n_slots=2, rank=2) as bank:
        draw = torch.Generator().manual_seed(0)
        bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.2)
        bank.scales.copy_(torch.tensor([0.5, 2.0]))
        for whole in (True, False):
            batch = Batch.of(rows, pad=0, packed=True, device=bank.device)
            route = bank.route([0, 1], [len(row) for row in rows])
            try:
                with torch.enable_grad(), route, batch.attention(model):
                    if whole:
                        with fused(model, bank):
                            logits = model(**batch.inputs(), use_cache=False).logits
                    else:
                        logits = model(**batch.inputs(), use_cache=False).logits
                    logits.square().sum().backward()
            except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
                return False  # it has the parts, and puts them together in another way
            assert bank.gradients is not None
            found.append((logits.detach(), bank.gradients.clone()))
    return all((a - b).abs().max() <= _TOLERANCE * b.abs().max() for a, b in zip(*found, strict=True))
