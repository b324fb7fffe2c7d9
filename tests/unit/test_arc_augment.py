"""Augmentations and voting: inverses, shapes, colours, one row staying one row, and what is refused."""

from __future__ import annotations

import pickle
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arc import grids, needs_real_tasks, one_rows, pair, real_tasks, tasks
from seal.domains.arc_agi.augment import (
    FIXED,
    IDENTITY,
    KINDS,
    ONE_ROW,
    Augmentation,
    Refusal,
    augmentations,
    chain,
    colour_permutation,
    random_colours,
    task_is_one_row,
    translation,
)
from seal.domains.arc_agi.grids import MAX_ROW, MAX_SIDE, grids_of, is_one_row
from seal.domains.arc_agi.vote import views, vote
from seal.errors import InputError
from seal.types import Grid, Task

ALL = {one.name: one for kind in KINDS for one in (*FIXED[kind], *ONE_ROW[kind])}
SEEDS = st.integers(0, 10**6)
NAMED = st.sampled_from(sorted(ALL)).map(ALL.__getitem__)
MOVES = st.builds(translation, st.integers(-40, 40), st.integers(-40, 40))
COLOURS = st.permutations(range(10)).map(colour_permutation)
ANY = st.one_of(NAMED, MOVES, COLOURS, st.builds(chain, NAMED, st.one_of(MOVES, COLOURS, NAMED)))
GRID: Grid = ((1, 2, 3), (4, 5, 6))


def _cells(grid: Grid) -> Counter[int]:
    return Counter(cell for row in grid for cell in row)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("rotate_90", ((3, 6), (2, 5), (1, 4))),
        ("rotate_180", ((6, 5, 4), (3, 2, 1))),
        ("rotate_270", ((4, 1), (5, 2), (6, 3))),
        ("flip_horizontal", ((3, 2, 1), (6, 5, 4))),
        ("flip_vertical", ((4, 5, 6), (1, 2, 3))),
        ("transpose", ((1, 4), (2, 5), (3, 6))),
        ("reflect_right", ((1, 2, 3, 3, 2, 1), (4, 5, 6, 6, 5, 4))),
        ("reflect_left", ((3, 2, 1, 1, 2, 3), (6, 5, 4, 4, 5, 6))),
        ("reflect_below", ((1, 2, 3), (4, 5, 6), (4, 5, 6), (1, 2, 3))),
        ("reflect_above", ((4, 5, 6), (1, 2, 3), (1, 2, 3), (4, 5, 6))),
        ("resolution_2", ((1, 1, 2, 2, 3, 3),) * 2 + ((4, 4, 5, 5, 6, 6),) * 2),
        ("height_2", ((1, 2, 3), (1, 2, 3), (4, 5, 6), (4, 5, 6))),
        ("width_2", ((1, 1, 2, 2, 3, 3), (4, 4, 5, 5, 6, 6))),
        ("repeat_right_2", ((1, 2, 3, 1, 2, 3), (4, 5, 6, 4, 5, 6))),
        ("repeat_below_2", (*GRID, *GRID)),
        ("repeat_both_2", ((1, 2, 3, 1, 2, 3), (4, 5, 6, 4, 5, 6)) * 2),
        ("flip_vertical+resolution_2", ((4, 4, 5, 5, 6, 6),) * 2 + ((1, 1, 2, 2, 3, 3),) * 2),
    ],
)
def test_what_each_does(name: str, made: Grid) -> None:
    assert ALL[name].name == name and ALL[name].forward(GRID) == made


def test_translation_is_cyclic() -> None:
    assert translation(1, 1).forward(GRID) == ((6, 4, 5), (3, 1, 2))
    assert translation(0, 0).forward(GRID) == translation(2, 3).forward(GRID) == GRID


@given(ANY, grids())
def test_the_inverse_undoes_it(one: Augmentation, grid: Grid) -> None:
    assert one.backward(one.forward(grid)) == grid


@given(ANY, grids())
def test_what_it_cannot_have_made_has_no_inverse(one: Augmentation, grid: Grid) -> None:
    back = one.backward(grid)
    assert back is not None or not one.bijective
    assert back is None or one.forward(back) == grid


@given(ANY, grids())
def test_rectangular_and_colours_kept(one: Augmentation, grid: Grid) -> None:
    made = one.forward(grid)
    assert len({len(row) for row in made}) == 1
    before, after = _cells(grid), _cells(made)
    times = after.total() // before.total()
    # the multiset of colours is the same up to repetition and, for a permutation of colours, to their names
    assert sorted(after.values()) == sorted(times * n for n in before.values())
    if "colours" not in one.name:
        assert after == Counter({colour: times * n for colour, n in before.items()})
    assert (times == 1) or not one.bijective


@given(st.sets(st.sampled_from(KINDS)), tasks(one_rows()), SEEDS)
def test_a_task_of_one_row_grids_stays_one(kinds: set, task: Task, seed: int) -> None:
    assert task_is_one_row(task)
    names = []
    for one in augmentations(sorted(kinds), one_row=True, rng=random.Random(seed)):
        made = one.apply(task)
        names.append(one.name)
        assert isinstance(made, Refusal) or is_one_row(grids_of(made))
    assert len(set(names)) == len(names)


