"""What the embedded grid model is pretrained on: tasks as text, and directives drawn without favour.

A document is a list of (text, loss weight) segments. Outputs carry the loss from the second pair on: the
first shows the rule. Directives follow the demonstrations of a task and are drawn uniformly, so that the
model can write every one of them and knows nothing of which are good.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Final, TypeAlias

from seal.domains.arc_agi.augment import FLIP_HORIZONTAL, Refusal
from seal.domains.arc_agi.microgrid import free_compositions, make_task, plane_tasks, warm_up
from seal.domains.arc_agi.microgrid.families import PRIMITIVES, Family
from seal.domains.arc_agi.text import TextForm, text_form
from seal.errors import ConfigError
from seal.self_edits.arc_directives import TEMPLATES
from seal.self_edits.arc_grammar import directives, render
from seal.types import Task

Segments: TypeAlias = list[tuple[str, float]]
Source: TypeAlias = Callable[[random.Random], Task]

INPUT_WEIGHT, OUTPUT_WEIGHT = 0.05, 1.0
NARROW, WIDE, PLANE = 16, 33, 7
"""Columns to which rows are padded: two for one-row grids, one for small planes."""
DIRECTIVES: Final = directives()
HARD: Final = (
    *("move_to_marker", "gravity", "reverse", "sort_objects"),
    *("map_colours", "recolour_by_size", "recolour_by_count", "recolour_parity"),
)
"""The families practised that were solved least after 36 M tokens, on tasks of the pretraining split."""
HARD_SHARED: Final = ("move_2", "move_3", "move_to_marker", "recolour_by_size", "recolour_parity")
HARD_OTHER: Final = ("move_to_wall", "gravity", "recolour_by_count", "reverse", "sort_objects")
"""The same after 110 M, each solved in less than two of three: those that 1D-ARC has too, and the others."""


def task_segments(task: Task, form: TextForm) -> Segments:
    """A whole task: its outputs carry the loss, but for the first."""
    segments: Segments = []
    for index, pair in enumerate((*task.train, *task.test)):
        assert pair.output is not None
        weight = OUTPUT_WEIGHT if index else INPUT_WEIGHT
        segments += [(form.question(pair.input), INPUT_WEIGHT), (form.answer(pair.output), weight)]
    return segments


def directive_segments(task: Task, form: TextForm, rng: random.Random) -> Segments:
    """The demonstrations, and a directive that has nothing to do with them."""
    prompt = TEMPLATES["short"].format(title="", passage=form.demonstrations(task))
    return [(prompt, 0.0), (render(rng.choice(DIRECTIVES)), OUTPUT_WEIGHT)]


def drawable(family: Family, cells: tuple[int, int]) -> bool:
    """Whether tasks of a family come without a long search."""
    try:
        for index in range(3):
            make_task(family, random.Random(f"drawable/{index}"), _room(family, cells), 3, "trial")
    except ConfigError:
        return False
    return True


def rows_of(families: list[Family], cells: tuple[int, int]) -> Source:
    """One-row tasks of these families, half of them mirrored."""

    def draw(rng: random.Random) -> Task:
        while True:
            family = rng.choice(families)
            try:
                task = make_task(family, rng, _room(family, cells), rng.randint(3, 4), "pretraining")
            except ConfigError:
                continue
            mirrored = FLIP_HORIZONTAL.apply(task) if rng.random() < 0.5 else task
            assert not isinstance(mirrored, Refusal)
            return mirrored

    return draw


def _room(family: Family, cells: tuple[int, int]) -> tuple[int, int]:
    return max(cells[0], family.min_cells), max(cells[1], family.min_cells)


def _endless(tasks: Iterator[Task]) -> Source:
    return lambda _rng: next(tasks)


def sources(seed: int) -> dict[str, tuple[Source, TextForm]]:
    """The kinds of documents, each with its tasks and how they are written."""
    free = [family for family in free_compositions() if drawable(family, (8, NARROW))]
    narrow, wide, plane = (text_form("padded", columns=columns) for columns in (NARROW, WIDE, PLANE))
    kinds = cycle([warm_up(kind, seed=seed) for kind in ("copy", "repeat", "colours")])
    planes = plane_tasks(seed=seed, sides=(2, 5))
    primitives = list(PRIMITIVES)
    hard, hard_shared, hard_other = (
        [family for family in primitives if family.name in names] for names in (HARD, HARD_SHARED, HARD_OTHER)
    )
    return {
        "warm_up": (lambda _rng: next(next(kinds)), narrow),
        "short": (rows_of(primitives, (5, 13)), narrow),
        "hard_short": (rows_of(hard, (5, 13)), narrow),
        "narrow": (rows_of(primitives, (5, NARROW)), narrow),
        "hard_narrow": (rows_of(hard, (5, NARROW)), narrow),
        "hard_shared": (rows_of(hard_shared, (5, NARROW)), narrow),
        "hard_other": (rows_of(hard_other, (5, NARROW)), narrow),
        "composed": (rows_of(free, (8, NARROW)), narrow),
        "wide": (rows_of(primitives, (10, WIDE)), wide),
        "plane": (_endless(planes), plane),
        "directive": (rows_of([*primitives, *free], (8, NARROW)), narrow),
        "directive_wide": (rows_of(primitives, (10, WIDE)), wide),
    }


def documents(seed: int, shares: dict[str, float]) -> Iterator[tuple[str, Segments]]:
    """Documents without end, kinds drawn by `shares`, which may be changed between two."""
    rng = random.Random(f"tiny-grid/{seed}")
    kinds = sources(seed)
    while True:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        source, form = kinds[kind]
        task = source(rng)
        directive = kind.startswith("directive")
        yield kind, directive_segments(task, form, rng) if directive else task_segments(task, form)
