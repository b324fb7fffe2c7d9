"""Work shared among processes: this one, and others that hold an object of the same kind.

Two threads on a model of a million parameters wait for each other more than they compute; two processes do
not. Knows how work is divided, handed out and collected. Knows nothing about what is done.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from seal.executors.local import LocalExecutor

R = TypeVar("R")
Arguments = tuple[Any, ...]


class WorkerPool:
    """`n` workers. The first is this process; the others are started when they are first needed.

    Each of the others holds the object that `maker` ("module:attribute") makes of `payload`.
    """

    def __init__(self, maker: str, payload: Any, n: int) -> None:
        self.n = n
        self._maker, self._payload = maker, payload
        self._executor: LocalExecutor | None = None

    @property
    def started(self) -> bool:
        """Whether there are other processes now."""
        return self._executor is not None and not self._executor.closed

    def close(self) -> None:
        """Stops the other processes, whatever they are doing."""
        if self._executor is not None:
            self._executor.close()

    def run(
        self,
        method: str,
        calls: Sequence[Sequence[Arguments]],
        here: Callable[..., R],
        on_result: Callable[[int], None] = lambda n_done: None,
    ) -> list[list[R]]:
        """The results of each worker's calls, in their order; `calls[w]` has the arguments of worker w's.

        In this process `here` is called, in the others the `method` of their object. `on_result` is called in
        this thread with the number of results so far. Whatever is raised, here or there, stops the others and
        is raised here: what they are still computing would answer the next call.
        """
        assert len(calls) == self.n
        results: list[list[R]] = [[] for _ in calls]
        waiting = sum(map(len, calls[1:]))
        answers: queue.SimpleQueue[tuple[int, R | BaseException]] = queue.SimpleQueue()

        def take(*, wait: bool) -> bool:
            """Takes one answer of another process, if there is one or to `wait` is asked for."""
            if not waiting or (not wait and answers.empty()):
                return False
            worker, value = answers.get()
            if isinstance(value, BaseException):
                raise value
            results[worker].append(value)
            return True

        try:
            if waiting:
                self._hand_out(method, calls, answers)
            for arguments in calls[0]:
                results[0].append(here(*arguments))
                while take(wait=False):
                    waiting -= 1
                on_result(sum(map(len, results)))
            while take(wait=True):
                waiting -= 1
                on_result(sum(map(len, results)))
        except BaseException:
            self.close()
            raise
        return results

    def _hand_out(
        self, method: str, calls: Sequence[Sequence[Arguments]], answers: queue.SimpleQueue[Any]
    ) -> None:
        """A thread for each process hands out its calls one by one, and puts what comes back into `answers`.

        Were all calls sent at once, a process whose answer waits to be read would leave them unread: both
        sides would wait for each other for ever, once calls and answers are longer than a pipe holds.
        """
        if not self.started:
            self._executor = LocalExecutor(self._maker, self._payload, self.n - 1)
        executor = self._executor
        assert executor is not None

        def serve(worker: int) -> None:
            try:
                for arguments in calls[worker]:
                    executor.submit(worker - 1, method, *arguments)
                    answers.put((worker, executor.result(worker - 1)))
            except BaseException as error:  # raised again in the thread that waits for the answers
                answers.put((worker, error))

        for worker in range(1, self.n):
            if calls[worker]:
                threading.Thread(target=serve, args=(worker,), daemon=True).start()


def deal(n_items: int, n: int) -> list[list[int]]:
    """The numbers below `n_items` in `n` parts of about as many, by turns."""
    return [list(range(part, n_items, n)) for part in range(n)]


def divide(costs: Sequence[float], n: int) -> list[list[int]]:
    """Indices of `costs` in `n` parts of about the same cost: dearest first, each to the cheapest part."""
    parts: list[list[int]] = [[] for _ in range(n)]
    totals = [0.0] * n
    for index in sorted(range(len(costs)), key=lambda i: -costs[i]):
        part = totals.index(min(totals))
        parts[part].append(index)
        totals[part] += costs[index]
    return [sorted(part) for part in parts]


def in_order(parts: Sequence[Sequence[int]], results: Iterable[Sequence[R]]) -> list[R]:
    """What became of each item, in the order of the items: `results` of each part, in its order."""
    by_item = {
        item: result
        for part, own in zip(parts, results, strict=True)
        for item, result in zip(part, own, strict=True)
    }
    return [by_item[item] for item in range(len(by_item))]
