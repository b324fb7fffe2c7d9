"""Families of one rule each that pretraining never shows: what self-adaptation is trained and examined on.

Knows the rules and the inputs that show them. Knows nothing about splits. They are as simple as those of
pretraining, so that a model that has the knack of rows can learn one from a few demonstrations; their rules
are others.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Final

from seal.domains.arc_agi.microgrid.families import Family, RowRule
from seal.domains.arc_agi.microgrid.rows import INK, CellRow, ColourRun, draw_runs, draw_sizes, paint, runs
from seal.domains.arc_agi.microgrid.rules import paint_apart, paint_over

Sizes = tuple[int, int]


# --- rules -------------------------------------------------------------------------------------------------


def keep_side(last: bool, row: CellRow) -> CellRow | None:
    """Only the outermost run on one side stays."""
    found = runs(row)
    return paint(len(row), found[-1:] if last else found[:1]) if found else None


def mark_side(colour: int, last: bool, row: CellRow) -> CellRow:
    """The first cell of every run, or the last, takes a colour."""
    at = [run.end - 1 if last else run.start for run in runs(row)]
    return paint_over(row, [ColourRun(place, place + 1, colour) for place in at])


def heads(last: bool, row: CellRow) -> CellRow:
    """Of every run only the first cell stays, or the last."""
    kept = [run.end - 1 if last else run.start for run in runs(row)]
    return tuple(cell if at in kept else 0 for at, cell in enumerate(row))


def invert(row: CellRow) -> CellRow | None:
    """What has the row's one colour becomes background, and the background takes the colour."""
    inks = {cell for cell in row if cell}
    return tuple(0 if cell else min(inks) for cell in row) if len(inks) == 1 else None


def gather(row: CellRow) -> CellRow | None:
    """The second of two runs moves until it touches the first."""
    found = runs(row)
    if len(found) != 2:
        return None
    first, second = found
    return paint(len(row), [first, ColourRun(first.end, first.end + second.size, second.colour)])


def swap_pair(row: CellRow) -> CellRow | None:
    """Two runs exchange their colours."""
    found = runs(row)
    if len(found) != 2:
        return None
    first, second = found
    return paint_over(
        row,
        [ColourRun(first.start, first.end, second.colour), ColourRun(second.start, second.end, first.colour)],
    )


def keep_smallest(row: CellRow) -> CellRow | None:
    """All runs but the smallest vanish; None if two are."""
    found = sorted(runs(row), key=lambda run: run.size)
    if len(found) < 2 or found[0].size == found[1].size:
        return None
    return paint(len(row), found[:1])


def grow_side(last: bool, row: CellRow) -> CellRow | None:
    """Every run grows by one cell at its end, or at its start; None if it would touch anything."""
    grown = [ColourRun(run.start - (not last), run.end + last, run.colour) for run in runs(row)]
    return paint_apart(row, grown)


