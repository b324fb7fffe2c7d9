"""The families of one-row tasks: each draws a rule's parameters, and the inputs that show the rule.

Knows which inputs a rule is shown on. Knows nothing about how tasks are put together, or about splits.
Colours that carry the rule are drawn once a task; those that do not are drawn anew for every input, as in
1D-ARC (arXiv 2305.18354).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from seal.domains.arc_agi.microgrid import rules
from seal.domains.arc_agi.microgrid.rows import INK, CellRow, draw_runs, draw_sizes, runs

Sampler = Callable[[random.Random], CellRow | None]


def _no_cases(_row: CellRow) -> frozenset[object]:
    return frozenset()


@dataclass(frozen=True)
class RowRule:
    """A family with its parameters drawn.

    `sample` draws an input, None if the draw came to nothing. `apply` gives the output, None where the rule
    has no meaning. `cases` says which cases of the rule an input shows: a test asks for none that the
    demonstrations do not show.
    """

    sample: Sampler
    apply: Callable[[CellRow], CellRow | None]
    cases: Callable[[CellRow], frozenset[object]] = _no_cases


@dataclass(frozen=True)
class Family:
    """A kind of tasks. `draw(rng, n_cells)` gives a rule for rows of so many cells, `min_cells` or more."""

    name: str
    draw: Callable[[random.Random, int], RowRule]
    min_cells: int


# --- inputs ------------------------------------------------------------------------------------------------


def _objects(
    n_cells: int,
    n: tuple[int, int],
    size: tuple[int, int],
    rng: random.Random,
    *,
    gap: int = 1,
    one: bool = False,
) -> CellRow | None:
    """Between n[0] and n[1] runs of random sizes; of one colour, drawn for this input, if `one`."""
    count = rng.randint(*n)
    colours = [rng.choice(INK)] * count if one else [rng.choice(INK) for _ in range(count)]
    return draw_runs(rng, n_cells, draw_sizes(rng, count, *size), colours, gap)


def _in_colours(
    n_cells: int, n: tuple[int, int], size: tuple[int, int], colours: tuple[int, ...], rng: random.Random
) -> CellRow | None:
    """The same in colours that the task has fixed."""
    count = rng.randint(*n)
    return draw_runs(rng, n_cells, draw_sizes(rng, count, *size), [rng.choice(colours) for _ in range(count)])


def _pairs(n_cells: int, n: tuple[int, int], rng: random.Random) -> CellRow | None:
    """Pairs of single cells, all of one colour, with room between the two of a pair."""
    singles = 2 * rng.randint(*n)
    row = draw_runs(rng, n_cells, [1] * singles, [rng.choice(INK)] * singles)
    found = [] if row is None else runs(row)
    wide = all(b.start - a.end >= 1 for a, b in zip(found[::2], found[1::2]))
    return row if wide and len(found) == singles else None


def _noisy(n_cells: int, rng: random.Random) -> CellRow | None:
    """A long run and single cells of the same colour."""
    noise = rng.randint(1, max(1, min(4, n_cells // 6)))
    sizes = [1] * noise
    sizes.insert(rng.randint(0, noise), rng.randint(3, max(3, n_cells // 2)))
    return draw_runs(rng, n_cells, sizes, [rng.choice(INK)] * len(sizes))


def _with_marker(n_cells: int, marker: int, rng: random.Random) -> CellRow | None:
    """An object, as long as there is room for, and two or more cells from it a marker."""
    size, colour = rng.randint(1, max(1, n_cells - 3)), rng.choice([c for c in INK if c != marker])
    first = rng.random() < 0.5
    sizes, colours = ([1, size], [marker, colour]) if first else ([size, 1], [colour, marker])
    return draw_runs(rng, n_cells, sizes, colours, 1)


def _seeds(n_cells: int, rng: random.Random) -> CellRow | None:
    """A run of three, then single cells of its colour."""
    count = rng.randint(1, max(1, min(3, (n_cells - 4) // 4)))
    return draw_runs(rng, n_cells, [3] + [1] * count, [rng.choice(INK)] * (count + 1), 2)


def _striped(n_cells: int, rng: random.Random) -> CellRow | None:
    """One object of two colours: its first cell is of another colour than the rest."""
    size = rng.randint(2, max(2, n_cells // 2))
    first, rest = rng.sample(INK, 2)
    row = draw_runs(rng, n_cells, [size], [rest])
    if row is None:
        return None
    at = next(index for index, cell in enumerate(row) if cell)
    return (*row[:at], first, *row[at + 1 :])


def _sprinkled(n_cells: int, rng: random.Random) -> CellRow | None:
    """Single cells of any colours, apart or not."""
    at = rng.sample(range(n_cells), rng.randint(2, max(2, min(6, n_cells // 2))))
    return tuple(rng.choice(INK) if index in at else 0 for index in range(n_cells))


def _begun(n_cells: int, rng: random.Random) -> CellRow | None:
    """A few cells at the left that are not all alike."""
    cells = [rng.choice(INK) for _ in range(rng.randint(2, 3))]
    return None if len(set(cells)) == 1 else (*cells, *[0] * (n_cells - len(cells)))


def _apart_sizes(n_cells: int, rng: random.Random) -> CellRow | None:
    """Two or three runs, no two of one size."""
    sizes = rng.sample(range(1, 6), rng.randint(2, 3))
    return draw_runs(rng, n_cells, sizes, [rng.choice(INK) for _ in sizes])


# --- rules -------------------------------------------------------------------------------------------------


def _plain(
    apply: Callable[[CellRow], CellRow | None], sample: Callable[[int, random.Random], CellRow | None]
) -> Callable:
    """A family whose rule has no parameters."""
    return lambda rng, n_cells: RowRule(partial(sample, n_cells), apply)


def _single(n_cells: int, rng: random.Random) -> CellRow | None:
    return _objects(n_cells, (1, 1), (1, max(1, n_cells - 2)), rng)


def _some(n_cells: int, rng: random.Random) -> CellRow | None:
    return _objects(n_cells, (2, 3), (1, 4), rng)


def _longer(n_cells: int, rng: random.Random) -> CellRow | None:
    return _objects(n_cells, (1, 2), (3, max(3, n_cells // 3)), rng, one=True)


def _roomy(n_cells: int, rng: random.Random) -> CellRow | None:
    return _objects(n_cells, (1, 3), (1, 3), rng, gap=3)


def _move(by: int, rng: random.Random, n_cells: int) -> RowRule:
    way = rng.choice((1, 1, -1)) * by  # mostly to the right, as 1D-ARC has it
    return RowRule(partial(_single, n_cells), partial(rules.move, way))


def _to_side(rule: Callable, sample: Callable, rng: random.Random, n_cells: int) -> RowRule:
    return RowRule(partial(sample, n_cells), partial(rule, rng.random() < 0.5))


def _move_to_marker(rng: random.Random, n_cells: int) -> RowRule:
    marker = rng.choice(INK)
    return RowRule(partial(_with_marker, n_cells, marker), partial(rules.move_to_marker, marker))


def _recolour_parity(rng: random.Random, n_cells: int) -> RowRule:
    given, odd, even = rng.sample(INK, 3)
    sample = partial(_in_colours, n_cells, (2, 4), (1, 5), (given,))
    return RowRule(sample, partial(rules.recolour_parity, odd, even), lambda r: _of_runs(r, lambda n: n % 2))


def _recolour_by_size(rng: random.Random, n_cells: int) -> RowRule:
    given, *inks = rng.sample(INK, 4)
    colours: dict[int, int] = dict(zip((1, 2, 3), inks, strict=True))
    sample = partial(_in_colours, n_cells, (2, 4), (1, 3), (given,))
    return RowRule(sample, partial(rules.recolour_by_size, colours), lambda row: _of_runs(row, int))


def _recolour_by_count(rng: random.Random, n_cells: int) -> RowRule:
    given, *inks = rng.sample(INK, 4)
    colours: dict[int, int] = dict(zip((1, 2, 3), inks, strict=True))
    sample = partial(_in_colours, n_cells, (1, 3), (1, 3), (given,))
    return RowRule(sample, partial(rules.recolour_by_count, colours), lambda row: frozenset({len(runs(row))}))


def _swap_colours(rng: random.Random, n_cells: int) -> RowRule:
    a, b = rng.sample(INK, 2)
    return _colour_rule({a: b, b: a}, n_cells)


def _map_colours(rng: random.Random, n_cells: int) -> RowRule:
    a, b, c = rng.sample(INK, 3)
    return _colour_rule({a: b, b: c, c: a}, n_cells)


def _colour_rule(colours: dict[int, int], n_cells: int) -> RowRule:
    sample = partial(_in_colours, n_cells, (2, 4), (1, 3), tuple(colours))
    return RowRule(
        sample, partial(rules.map_colours, colours), lambda row: frozenset(row) & frozenset(colours)
    )


def _remove_colour(rng: random.Random, n_cells: int) -> RowRule:
    gone, *others = rng.sample(INK, 3)
    sample = partial(_in_colours, n_cells, (2, 4), (1, 3), (gone, *others))
    return RowRule(sample, partial(rules.remove_colour, gone))


def _mark_ends(rng: random.Random, n_cells: int) -> RowRule:
    return RowRule(partial(_longer, n_cells), partial(rules.mark_ends, rng.choice(INK)))


def _of_runs(row: CellRow, key: Callable[[int], int]) -> frozenset[object]:
    return frozenset(key(run.size) for run in runs(row))


PRIMITIVES: Final[tuple[Family, ...]] = (
    Family("move_1", partial(_move, 1), 5),
    Family("move_2", partial(_move, 2), 6),
    Family("move_3", partial(_move, 3), 7),
    Family("move_to_wall", partial(_to_side, rules.move_to_wall, _single), 5),
    Family("move_to_marker", _move_to_marker, 6),
    Family("gravity", partial(_to_side, rules.gravity, _sprinkled), 5),
    Family("fill", _plain(rules.fill_pairs, lambda n, rng: _pairs(n, (1, 1), rng)), 6),
    Family("fill_pairs", _plain(rules.fill_pairs, lambda n, rng: _pairs(n, (2, 3), rng)), 10),
    Family("hollow", _plain(rules.hollow, _longer), 6),
    Family("flip", _plain(rules.flip, _striped), 5),
    Family("reverse", _plain(rules.reverse, _some), 6),
    Family("denoise", _plain(rules.denoise, _noisy), 7),
    Family("pattern_copy", _plain(rules.pattern_copy, _seeds), 9),
    Family("recolour_by_size", _recolour_by_size, 7),
    Family("recolour_parity", _recolour_parity, 7),
    Family("recolour_by_count", _recolour_by_count, 7),
    Family("swap_colours", _swap_colours, 5),
    Family("map_colours", _map_colours, 6),
    Family("dilate", _plain(rules.dilate, _roomy), 6),
    Family("double", _plain(rules.double, _roomy), 6),
    Family("extend_to_wall", partial(_to_side, rules.extend_to_wall, _single), 5),
    Family("keep_largest", _plain(rules.keep_largest, lambda n, rng: _objects(n, (2, 3), (1, 5), rng)), 7),
    Family("remove_colour", _remove_colour, 7),
    Family("mark_ends", _mark_ends, 6),
    Family("sort_objects", _plain(rules.sort_objects, _apart_sizes), 8),
    Family("continue_pattern", _plain(rules.continue_pattern, _begun), 6),
)


def compose(first: Family, second: Family) -> Family:
    """The family of tasks that do `first` and then `second`, shown on the inputs of `first`.

    Only inputs on which both change something count: elsewhere the task would be one of the two.
    """

    def draw(rng: random.Random, n_cells: int) -> RowRule:
        one, two = first.draw(rng, n_cells), second.draw(rng, n_cells)

        def apply(row: CellRow) -> CellRow | None:
            middle = one.apply(row)
            if middle is None or middle == row:
                return None
            last = two.apply(middle)
            return None if last == middle else last

        def cases(row: CellRow) -> frozenset[object]:
            middle = one.apply(row)
            seen = frozenset((1, case) for case in one.cases(row))
            return seen if middle is None else seen | {(2, case) for case in two.cases(middle)}

        return RowRule(one.sample, apply, cases)

    return Family(f"{first.name}+{second.name}", draw, max(first.min_cells, second.min_cells) + 2)
