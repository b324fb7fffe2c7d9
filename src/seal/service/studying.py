"""Studying beside answering: a worker process for each tenant that has something to study.

The durable queue is what both know: a worker that is killed loses nothing, and its job goes to the next
one. A worker is started when a job waits, and ends when none came for a while, so that its model's memory
is free again. Knows nothing about what is studied.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from anyio import sleep, to_thread

from seal.errors import SealError
from seal.service.beside import each_beside
from seal.service.hosting import Hosting, Tenant

IDLE_S = 60.0
_LOOK_S = 0.5
_REST_S = 10.0
_END_S = 10.0
_LOG = logging.getLogger(__name__)


class StudyWorker:
    """The worker process of one tenant, started and ended as needed."""

    def __init__(self, tenant: Tenant, idle_s: float = IDLE_S) -> None:
        self.tenant, self.idle_s = tenant, idle_s
        self._process: subprocess.Popen[bytes] | None = None
        self._rests_until = 0.0
        self._head = -1

    def look(self) -> None:
        """Starts a process if there is something to do and none is at it; sees what another process did."""
        workspace = self.tenant.learner.workspace
        if (head := workspace.head()) != self._head:
            self._head = head
            if self.tenant.ready:
                self.tenant.refresh(self.tenant.learner.live())
        if self._process is not None and (status := self._process.poll()) is not None:
            if status != 0:
                _LOG.error("the study worker of %s ended with status %d", self.tenant.name, status)
                self._rests_until = time.monotonic() + _REST_S
            self._process = None
        if self._process is None and time.monotonic() >= self._rests_until and workspace.work_waits():
            self._process = self._started()

    def end(self) -> None:
        """Tells the process to end; its job goes back into the queue."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:  # in the middle of a step that takes long; its lease will run out
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "seal.service.study_worker"]
        _LOG.info("studying for %s", self.tenant.name)
        # The worker ends when its input does: also if this process is killed.
        return subprocess.Popen(
            [*program, str(self.tenant.path.resolve()), str(self.idle_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )


def studying(
    hosting: Hosting, worker: Callable[[Tenant], StudyWorker] = StudyWorker
) -> Callable[[], AbstractAsyncContextManager[None]]:
    """What is to run beside the requests, so that documents are studied."""
    return partial(_studying, [worker(tenant) for tenant in hosting.tenants.values()])


@asynccontextmanager
async def _studying(workers: list[StudyWorker]) -> AsyncIterator[None]:
    async with each_beside(_looking, workers):
        yield
    for worker in workers:
        await to_thread.run_sync(worker.end)


async def _looking(worker: StudyWorker) -> None:
    while True:
        try:
            await to_thread.run_sync(worker.look)
        except SealError as error:  # a disk that is full now may not be so later
            _LOG.error("the queue of %s cannot be read: %s", worker.tenant.name, error)
        await sleep(_LOOK_S)
