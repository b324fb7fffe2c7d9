"""The small modules that decoder layers are made of. Knows nothing about attention or configurations."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Root mean square normalisation (arXiv 1910.07467), in fp32."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.variance_epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        kind = x.dtype
        x = x.to(torch.float32)
        variance = x.pow(2).mean(-1, keepdim=True)
        x = x * torch.rsqrt(variance + self.variance_epsilon)
        return self.weight * x.to(kind)


class ShiftedRMSNorm(RMSNorm):
    """The same as Gemma has it: weights are what they are beyond one, and meet the states in fp32."""

    shift = 1.0

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        return (wide * (1.0 + self.weight.float())).type_as(x)


class ScaledEmbedding(nn.Embedding):
    """Embeddings times a number, which is rounded as they are."""

    def __init__(self, scale: float) -> None:
        super().__init__(1, 1)
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * torch.tensor(self.scale).to(self.weight)


def linear(n_in: int, n_out: int, *, bias: bool, kind: type[nn.Linear] = nn.Linear) -> nn.Linear:
    """A module without numbers: to draw them takes longer than to read a model.

    Not on the device "meta": initialising there imports torch's compiler, which takes half a second.
    """
    made = kind(1, 1, bias=bias)
    made.in_features, made.out_features = n_in, n_out
    made.weight = nn.Parameter(torch.empty(n_out, n_in))
    if bias:
        made.bias = nn.Parameter(torch.empty(n_out))
    return made


def embedding(n: int, width: int, padding: int | None, scale: float | None) -> nn.Embedding:
    """The same for embeddings, multiplied by `scale`."""
    made = nn.Embedding(1, 1) if scale is None else ScaledEmbedding(scale)
    made.num_embeddings, made.embedding_dim, made.padding_idx = n, width, padding
    made.weight = nn.Parameter(torch.empty(n, width))
    return made
