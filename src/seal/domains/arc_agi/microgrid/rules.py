"""What the rules do to a row. Each is a function of the row and its parameters; None where it has no meaning.

Knows rows. Knows nothing about which inputs a rule is shown on, or about tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from seal.domains.arc_agi.microgrid.rows import CellRow, ColourRun, paint, runs


def move(by: int, row: CellRow) -> CellRow | None:
    """Everything moves by so many cells, to the left if negative; None if something would fall off."""
    lost = row[-by:] if by > 0 else row[:-by]
    if any(lost):
        return None
    return (0,) * by + row[:-by] if by > 0 else row[-by:] + (0,) * -by


def move_to_wall(to_right: bool, row: CellRow) -> CellRow | None:
    """Everything moves, as one piece, until it touches the wall."""
    coloured = [index for index, cell in enumerate(row) if cell]
    if not coloured:
        return None
    by = len(row) - 1 - coloured[-1] if to_right else -coloured[0]
    return move(by, row) if by else row


def move_to_marker(marker: int, row: CellRow) -> CellRow | None:
    """The object moves until it touches the cell of the marker's colour."""
    found = runs(row)
    if len(found) != 2:
        return None
    at = [run for run in found if run.colour == marker and run.size == 1]
    thing = [run for run in found if run.colour != marker]
    if len(at) != 1 or len(thing) != 1:
        return None
    start = at[0].end if at[0].start < thing[0].start else at[0].start - thing[0].size
    return paint(len(row), [at[0], ColourRun(start, start + thing[0].size, thing[0].colour)])


def gravity(to_right: bool, row: CellRow) -> CellRow:
    """Every coloured cell falls to the wall; their order stays."""
    cells = tuple(cell for cell in row if cell)
    gap = (0,) * (len(row) - len(cells))
    return gap + cells if to_right else cells + gap


def fill_pairs(row: CellRow) -> CellRow | None:
    """Single cells are taken two by two, and what is between them takes their colour."""
    found = runs(row)
    if not found or len(found) % 2 or any(run.size > 1 for run in found):
        return None
    two = list(zip(found[::2], found[1::2], strict=True))
    if any(first.colour != second.colour for first, second in two):
        return None
    return paint(len(row), [ColourRun(first.start, second.end, first.colour) for first, second in two])


def hollow(row: CellRow) -> CellRow:
    """Of every run only the two ends stay."""
    inner = [ColourRun(run.start + 1, run.end - 1, 0) for run in runs(row) if run.size > 2]
    return paint_over(row, inner)


def flip(row: CellRow) -> CellRow:
    """Every object, here a stretch without background, is reversed in its place."""
    flipped: list[int] = []
    stretch: list[int] = []
    for cell in (*row, 0):
        if cell:
            stretch.append(cell)
        else:
            flipped += [*reversed(stretch), 0]
            stretch = []
    return tuple(flipped[: len(row)])


def reverse(row: CellRow) -> CellRow:
    """The whole row, mirrored."""
    return row[::-1]


def denoise(row: CellRow) -> CellRow | None:
    """Single cells vanish; None if nothing would be left."""
    kept = [run for run in runs(row) if run.size > 1]
    return paint(len(row), kept) if kept else None


def pattern_copy(row: CellRow) -> CellRow | None:
    """Every single cell becomes a copy, around it, of the run of three."""
    found = runs(row)
    if [run.size for run in found if run.size > 1] != [3]:
        return None
    copies = [ColourRun(run.start - 1, run.end + 1, run.colour) if run.size == 1 else run for run in found]
    apart = all(left.end <= right.start for left, right in pairwise(copies))
    inside = copies[0].start >= 0 and copies[-1].end <= len(row)
    return paint(len(row), copies) if apart and inside else None


def recolour_by_size(colours: Mapping[int, int], row: CellRow) -> CellRow | None:
    """A run's colour is that of its size; None for a size that has none."""
    found = runs(row)
    if any(run.size not in colours for run in found):
        return None
    return paint_over(row, [ColourRun(run.start, run.end, colours[run.size]) for run in found])


