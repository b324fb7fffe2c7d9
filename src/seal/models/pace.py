"""How many threads to compute with, chosen again while work goes on.

Beside a busy neighbour two threads that wait for each other can be twenty times slower than one; when it has
gone they are faster again. So passes are timed, and now and then a few are made with another number: soon if
they come to take longer, else seldom enough that trials cost next to nothing. For work whose results do not
depend on the number. Whoever sets a number itself, and OMP_NUM_THREADS, is obeyed. Knows nothing about what
is computed.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch

from seal.models.speed import usable_processors

WORTH = 0.9  # another number must take less than this share of the time
_PASSES = 3  # of a trial; those of before that it is compared with
_HOPELESS = 1.5  # times as slow: a trial ends with its first pass
_SLOWER = 1.5  # times as slow as usual, and others are tried at once
_RARELY = 50.0  # a trial that lost time is made again after so many times as much
_SOONEST_s, _LATEST_s = 0.5, 60.0
_IDLE = 0.5  # of each further thread's core


@dataclass
class _Kind:
    """Passes of one kind: with how many threads, what they cost of late, and the trial that is being made."""

    n: int
    due_s: float = 0.0
    wait_s: float = _SOONEST_s
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_PASSES))
    usual: float = 0.0
    trial: list[float] | None = None
    trial_n: int = 0
    lost_s: float = 0.0
    upwards: bool = True


class ThreadPace:
    """Times passes of several kinds, each of which has its own number of threads of `counts`.

    `idle` tells how many cores were idle since it was asked last, None if that cannot be known: there is no
    trial of more threads than there is room for.
    """

    def __init__(
        self,
        counts: Sequence[int],
        now: int,
        *,
        use: Callable[[int], None] = torch.set_num_threads,
        clock: Callable[[], float] = time.perf_counter,
        idle: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.counts, self.now = sorted(counts), now
        self._begin, self._use, self._clock, self._idle = now, use, clock, idle
        self._kinds: dict[str, _Kind] = {}

    def take(self, n: int) -> None:
        """So many threads were found to be best for everything: trials begin from there."""
        self.now = self._begin = n
        self._kinds.clear()

    @contextmanager
    def passing(self, kind: str, work: float) -> Iterator[None]:
        """Inside, a pass is made that takes time in proportion to `work`."""
        own = self._kinds.setdefault(kind, _Kind(self._begin))
        self.set(own.n if own.trial is None else own.trial_n)
        began = self._clock()
        try:
            yield
            now = self._clock()
            self._learn(own, (now - began) / work, work, now)
        finally:
            self.set(own.n)

    def set(self, n: int) -> None:
        """Computes with so many threads until the next pass."""
        if n != self.now:
            self._use(n)
            self.now = n

    def _learn(self, own: _Kind, cost: float, work: float, now_s: float) -> None:
        if own.trial is None:
            own.recent.append(cost)
            slower = len(own.recent) == _PASSES and min(list(own.recent)[1:]) > _SLOWER * own.usual > 0
            own.usual = 0.8 * own.usual + 0.2 * cost if own.usual else cost
            if slower:
                own.usual, own.wait_s, own.due_s = statistics.median(own.recent), _SOONEST_s, now_s
            if len(own.recent) == _PASSES and now_s >= own.due_s:
                self._try(own, now_s)
            return
        before = statistics.median(own.recent)
        own.trial.append(cost)
        own.lost_s += max(0.0, cost - before) * work
        if cost > _HOPELESS * before:
            self._failed(own, now_s)
        elif len(own.trial) == _PASSES:
            if statistics.median(own.trial) < WORTH * before:
                own.n, own.usual, own.wait_s = own.trial_n, statistics.median(own.trial), _SOONEST_s
                own.recent.clear()
                own.due_s, own.trial = now_s + own.wait_s, None
            else:
                self._failed(own, now_s)

    def _try(self, own: _Kind, now_s: float) -> None:
        at = self.counts.index(own.n) if own.n in self.counts else 0
        own.upwards = (not own.upwards or at == 0) and at + 1 < len(self.counts)
        idle = self._idle() if own.upwards else None
        other = self.counts[at + 1] if own.upwards else self.counts[max(0, at - 1)]
        if other == own.n or (idle is not None and idle < _IDLE * (other - own.n)):
            own.due_s = now_s + _SOONEST_s
        else:
            own.trial, own.trial_n, own.lost_s = [], other, 0.0

    def _failed(self, own: _Kind, now_s: float) -> None:
        own.wait_s = min(2 * own.wait_s, _LATEST_s)
        own.due_s, own.trial = now_s + max(own.wait_s, _RARELY * own.lost_s), None


class _IdleCores:
    """How many cores were idle since it was asked last, as Linux counts it."""

    def __init__(self) -> None:
        self._idle_s, self._at_s = self._read(), time.monotonic()

    def __call__(self) -> float | None:
        idle_s, at_s = self._read(), time.monotonic()
        before_s, since_s = self._idle_s, at_s - self._at_s
        self._idle_s, self._at_s = idle_s, at_s
        return None if idle_s is None or before_s is None or since_s <= 0 else (idle_s - before_s) / since_s

    def _read(self) -> float | None:
        try:
            fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
            return (float(fields[4]) + float(fields[5])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return None


_pace: ThreadPace | None = None  # of all that torch and native code compute
_layers: ThreadPace | None = None  # of native layers alone
_state = threading.local()


def take_threads(n: int) -> None:
    """Computes with so many threads, from where other numbers are tried later."""
    torch.set_num_threads(n)
    for pace in _of_process():
        pace.take(n)


@contextmanager
def paced_loop() -> Iterator[Callable[[str, float], AbstractContextManager[None]]]:
    """Inside, passes are made `with` what is given and called with their kind and work: each with the number
    of threads that is best for its kind of late. Afterwards the number is what it was."""
    before = torch.get_num_threads()
    found = _of_process()
    if not found or before != found[0].now:
        yield lambda kind, work: nullcontext()
        return
    try:
        yield found[0].passing
    finally:
        found[0].set(before)


@contextmanager
def paced_layers(work: float) -> Iterator[None]:
    """Inside, a training pass is made, its native layers with the number of threads that is best of late.
    What torch computes, whose last bits are others with another number, keeps its own."""
    found = _of_process()
    if not found or torch.get_num_threads() != found[0].now:
        yield
        return
    try:
        with found[1].passing("training", work):
            _state.n = found[1].now
            yield
    finally:
        _state.n = 0


def threads_of_layers() -> int:
    """With how many threads native layers are to be computed in training."""
    return getattr(_state, "n", 0) or torch.get_num_threads()


def _of_process() -> tuple[ThreadPace, ...]:
    """Of everything, and of layers; none where there is nothing to choose. They begin with all cores: a
    process that was given fewer threads than that, as workers are, keeps them."""
    global _pace, _layers
    n = usable_processors()
    if n < 2 or os.environ.get("OMP_NUM_THREADS"):
        return ()
    if _pace is None or _layers is None:
        counts = [1, *(m for m in (2, 4, 8, 16, 32) if m < n), n]
        _pace = ThreadPace(counts, n, idle=_IdleCores())
        _layers = ThreadPace(counts, n, use=lambda n: None, idle=_IdleCores())
    return _pace, _layers
