"""Worker processes on this machine, each with one thread and an object of its own.

For models so small that two threads wait for each other more than they compute. Knows how to start, call and
stop processes. Knows nothing about what they do: the object is made in the worker by "module:attribute", so
that nothing of the caller's program is run a second time.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import weakref
from typing import IO, Any

from seal.errors import TrainingError

_HEADER = struct.Struct(">Q")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class LocalExecutor:
    """`n` processes, each with the object that `maker` ("module:attribute") makes of `payload`.

    A call goes to one worker and its result comes in the order of calls; workers work side by side. After a
    failure the executor is closed.
    """

    def __init__(self, maker: str, payload: Any, n: int) -> None:
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        self._workers = [
            subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
            for _ in range(n)
        ]
        self._finalizer = weakref.finalize(self, _stop, self._workers)
        for worker in self._workers:
            self._send(worker, (maker, payload))

    def submit(self, worker: int, method: str, *arguments: Any) -> None:
        """Call a method of a worker's object; `result` waits for what it returns."""
        self._send(self._workers[worker], (method, arguments))

    def result(self, worker: int) -> Any:
        """The result of a worker's earliest call that was not asked for yet.

        Raises what the method raised, or TrainingError if the process died.
        """
        process = self._workers[worker]
        assert process.stdout is not None
        try:
            raised, value = _read(process.stdout)
        except BaseException as error:
            self.close()
            if isinstance(error, EOFError):
                raise _died(process) from error
            raise
        if raised:
            self.close()
            raise value
        return value

    def close(self) -> None:
        """Stop all workers, whatever they are doing."""
        self._finalizer()

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def _send(self, process: subprocess.Popen[bytes], message: Any) -> None:
        assert process.stdin is not None
        try:
            _write(process.stdin, message)
        except OSError as error:
            self.close()
            raise _died(process) from error


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _died(process: subprocess.Popen[bytes]) -> TrainingError:
    return TrainingError(
        f"a worker process died (exit status {process.wait()})",
        "Was memory short? Set inner.workers = 1 to work in one process.",
    )


def _write(pipe: IO[bytes], message: Any) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(_HEADER.pack(len(data)) + data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """The next message. Raises EOFError at the end of the pipe."""
    header = pipe.read(_HEADER.size)
    data = pipe.read(_HEADER.unpack(header)[0]) if len(header) == _HEADER.size else b""
    if not data:
        raise EOFError
    return pickle.loads(data)


def serve() -> None:
    """What a worker process does: makes its object, then answers calls until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who stops the workers
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers
    try:
        maker, payload = _read(calls)
        failure, made = None, None
        try:
            module, _, name = maker.partition(":")
            made = getattr(importlib.import_module(module), name)(payload)
        except Exception as error:
            failure = error
        while True:
            method, arguments = _read(calls)
            try:
                if failure is not None:
                    raise failure
                reply = (False, getattr(made, method)(*arguments))
            except Exception as error:
                reply = (True, error)
            _write(answers, reply)
    except (EOFError, BrokenPipeError):
        return
