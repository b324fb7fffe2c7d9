"""Grids as one sees them: ARC's ten colours, and a grid as a picture in a page.

Knows cells. Knows nothing about tasks. A cell's digit stands in it, so that no grid has to be read by its
colours.
"""

from __future__ import annotations

import html
from typing import Final

from seal.types import Grid

COLOURS: Final = (
    "#000000", "#0074D9", "#FF4136", "#2ECC40", "#FFDC00", "#AAAAAA", "#F012BE", "#FF851B", "#7FDBFF",
    "#870C25",
)  # fmt: skip
"""What a cell of each digit looks like, as ARC's own viewer shows it."""
_DARK: Final = frozenset({0, 1, 9})
_SIDE_PX: Final = 16


def ink(cell: int) -> str:
    """The colour of the digit that can be read on a cell."""
    return "#FFFFFF" if cell in _DARK else "#000000"


def in_words(grid: Grid) -> str:
    """The grid as digits, a row after the other."""
    return " / ".join(" ".join(map(str, row)) for row in grid)


def as_svg(grid: Grid, name: str) -> str:
    """An <svg> element that shows the grid; `name` says what it is to whoever does not see it."""
    n_rows, n_columns = len(grid), len(grid[0])
    width, height = n_columns * _SIDE_PX, n_rows * _SIDE_PX
    alt = html.escape(f"{name}: {in_words(grid)}")
    cells = []
    for y, row in enumerate(grid):
        for x, cell in enumerate(row):
            left, top = x * _SIDE_PX, y * _SIDE_PX
            cells.append(
                f'<rect x="{left}" y="{top}" width="{_SIDE_PX}" height="{_SIDE_PX}" fill="{COLOURS[cell]}"/>'
                f'<text x="{left + _SIDE_PX / 2:g}" y="{top + 12}" fill="{ink(cell)}">{cell}</text>'
            )
    return (
        f'<svg class="cells" role="img" aria-label="{alt}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><title>{alt}</title>{"".join(cells)}</svg>'
    )
