"""The micro-world as a generator of contexts: "microworld/rl", "microworld/dev", "microworld/eval".

Knows how its items become contexts, and what a perfect writer would write about each. Knows nothing about
models.
"""

from __future__ import annotations

import random
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from seal.domains.microworld.names import WorldSplit
from seal.domains.microworld.world import WorldItem, make_items, statements
from seal.errors import UnknownNameError
from seal.hints import did_you_mean
from seal.protocols import ContextGenerator, Domain
from seal.types import ContextSource, SelfEdit

GOLD_WORDINGS = 2


class MicroWorldConfig(BaseModel):
    """How passages of the micro-world are examined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reward_wordings: int = Field(
        default=1,
        ge=1,
        le=3,
        description="Exam questions an attribute where the exam gives the reward of the outer loop.",
    )


class MicroWorld(ContextGenerator):
    """Passages about made-up people, places and things, with what is true of them known."""

    name: str = "microworld"
    unit: str = "passage"
    Config = MicroWorldConfig

    def __init__(self, config: MicroWorldConfig | None = None) -> None:
        self.config = config or MicroWorldConfig()

    def load(self, domain: Domain, part: str, n: int, *, seed: int, reward: bool) -> ContextSource:
        """`n` passages of a split. Raises UnknownNameError for a split that does not exist."""
        splits = [f"{self.name}/{split}" for split in get_args(WorldSplit)]
        if f"{self.name}/{part}" not in splits:
            name = f"{self.name}/{part}"
            raise UnknownNameError(f"unknown part of the micro-world {name!r}", did_you_mean(name, splits))
        wordings = self.config.reward_wordings if reward else 1
        items = make_items(part, n, seed=seed, wordings=wordings)  # type: ignore[arg-type]
        return ContextSource(
            [item.context for item in items], {item.context.id: gold_self_edit(item) for item in items}
        )


def gold_self_edit(item: WorldItem) -> SelfEdit:
    """True single statements of every fact, in GOLD_WORDINGS wordings: what a perfect writer would write."""
    lines = statements(random.Random(f"gold/{item.context.id}"), item.entity, GOLD_WORDINGS)
    return SelfEdit(item.context.id, "implications", "\n".join(lines), tuple(lines))
