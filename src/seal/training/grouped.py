"""Matrix products in which each group of rows has a matrix of its own. Knows nothing about adapters.

Groups of one size are one batched product; of unlike sizes, one grouped product without padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

_ALIGNED_bytes = 16


@dataclass(frozen=True)
class Groups:
    """How N rows fall into groups: the first `sizes[0]` rows are group 0, and so on; a size may be 0."""

    sizes: tuple[int, ...]
    device: torch.device

    @cached_property
    def uniform(self) -> bool:
        return len(set(self.sizes)) == 1

    @cached_property
    def ends(self) -> Tensor:
        return torch.tensor(self.sizes, device=self.device).cumsum(0).int()

    def each(self, values: Tensor) -> Tensor:
        """The value of its group for each row: [..., G] -> [..., N, 1]."""
        sizes = torch.tensor(self.sizes, device=self.device)
        return values.repeat_interleave(sizes, dim=-1).unsqueeze(-1)

    def product(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, k] times the matrix of each row's group, w [G, k, n]: [N, n]."""
        if self.uniform:
            return torch.bmm(x.view(len(self.sizes), -1, x.shape[1]), w).view(len(x), -1)
        if _aligned(x, w):
            return functional.grouped_mm(x, w, offs=self.ends)
        parts = x.split(self.sizes)
        return torch.cat([part @ one for part, one in zip(parts, w.unbind())])

    def outer(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum over each group's rows of x [N, k] times y [N, n]: [G, k, n]."""
        if self.uniform:
            n = len(self.sizes)
            return torch.bmm(x.view(n, -1, x.shape[1]).transpose(1, 2), y.view(n, -1, y.shape[1]))
        if _aligned(x, y):
            return functional.grouped_mm(x.t(), y, offs=self.ends)
        return torch.stack([a.t() @ b for a, b in zip(x.split(self.sizes), y.split(self.sizes))])


def _aligned(*tensors: Tensor) -> bool:
    """Whether torch's grouped product takes them: its strides are in units of 16 bytes."""
    if not hasattr(functional, "grouped_mm"):
        return False
    return all(_rows_aligned(tensor) or _rows_aligned(tensor.mT) for tensor in tensors)


def _rows_aligned(tensor: Tensor) -> bool:
    *outer, last = (stride * tensor.element_size() for stride in tensor.stride())
    return last == tensor.element_size() and all(stride % _ALIGNED_bytes == 0 for stride in outer)


def groups_of(slots: Sequence[int], shares: Sequence[int], first: int, n: int, unit: int) -> tuple[int, ...]:
    """The sizes of `n` groups from slot `first` on: `unit` rows for each share of a slot."""
    sizes = [0] * n
    for slot, share in zip(slots, shares, strict=True):
        sizes[slot - first] += share * unit
    return tuple(sizes)
