"""Tells how a job goes: whoever watches this process, and by the workspace whoever asks for the job.

Ends a job that is no longer this worker's at the next thing that is told of it. Knows nothing about the work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seal.errors import BusyError, Interrupted, OutputError, StaleLeaseError
from seal.registry import Lease, Workspace

if TYPE_CHECKING:
    from seal.engine.start import Watch
    from seal.engine.work import Work

_EVERY_S = 1.0


class JobWatch:
    """A watch in front of another. `lost`: the job's lease has passed on; `stop`: this worker is to end."""

    def __init__(self, workspace: Workspace, watch: Watch, stop: threading.Event) -> None:
        self.workspace, self.watch, self.stop = workspace, watch, stop
        self.lost = False
        self._job: int | None = None
        self._told: tuple[str, float] = ("", 0.0)

    @contextlib.contextmanager
    def of_job(self, lease: Lease) -> Iterator[None]:
        """While a job is done."""
        self._job, self.lost, self._told = lease.job, False, ("", 0.0)
        try:
            yield
        finally:
            self._job = None

    def progress(self, stage: str, done: int, total: int) -> None:
        """Raises StaleLeaseError if the job is no longer this worker's, Interrupted if the worker is to
        end."""
        self.watch.progress(stage, done, total)
        if self._job is None:
            return
        if self.lost:
            raise StaleLeaseError(f"job {self._job} was cancelled, or taken over", "Nothing was committed.")
        if self.stop.is_set():
            raise Interrupted("the worker was told to end", "The job stands in the queue.")
        self._tell(self._job, stage, done, total)

    def began(self, work: Work) -> None:
        self.watch.began(work)

    def notice(self, text: str) -> None:
        self.watch.notice(text)

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.watch.figures(rows)

    def _tell(self, job: int, stage: str, done: int, total: int) -> None:
        """Each stage when it begins, and then once a second: it is a commit each time."""
        before, at = self._told
        now = time.monotonic()
        if stage == before and now - at < _EVERY_S:
            return
        self._told = (stage, now)
        stage = stage.rpartition(": ")[2]  # a title may stand before it, and what is told here is kept
        with contextlib.suppress(BusyError, OutputError):  # it is told again; the work is not in the way
            self.workspace.tell_job(job, f"{stage} ({done} of {total})" if total > 1 else stage)
