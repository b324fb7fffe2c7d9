"""Augmentations: named changes of a whole task, with their inverses where there are any.

Knows grids. Knows nothing about text, directives or training.
Source: the test-time training of Akyürek et al. (arXiv 2411.07279), whose sets SEAL's directives switch
(basic, size, chain, repeat). Chains here are those published, a basic change and then a higher resolution.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, TypeAlias, get_args

from seal.domains.arc_agi.grids import COLOURS, grids_of_pair, height, is_one_row, size_problem, width
from seal.types import Grid, Pair, Task

AugmentationKind = Literal["basic", "size", "chain", "repeat"]
KINDS: Final[tuple[AugmentationKind, ...]] = get_args(AugmentationKind)
GridTransform: TypeAlias = Callable[[Grid], Grid]
Inverse: TypeAlias = Callable[[Grid], Grid | None]
MAX_SHIFT: Final = 3
"""The longest random translation, in cells, as published."""


@dataclass(frozen=True)
class Refusal:
    """Why an augmentation cannot be applied to a task."""

    reason: str


@dataclass(frozen=True)
class Augmentation:
    """A change of a grid, applied to every grid of a task. Its name says all: equal names are equal changes.

    `backward` undoes `forward`; it gives None for a grid that `forward` cannot have made. `bijective`: every
    grid is what `forward` makes of exactly one, so that predictions can always be brought back (voting).
    """

    name: str
    forward: GridTransform = field(compare=False)
    backward: Inverse = field(compare=False)
    bijective: bool = False

    def apply(self, task: Task) -> Task | Refusal:
        """The task with every grid changed; refused, with the reason, where one would become too large."""
        pairs: list[Pair] = []
        for where, pair in _places(task):
            changed = Pair(
                self.forward(pair.input), None if pair.output is None else self.forward(pair.output)
            )
            for before, after in zip(grids_of_pair(pair), grids_of_pair(changed), strict=True):
                grown = height(after) > height(before) or width(after) > width(before)
                if grown and (problem := size_problem(height(after), width(after))):
                    return Refusal(f"{self.name}: {where} would have {problem}")
            pairs.append(changed)
        n = len(task.train)
        return Task(task.id, tuple(pairs[:n]), tuple(pairs[n:]))


def _places(task: Task) -> Iterator[tuple[str, Pair]]:
    yield from ((f"train[{i}]", pair) for i, pair in enumerate(task.train))
    yield from ((f"test[{i}]", pair) for i, pair in enumerate(task.test))


# --- changes of a grid -------------------------------------------------------------------------------------


def _same(grid: Grid) -> Grid:
    return grid


def _rotate(turns: int, grid: Grid) -> Grid:
    """Counter-clockwise by `turns` quarter turns."""
    for _ in range(turns % 4):
        grid = tuple(zip(*grid))[::-1]
    return grid


def _flip_horizontal(grid: Grid) -> Grid:
    return tuple(row[::-1] for row in grid)


def _flip_vertical(grid: Grid) -> Grid:
    return grid[::-1]


def _transpose(grid: Grid) -> Grid:
    return tuple(zip(*grid))


def _translate(down: int, right: int, grid: Grid) -> Grid:
    """Cyclic, so that nothing is lost."""
    down, right = down % height(grid), right % width(grid)
    moved = grid[height(grid) - down :] + grid[: height(grid) - down]
    return tuple(row[len(row) - right :] + row[: len(row) - right] for row in moved)


def _recolour(colours: tuple[int, ...], grid: Grid) -> Grid:
    return tuple(tuple(colours[cell] for cell in row) for row in grid)


def _reflect(side: str, grid: Grid) -> Grid:
    """The grid and its mirror image side by side; `side` is where the image stands."""
    if side in ("right", "left"):
        image = _flip_horizontal(grid)
        return _beside(grid, image) if side == "right" else _beside(image, grid)
    image = _flip_vertical(grid)
    return grid + image if side == "below" else image + grid


def _beside(left: Grid, right: Grid) -> Grid:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _stretch(rows: int, columns: int, grid: Grid) -> Grid:
    """Every cell becomes a block of `rows` by `columns`."""
    return tuple(tuple(cell for cell in row for _ in range(columns)) for row in grid for _ in range(rows))


def _repeat(down: int, right: int, grid: Grid) -> Grid:
    """The whole grid again, as tiles."""
    return tuple(row * right for row in grid) * down


def _part(make: GridTransform, rows: int, columns: int, far: bool, grid: Grid) -> Grid | None:
    """Undo a tiling: the first (or last) of `rows` by `columns` equal parts, if `make` makes `grid` of it."""
    tall, wide = height(grid) // rows, width(grid) // columns
    if not (tall and wide):
        return None
    inner = grid[-tall:] if far else grid[:tall]
    inner = tuple(row[-wide:] if far else row[:wide] for row in inner)
    return inner if make(inner) == grid else None


def _shrink(rows: int, columns: int, grid: Grid) -> Grid | None:
    inner = tuple(row[::columns] for row in grid[::rows])
    return inner if _stretch(rows, columns, inner) == grid else None


def _all_forward(steps: tuple[Augmentation, ...], grid: Grid) -> Grid:
    for step in steps:
        grid = step.forward(grid)
    return grid


def _all_backward(steps: tuple[Augmentation, ...], grid: Grid) -> Grid | None:
    brought_back: Grid | None = grid
    for step in reversed(steps):
        brought_back = None if brought_back is None else step.backward(brought_back)
    return brought_back


# --- the named ones ----------------------------------------------------------------------------------------

IDENTITY: Final = Augmentation("identity", _same, _same, True)


def _rotation(turns: int) -> Augmentation:
    return Augmentation(f"rotate_{90 * turns}", partial(_rotate, turns), partial(_rotate, 4 - turns), True)


def _reflection(side: str) -> Augmentation:
    make = partial(_reflect, side)
    shape = (1, 2) if side in ("right", "left") else (2, 1)
    return Augmentation(f"reflect_{side}", make, partial(_part, make, *shape, side in ("left", "above")))


def _stretching(name: str, rows: int, columns: int) -> Augmentation:
    return Augmentation(name, partial(_stretch, rows, columns), partial(_shrink, rows, columns))


def _repetition(name: str, down: int, right: int) -> Augmentation:
    make = partial(_repeat, down, right)
    return Augmentation(name, make, partial(_part, make, down, right, False))


def chain(*steps: Augmentation) -> Augmentation:
    """One augmentation after the other."""
    name = "+".join(step.name for step in steps)
    return Augmentation(
        name, partial(_all_forward, steps), partial(_all_backward, steps), all(s.bijective for s in steps)
    )


def translation(down: int, right: int) -> Augmentation:
    """A cyclic shift of every grid by so many cells."""
    there, back = partial(_translate, down, right), partial(_translate, -down, -right)
    return Augmentation(f"translate_{down}_{right}", there, back, True)


def colour_permutation(colours: Sequence[int]) -> Augmentation:
    """Colour c becomes `colours[c]`."""
    colours = tuple(colours)
    assert sorted(colours) == list(range(COLOURS))
    back = tuple(colours.index(colour) for colour in range(COLOURS))
    name = "colours_" + "".join(map(str, colours))
    return Augmentation(name, partial(_recolour, colours), partial(_recolour, back), True)


FLIP_HORIZONTAL: Final = Augmentation("flip_horizontal", _flip_horizontal, _flip_horizontal, True)
FLIP_VERTICAL: Final = Augmentation("flip_vertical", _flip_vertical, _flip_vertical, True)
TRANSPOSE: Final = Augmentation("transpose", _transpose, _transpose, True)
ROTATIONS: Final = tuple(_rotation(turns) for turns in (1, 2, 3))
RESOLUTION: Final = _stretching("resolution_2", 2, 2)
HEIGHT: Final = _stretching("height_2", 2, 1)
WIDTH: Final = _stretching("width_2", 1, 2)

_TURNS: Final = (*ROTATIONS, FLIP_HORIZONTAL, FLIP_VERTICAL)
FIXED: Final[dict[AugmentationKind, tuple[Augmentation, ...]]] = {
    "basic": (*_TURNS, TRANSPOSE, *(_reflection(side) for side in ("below", "above", "right", "left"))),
    "size": (RESOLUTION, HEIGHT, WIDTH),
    "chain": tuple(chain(step, RESOLUTION) for step in (*_TURNS, TRANSPOSE)),
    "repeat": (
        _repetition("repeat_below_2", 2, 1),
        _repetition("repeat_right_2", 1, 2),
        _repetition("repeat_both_2", 2, 2),
    ),
}
"""The sets of a directive, less the random translation, which belongs to basic."""
ONE_ROW: Final[dict[AugmentationKind, tuple[Augmentation, ...]]] = {
    "basic": (FLIP_HORIZONTAL, _reflection("right"), _reflection("left")),
    "size": (WIDTH,),
    "chain": (chain(FLIP_HORIZONTAL, WIDTH),),
    "repeat": (_repetition("repeat_right_2", 1, 2),),
}
"""The same for grids of one row: without what would make a column or a second row, what is the identity on
a row (a vertical flip), and what is there already (a row turned by 180 degrees is a row flipped)."""


def augmentations(
    kinds: Sequence[AugmentationKind], *, one_row: bool, rng: random.Random
) -> tuple[Augmentation, ...]:
    """The augmentations of these kinds; `rng` draws the translation, which belongs to "basic"."""
    chosen: list[Augmentation] = []
    for kind in KINDS:
        if kind not in kinds:
            continue
        chosen += (ONE_ROW if one_row else FIXED)[kind]
        if kind == "basic":
            shifts = [(d, r) for d in range(1 if one_row else MAX_SHIFT + 1) for r in range(MAX_SHIFT + 1)]
            chosen.append(translation(*rng.choice(shifts[1:])))
    return tuple(chosen)


def random_colours(rng: random.Random, *, keep_background: bool) -> Augmentation:
    """A random permutation of the colours, 0 fixed where `keep_background`."""
    free = list(range(1 if keep_background else 0, COLOURS))
    shuffled = rng.sample(free, len(free))
    return colour_permutation([0, *shuffled] if keep_background else shuffled)


def task_is_one_row(task: Task) -> bool:
    """Whether the demonstrations, inputs and outputs, and the test inputs are single rows. Looks at no test
    output."""
    shown = [grid for pair in task.train for grid in grids_of_pair(pair)]
    return is_one_row([*shown, *(pair.input for pair in task.test)])
