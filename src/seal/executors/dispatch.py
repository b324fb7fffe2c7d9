"""Hands calls to workers that come and go: who is idle gets the next one, who dies has its call done again.

Knows nothing about how a worker is started or spoken to (`WorkerHost`; on_ray.py has Ray's), nor about what
the calls do.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seal.errors import ClusterError
from seal.executors.executor import ExecutorCall

Worker = Hashable
Ticket = Hashable

MOST_LOSSES = 4
"""So many workers may die over one call: a machine that is taken away costs one, and more are its own."""
PATIENCE_S = 600.0
"""So long no worker may be there before the run is given up: time for a machine to be started."""
_TELL_AFTER_S = 60.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Ended:
    """What became of a call: a value, or what was raised; or its worker is gone, and why (`lost`)."""

    value: Any = None
    raised: BaseException | None = None
    lost: str = ""


class WorkerHost(Protocol):
    """Starts workers and speaks with them."""

    def room(self) -> int:
        """For how many workers there is room now, those included that are there."""
        ...

    def start(self) -> tuple[Worker, Ticket]:
        """A new worker, and the ticket of its first words: what it is, once it is there."""
        ...

    def accept(self, said: Any) -> None:
        """Raises ClusterError if a worker with these first words must not take part."""
        ...

    def call(self, worker: Worker, call: ExecutorCall, held: Any) -> Ticket: ...

    def wait(self, tickets: Sequence[Ticket], timeout_s: float) -> list[tuple[Ticket, Ended]]:
        """Those that ended; waits for one of them, up to `timeout_s`."""
        ...

    def stop(self, worker: Worker) -> None: ...


class Dispatcher:
    """The workers of one run. They stay from one `each` to the next."""

    def __init__(
        self,
        host: WorkerHost,
        notice: Callable[[str], None] = lambda text: None,
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host, self.notice = host, notice
        self._patience_s, self._clock = patience_s, clock
        self._starting: dict[Ticket, Worker] = {}
        self._idle: list[Worker] = []
        self._busy: dict[Ticket, tuple[Worker, int]] = {}
        self._lost_at_start = 0
        self._looked_at = float("-inf")
        self._alone_since: float | None = None
        self._told = False

    def each(self, calls: Sequence[ExecutorCall], held: Any = None) -> Iterator[tuple[int, Any]]:
        """See `Executor.each`."""
        waiting, losses = deque(range(len(calls))), Counter[int]()
        try:
            while waiting or self._busy:
                self._start_workers(len(waiting) + len(self._busy))
                while waiting and self._idle:
                    worker, at = self._idle.pop(), waiting.popleft()
                    self._busy[self.host.call(worker, calls[at], held)] = (worker, at)
                for ticket, ended in self.host.wait([*self._busy, *self._starting], _LOOK_EVERY_S):
                    if ticket in self._starting:
                        self._began(self._starting.pop(ticket), ended)
                        continue
                    worker, at = self._busy.pop(ticket)
                    if ended.raised is not None:
                        raise ended.raised
                    if ended.lost:
                        self.host.stop(worker)
                        self._count_loss(losses, at, ended.lost)
                        waiting.appendleft(at)
                        continue
                    self._idle.append(worker)
                    yield at, ended.value
                self._mind_being_alone()
        finally:
            if self._busy:  # cut short: what they still compute would be taken for answers to other calls
                self.close()

    def close(self) -> None:
        """Stops all workers."""
        there = [*self._starting.values(), *self._idle, *(worker for worker, _ in self._busy.values())]
        self._starting, self._idle, self._busy = {}, [], {}
        for worker in there:
            self.host.stop(worker)

    def _start_workers(self, n_calls: int) -> None:
        """As many as there is room and work for; machines that joined are seen within a second."""
        if self._clock() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = self._clock()
        n = len(self._starting) + len(self._idle) + len(self._busy)
        for _ in range(n, min(self.host.room(), n_calls)):
            worker, ticket = self.host.start()
            self._starting[ticket] = worker

    def _began(self, worker: Worker, ended: Ended) -> None:
        if ended.raised is not None:
            raise ended.raised
        if ended.lost:
            self.host.stop(worker)
            self._lost_at_start += 1
            self._looked_at = float("-inf")
            if self._lost_at_start >= MOST_LOSSES:
                raise ClusterError(
                    f"{self._lost_at_start} workers in a row died while they started; the last: {ended.lost}",
                    "Is there memory for the model beside them? Ray's logs on that machine say more.",
                )
            return
        self.host.accept(ended.value)
        self._lost_at_start = 0
        self._idle.append(worker)

    def _count_loss(self, losses: Counter[int], at: int, reason: str) -> None:
        losses[at] += 1
        self._looked_at = float("-inf")
        if losses[at] >= MOST_LOSSES:
            raise ClusterError(
                f"{losses[at]} workers died over one and the same piece of work; the last: {reason}",
                "Is memory short? Lower inner.slots, or let a worker take more (--worker-cpus, -gpus).",
            )
        self.notice(f"a worker was lost ({reason}); what it was doing is done again by another")

    def _mind_being_alone(self) -> None:
        """Says that there is no worker, after a while; gives up after a long one."""
        if self._idle or self._busy:
            self._alone_since, self._told = None, False
            return
        now = self._clock()
        self._alone_since = now if self._alone_since is None else self._alone_since
        if now - self._alone_since > self._patience_s:
            raise ClusterError(
                f"for {self._patience_s:.0f} s no machine had room for a worker",
                "Start machines that have what a worker needs (--worker-cpus, --worker-gpus), then call the "
                "same command again: it goes on where it stopped.",
            )
        if not self._told and now - self._alone_since > _TELL_AFTER_S:
            self._told = True
            self.notice("no worker is ready; waiting for one, or for a machine with room for one")
