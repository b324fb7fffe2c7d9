"""The number of threads follows what the machine is like, by a clock that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.models import pace
from seal.models.pace import ThreadPace, paced_layers, paced_loop, take_threads, threads_of_layers


@dataclass
class Machine:
    """`slow[n]`: times as long as with one thread a pass takes with n threads."""

    slow: dict[int, float]
    idle: float | None = None
    now_s: float = 0.0
    n: int = 2
    spent_s: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pace = ThreadPace(
            sorted(self.slow), self.n, use=self.use, clock=lambda: self.now_s, idle=lambda: self.idle
        )

    def use(self, n: int) -> None:
        self.n = n

    def work(self, seconds: float, a_pass_s: float = 0.02, kind: str = "writing") -> float:
        """Passes for so long; returns how much was done, in passes of one thread."""
        end, done, self.spent_s, i = self.now_s + seconds, 0, {}, 0
        while self.now_s < end:
            i += 1
            work = 1.0 + 0.5 * (i % 3)
            with self.pace.passing(kind, work):
                took = work * a_pass_s * self.slow[self.n]
                self.now_s += took
                self.spent_s[self.n] = self.spent_s.get(self.n, 0.0) + took
            done += work
        return done * a_pass_s / seconds


ALONE, BESIDE_A_NEIGHBOUR = {1: 1.0, 2: 0.55}, {1: 1.0, 2: 8.0}


def test_it_follows_a_neighbour_that_comes_and_goes() -> None:
    machine = Machine(dict(ALONE))
    assert machine.work(60, 0.1) > 0.97 / 0.55, "two threads, and trials that cost next to nothing"
    machine.slow = BESIDE_A_NEIGHBOUR
    assert machine.work(60, 0.1) > 0.85, "one thread soon, where two would do an eighth"
    machine.slow = ALONE
    machine.work(100, 0.1)
    assert machine.work(60, 0.1) > 0.97 / 0.55


def test_more_threads_are_not_tried_where_no_core_is_idle() -> None:
    machine = Machine(dict(BESIDE_A_NEIGHBOUR), idle=0.0)
    machine.work(5)
    assert machine.work(20) == pytest.approx(1.0, rel=0.01) and set(machine.spent_s) == {1}
    machine.slow, machine.idle = dict(ALONE), 1.0
    machine.work(10)
    assert machine.n == 2


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 20.0), st.floats(0.2, 20.0), st.floats(0.05, 0.5))
def test_whatever_the_machine_it_is_never_much_slower_than_the_better_number(
    two: float, four: float, a_pass_s: float
) -> None:
    machine = Machine({1: 1.0, 2: two, 4: four})
    machine.work(60, a_pass_s)
    best = min(1.0, two, four if two < 1 else 1.0)  # four are not come to past two that are slower
    assert machine.work(60, a_pass_s) > 0.8 / best


def test_kinds_have_numbers_of_their_own() -> None:
    machine = Machine(dict(ALONE))
    machine.work(5, kind="training")
    machine.slow = BESIDE_A_NEIGHBOUR
    machine.work(5, kind="writing")
    assert machine.n == 1
    machine.slow = ALONE
    with machine.pace.passing("training", 1.0):
        assert machine.n == 2


def test_a_number_that_somebody_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pace, "usable_processors", lambda: 2)
    monkeypatch.setattr(pace, "_pace", made := ThreadPace([1, 2], 2))
    monkeypatch.setattr(pace, "_layers", layers := ThreadPace([1, 2], 2, use=lambda n: None))
    before = torch.get_num_threads()

    def passes() -> None:
        with paced_loop() as passing, passing("writing", 1.0), paced_layers(1.0):
            assert torch.get_num_threads() == threads_of_layers() == 1

    try:
        torch.set_num_threads(1)
        passes()
        assert not made._kinds and not layers._kinds, "it looks on"
        take_threads(1)
        passes()
        assert made._kinds and layers._kinds, "by what it was told to begin with"
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert not pace._of_process()
    finally:
        torch.set_num_threads(before)


def test_after_a_loop_the_number_is_what_it_was_and_layers_have_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pace, "usable_processors", lambda: 2)
    now_s = [0.0]
    uses: list[Callable[[int], None]] = [torch.set_num_threads, lambda n: None]
    both = [ThreadPace([1, 2], 2, clock=lambda: now_s[0], use=use) for use in uses]
    monkeypatch.setattr(pace, "_pace", both[0])
    monkeypatch.setattr(pace, "_layers", both[1])
    numbers, before = list[int](), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        for _ in range(60):
            with paced_layers(1.0):
                assert torch.get_num_threads() == 2, "what torch computes keeps its own"
                numbers.append(threads_of_layers())
                now_s[0] += numbers[-1]
        assert numbers.count(1) > 50, "the faster one"
        assert threads_of_layers() == 2
        with paced_loop() as passing:
            for _ in range(60):
                with passing("writing", 1.0):
                    numbers.append(torch.get_num_threads())
                    now_s[0] += numbers[-1]
        assert numbers[60:].count(1) > 50
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_pass_that_fails_leaves_the_number_as_it_was() -> None:
    machine = Machine(dict(ALONE))
    machine.work(0.2)
    own = machine.pace._kinds["writing"]
    own.trial, own.trial_n = [], 1
    with pytest.raises(ValueError), machine.pace.passing("writing", 1.0):
        assert machine.n == 1
        raise ValueError
    assert machine.n == 2
