"""Rows that fall into groups, each with its own matrix, multiplied in batches. Knows nothing of adapters.

A batched product wants groups of one size: groups are laid out as tiles of one height, filled up where a
group is shorter. What stands out of a tile, where a group is far longer than the rest, is multiplied by
itself. (torch's grouped product needs no filling, but on a CPU it took four times as long.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

_OVERHANG_rows = 150
"""What a product by itself costs beyond its rows, in rows of a batched product (measured on a CPU)."""


@dataclass(frozen=True)
class Groups:
    """How N rows fall into groups: the first `sizes[0]` rows are group 0, and so on; a size may be 0.

    In what follows G is the number of groups and H the height of a tile.
    """

    sizes: tuple[int, ...]
    device: torch.device

    @cached_property
    def height(self) -> int:
        def cost(height: int) -> int:
            over = [n - height for n in self.sizes if n > height]
            return len(self.sizes) * height + sum(over) + _OVERHANG_rows * len(over)

        return min(sorted(set(self.sizes) - {0}), key=cost)

    @cached_property
    def uniform(self) -> bool:
        """Whether every group just fills its tile, so that nothing has to be moved."""
        return set(self.sizes) == {self.height}

    @cached_property
    def _places(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """The row at each place of the tiles [G * H], the places filled up, the place of each row in the
        tiles, and the rows that are in the tiles (None: all).

        A group is filled up with its own first row: a number that is not finite stays within its group.
        """
        source, fill, place, tiled = [], [], [], []
        start, last = 0, sum(self.sizes) - 1
        for n in self.sizes:
            inside = min(n, self.height)
            place += range(len(source), len(source) + inside)
            fill += range(len(source) + inside, len(source) + self.height)
            tiled += range(start, start + inside)
            source += [*range(start, start + inside), *[min(start, last)] * (self.height - inside)]
            start += n
        indices = [torch.tensor(part, dtype=torch.long, device=self.device) for part in (source, fill, place)]
        rows = torch.tensor(tiled, device=self.device) if len(tiled) <= last else None
        return indices[0], indices[1], indices[2], rows

    def _overhangs(self) -> Iterator[tuple[int, slice]]:
        """The groups that are longer than a tile, with the rows that stand out."""
        start = 0
        for group, n in enumerate(self.sizes):
            if n > self.height:
                yield group, slice(start + self.height, start + n)
            start += n

    def each(self, values: Tensor) -> Tensor:
        """The value of its group for each row: [..., G] -> [..., N, 1]."""
        sizes = torch.tensor(self.sizes, device=self.device)
        return values.repeat_interleave(sizes, dim=-1).unsqueeze(-1)

    def tiles(self, x: Tensor, *, zero: bool = False) -> Tensor:
        """Rows [N, k] as tiles [G, H, k], filled up with zeros (`zero`) or with any row of the group."""
        if self.uniform:
            return x.view(len(self.sizes), -1, x.shape[1])
        source, fill, *_ = self._places
        tiles = x.index_select(0, source)
        if zero:
            tiles.index_fill_(0, fill, 0)
        return tiles.view(len(self.sizes), self.height, -1)

    def product(self, x: Tensor, tiles: Tensor, w: Tensor) -> Tensor:
        """Each row of x [N, k], whose tiles are given, times its group's matrix of w [G, k, n]: [N, n]."""
        if len(x) == len(w) == 1 and x.dtype == torch.bfloat16 and x.device.type == "cpu":
            # A row alone, as in sampling: of 16 numbers torch makes 576 in 71 us in bf16, and in 8 by fp32,
            # where the sum is rounded to bf16 at its end as well.
            return (x.float() @ w[0].float()).to(x.dtype)
        product = torch.bmm(tiles, w)
        if self.uniform:
            return product.view(len(x), -1)
        _, _, place, rows = self._places
        inside = product.view(-1, w.shape[2]).index_select(0, place)
        if rows is None:
            return inside
        y = x.new_empty(len(x), w.shape[2]).index_copy_(0, rows, inside)
        for group, own in self._overhangs():
            torch.mm(x[own], w[group], out=y[own])
        return y

    def outer(
        self, x: Tensor, x_tiles: Tensor, y: Tensor, y_tiles: Tensor, into: Tensor, *, add: bool
    ) -> None:
        """Puts the sum over each group's rows of x [N, k] times y [N, n] into `into` [G, k, n].

        One of the tiles has to be filled up with zeros.
        """
        sums = torch.bmm(x_tiles.mT, y_tiles)
        into.add_(sums) if add else into.copy_(sums)
        for group, own in self._overhangs():
            into[group].add_(x[own].mT @ y[own])


def groups_of(slots: Sequence[int], shares: Sequence[int], first: int, n: int, unit: int) -> tuple[int, ...]:
    """The sizes of `n` groups from slot `first` on: `unit` rows for each share of a slot."""
    sizes = [0] * n
    for slot, share in zip(slots, shares, strict=True):
        sizes[slot - first] += share * unit
    return tuple(sizes)
