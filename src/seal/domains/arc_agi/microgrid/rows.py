"""Rows of cells: the runs in them, and how to draw some.

Knows rows as tuples of colours, 0 being the background. Knows nothing about rules or tasks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

CellRow: TypeAlias = tuple[int, ...]
INK: Final = tuple(range(1, 10))
"""The colours of objects: all but the background."""


@dataclass(frozen=True)
class ColourRun:
    """Equal coloured cells from `start` up to, not including, `end`."""

    start: int
    end: int
    colour: int

    @property
    def size(self) -> int:
        return self.end - self.start


def runs(row: CellRow) -> list[ColourRun]:
    """The runs of a row from left to right, background left out."""
    found: list[ColourRun] = []
    start = 0
    for index in range(1, len(row) + 1):
        if index == len(row) or row[index] != row[start]:
            if row[start]:
                found.append(ColourRun(start, index, row[start]))
            start = index
    return found


def paint(n_cells: int, painted: Sequence[ColourRun]) -> CellRow:
    """A row with these runs in it; later ones are painted over earlier ones."""
    row = [0] * n_cells
    for run in painted:
        row[run.start : run.end] = [run.colour] * run.size
    return tuple(row)


def scatter(rng: random.Random, n_cells: int, sizes: Sequence[int], gap: int = 1) -> list[int] | None:
    """Random starts for blocks of these sizes, in order, `gap` or more apart; None if they do not fit."""
    slack = n_cells - sum(sizes) - gap * (len(sizes) - 1)
    if slack < 0:
        return None
    cuts = sorted(rng.randint(0, slack) for _ in sizes)
    starts, used = [], 0
    for cut, size in zip(cuts, sizes, strict=True):
        starts.append(cut + used)
        used += size + gap
    return starts


def draw_runs(
    rng: random.Random, n_cells: int, sizes: Sequence[int], colours: Sequence[int], gap: int = 1
) -> CellRow | None:
    """A row with runs of these sizes and colours at random places; None if they do not fit."""
    starts = scatter(rng, n_cells, sizes, gap)
    if starts is None:
        return None
    return paint(
        n_cells, [ColourRun(s, s + size, c) for s, size, c in zip(starts, sizes, colours, strict=True)]
    )


def draw_sizes(rng: random.Random, n: int, low: int, high: int) -> list[int]:
    return [rng.randint(low, high) for _ in range(n)]