def test_the_one_row_set_has_no_twins_and_no_identity() -> None:
    """On a row of unlike cells every augmentation gives something of its own, and none gives the row back."""
    row: Grid = ((1, 2, 3, 4, 5, 6, 7),)
    everything = augmentations(KINDS, one_row=True, rng=random.Random(0))
    made = [one.forward(row) for one in everything]
    assert len({*made, row}) == len(made) + 1
    # and it lacks nothing of the whole set that makes a row of a row and is not among these already
    whole = augmentations(KINDS, one_row=False, rng=random.Random(0))
    rows = {grid for one in whole if one.name[:9] != "translate" and len(grid := one.forward(row)) == 1}
    assert rows <= {*made, row}


@given(SEEDS)
def test_a_row_is_translated_along_itself(seed: int) -> None:
    (move,) = augmentations(["basic"], one_row=True, rng=random.Random(seed))[-1:]
    assert move.name in ("translate_0_1", "translate_0_2", "translate_0_3")
    (move,) = augmentations(["basic"], one_row=False, rng=random.Random(seed))[-1:]
    assert move.name.startswith("translate_") and move.name != "translate_0_0"


def test_the_published_set() -> None:
    sizes = {kind: len(augmentations([kind], one_row=False, rng=random.Random(0))) for kind in KINDS}
    assert sizes == {"basic": 11, "size": 3, "chain": 6, "repeat": 3}


SIDES = st.sampled_from([1, 2, 10, 15, 16, 17, 29, 30])
FLAT = st.builds(lambda rows, columns: ((7,) * columns,) * rows, SIDES, SIDES)


@given(ANY, tasks(FLAT, n=(1, 2)))
def test_no_grid_grows_beyond_the_limit(one: Augmentation, task: Task) -> None:
    made = one.apply(task)
    whole = [one.forward(grid) for grid in grids_of(task)]
    fits = all(
        (len(grid) <= MAX_SIDE and len(grid[0]) <= MAX_SIDE) or (len(grid) == 1 and len(grid[0]) <= MAX_ROW)
        for grid in whole
    )
    if isinstance(made, Refusal):
        assert not fits and one.name in made.reason and "cells, and a side has 1 to 30" in made.reason
    else:
        assert fits and grids_of(made) == whole and made.id == task.id
        assert (len(made.train), len(made.test)) == (len(task.train), len(task.test))


def test_a_refusal_says_where() -> None:
    wide = pair([[1] * 16])
    refused = ALL["resolution_2"].apply(Task("t", (pair([[1]], [[1]]),), (pair([[1]]), wide)))
    assert isinstance(refused, Refusal)
    assert refused.reason.startswith("resolution_2: test[1] would have 2 x 32 cells")


@given(SEEDS, st.booleans(), grids())
def test_random_colours_permute(seed: int, keep: bool, grid: Grid) -> None:
    one = random_colours(random.Random(seed), keep_background=keep)
    assert one.backward(one.forward(grid)) == grid
    assert not keep or one.forward(((0,),)) == ((0,),)
    assert pickle.loads(pickle.dumps(one)).forward(grid) == one.forward(grid)


@settings(max_examples=50)
@given(tasks(n=(1, 2)), st.integers(1, 20), SEEDS)
def test_views_are_a_task_and_a_way_back(task: Task, n: int, seed: int) -> None:
    found = views(task, n, seed=seed)
    assert len(found) == n and found[0] == (IDENTITY, task) and found == views(task, n, seed=seed)
    for way, made in found:
        assert way.bijective
        assert [way.backward(grid) for grid in grids_of(made)] == grids_of(task)


@settings(max_examples=50)
@given(tasks(n=(1, 2)), st.integers(1, 20), SEEDS)
def test_a_solver_of_every_view_wins_the_vote(task: Task, n: int, seed: int) -> None:
    gold = task.test[0].output
    ways, solved = zip(*[(way, made.test[0].output) for way, made in views(task, n, seed=seed)], strict=True)
    found = vote(ways, solved)
    assert found.winner == gold and found.ranked == ((gold, n),) and found.n_lost == 0


def test_votes_are_counted_and_ties_go_to_the_first() -> None:
    a, b = ((1,),), ((2,),)
    assert vote([IDENTITY] * 4, [a, b, b, None]).ranked == ((b, 2), (a, 1))
    assert vote([IDENTITY] * 4, [a, b, b, None]).n_lost == 1
    assert vote([IDENTITY] * 2, [b, a]).winner == b and vote([IDENTITY] * 2, [a, b]).winner == a
    assert vote([], []).winner is None
    with pytest.raises(InputError, match="1 predictions for 0 copies"):
        vote([], [a])
    lost = vote([ALL["width_2"]], [((1, 2),)])  # no grid becomes this by doubling its cells
    assert lost.winner is None and lost.n_lost == 1


@needs_real_tasks
def test_real_rows_stay_rows_and_come_back() -> None:
    for task in real_tasks():
        assert task_is_one_row(task)
        for one in augmentations(KINDS, one_row=True, rng=random.Random(task.id)):
            made = one.apply(task)
            if isinstance(made, Refusal):
                assert max(len(grid[0]) for grid in grids_of(task)) * 2 > MAX_ROW
                continue
            assert is_one_row(grids_of(made))
            assert [one.backward(grid) for grid in grids_of(made)] == grids_of(task)
