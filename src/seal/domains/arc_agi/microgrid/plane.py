"""Small two-dimensional tasks without end: turns, flips, colours, gravity, hollowing.

Knows rules on whole grids. Knows nothing about one-row tasks or text. All families are for pretraining: none
is held out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from seal.domains.arc_agi.augment import FLIP_HORIZONTAL, FLIP_VERTICAL, ROTATIONS, TRANSPOSE
from seal.domains.arc_agi.microgrid.rows import INK
from seal.domains.arc_agi.microgrid.rules import gravity, map_colours
from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean
from seal.types import Grid, Pair, Task

GridRule = Callable[[Grid], Grid]


def _rows_fall(to_right: bool, grid: Grid) -> Grid:
    return tuple(gravity(to_right, row) for row in grid)


def _columns_fall(down: bool, grid: Grid) -> Grid:
    return tuple(zip(*(gravity(down, column) for column in zip(*grid))))


def _recoloured(colours: dict[int, int], grid: Grid) -> Grid:
    return tuple(map_colours(colours, row) for row in grid)


def _swap(inks: Sequence[int], _rng: random.Random) -> GridRule:
    return partial(_recoloured, {inks[0]: inks[1], inks[1]: inks[0]})


def _map(inks: Sequence[int], _rng: random.Random) -> GridRule:
    return partial(_recoloured, dict(zip(inks, (*inks[1:], inks[0]))))


def _remove(inks: Sequence[int], _rng: random.Random) -> GridRule:
    return partial(_recoloured, {inks[0]: 0})


def _always(rule: GridRule) -> Callable[[Sequence[int], random.Random], GridRule]:
    return lambda _inks, _rng: rule


PLANE_FAMILIES: Final[dict[str, Callable[[Sequence[int], random.Random], GridRule]]] = {
    "flip_horizontal": _always(FLIP_HORIZONTAL.forward),
    "flip_vertical": _always(FLIP_VERTICAL.forward),
    "rotate_90": _always(ROTATIONS[0].forward),
    "rotate_180": _always(ROTATIONS[1].forward),
    "transpose": _always(TRANSPOSE.forward),
    "swap_colours": _swap,
    "map_colours": _map,
    "remove_colour": _remove,
    "gravity_down": _always(partial(_columns_fall, True)),
    "gravity_up": _always(partial(_columns_fall, False)),
    "gravity_right": _always(partial(_rows_fall, True)),
    "gravity_left": _always(partial(_rows_fall, False)),
}
"""By name: the colours of a task and a source of chance give its rule."""


def plane_tasks(
    *, seed: int, sides: tuple[int, int] = (2, 6), n_train: int = 3, families: Sequence[str] = ()
) -> Iterator[Task]:
    """Two-dimensional tasks without end, each of one rule, with one test.

    Raises:
        UnknownNameError: one of the families does not exist.
        ConfigError: the sides are no range from 2 up, or there are too few grids for so many pairs.
    """
    for name in families:
        if name not in PLANE_FAMILIES:
            raise UnknownNameError(f"unknown family {name!r}", did_you_mean(name, PLANE_FAMILIES))
    if not 2 <= sides[0] <= sides[1]:
        raise ConfigError(f"sides cannot go from {sides[0]} to {sides[1]}.", "Give 2 or more, lowest first.")
    if not 1 <= n_train <= 10:
        raise ConfigError(f"{n_train} demonstrations cannot be drawn.", "Ask for 1 to 10.")
    names = list(families or PLANE_FAMILIES)
    index = 0
    while True:
        rng = random.Random(f"microgrid/plane/{seed}/{index}")
        name = rng.choice(names)
        inks = rng.sample(INK, 3)
        rule = PLANE_FAMILIES[name](inks, rng)
        pairs = _pairs(rule, inks, sides, n_train + 1, rng)
        yield Task(f"{name}/plane-{seed}-{index}", pairs[:-1], pairs[-1:])
        index += 1


def _pairs(
    rule: GridRule, inks: Sequence[int], sides: tuple[int, int], n: int, rng: random.Random
) -> tuple[Pair, ...]:
    found: dict[Grid, Grid] = {}
    while len(found) < n:
        rows, columns = rng.randint(*sides), rng.randint(*sides)
        grid = tuple(tuple(rng.choice((0, 0, 0, *inks)) for _ in range(columns)) for _ in range(rows))
        seen = set(inks) <= {cell for row in grid for cell in row} or rows * columns < 2 * len(inks)
        if seen and (after := rule(grid)) != grid:
            found[grid] = after
    return tuple(Pair(before, after) for before, after in found.items())
