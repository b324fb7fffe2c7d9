"""What many threads write at once goes into few transactions, and each is told of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from seal.errors import InputError, OutputError
from seal.learner.writing_together import WritesTogether

N = 16


def test_those_who_wait_are_written_together_and_a_wrong_one_fails_alone() -> None:
    batches: list[list[int]] = []
    began, go_on = threading.Event(), threading.Event()
    kept: set[int] = set()

    def write(records: Sequence[int]) -> None:
        batches.append(sorted(records))
        if records == [0]:
            began.set()
            assert go_on.wait(30)
        if 7 in records:
            raise InputError("seven")
        if 9 in records:
            raise OutputError("the disk is full")
        kept.update(records)

    together = WritesTogether(write)
    with ThreadPoolExecutor(N) as threads:
        first = threads.submit(together.put, 0)
        assert began.wait(30)
        told = {n: threads.submit(together.put, n) for n in range(1, 8)}
        while len(together._waiting) < 7:
            pass
        assert not first.done() and not any(one.done() for one in told.values())
        go_on.set()
        first.result(30)
        for n, one in told.items():
            if n == 7:
                with pytest.raises(InputError):
                    one.result(30)
            else:
                one.result(30)
    assert kept == set(range(7)) and batches[:2] == [[0], list(range(1, 8))]
    with pytest.raises(OutputError):
        together.put(9)
    together.put(10)
    assert kept == {*range(7), 10}
