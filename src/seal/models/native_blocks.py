"""Decoder layers as native code reads them: which parts they have, and where those lie.

Whether a layer computes what its block says is not known here; see `seal.training.block.can_fuse`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from ctypes import c_int64
from typing import Any, Protocol

import torch
from torch import nn

from seal.models import native

_GELU = math.sqrt(8 / math.pi), math.sqrt(8 / math.pi) * 0.044715


class FactorPlace(Protocol):
    """Where the factors of a module lie in a bank's rows."""

    @property
    def index(self) -> int: ...
    @property
    def start_a(self) -> int: ...
    @property
    def start_b(self) -> int: ...


def _fan(modules: Sequence[nn.Linear], places: Mapping[nn.Module, FactorPlace]) -> native.Fan:
    """Modules that are given the same input, as native code reads them."""
    adapted = [places[module] for module in modules if module in places]
    return native.Fan(
        modules[0].in_features,
        sum(module.out_features for module in modules),
        len(modules),
        len(adapted),
        adapted[0].start_a if adapted else 0,
        (native.Module * 3)(*(_module(module, places.get(module)) for module in modules)),
    )


def _module(module: nn.Linear, place: FactorPlace | None) -> native.Module:
    bias = None if module.bias is None else module.bias.data_ptr()
    where = (-1, 0) if place is None else (place.start_b, place.index)
    return native.Module(module.weight.data_ptr(), bias, module.out_features, *where)


def block_of(layer: Any, places: Mapping[nn.Module, FactorPlace]) -> native.Block:
    """A decoder layer as native code reads it. Holds addresses: the layer's weights have to stay where they
    are."""
    attention, feed, width = layer.self_attn, layer.mlp, layer.self_attn.head_dim
    return native.Block(
        _fan((attention.q_proj, attention.k_proj, attention.v_proj), places),
        _fan((attention.o_proj,), places),
        _fan((feed.gate_proj, feed.up_proj), places),
        _fan((feed.down_proj,), places),
        *map(_norm, norms_of(layer)),
        *_gate(feed.act_fn),
        attention.q_proj.out_features // width,
        attention.k_proj.out_features // width,
        width,
        attention.scaling,
        attention.q_proj.weight.dtype == torch.bfloat16,
    )


def norms_of(layer: Any) -> tuple[nn.Module | None, ...]:
    """A layer's norms in the order of `native.Block`: before attention and feed-forward, after them, of
    queries and keys. None for one that it does not have."""
    heads = [getattr(layer.self_attn, name, None) for name in ("q_norm", "k_norm")]
    first, second = layer.input_layernorm, layer.post_attention_layernorm
    if hasattr(layer, "pre_feedforward_layernorm"):  # Gemma
        return first, layer.pre_feedforward_layernorm, second, layer.post_feedforward_layernorm, *heads
    return first, second, None, None, *heads


def _norm(norm: Any) -> native.Norm:
    if norm is None:
        return native.Norm(None, 0.0, 0.0)
    if hasattr(norm, "variance_epsilon"):
        return native.Norm(norm.weight.data_ptr(), norm.variance_epsilon, getattr(norm, "shift", 0.0))
    return native.Norm(norm.weight.data_ptr(), norm.eps, 1.0)  # Gemma's in `transformers`


def _gate(activation: nn.Module) -> tuple[float, float]:
    """Slope and cube of `native.Block`: those of GELU by tanh, or else of SiLU."""
    probe = torch.linspace(-4, 4, 9)
    with torch.no_grad():
        is_gelu = torch.equal(activation(probe), nn.functional.gelu(probe, approximate="tanh"))
    return _GELU if is_gelu else (1.0, 0.0)


def integers(values: Sequence[int]) -> Any:
    """An array as native code reads it."""
    return (c_int64 * len(values))(*values)
