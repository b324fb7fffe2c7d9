"""Who is taken in next, and what each pass reads: newcomers wait here for an adapter, a slot and a lane.

The first that came is the first that is taken in. One for whom there is no room may be passed by others, but
not without end. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from seal.engine.serving.lanes import LaneCache
from seal.engine.serving.requests import ServingSettings
from seal.engine.serving.row import ServedRow
from seal.engine.serving.slots import AdapterSlot, AdapterSlots
from seal.errors import AdapterError, SealError, reason_of
from seal.training import Adapter

_LEAST_READ_tokens = 16  # of a pass, for newcomers, however many rows write


@dataclass
class Admission:
    """The waiting rows of a loop, oldest first. `wake` is called when an adapter was loaded."""

    settings: ServingSettings
    slots: AdapterSlots
    cache: LaneCache
    wake: Callable[[], None]
    waiting: list[ServedRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._loader = ThreadPoolExecutor(2, "seal-adapters")
        self._loading: dict[str, Future[Adapter]] = {}

    def close(self) -> None:
        self._loader.shutdown(wait=False, cancel_futures=True)

    def drop(self, row: ServedRow) -> None:
        """A row waits no longer."""
        self.waiting.remove(row)
        self._forget_loaded()

    def admit(self, n_running: int) -> tuple[list[ServedRow], list[tuple[ServedRow, Exception]]]:
        """Takes in who can be; returns them, and those whose adapter cannot be used, with the reason."""
        taken: list[ServedRow] = []
        failed: list[tuple[ServedRow, Exception]] = []
        for row in list(self.waiting):
            if n_running + len(taken) >= self.settings.rows:
                break
            try:
                fits = self._take(row)
            except Exception as error:  # those whose adapter cannot be used fail, and nobody else
                failed.append((row, _told(error)))
                self.waiting.remove(row)
                continue
            if fits:
                taken.append(row)
                self.waiting.remove(row)
                for other in self.waiting[: self._place(row)]:
                    other.passed += 1
            elif row.passed >= self.settings.passes:
                break
        self._forget_loaded()
        return taken, failed

    def _place(self, row: ServedRow) -> int:
        """How many of those that wait came before `row`."""
        return sum(other.since_s < row.since_s for other in self.waiting)

    def _take(self, row: ServedRow) -> bool:
        """Whether there is an adapter's slot and a lane for a row, which it then holds. Raises whatever
        is wrong with its adapter."""
        slot: AdapterSlot | None = None
        if row.source is not None:
            if not self._there(row):
                return False
            slot = self.slots.hold(row.source.key, row.source.fingerprint)
        asked = row.request
        lane = self.cache.take(asked.whole_tokens, row.key, asked.prompt, row.shareable)
        if lane is None:
            if slot is not None:
                self.slots.let_go(slot)
            return False
        row.admit(lane, slot)
        return True

    def _there(self, row: ServedRow) -> bool:
        """Whether a row's adapter is in a slot; if it is not, it is on its way."""
        source = row.source
        assert source is not None
        if source.key in self.slots:
            return True
        future = self._loading.get(source.key)
        if future is None:
            future = self._loading[source.key] = self._loader.submit(source.load)
            future.add_done_callback(lambda _: self.wake())
        if not future.done():
            return False
        if future.exception() is not None:
            del self._loading[source.key]
        return self.slots.put(source.key, future.result(), source.fingerprint)

    def _forget_loaded(self) -> None:
        """Adapters that are in their slot, or that nobody waits for any more, are not kept a second time."""
        wanted = {row.key for row in self.waiting}
        for key in [k for k in self._loading if k in self.slots or k not in wanted]:
            del self._loading[key]


def _told(error: Exception) -> SealError:
    """What whoever asked is told of an adapter that cannot be used."""
    if isinstance(error, SealError):
        return error
    return AdapterError(f"the adapter of this request cannot be used: {reason_of(error)}")


def share_out(running: Sequence[ServedRow], cache: LaneCache, step_tokens: int) -> dict[ServedRow, int]:
    """How many tokens of each row the next pass reads: one of those that write, and of prompts, oldest first,
    as many as there is room for."""
    shares: dict[ServedRow, int] = {}
    reading: list[ServedRow] = []
    for row in running:
        if row.begun and row.rest == 1:
            shares[row] = 1
        else:
            reading.append(row)
    left = max(step_tokens - len(shares), _LEAST_READ_tokens)
    for row in reading:
        if left <= 0:
            break
        assert row.lane is not None
        if not row.begun:
            if not cache.share(row.lane, row.shareable):
                continue
            row.begin()
        shares[row] = min(row.rest, left)
        left -= shares[row]
    return shares
