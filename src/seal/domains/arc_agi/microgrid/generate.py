"""Seeded one-row tasks without end: families for pretraining, and compositions held out from it.

Knows how tasks are put together and which families belong to which split. Knows nothing about text.

The splits share no family: "pretrain" has the primitives; "rl", "dev" and "eval" have rules that pretraining
never shows, each split its own; "composed" has compositions of two primitives that pretraining shows apart.
Compositions of other kinds (`free_compositions`) are for pretraining as well. Near twins (moves by 1, 2, 3;
moves to the wall and gravity; fill and fill_pairs; swapped and mapped colours; denoise and keep_largest)
count as one there, in either order. A task is a function of split, seed and index.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Final, Literal, get_args

from seal.domains.arc_agi.microgrid.families import PRIMITIVES, Family, RowRule, compose
from seal.domains.arc_agi.microgrid.novel import NOVEL
from seal.domains.arc_agi.microgrid.rows import INK, CellRow
from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean
from seal.types import Pair, Task

GridSplit = Literal["pretrain", "rl", "dev", "eval", "composed"]
WarmUp = Literal["copy", "repeat", "colours"]
_MISSES: Final = 200  # draws of an input, one after the other, that gave nothing new
_RULES: Final = 60  # of a rule, before the family is given up

_BY_NAME: Final = {family.name: family for family in PRIMITIVES}
_COMPOSED: Final = (
    ("move_1", "recolour_parity"),
    ("fill", "reverse"),
    ("hollow", "move_2"),
    ("denoise", "move_1"),
    ("flip", "move_to_wall"),
    ("move_to_wall", "recolour_by_size"),
    ("reverse", "map_colours"),
    ("keep_largest", "hollow"),
    ("swap_colours", "gravity"),
    ("double", "move_1"),
    ("remove_colour", "reverse"),
    ("fill", "move_1"),
    ("denoise", "reverse"),
    ("keep_largest", "dilate"),
    ("map_colours", "move_1"),
    ("sort_objects", "recolour_parity"),
    ("flip", "extend_to_wall"),
    ("dilate", "recolour_parity"),
    ("fill", "mark_ends"),
    ("hollow", "reverse"),
    ("denoise", "mark_ends"),
    ("keep_largest", "double"),
    ("flip", "move_1"),
    ("keep_largest", "move_to_wall"),
    ("double", "hollow"),
    ("dilate", "recolour_by_count"),
    ("pattern_copy", "reverse"),
    ("remove_colour", "gravity"),
    ("fill_pairs", "mark_ends"),
    ("move_to_marker", "reverse"),
)
_WITHHELD: Final = (*_COMPOSED, ("dilate", "mark_ends"), ("map_colours", "mark_ends"))
"""What pretraining is not to show: these, what would be the novel rule "halo", and one that on short runs is
a primitive."""
SPLITS: Final[dict[GridSplit, tuple[Family, ...]]] = {
    "pretrain": PRIMITIVES,
    "rl": NOVEL["rl"],
    "dev": NOVEL["dev"],
    "eval": NOVEL["eval"],
    "composed": tuple(compose(_BY_NAME[first], _BY_NAME[second]) for first, second in _COMPOSED),
}

_TWINS: Final = {
    "move_2": "move_1",
    "move_3": "move_1",
    "gravity": "move_to_wall",
    "fill_pairs": "fill",
    "map_colours": "swap_colours",
    "keep_largest": "denoise",
}

REAL_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "1d_move_1p": ("move_1",),
    "1d_move_2p": ("move_2",),
    "1d_move_3p": ("move_3",),
    "1d_move_dp": ("move_to_marker",),
    "1d_move_2p_dp": ("move_to_marker",),
    "1d_fill": ("fill",),
    "1d_padded_fill": ("fill_pairs",),
    "1d_hollow": ("hollow",),
    "1d_flip": ("flip",),
    "1d_denoising_1c": ("denoise",),
    "1d_pcopy_1c": ("pattern_copy",),
    "1d_recolor_oe": ("recolour_parity",),
    "1d_recolor_cnt": ("recolour_by_size",),
    "1d_mirror": (),
    "1d_scale_dp": (),
    "1d_denoising_mc": (),
    "1d_pcopy_mc": (),
    "1d_recolor_cmp": (),
}
"""The families of 1D-ARC, and which primitives have their rule; () is one that pretraining never shows."""
REAL_HELD_OUT: Final = tuple(name for name, contained in REAL_FAMILIES.items() if not contained)


def kinds(pair: tuple[str, str]) -> frozenset[str]:
    """What a composition is of, whatever the order, with near twins taken as one."""
    return frozenset(_TWINS.get(name, name) for name in pair)


def free_compositions() -> Iterator[Family]:
    """Every composition of two primitives that is of no held-out kind; some have hardly an input."""
    held_out = {kinds(pair) for pair in _WITHHELD}
    for first, second in permutations(PRIMITIVES, 2):
        if kinds((first.name, second.name)) not in held_out:
            yield compose(first, second)


def family_of(task: Task) -> str:
    """The family in the id of a task, generated ("fill/eval-0-7") or of 1D-ARC ("1d_fill_7")."""
    return task.id.split("/")[0] if "/" in task.id else task.id.rsplit("_", 1)[0]


def tasks(
    split: GridSplit,
    *,
    seed: int,
    cells: tuple[int, int] = (5, 30),
    demonstrations: tuple[int, int] = (3, 4),
    families: Sequence[str] = (),
    start: int = 0,
) -> Iterator[Task]:
    """One-row tasks without end, each with one test; `start` is the index of the first.

    Args:
        split: whose families they are of.
        seed: equal seeds give equal tasks; the seeds of splits are apart.
        cells: shortest and longest row; a family that needs longer ones is left out.
        demonstrations: fewest and most of a task.
        families: names of the split's families to draw from; all if empty.
        start: how many tasks to pass over.

    Raises:
        UnknownNameError: the split, or one of the families in it, does not exist.
        ConfigError: no family has room in such rows, or for so many demonstrations, or a range is empty.
    """
    chosen = _chosen(split, cells, demonstrations, families)
    index = start
    while True:
        rng = random.Random(f"microgrid/{split}/{seed}/{index}")
        family = rng.choice(chosen)
        n_cells = (max(cells[0], family.min_cells), cells[1])
        yield make_task(family, rng, n_cells, rng.randint(*demonstrations), f"{split}-{seed}-{index}")
        index += 1


def make_task(family: Family, rng: random.Random, cells: tuple[int, int], n_train: int, name: str) -> Task:
    """One task of a family: the rule changes every input, no input comes twice, and the test shows no case of
    the rule that the demonstrations do not.

    Raises ConfigError if rows of so many cells hardly hold so many inputs.
    """
    for _ in range(_RULES):
        rule = family.draw(rng, n_cells := rng.randint(*cells))
        found = _pairs(rule, rng, n_train + 1)
        if found is None:
            continue
        shown = frozenset[object]().union(*(rule.cases(before) for before, _ in found[:-1]))
        if rule.cases(found[-1][0]) <= shown:
            assert all(len(before) == len(after) == n_cells for before, after in found)
            pairs = tuple(Pair((before,), (after,)) for before, after in found)
            return Task(f"{family.name}/{name}", pairs[:-1], pairs[-1:])
    raise ConfigError(
        f"family {family.name} has too few inputs of {cells[0]} to {cells[1]} cells for {n_train + 1} pairs.",
        "Allow longer rows or fewer demonstrations.",
    )


def warm_up(kind: WarmUp, *, seed: int, cells: tuple[int, int] = (5, 13), n_pairs: int = 4) -> Iterator[Task]:
    """Tasks without end from which a model first learns to read demonstrations: the output is the input
    ("copy"), or all pairs are the same ("repeat"), or colours are mapped ("colours").

    Raises UnknownNameError if the kind does not exist, ConfigError for an empty range.
    """
    if kind not in get_args(WarmUp):
        raise UnknownNameError(f"unknown kind of warm-up {kind!r}", did_you_mean(kind, get_args(WarmUp)))
    _check_range("cells", cells)
    _check_range("n_pairs", (2, n_pairs))
    index = 0
    while True:
        rng = random.Random(f"microgrid/warm-up/{kind}/{seed}/{index}")
        n_cells = rng.randint(*cells)
        rows = [_random_row(rng, n_cells) for _ in range(n_pairs)]
        images = dict(zip((0, *INK), (0, *rng.sample(INK, len(INK)))))
        if kind == "copy":
            found = [Pair((row,), (row,)) for row in rows]
        elif kind == "repeat":
            found = [Pair((rows[0],), (rows[1],))] * n_pairs
        else:
            found = [Pair((row,), (tuple(images[cell] for cell in row),)) for row in rows]
        yield Task(f"{kind}/warm-up-{seed}-{index}", tuple(found[:-1]), tuple(found[-1:]))
        index += 1


def _random_row(rng: random.Random, n_cells: int) -> CellRow:
    inks = rng.sample(INK, 3)
    return tuple(rng.choice((0, *inks)) for _ in range(n_cells))


def _pairs(rule: RowRule, rng: random.Random, n: int) -> list[tuple[CellRow, CellRow]] | None:
    found: dict[CellRow, CellRow] = {}
    misses = 0
    while len(found) < n and misses < _MISSES:
        before = rule.sample(rng)
        after = None if before is None else rule.apply(before)
        if before is not None and after is not None and after != before and before not in found:
            found[before] = after
            misses = 0
        else:
            misses += 1
    return list(found.items()) if len(found) == n else None


def _chosen(
    split: GridSplit, cells: tuple[int, int], demonstrations: tuple[int, int], names: Sequence[str]
) -> list[Family]:
    if split not in SPLITS:
        raise UnknownNameError(f"unknown split {split!r}", did_you_mean(split, get_args(GridSplit)))
    _check_range("cells", cells)
    _check_range("demonstrations", demonstrations)
    known = {family.name: family for family in SPLITS[split]}
    for name in names:
        if name not in known:
            raise UnknownNameError(f"unknown family {name!r} in split {split!r}", did_you_mean(name, known))
    found = [known[name] for name in names or known if known[name].min_cells <= cells[1]]
    if not found:
        least = min(known[name].min_cells for name in names or known)
        raise ConfigError(f"no family fits rows of up to {cells[1]} cells.", f"Allow {least} cells or more.")
    return found


def _check_range(what: str, bounds: tuple[int, int]) -> None:
    if not 1 <= bounds[0] <= bounds[1]:
        raise ConfigError(
            f"{what} cannot go from {bounds[0]} to {bounds[1]}.", "Give the lowest, then the highest."
        )
