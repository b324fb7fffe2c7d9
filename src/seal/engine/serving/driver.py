"""The thread that owns a model: takes requests in, runs one pass after another, lets go of what has ended.

    take news  requests, cancellations and commands that came meanwhile
    admit      a request gets a slot for its adapter and a lane for its keys and values
    step       one pass: every row that writes one token, and a part of the prompts of those that came
    end        a row that has ended leaves before the next pass

Knows nothing about how requests are made or answers read.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from seal.engine.serving.admission import Admission, share_out
from seal.engine.serving.lanes import LaneCache
from seal.engine.serving.requests import ServingFigures, ServingSettings
from seal.engine.serving.row import ServedRow
from seal.engine.serving.slots import AdapterSlots
from seal.engine.serving.step import Stepper
from seal.engine.serving.token_stream import End
from seal.errors import DeadlineError, OverloadedError, SealError, StateError, reason_of

_LOOK_s = 0.05  # how often it is looked whether one that waits is overdue
_RECENT = 64


Command: TypeAlias = tuple[Callable[[], None], Callable[[StateError], None]]
"""What is to be called, and what is called with an error if that can no longer be."""


class Driver:
    """Rows that wait and rows that run. Methods that begin with `_` are the thread's own."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: ServingSettings,
        on_failure: Callable[[Exception], None] | None,
    ) -> None:
        self.settings, self._on_failure = settings, on_failure
        self.slots = AdapterSlots(model, tokenizer, settings.adapter_slots, settings.rank)
        self.cache = LaneCache(settings.cache_tokens)
        self._admission = Admission(settings, self.slots, self.cache, self.wake)
        self._stepper = Stepper(model, self.slots)
        self._running: list[ServedRow] = []
        self._incoming: deque[ServedRow] = deque()
        self._commands: deque[Command] = deque()
        self._changed = threading.Condition()
        self._news = False
        self._closing = ""
        self._ended = False
        self._durations_s: deque[float] = deque(maxlen=_RECENT)
        self._requests = self._failed = 0
        self._thread = threading.Thread(target=self._run, name="seal-decoding", daemon=True)
        self._thread.start()

    @property
    def inside(self) -> bool:
        """Whether this is the thread itself."""
        return threading.current_thread() is self._thread

    def put(self, row: ServedRow, *, patient: bool) -> None:
        """Takes a row; `patient`: waits where too many wait already. Raises OverloadedError, StateError."""
        with self._changed:
            if patient:
                self._changed.wait_for(lambda: self._closing or self._n_waiting < self.settings.waiting)
            if self._closing:
                raise _stopping()
            if self._n_waiting >= self.settings.waiting:
                raise OverloadedError(
                    f"{self._n_waiting} requests are waiting already", "Ask again later.", self._retry_after_s
                )
            self._incoming.append(row)
        self.wake()

    def command(self, call: Callable[[], None], abandon: Callable[[StateError], None]) -> None:
        """Calls something between two passes; `abandon` if there will be no more."""
        with self._changed:
            if not self._ended:
                self._commands.append((call, abandon))
                self._news = True
                self._changed.notify_all()
                return
        abandon(_stopping())

    def wake(self) -> None:
        """There is something to be looked at."""
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def drop(self, key: str) -> None:
        """For a command: ends all rows of an adapter, and forgets what it has read."""
        for row in [*self._running, *self._admission.waiting]:
            if row.key == key:
                self._end(row, StateError(f"the adapter {key[:12]} was taken out of use"))
        self.slots.forget(key)
        self.cache.forget(key)

    def close(self, *, drain: bool, timeout_s: float) -> None:
        """Takes no more rows; returns when the thread has ended."""
        with self._changed:
            self._closing = "drain" if drain else "now"
        self.wake()
        self._thread.join(timeout_s if drain else None)
        if self._thread.is_alive():
            self.close(drain=False, timeout_s=0)
        self._admission.close()

    def figures(self) -> ServingFigures:
        """What it is doing now, about, and what it has done."""
        did = self._stepper
        return ServingFigures(
            running=len(self._running),
            waiting=self._n_waiting,
            cache_tokens=self.cache.taken_tokens,
            cache_room_tokens=self.cache.room_tokens,
            steps=did.steps,
            requests=self._requests,
            failed=self._failed,
            read_tokens=did.read_tokens,
            reused_tokens=did.reused_tokens,
            written_tokens=did.written_tokens,
            adapters_loaded=self.slots.loaded,
            adapters_evicted=self.slots.evicted,
            retry_after_s=self._retry_after_s,
        )

    @property
    def _n_waiting(self) -> int:
        return len(self._incoming) + len(self._admission.waiting)

    @property
    def _retry_after_s(self) -> float:
        """When half of those that wait will have been taken in, as long as requests take of late."""
        recent = list(self._durations_s)
        mean = sum(recent) / len(recent) if recent else 1.0
        return max(0.1, mean * (1 + self._n_waiting / 2) / self.settings.rows)

    def _run(self) -> None:
        try:
            with self.slots.open(), torch.inference_mode():
                while self._take_news():
                    self._end_unwanted()
                    self._admit()
                    if self._running:
                        self._step()
        finally:  # however it ends, nobody waits in vain
            with self._changed:
                self._closing, self._ended = "now", True
                self._admission.waiting.extend(self._incoming)
                self._incoming.clear()
                self._changed.notify_all()
            while self._commands:
                self._commands.popleft()[1](_stopping())
            for row in [*self._running, *self._admission.waiting]:
                self._end(row, _stopping())

    def _take_news(self) -> bool:
        """Waits until there is something to do, and takes what has come. False: it is time to end."""
        with self._changed:
            if not self._running:
                self._changed.wait_for(
                    lambda: self._news or bool(self._closing and not self._n_waiting),
                    _LOOK_s if self._n_waiting else None,
                )
            self._news = False
            self._admission.waiting.extend(self._incoming)
            self._incoming.clear()
        while self._commands:
            self._commands.popleft()[0]()
        if self._closing == "now":
            for row in [*self._running, *self._admission.waiting]:
                self._end(row, _stopping())
        with self._changed:
            busy = self._running or self._n_waiting or self._commands
            self._ended = bool(self._closing) and not busy
            return not self._ended

    def _end_unwanted(self) -> None:
        for row in [*self._running, *self._admission.waiting]:
            if row.stream.cancelled:
                self._end(row, row.cancelled())
            elif row.overdue:
                self._end(row, DeadlineError(f"a request was not answered within {row.request.timeout_s} s"))

    def _admit(self) -> None:
        if not self._admission.waiting:
            return
        taken, failed = self._admission.admit(len(self._running))
        for row, error in failed:
            self._end(row, error)
        self._running += taken
        if taken or failed:
            with self._changed:
                self._changed.notify_all()

    def _step(self) -> None:
        try:
            ended = self._stepper.step(share_out(self._running, self.cache, self.settings.step_tokens))
        except Exception as error:  # a pass that fails must not end those that come after it
            self._all_failed(error)
            return
        for row, end in ended:
            self._end(row, end)

    def _all_failed(self, error: Exception) -> None:
        """What was in flight is lost with its keys and values; the loop goes on."""
        for row in list(self._running):
            self._end(row, StateError(f"a pass over the model failed: {reason_of(error)}"))
        self.cache.clear()
        if self._on_failure is not None:
            self._on_failure(error)

    def _end(self, row: ServedRow, end: End) -> None:
        """Lets go of what a row holds, and tells whoever asked."""
        if row in self._running:
            self._running.remove(row)
        elif row in self._admission.waiting:
            self._admission.drop(row)
            with self._changed:
                self._changed.notify_all()
        if row.lane is not None:
            if isinstance(end, SealError):
                self.cache.blank(row.lane)
            self.cache.give_back(row.lane)
        if row.slot is not None:
            self.slots.let_go(row.slot)
        self._requests += 1
        self._failed += isinstance(end, Exception)
        self._durations_s.append(time.monotonic() - row.since_s)
        row.stream.tell(end)


def _stopping() -> StateError:
    return StateError("the server is stopping", "Ask again when it has started anew.")
