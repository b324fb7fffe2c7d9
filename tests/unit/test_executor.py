"""Worker processes: calls and results, errors that travel, a worker that dies, and shares of equal cost."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.errors import InputError, TrainingError
from seal.executors import LocalExecutor, WorkerPool, deal, divide, in_order


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

    def longer(self, text: str) -> str:
        return text + "." * 200_000


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


def test_a_pool_gives_the_results_in_the_order_of_the_calls(here: str) -> None:
    pool, counts = WorkerPool(here, "p", 3), []
    parts = deal(7, 3)
    calls = [[(str(i),) for i in part] for part in parts]
    results = pool.run("say", calls, lambda word: ("here", word, os.getpid()), counts.append)
    joined = in_order(parts, results)
    assert [word for _, word, _ in joined] == [str(i) for i in range(7)]
    assert [who for who, _, _ in joined] == ["here", "p", "p"] * 2 + ["here"]
    assert len({process for _, _, process in joined}) == 3
    assert counts == sorted(counts) and counts[-1] == 7
    assert [list(map(len, pool.run("say", [[], [], [("again",)]], str)))] == [[0, 0, 1]]
    pool.close()
    assert not pool.started


def _not_here(*arguments: Any) -> Any:
    raise AssertionError(f"{arguments} were for another process")


def test_a_pool_of_one_starts_no_process(here: str) -> None:
    pool = WorkerPool(here, "p", 1)
    assert pool.run("say", [[("a",), ("b",)]], str.upper) == [["A", "B"]] and not pool.started


def test_calls_and_results_longer_than_a_pipe_holds_do_not_wait_for_each_other(here: str) -> None:
    pool = WorkerPool(here, "p", 2)
    texts = [str(i) * 200_000 for i in range(4)]
    _, results = pool.run("longer", [[], [(text,) for text in texts]], len)
    assert results == [text + "." * 200_000 for text in texts]
    pool.close()


def test_a_failure_in_a_process_of_a_pool_is_raised_and_the_next_run_starts_anew(here: str) -> None:
    pool = WorkerPool(here, "p", 2)
    with pytest.raises(InputError, match="it failed"):
        pool.run("fail", [[], [()]], len)
    assert not pool.started
    assert pool.run("say", [[], [("up",)]], _not_here)[1][0][1] == "up" and pool.started
    pool.close()


def test_a_failure_here_stops_what_the_others_do(here: str) -> None:
    pool = WorkerPool(here, "p", 2)
    [[], [(_, _, process)]] = pool.run("say", [[], [("up",)]], _not_here)

    def fails() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.run("sleep", [[()], [()]], fails)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
