"""Few threads compute at a time, however many wait: Python runs one of them, and the thread that accepts and
refuses requests is to get its turn among them.

Whoever waits for a decoding loop or a disk gives the turn up meanwhile. Knows nothing about what is computed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AT_ONCE = 4  # with 16, refusals of a small model's server took 15 times as long, and it answered no more
_PATIENCE_s = 0.1


class Turns:
    """`n` threads have a turn."""

    def __init__(self, n: int = _AT_ONCE) -> None:
        self._free = threading.Semaphore(n)
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Inside, this thread has a turn."""
        self._mine.held = self._free.acquire()
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Inside, this thread only waits, and another may have its turn. It goes on without one if none is
        free soon: those who have them may wait for something that it holds."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._end()
        try:
            yield
        finally:
            self._mine.held = self._free.acquire(timeout=_PATIENCE_s)

    def _end(self) -> None:
        if self._mine.held:
            self._mine.held = False
            self._free.release()


TURNS = Turns()
"""Those of this process: its interpreter is one."""
