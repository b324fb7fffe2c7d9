"""How much of a run is done and how long the rest will take. Knows nothing about what is being done.

Two kinds of work cost nearly all the time, writing a self-edit and training an adapter with its exam. What is
left is what was planned of each, at the pace that was measured in this run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

WorkKind = Literal["write", "train"]


@dataclass(frozen=True)
class WorkAmount:
    """So many self-edits to write, and so many adapters to train and examine."""

    write: int = 0
    train: int = 0

    def __add__(self, other: WorkAmount) -> WorkAmount:
        return WorkAmount(self.write + other.write, self.train + other.train)


class Work:
    """Counts of the work that is planned, and of what is done, now or by an earlier sitting of the run."""

    def __init__(self) -> None:
        self.planned: Counter[WorkKind] = Counter()
        self.done: Counter[WorkKind] = Counter()
        self._timed: Counter[WorkKind] = Counter()
        self._seconds: dict[WorkKind, float] = {}

    def plan(self, amount: WorkAmount) -> None:
        self.planned["write"] += amount.write
        self.planned["train"] += amount.train

    def done_before(self, kind: WorkKind, n: int) -> None:
        """Counts items that an earlier sitting did, so that they say nothing about the pace of this one."""
        self.done[kind] += n

    @contextmanager
    def doing(self, kind: WorkKind, n: int) -> Iterator[None]:
        """Around the work on `n` items."""
        started = time.perf_counter()
        yield
        self.did(kind, n, time.perf_counter() - started)

    def did(self, kind: WorkKind, n: int, seconds: float) -> None:
        """Counts `n` items that were done, `seconds` after those before them."""
        self.done[kind] += n
        self._timed[kind] += n
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds

    def left_s(self) -> float | None:
        """Seconds still to go; None as long as the pace of some planned work is not known."""
        left: dict[WorkKind, int] = {kind: max(0, n - self.done[kind]) for kind, n in self.planned.items()}
        if not left or any(n and not self._timed[kind] for kind, n in left.items()):
            return None
        return sum(n * self._seconds[kind] / self._timed[kind] for kind, n in left.items() if n)
