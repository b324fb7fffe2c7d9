"""The micro-grids as a generator of contexts: "microgrid/rl", or splits by turns, "microgrid/rl+pretrain".

Knows how generated tasks become contexts. Knows nothing about models.
"""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from seal.domains.arc_agi.domain import ArcAgi
from seal.domains.arc_agi.microgrid.generate import GridSplit, tasks
from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean
from seal.protocols import ContextGenerator, Domain
from seal.types import ContextSource


class MicroGridConfig(BaseModel):
    """How tasks are generated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: tuple[int, int] = Field(default=(8, 16), description="Shortest and longest row of a task.")


class MicroGrid(ContextGenerator):
    """One-row tasks without end, whose rules are known."""

    name: str = "microgrid"
    unit: str = "task"
    Config = MicroGridConfig

    def __init__(self, config: MicroGridConfig | None = None) -> None:
        self.config = config or MicroGridConfig()

    def load(self, domain: Domain, part: str, n: int, *, seed: int, reward: bool) -> ContextSource:
        """`n` tasks of the splits in "<split>+<split>", by turns.

        Raises UnknownNameError for a split that does not exist, ConfigError for a domain of other tasks.
        """
        if not isinstance(domain, ArcAgi):
            raise ConfigError(
                f"{self.name}/{part} are tasks on grids, and the domain {domain.name!r} is about others",
                f'Set domain = "{ArcAgi.name}", or give other data.',
            )
        streams = []
        for split in part.split("+"):
            name = f"{self.name}/{split}"
            if split not in get_args(GridSplit):
                known = [f"{self.name}/{one}" for one in get_args(GridSplit)]
                raise UnknownNameError(f"unknown part of the micro-grids {name!r}", did_you_mean(name, known))
            streams.append(tasks(split, seed=seed, cells=self.config.cells))  # type: ignore[arg-type]
        return domain.as_contexts([next(streams[index % len(streams)]) for index in range(n)])
