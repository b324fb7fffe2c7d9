"""What a contender offers. Knows nothing about any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from seal.loops.bench.workload import Task


@dataclass(frozen=True)
class Learned:
    """How long training took. `scaled_from_steps` above 0: so many steps of each task were timed."""

    seconds: float
    scaled_from_steps: int = 0


class Contender(Protocol):
    """`at_once`: its cost per task depends on how many it is given; otherwise it takes one at a time."""

    name: str
    at_once: bool

    def learn(self, tasks: Sequence[Task]) -> Learned:
        """Trains a fresh adapter for each task."""
        ...

    def examine(self, tasks: Sequence[Task]) -> tuple[float, list[list[str]]]:
        """(seconds, the answers to each task's questions), with the adapters that were learned last."""
        ...
