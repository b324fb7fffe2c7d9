"""Who does which call: workers that come, go, die and are slow, made up without any process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.errors import ClusterError, InputError
from seal.executors.dispatch import MOST_LOSSES, Dispatcher, Ended
from seal.executors.executor import ExecutorCall


class MadeUpHost:
    """Workers are numbers; a call returns its argument times ten. Each `wait` ends one call chosen by chance,
    or kills its worker; `room` is how many workers there may be, by the number of waits so far."""

    def __init__(self, seed: int, *, dies: float = 0.0, room: Any = lambda now: 2) -> None:
        self.rng, self.dies, self.room_at = random.Random(seed), dies, room
        self.now, self.n_started, self.n_tickets = 0, 0, 0
        self.open: dict[int, tuple[int, ExecutorCall | None]] = {}
        self.stopped: set[int] = set()
        self.most_at_once = 0
        self.accepts = True

    def room(self) -> int:
        return self.room_at(self.now)

    def start(self) -> tuple[int, int]:
        self.n_started += 1
        return self.n_started, self._ticket(self.n_started, None)

    def accept(self, said: Any) -> None:
        if not self.accepts:
            raise ClusterError("other software")

    def call(self, worker: int, call: ExecutorCall, held: Any) -> int:
        assert worker not in self.stopped and worker not in {own for own, _ in self.open.values()}
        assert held == "held"
        return self._ticket(worker, call)

    def _ticket(self, worker: int, call: ExecutorCall | None) -> int:
        self.n_tickets += 1
        self.open[self.n_tickets] = (worker, call)
        self.most_at_once = max(self.most_at_once, len(self.open))
        return self.n_tickets

    def wait(self, tickets: Sequence[int], timeout_s: float) -> list[tuple[int, Ended]]:
        self.now += 1
        assert set(tickets) == set(self.open)
        if not tickets:
            return []
        ticket = self.rng.choice(list(tickets))
        _, call = self.open.pop(ticket)
        if self.rng.random() < self.dies:
            return [(ticket, Ended(lost="taken away"))]
        if call is None:
            return [(ticket, Ended("here I am"))]
        if call.method == "fail":
            return [(ticket, Ended(raised=InputError("it failed")))]
        return [(ticket, Ended(call.arguments[0] * 10))]

    def stop(self, worker: int) -> None:
        self.stopped.add(worker)
        self.open = {ticket: own for ticket, own in self.open.items() if own[0] != worker}


def dispatcher(host: MadeUpHost, told: list[str] | None = None, **named: Any) -> Dispatcher:
    """Time goes on by a second a wait."""
    notice = (told if told is not None else []).append
    made_up: Any = host
    return Dispatcher(made_up, notice, clock=lambda: float(host.now) * 1.001, **named)


def calls(n: int, method: str = "times_ten") -> list[ExecutorCall]:
    return [ExecutorCall(method, (at,)) for at in range(n)]


@given(st.integers(0, 10**6), st.integers(0, 25), st.integers(1, 6), st.sampled_from([0.0, 0.05]))
def test_every_call_has_its_result_once_whoever_dies(seed: int, n: int, workers: int, dies: float) -> None:
    host = MadeUpHost(seed, dies=dies, room=lambda now: 1 + (seed >> (now // 5) % 8) % workers)
    told: list[str] = []
    try:
        found = list(dispatcher(host, told).each(calls(n), "held"))
    except ClusterError as error:  # one call had bad luck again and again, or so had those who started
        assert dies and ("died" in error.message)
        return
    assert sorted(found) == [(at, at * 10) for at in range(n)]
    assert host.most_at_once <= workers
    assert all(call is None for _, call in host.open.values()), "who still starts does nothing"
    assert all("taken away" in one and "done again" in one for one in told)


def test_workers_stay_for_the_next_calls_and_are_no_more_than_the_calls() -> None:
    host = MadeUpHost(1, room=lambda now: 5)
    dispatch = dispatcher(host)
    assert len(list(dispatch.each(calls(2), "held"))) == 2
    assert host.n_started == 2
    assert len(list(dispatch.each(calls(9), "held"))) == 9
    assert host.n_started == 5 and not host.stopped
    dispatch.close()
    assert host.stopped == {1, 2, 3, 4, 5}


def test_machines_that_join_are_taken_in() -> None:
    host = MadeUpHost(2, room=lambda now: 1 if now < 4 else 3)
    assert len(list(dispatcher(host).each(calls(20), "held"))) == 20
    assert host.n_started == 3


def test_a_call_that_kills_its_workers_ends_the_run() -> None:
    host, told = MadeUpHost(3, room=lambda now: 1), []
    call = host.call

    def deadly(*given: Any) -> int:
        host.dies = 1.0
        return call(*given)

    def start(own: Any = host.start) -> Any:
        host.dies = 0.0
        return own()

    made_up: Any = host
    made_up.call, made_up.start = deadly, start
    with pytest.raises(ClusterError, match=f"{MOST_LOSSES} workers died over one and the same") as caught:
        list(dispatcher(host, told).each(calls(1), "held"))
    assert "inner.slots" in caught.value.hint and len(told) == MOST_LOSSES - 1
    assert len(host.stopped) == MOST_LOSSES


def test_workers_that_die_while_they_start_end_the_run() -> None:
    host = MadeUpHost(4, dies=1.0)
    with pytest.raises(ClusterError, match="died while they started"):
        list(dispatcher(host).each(calls(3), "held"))
    assert host.n_started >= MOST_LOSSES


def test_what_a_call_raises_is_raised_and_stops_the_others() -> None:
    host = MadeUpHost(5, room=lambda now: 3)
    with pytest.raises(InputError, match="it failed"):
        list(dispatcher(host).each([*calls(4), *calls(4, "fail")], "held"))
    assert not host.open, "what is still computed would be taken for an answer to another call"


def test_a_worker_with_other_software_does_no_call() -> None:
    host = MadeUpHost(6)
    host.accepts = False
    with pytest.raises(ClusterError, match="other software"):
        list(dispatcher(host).each(calls(3), "held"))
    assert all(call is None for _, call in host.open.values())


def test_who_finds_no_machine_waits_says_so_and_gives_up() -> None:
    host, told = MadeUpHost(7, room=lambda now: 0), []
    with pytest.raises(ClusterError, match="no machine had room") as caught:
        list(dispatcher(host, told, patience_s=100.0).each(calls(1), "held"))
    assert host.now > 100 and told == [
        "no worker is ready; waiting for one, or for a machine with room for one"
    ]
    assert "goes on where it stopped" in caught.value.hint


def test_who_stops_listening_stops_the_workers() -> None:
    host = MadeUpHost(8, room=lambda now: 4)
    results = dispatcher(host).each(calls(20), "held")
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not host.open and host.stopped
