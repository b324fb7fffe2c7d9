"""Rotary positions: how far each pair of numbers turns, for the kinds of scaling that are common.

The same arithmetic in the same order as in `transformers`. Knows nothing about attention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def rotary_frequencies(head_dim: int, rope: Mapping[str, Any]) -> Tensor:
    """The angle by which each pair of numbers turns from one position to the next. Linear scaling divides all
    of them; that of Llama 3.1 those of long waves. Raises KeyError for a type that is not known here."""
    steps = torch.arange(0, head_dim, 2, dtype=torch.float) / head_dim
    plain = 1.0 / (rope["rope_theta"] ** steps)
    return _SCALINGS[rope["rope_type"]](plain, rope)


def _unscaled(plain: Tensor, _: Mapping[str, Any]) -> Tensor:
    return plain


def _linear_scaling(plain: Tensor, rope: Mapping[str, Any]) -> Tensor:
    return plain / rope["factor"]


def _llama3_scaling(plain: Tensor, rope: Mapping[str, Any]) -> Tensor:
    factor, context = rope["factor"], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    wave = 2 * math.pi / plain
    scaled = torch.where(wave > context / low, plain / factor, plain)
    share = (context / wave - low) / (high - low)
    between = (1 - share) * scaled / factor + share * scaled
    medium = ~(wave < context / high) * ~(wave > context / low)
    return torch.where(medium, between, scaled)


_SCALINGS: dict[str, Callable[[Tensor, Mapping[str, Any]], Tensor]] = {
    "default": _unscaled,
    "linear": _linear_scaling,
    "llama3": _llama3_scaling,
}


class RotaryEmbedding(nn.Module):
    """Rotary position embeddings (arXiv 2104.09864): the angles of each position as cosines and sines.

    `local`: what is said of layers that see a window only, where they turn otherwise (Gemma 3).
    """

    inv_freq: Tensor
    local_inv_freq: Tensor

    def __init__(
        self, head_dim: int, rope: Mapping[str, Any], local: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("inv_freq", rotary_frequencies(head_dim, rope), persistent=False)
        self.register_buffer("local_inv_freq", rotary_frequencies(head_dim, local or rope), persistent=False)

    @torch.no_grad()
    def forward(self, x: Tensor, position_ids: Tensor, *, local: bool = False) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None].float() * (self.local_inv_freq if local else self.inv_freq)
        both = torch.cat((angles, angles), dim=-1)
        return both.cos().to(x.dtype), both.sin().to(x.dtype)