def recolour_parity(odd: int, even: int, row: CellRow) -> CellRow:
    """Runs of odd size take one colour, those of even size another."""
    return paint_over(
        row, [ColourRun(run.start, run.end, odd if run.size % 2 else even) for run in runs(row)]
    )


def recolour_by_count(colours: Mapping[int, int], row: CellRow) -> CellRow | None:
    """All runs take the colour that belongs to their number; None for a number that has none."""
    found = runs(row)
    if len(found) not in colours:
        return None
    return paint_over(row, [ColourRun(run.start, run.end, colours[len(found)]) for run in found])


def map_colours(colours: Mapping[int, int], row: CellRow) -> CellRow:
    """Each colour becomes another; those that are not mentioned stay."""
    return tuple(colours.get(cell, cell) for cell in row)


def dilate(row: CellRow) -> CellRow | None:
    """Every run grows by one cell on both sides; None if it cannot."""
    grown = [ColourRun(run.start - 1, run.end + 1, run.colour) for run in runs(row)]
    return paint_apart(row, grown)


def double(row: CellRow) -> CellRow | None:
    """Every run becomes twice as long, to the right; None if it cannot."""
    return paint_apart(row, [ColourRun(run.start, run.end + run.size, run.colour) for run in runs(row)])


def extend_to_wall(to_right: bool, row: CellRow) -> CellRow | None:
    """The outermost run on that side grows up to the wall."""
    found = runs(row)
    if not found:
        return None
    last = found[-1] if to_right else found[0]
    reach = ColourRun(last.start, len(row), last.colour) if to_right else ColourRun(0, last.end, last.colour)
    return paint_over(row, [reach])


def keep_largest(row: CellRow) -> CellRow | None:
    """All runs but the largest vanish; None if two are."""
    found = sorted(runs(row), key=lambda run: run.size)
    if not found or (len(found) > 1 and found[-1].size == found[-2].size):
        return None
    return paint(len(row), found[-1:])


def remove_colour(colour: int, row: CellRow) -> CellRow | None:
    """The cells of one colour vanish; None if nothing would be left."""
    left = tuple(0 if cell == colour else cell for cell in row)
    return left if any(left) else None


def mark_ends(colour: int, row: CellRow) -> CellRow:
    """The first and last cell of every run take a colour."""
    ends = [ColourRun(at, at + 1, colour) for run in runs(row) for at in (run.start, run.end - 1)]
    return paint_over(row, ends)


def sort_objects(row: CellRow) -> CellRow | None:
    """The runs are set side by side by size, from where the first stood, with one cell between them."""
    found = runs(row)
    if len({run.size for run in found}) < len(found) or not found:
        return None
    at, placed = found[0].start, []
    for run in sorted(found, key=lambda run: run.size):
        placed.append(ColourRun(at, at + run.size, run.colour))
        at += run.size + 1
    return paint(len(row), placed) if at - 1 <= len(row) else None


def continue_pattern(row: CellRow) -> CellRow | None:
    """What stands at the left without a gap is repeated to the end of the row."""
    n = next((index for index, cell in enumerate(row) if not cell), len(row))
    if n == 0 or any(row[n:]):
        return None
    return tuple(row[index % n] for index in range(len(row)))


def paint_over(row: CellRow, painted: list[ColourRun]) -> CellRow:
    """The row with these runs painted over it."""
    changed = list(row)
    for run in painted:
        changed[run.start : run.end] = [run.colour] * run.size
    return tuple(changed)


def paint_apart(row: CellRow, painted: list[ColourRun]) -> CellRow | None:
    """The runs alone, if they are within the row and a cell of background stays between them."""
    if not painted or painted[0].start < 0 or painted[-1].end > len(row):
        return None
    if any(left.end >= right.start for left, right in pairwise(painted)):
        return None
    return paint(len(row), painted)
