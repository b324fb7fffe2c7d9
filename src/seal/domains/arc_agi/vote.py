"""Prediction by vote: a task is solved in several transformed copies, and the solutions, brought back, vote.

Knows grids and augmentations. Knows nothing about how a prediction was made.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seal.domains.arc_agi.augment import (
    FLIP_HORIZONTAL,
    FLIP_VERTICAL,
    IDENTITY,
    ROTATIONS,
    TRANSPOSE,
    Augmentation,
    Refusal,
    chain,
    random_colours,
    task_is_one_row,
)
from seal.errors import InputError
from seal.types import Grid, Task


@dataclass(frozen=True)
class Vote:
    """What the copies agree on. `ranked` are all candidates, best first, with their votes; `n_lost` counts
    the predictions that were no grid or could not be brought back."""

    ranked: tuple[tuple[Grid, int], ...]
    n_lost: int

    @property
    def winner(self) -> Grid | None:
        return self.ranked[0][0] if self.ranked else None


def views(task: Task, n: int, *, seed: int, keep_background: bool = True) -> list[tuple[Augmentation, Task]]:
    """Up to `n` transformed copies of a task, the unchanged one first, each with what made it.

    First come the turns and flips that a grid has, then copies with permuted colours as well. A turn that the
    task is too large for is passed over.
    """
    rng = random.Random(f"views/{seed}/{task.id}")
    turns = (FLIP_HORIZONTAL,)
    if not task_is_one_row(task):
        turns = (*ROTATIONS, FLIP_HORIZONTAL, FLIP_VERTICAL, TRANSPOSE, chain(ROTATIONS[1], TRANSPOSE))
    bases = [base for base in (IDENTITY, *turns) if not isinstance(base.apply(task), Refusal)]
    ways: list[tuple[Augmentation, Task]] = []
    for index in range(n):
        way = bases[index % len(bases)]
        if index >= len(bases):
            colours = random_colours(rng, keep_background=keep_background)
            way = colours if way is IDENTITY else chain(way, colours)
        made = way.apply(task)
        assert not isinstance(made, Refusal), "a permutation of colours changes no shape"
        ways.append((way, made))
    return ways


def vote(ways: Sequence[Augmentation], predictions: Sequence[Grid | None]) -> Vote:
    """Bring each prediction back by the way its copy was made, and count. Of equally many votes, the
    candidate that came first wins; a prediction of None (no grid) does not vote.

    Raises InputError unless there is one way a prediction.
    """
    if len(ways) != len(predictions):
        raise InputError(
            f"{len(predictions)} predictions for {len(ways)} copies.", "Give one a copy, in the same order."
        )
    back = [None if grid is None else way.backward(grid) for way, grid in zip(ways, predictions, strict=True)]
    counts = Counter(grid for grid in back if grid is not None)
    # a Counter keeps the order of first appearance, and most_common is stable
    return Vote(tuple(counts.most_common()), sum(grid is None for grid in back))
