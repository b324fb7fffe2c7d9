"""Records that many threads write at once, in common transactions (group commit): those who wait while one is
made durable are all written by the next.

Knows nothing about what is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from seal.errors import InputError

T = TypeVar("T")


class WritesTogether(Generic[T]):
    """`write` takes records in one transaction, all of them or none."""

    def __init__(self, write: Callable[[Sequence[T]], object]) -> None:
        self._write = write
        self._waiting: list[tuple[T, Future[None]]] = []
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def put(self, record: T) -> None:
        """Returns when the record is durable. Raises what `write` does, InputError for this record alone."""
        written = Future[None]()
        with self._lock:
            self._waiting.append((record, written))
        with self._writing:
            if not written.done():
                with self._lock:
                    batch, self._waiting = self._waiting, []
                self._write_all(batch)
        written.result()

    def _write_all(self, batch: Sequence[tuple[T, Future[None]]]) -> None:
        try:
            self._write([record for record, _ in batch])
        except BaseException as error:
            if isinstance(error, InputError) and len(batch) > 1:
                for one in batch:  # which of them is wrong, each finds out alone
                    self._write_all([one])
                return
            for _, written in batch:
                written.set_exception(error)
        else:
            for _, written in batch:
                written.set_result(None)
