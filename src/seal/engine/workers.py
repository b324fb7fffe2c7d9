"""Work on the frozen base shared out among processes: this one, and others that hold the same base.

Two threads on a model of a million parameters wait for each other more than they compute; two processes do
not. Knows how work is divided. Knows nothing about what is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from seal.config import EngineConfig
from seal.engine.memory import weight_bytes
from seal.executors import LocalExecutor
from seal.models.load import hide_progress_bars

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation

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


class EngineProcess:
    """What a worker process holds: an adaptation of its own, made from the configuration."""

    def __init__(self, payload: tuple[str, int, int]) -> None:
        from seal.engine.adapt import Adaptation

        hide_progress_bars()
        torch.set_num_threads(1)
        config, edit_tokens, answer_tokens = payload
        self.adaptation = Adaptation.load(EngineConfig.model_validate_json(config))
        self.adaptation.edit_tokens, self.adaptation.answer_tokens = edit_tokens, answer_tokens

    def apply(self, act: Callable[[Adaptation, Sequence[T]], list[R]], items: Sequence[T]) -> list[R]:
        return act(self.adaptation, items)


class Workers:
    """The other processes of an adaptation, started when they are first needed."""

    def __init__(self, adaptation: Adaptation, n: int) -> None:
        self._n = n
        config = adaptation.config.model_copy(
            update={"inner": adaptation.config.inner.model_copy(update={"workers": 1})}
        )
        self._payload = (config.model_dump_json(), adaptation.edit_tokens, adaptation.answer_tokens)
        self._executor: LocalExecutor | None = None

    def share(
        self,
        items: Sequence[T],
        cost: Callable[[T], float],
        act: Callable[[Adaptation, Sequence[T]], list[R]],
        here: Callable[[Sequence[T]], list[R]],
    ) -> list[R]:
        """What `act` makes of each item, in order: in other processes it is called with theirs, in this one
        `here` does this one's part. `cost` is in any unit."""
        if self._n < 2 or len(items) < _LEAST_ITEMS:
            return here(items)
        if self._executor is None or self._executor.closed:
            self._executor = LocalExecutor("seal.engine.workers:EngineProcess", self._payload, self._n - 1)
        own, *others = divide([cost(item) for item in items], self._n)
        found: dict[int, R] = {}
        try:
            for worker, part in enumerate(others):
                self._executor.submit(worker, "apply", act, [items[i] for i in part])
            with one_thread():
                found |= dict(zip(own, here([items[i] for i in own]), strict=True))
            for worker, part in enumerate(others):
                found |= dict(zip(part, self._executor.result(worker), strict=True))
        except BaseException:
            self._executor.close()  # what is still being computed would answer the next call
            raise
        return [found[i] for i in range(len(items))]


def divide(costs: Sequence[float], n: int) -> list[list[int]]:
    """Indices of `costs` in `n` parts of about the same cost: dearest first, each to the cheapest part."""
    parts: list[list[int]] = [[] for _ in range(n)]
    totals = [0.0] * n
    for index in sorted(range(len(costs)), key=lambda i: -costs[i]):
        part = totals.index(min(totals))
        parts[part].append(index)
        totals[part] += costs[index]
    return [sorted(part) for part in parts]


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
