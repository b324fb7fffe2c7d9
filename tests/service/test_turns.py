"""Turns of the threads that compute."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from seal.service.turns import Turns


def test_few_compute_while_others_wait() -> None:
    """As many as there are turns; who waits gives its turn up, and goes on though all turns are taken by
    threads that wait for what it holds."""
    turns, lock = Turns(2), threading.Lock()
    computing, most, ended = 0, 0, threading.Event()

    def compute() -> None:
        nonlocal computing, most
        with turns.taken():
            with lock:
                computing += 1
                most = max(most, computing)
            ended.wait(0.02)
            with lock:
                computing -= 1

    held, given_up = threading.Lock(), threading.Event()

    def wait_holding() -> None:
        with turns.taken(), held, turns.given_up():
            given_up.set()
            ended.wait(0.2)

    def wait_for_it() -> None:
        with turns.taken(), held:
            pass

    with ThreadPoolExecutor(16) as threads:
        for one in [threads.submit(compute) for _ in range(12)]:
            one.result(30)
        assert most == 2
        holder = threads.submit(wait_holding)
        assert given_up.wait(30)
        for one in [holder, *(threads.submit(wait_for_it) for _ in range(4))]:
            one.result(30)
    assert [turns._free.acquire(timeout=0) for _ in range(3)] == [True, True, False]
