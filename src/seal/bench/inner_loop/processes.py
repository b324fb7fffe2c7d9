"""A contender in one process a core: this one, and others that hold the same model.

Knows what such a process holds and how its times become one. How tasks are divided and collected is in
`seal.executors.sharing`. Knows nothing about rounds or tables.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seal.bench.inner_loop.contender import Contender, Done, do
from seal.bench.inner_loop.contenders import EXAM_ROWS, Engine, make_contender
from seal.bench.inner_loop.operations import Anatomy, products_of, total
from seal.bench.inner_loop.rates import peak_rate, products_s
from seal.bench.inner_loop.shapes import load_subject
from seal.bench.inner_loop.workload import Load, TrainingTask
from seal.engine.workers import one_thread
from seal.executors import WorkerPool, deal


@dataclass(frozen=True)
class Products:
    """The matrix products of tasks by themselves: how many operations, and the seconds that they take."""

    train_operations: float
    exam_operations: float
    train_s: float
    exam_s: float
    peak_operations_per_s: float


def time_products(engine: Engine, tasks: Sequence[TrainingTask], quick: bool) -> Products:
    """Times the products that the engine's work on `tasks` cannot do without, at its shapes."""
    subject, load = engine.subject, engine.load
    slots, _ = engine.room(len(tasks))
    anatomy = Anatomy.of(subject.model, load.hyperparameters.targets)
    products = products_of(anatomy, tasks, load, slots=slots, exam_rows=EXAM_ROWS)
    seconds = {
        phase: products_s(of, subject.device, subject.dtype, budget_s=0.001 if quick else 0.02)
        for phase, of in products.items()
    }
    return Products(
        total(products["train"]),
        total(products["exam"]),
        seconds["train"],
        seconds["exam"],
        peak_rate(subject.device, subject.dtype, quick=quick),
    )


class BenchWorker:
    """What another process holds: the same model, and the same contender."""

    def __init__(self, payload: tuple[dict[str, Any], Load, str, int]) -> None:
        import torch

        given, self.load, name, trainer_steps = payload
        torch.set_num_threads(1)
        self.subject = load_subject(**given)
        self.contender = make_contender(name, self.subject, self.load, trainer_steps=trainer_steps)

    def do(self, tasks: Sequence[TrainingTask]) -> Done:
        return do(self.contender, tasks)

    def products(self, tasks: Sequence[TrainingTask], quick: bool) -> Products:
        assert isinstance(self.contender, Engine)
        return time_products(self.contender, tasks, quick)


class Spread:
    """A contender in `n` processes of one thread each, tasks shared out evenly among them."""

    at_once = True

    def __init__(self, inner: Contender, load: Load, given: dict[str, Any], n: int, *, name: str) -> None:
        self.inner, self.name, self.n = inner, name, n
        self._pool = WorkerPool(f"{__name__}:BenchWorker", (given, load, inner.name, 0), n)

    def do(self, tasks: Sequence[TrainingTask]) -> Done:
        """Training and exam of all tasks; the time is that of the slowest process, divided as in this one."""
        started = time.perf_counter()
        parts = self._all("do", tasks, lambda own: do(self.inner, own))
        wall_s = time.perf_counter() - started
        answers: list[list[list[str]]] = [part.answers for part in parts]
        together = [answers[i % len(parts)][i // len(parts)] for i in range(len(tasks))]
        own = parts[0]
        train_s = wall_s * own.train_s / (own.train_s + own.exam_s)
        return replace(own, train_s=train_s, exam_s=wall_s - train_s, answers=together)

    def products(self, tasks: Sequence[TrainingTask], *, quick: bool) -> Products:
        """Of all tasks, each process's while the others time theirs; the seconds are the slowest one's."""
        engine = self.inner
        assert isinstance(engine, Engine)
        parts = self._all("products", tasks, lambda own: time_products(engine, own, quick), quick)
        return Products(
            sum(part.train_operations for part in parts),
            sum(part.exam_operations for part in parts),
            max(part.train_s for part in parts),
            max(part.exam_s for part in parts),
            sum(part.peak_operations_per_s for part in parts),
        )

    def close(self) -> None:
        self._pool.close()

    def _all(self, method: str, tasks: Sequence[TrainingTask], here: Any, *arguments: Any) -> list[Any]:
        """What each process that has tasks makes of its own, this one's first."""
        if not self._pool.started:  # a process is ready before anything is timed
            self._pool.run("do", [[], *([([],)] for _ in range(self.n - 1))], here)

        def alone(own: Sequence[TrainingTask], *_: Any) -> Any:
            with one_thread():
                return here(own)

        parts = [[tasks[i] for i in part] for part in deal(len(tasks), self.n)]
        calls = [[(part, *arguments)] if part else [] for part in parts]
        return [result for results in self._pool.run(method, calls, alone) for result in results]
