"""Work on the frozen base, shared among processes that hold the same base, where that is faster than threads.

Knows which models it is faster for. How work is divided and collected is in `seal.executors.sharing`. Knows
nothing about what is done, nor what a process holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from seal.config import EngineConfig
from seal.engine.memory import weight_bytes
from seal.executors import WorkerPool, divide, in_order

SMALL_BYTES = 100_000_000
"""Weights above it are worth all threads: `inner.workers = 0` then stays in one process."""
_LEAST_ITEMS = 4
T = TypeVar("T")
R = TypeVar("R")


def n_workers(config: EngineConfig, model: Any) -> int:
    """Processes to share the inner loop among, this one included."""
    if config.inner.workers:
        return config.inner.workers
    on_cpu = next(model.parameters()).device.type == "cpu"
    if not on_cpu or not small_enough(model) or config.grading.grader == "judge":
        return 1
    return usable_cores()


def small_enough(model: Any) -> bool:
    """Whether processes of one thread each are faster than one process of many."""
    return weight_bytes(model) <= SMALL_BYTES


def usable_cores() -> int:
    """Cores that this process may use: one where OMP_NUM_THREADS is set, since who sets it wants no more."""
    if os.environ.get("OMP_NUM_THREADS"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """The processes that work on an adaptation's frozen base, this one among them."""

    def __init__(self, holder: str, payload: Any, n: int) -> None:
        """`holder` is the "module:class" of what each other process makes of `payload` and holds; it has a
        method `apply(act, items)`."""
        self.pool = WorkerPool(holder, payload, n)

    def share(
        self,
        items: Sequence[T],
        cost: Callable[[T], float],
        act: Callable[[Any, Sequence[T]], list[R]],
        here: Callable[[Sequence[T]], list[R]],
    ) -> list[R]:
        """What `act` makes of each item, in order: in other processes it is called with what they hold and
        their items, in this one `here` does this one's part. `cost` is in any unit."""
        parts = self.parts(items, cost)
        if len(parts) == 1:
            return here(items)

        def alone(_: Any, own: Sequence[T]) -> list[R]:
            with one_thread():
                return here(own)

        calls = [[(act, [items[i] for i in part])] for part in parts]
        return in_order(parts, [results for [results] in self.pool.run("apply", calls, alone)])

    def parts(self, items: Sequence[T], cost: Callable[[T], float]) -> list[list[int]]:
        """How items are divided among the processes, by their numbers; few of them are one part."""
        if self.pool.n < 2 or len(items) < _LEAST_ITEMS:
            return [list(range(len(items)))]
        return divide([cost(item) for item in items], self.pool.n)


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, this process computes with one thread, as the others do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
