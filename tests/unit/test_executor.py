"""Worker processes: calls and results, errors that travel, a worker that dies, and shares of equal cost."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.engine.workers import divide
from seal.errors import InputError, TrainingError
from seal.executors import LocalExecutor


class Echo:
    """What the workers of these tests hold."""

    def __init__(self, payload: str) -> None:
        if payload == "bad":
            raise InputError("bad payload", "Give a good one.")
        self.payload = payload

    def say(self, word: str) -> tuple[str, str, int]:
        print("printed, and no answer")
        return self.payload, word, os.getpid()

    def fail(self) -> None:
        raise InputError("it failed", "Do something else.")

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def sleep(self) -> None:
        time.sleep(60)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    )
    return "test_executor:Echo"


def test_every_worker_answers_from_a_process_of_its_own(here: str) -> None:
    executor = LocalExecutor(here, "p", 2)
    for worker in (0, 1):
        executor.submit(worker, "say", f"first {worker}")
        executor.submit(worker, "say", f"second {worker}")
    found: list[Any] = [executor.result(worker) for worker in (0, 1, 0, 1)]
    assert [one[:2] for one in found] == [("p", f"{w} {i}") for w in ("first", "second") for i in (0, 1)]
    assert len({one[2] for one in found} | {os.getpid()}) == 3
    executor.close()
    assert executor.closed


@pytest.mark.parametrize(("payload", "method"), [("bad", "say"), ("good", "fail")])
def test_an_error_of_a_worker_is_raised_here_and_closes(here: str, payload: str, method: str) -> None:
    executor = LocalExecutor(here, payload, 1)
    executor.submit(0, method, *(["word"] if method == "say" else []))
    with pytest.raises(InputError) as caught:
        executor.result(0)
    assert caught.value.hint and executor.closed


def test_a_worker_that_dies_is_told(here: str) -> None:
    executor = LocalExecutor(here, "p", 2)
    executor.submit(0, "die")
    with pytest.raises(TrainingError, match="worker process died") as caught:
        executor.result(0)
    assert "inner.workers = 1" in caught.value.hint and executor.closed


def test_closing_stops_what_is_being_done(here: str) -> None:
    executor = LocalExecutor(here, "p", 1)
    executor.submit(0, "say", "up")
    pid = executor.result(0)[2]
    executor.submit(0, "sleep")
    executor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(1, 5))
def test_shares_are_whole_disjoint_and_about_equal(costs: list[float], n: int) -> None:
    parts = divide(costs, n)
    assert sorted(i for part in parts for i in part) == list(range(len(costs))) and len(parts) == n
    totals = [sum(costs[i] for i in part) for part in parts]
    assert max(totals) - min(totals) <= max(costs, default=0.0) + 1e-9
