"""Servers and study workers as forks of a process that has imported everything: a start costs a tenth.

Nine tenths of what starting `seal serve` takes are imports. Where it is killed a thousand times, they need
not be done a thousand times: the process here (`python benchmarks/preloaded.py SOCKET`) has done them, runs
no thread and holds no model, and forks whoever asks at its socket a server or a worker. From its arguments
on, such a process runs what `seal serve` and `seal.service.study_worker` run. Knows nothing about what is
killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

_MOST_BYTES = 65536
_LOOK_S = 0.01


class Forked:
    """A process that the preloaded one forked; looks like a `subprocess.Popen`."""

    def __init__(self, at: Path, what: str, arguments: Sequence[str], streams: Sequence[int]) -> None:
        """`streams`: its standard input, output and error output."""
        self.stdin: IO[bytes] | None = None
        self.returncode: int | None = None
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._told.connect(str(at))
        socket.send_fds(self._told, [json.dumps([what, *arguments]).encode()], streams)
        self.pid = int(self._told.recv(_MOST_BYTES))

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.recv(_MOST_BYTES) or -signal.SIGKILL)
            self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(_LOOK_S)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class Preloaded:
    """Where the preloaded process is asked."""

    at: Path
    pid: int


@contextmanager
def preloaded(folder: Path) -> Iterator[Preloaded]:
    """Such a process, while it runs."""
    at = folder / "preloaded.socket"
    at.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, __file__, str(at)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        while not at.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the preloaded process ended with {process.returncode}")
            time.sleep(_LOOK_S)
        yield Preloaded(at, process.pid)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it ends with its input
        process.wait()
        at.unlink(missing_ok=True)


class _Forks:
    """The preloaded process itself: one thread, which waits for requests and for the ends of its forks."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.asked: dict[int, socket.socket] = {}
        self.works: dict[str, Callable[[list[str]], object]] = {
            "serve": partial(_serve, at),
            "study": lambda given: _modules().study_worker.main(given[0], float(given[1])),
        }

    def run(self) -> None:
        """Until its standard input ends."""
        self.listening.bind(str(self.at))
        self.listening.listen(64)
        while True:
            ready, _, _ = select.select([self.listening, sys.stdin], [], [], _LOOK_S)
            if sys.stdin in ready:
                return
            if ready:
                self._fork(self.listening.accept()[0])
            self._tell_ends()

    def _tell_ends(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                with self.asked.pop(ended[0]) as asked, contextlib.suppress(OSError):
                    asked.send(str(os.waitstatus_to_exitcode(ended[1])).encode())

    def _fork(self, asked: socket.socket) -> None:
        told, streams, _, _ = socket.recv_fds(asked, _MOST_BYTES, 3)
        assert len(os.listdir("/proc/self/task")) == 1, "a thread would be lost by forking"
        if pid := os.fork():
            for stream in streams:
                os.close(stream)
            self.asked[pid] = asked
            asked.send(str(pid).encode())
            return
        status = 1
        try:
            for one in (self.listening, asked, *self.asked.values()):
                one.close()
            for at, stream in enumerate(streams):
                os.dup2(stream, at)
                os.close(stream)
            what, *given = json.loads(told)
            os.setsid()
            self.works[what](given)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _modules() -> Any:
    """What is imported before there is anything to do."""
    import torch  # noqa: F401
    import transformers  # noqa: F401

    import seal.service.access.keyring
    import seal.service.app
    import seal.service.server
    import seal.service.study_worker
    import seal.service.studying
    import seal.service.telling

    return seal.service


def _serve(at: Path, given: list[str]) -> None:
    """`seal serve`, whose study workers are forks too."""
    from seal.cli import main
    from seal.service.hosting import Tenant
    from seal.service.studying import StudyWorker

    def started(self: StudyWorker) -> Forked:
        tenant: Tenant = self.tenant
        ours, theirs = os.pipe()
        with open(os.devnull, "wb") as nothing:
            streams = (ours, nothing.fileno(), sys.stderr.fileno())
            made = Forked(at, "study", [str(tenant.path.resolve()), str(self.idle_s)], streams)
        os.close(ours)
        made.stdin = os.fdopen(theirs, "wb")
        return made

    StudyWorker._started = started  # type: ignore[method-assign]
    main(["serve", *given])


if __name__ == "__main__":
    _modules()
    _Forks(Path(sys.argv[1])).run()
