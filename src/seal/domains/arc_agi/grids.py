"""What a grid is: limits, checks, and the few shapes that matter.

Knows grids as tuples of rows. Knows nothing about files, text or tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from seal.types import Grid, Pair, Task

MAX_SIDE: Final = 30
MAX_ROW: Final = 33
"""A grid of a single row may be this long: 1D-ARC (arXiv 2305.18354) has such rows; ARC stops at 30."""
COLOURS: Final = 10


def height(grid: Grid) -> int:
    return len(grid)


def width(grid: Grid) -> int:
    return len(grid[0])


def shape_text(rows: int, columns: int) -> str:
    """The shape as messages say it."""
    return f"{rows} x {columns} cells"


def size_problem(rows: int, columns: int) -> str:
    """Why a grid of so many rows and columns is not allowed; empty if it is."""
    if rows == 1 and columns <= MAX_ROW:
        return ""
    if rows <= MAX_SIDE and columns <= MAX_SIDE:
        return ""
    row = f" (a single row up to {MAX_ROW})" if rows == 1 else ""
    return f"{shape_text(rows, columns)}, and a side has 1 to {MAX_SIDE}{row}"


def is_one_row(grids: Iterable[Grid]) -> bool:
    """Whether every grid is a single row."""
    return all(height(grid) == 1 for grid in grids)


def grids_of(task: Task) -> list[Grid]:
    """Every grid of a task: inputs and outputs, demonstrations and tests."""
    return [grid for pair in (*task.train, *task.test) for grid in grids_of_pair(pair)]


def grids_of_pair(pair: Pair) -> list[Grid]:
    return [pair.input] if pair.output is None else [pair.input, pair.output]