def dot(row: CellRow) -> CellRow | None:
    """Of every run only the cell in the middle stays; None for a run that has none."""
    found = runs(row)
    if any(run.size % 2 == 0 for run in found):
        return None
    middles = [run.start + run.size // 2 for run in found]
    return paint(
        len(row), [ColourRun(at, at + 1, run.colour) for at, run in zip(middles, found, strict=True)]
    )


def shadow(colour: int, last: bool, row: CellRow) -> CellRow | None:
    """The cell after every run, or before it, takes a colour; None if it is not free."""
    at = [run.end if last else run.start - 1 for run in runs(row)]
    if not all(0 <= place < len(row) and not row[place] for place in at):
        return None
    return paint_over(row, [ColourRun(place, place + 1, colour) for place in at])


def connect(colour: int, row: CellRow) -> CellRow | None:
    """What is between two runs takes a colour."""
    found = runs(row)
    return paint_over(row, [ColourRun(found[0].end, found[1].start, colour)]) if len(found) == 2 else None


def core(colour: int, row: CellRow) -> CellRow:
    """All cells of a run but its ends take a colour."""
    return paint_over(
        row, [ColourRun(run.start + 1, run.end - 1, colour) for run in runs(row) if run.size > 2]
    )


def drop_wall(row: CellRow) -> CellRow | None:
    """The runs that touch a wall vanish; None if none is left."""
    kept = [run for run in runs(row) if run.start > 0 and run.end < len(row)]
    return paint(len(row), kept) if kept else None


def recolour_side(colour: int, last: bool, row: CellRow) -> CellRow | None:
    """The outermost run on one side takes a colour."""
    found = runs(row)
    if not found:
        return None
    run = found[-1] if last else found[0]
    return paint_over(row, [ColourRun(run.start, run.end, colour)])


def stripe(row: CellRow) -> CellRow:
    """Every second cell of a run becomes background."""
    gone = {at for run in runs(row) for at in range(run.start + 1, run.end, 2)}
    return tuple(0 if at in gone else cell for at, cell in enumerate(row))


def halo(colour: int, row: CellRow) -> CellRow | None:
    """The cells on both sides of every run take a colour; None if they are not free."""
    beside = [at for run in runs(row) for at in (run.start - 1, run.end)]
    if len(set(beside)) < len(beside) or not all(0 <= at < len(row) and not row[at] for at in beside):
        return None
    return paint_over(row, [ColourRun(at, at + 1, colour) for at in beside])


# --- inputs ------------------------------------------------------------------------------------------------


def _runs(
    n_cells: int, n: Sizes, size: Sizes, inks: tuple[int, ...], gap: int, rng: random.Random
) -> CellRow | None:
    """Between n[0] and n[1] runs of these sizes, in any of the colours."""
    count = rng.randint(*n)
    colours = [rng.choice(inks) for _ in range(count)]
    return draw_runs(rng, n_cells, draw_sizes(rng, count, *size), colours, gap)


def _one_ink(n_cells: int, rng: random.Random) -> CellRow | None:
    return _runs(n_cells, (1, 3), (1, 4), (rng.choice(INK),), 1, rng)


def _two_inks(n_cells: int, rng: random.Random) -> CellRow | None:
    """Two runs of unlike colours."""
    return draw_runs(rng, n_cells, draw_sizes(rng, 2, 2, 4), rng.sample(INK, 2), 2)


def _odd(n_cells: int, rng: random.Random) -> CellRow | None:
    """Runs of three or five cells."""
    sizes = [rng.choice((3, 5)) for _ in range(rng.randint(1, 2))]
    return draw_runs(rng, n_cells, sizes, [rng.choice(INK) for _ in sizes])


def _at_wall(n_cells: int, rng: random.Random) -> CellRow | None:
    """Two or three runs, one of which touches a wall."""
    row = _runs(n_cells, (2, 3), (1, 3), INK, 1, rng)
    return row if row is not None and (row[0] or row[-1]) else None


def _simple(
    rule: Callable[[CellRow], CellRow | None], sample: Callable[[int, random.Random], CellRow | None]
) -> Callable[[random.Random, int], RowRule]:
    """A rule without parameters."""
    return lambda _rng, n_cells: RowRule(partial(sample, n_cells), rule)


def _sided(rule: Callable[[bool, CellRow], CellRow | None], n: Sizes, size: Sizes, gap: int = 1) -> Callable:
    """A rule that has a side, drawn once a task."""

    def draw(rng: random.Random, n_cells: int) -> RowRule:
        return RowRule(partial(_runs, n_cells, n, size, INK, gap), partial(rule, rng.random() < 0.5))

    return draw


def _coloured(
    rule: Callable[..., CellRow | None], n: Sizes, size: Sizes, gap: int = 1, *, side: bool = False
) -> Callable:
    """A rule with a colour that no object has, drawn once a task, and perhaps a side."""

    def draw(rng: random.Random, n_cells: int) -> RowRule:
        colour = rng.choice(INK)
        others = tuple(ink for ink in INK if ink != colour)
        bound = partial(rule, colour, rng.random() < 0.5) if side else partial(rule, colour)
        return RowRule(partial(_runs, n_cells, n, size, others, gap), bound)

    return draw


def _of(n: Sizes, size: Sizes, gap: int = 1) -> Callable[[int, random.Random], CellRow | None]:
    return lambda n_cells, rng: _runs(n_cells, n, size, INK, gap, rng)


NOVEL: Final[dict[str, tuple[Family, ...]]] = {
    "rl": (
        Family("keep_side", _sided(keep_side, (2, 3), (1, 3)), 8),
        Family("mark_side", _coloured(mark_side, (1, 3), (2, 4), side=True), 8),
        Family("heads", _sided(heads, (1, 2), (3, 5)), 8),
        Family("invert", _simple(invert, _one_ink), 6),
        Family("gather", _simple(gather, _two_inks), 8),
        Family("swap_pair", _simple(swap_pair, _two_inks), 8),
    ),
    "dev": (
        Family("keep_smallest", _simple(keep_smallest, _of((2, 3), (1, 5))), 8),
        Family("grow_side", _sided(grow_side, (1, 3), (1, 3), 2), 8),
        Family("dot", _simple(dot, _odd), 8),
    ),
    "eval": (
        Family("shadow", _coloured(shadow, (1, 3), (1, 3), 2, side=True), 8),
        Family("connect", _coloured(connect, (2, 2), (1, 3), 2), 8),
        Family("core", _coloured(core, (1, 2), (3, 6)), 8),
        Family("drop_wall", _simple(drop_wall, _at_wall), 8),
        Family("recolour_side", _coloured(recolour_side, (2, 3), (1, 3), side=True), 8),
        Family("stripe", _simple(stripe, _of((1, 2), (4, 6))), 8),
        Family("halo", _coloured(halo, (1, 2), (1, 3), 3), 8),
    ),
}
"""By split. No family of one split is another's mirror image or colour variant."""
