"""Where contexts come from: the micro-world, or the user's files. Knows nothing about models."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from seal.domains.knowledge import load_contexts
from seal.domains.microworld.names import Split
from seal.domains.microworld.world import Item, make_items, statements
from seal.errors import UnknownNameError
from seal.plugins import did_you_mean
from seal.types import Context, SelfEdit

_WORLD = "microworld/"
GOLD_WORDINGS = 2


@dataclass(frozen=True)
class Source:
    """Contexts and, where the truth behind them is known, the ideal self-edit of each by context id."""

    contexts: list[Context]
    gold: dict[str, SelfEdit]


def load_source(name: str, n: int, *, seed: int, wordings: int = 1) -> Source:
    """The first `n` contexts of a file or folder, or `n` of "microworld/<split>" drawn with `seed`.

    Raises InputFileError or InputError for files, UnknownNameError for a split that does not exist.
    """
    if not name.startswith(_WORLD):
        return Source(load_contexts(Path(name))[:n], {})
    splits = [f"{_WORLD}{split}" for split in get_args(Split)]
    if name not in splits:
        raise UnknownNameError(f"unknown part of the micro-world {name!r}", did_you_mean(name, splits))
    split: Split = name.removeprefix(_WORLD)  # type: ignore[assignment]
    items = make_items(split, n, seed=seed, wordings=wordings)
    return Source([item.context for item in items], {item.context.id: gold_self_edit(item) for item in items})


def gold_self_edit(item: Item) -> SelfEdit:
    """True single statements of every fact, in GOLD_WORDINGS wordings: what a perfect writer would write."""
    lines = statements(random.Random(f"gold/{item.context.id}"), item.entity, GOLD_WORDINGS)
    return SelfEdit(item.context.id, "implications", "\n".join(lines), tuple(lines))
