"""A service in a process of its own, for the benchmarks that overload and kill it.

`seal serve` as a user runs it, on a workspace of the embedded model, without limits on how often a key may
come. Knows how it is started, asked and killed. Knows nothing about what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
from preloaded import Forked, Preloaded

from seal.domains.microworld.world import make_items
from seal.files import write_durably
from seal.learner import Learner
from seal.registry import Workspace
from seal.service.access.making import make_key

_FREE = '[access]\nkey_rate = ""\ntenant_rate = ""\nwrite_rate = ""\nfailure_rate = ""\n'


class ServiceProcess:
    """`folder` has the workspace, the key, the settings and the log; a run that was stopped goes on with
    them."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.workspace, self.log = folder / "brain", folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        if not self.workspace.exists():
            Learner.init(self.workspace, model="tiny")
        key = folder / "key"
        if not key.exists():
            secret = make_key(Workspace.open(self.workspace), "brain", name="benchmark", roles=["admin"])[1]
            write_durably(key, [str(secret).encode()])
        self.key = key.read_text()
        self._settings = folder / "service.toml"
        write_durably(self._settings, [(settings + _FREE).encode()])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, **{"timeout": 60, **more})

    def begin(self, preloaded: Preloaded | None = None) -> None:
        """Starts it, as a user does, or as a fork."""
        program = "import sys; from seal.cli import main; main(sys.argv[1:])"
        given = [str(self.workspace), "--port", str(self.port), "--settings", str(self._settings)]
        with self.log.open("ab") as log, open(os.devnull, "rb") as nothing:
            if preloaded is not None:
                streams = (nothing.fileno(), log.fileno(), log.fileno())
                self.process = Forked(preloaded.at, "serve", given, streams)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", program, "serve", *given],
                    stdin=nothing,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def start(self, preloaded: Preloaded | None = None) -> float:
        """Starts it; the seconds until it could answer. Raises RuntimeError if it ends instead."""
        began = time.monotonic()
        self.begin(preloaded)
        self.wait_until_ready()
        return time.monotonic() - began

    def wait_until_ready(self) -> None:
        """Raises RuntimeError if it ends instead."""
        assert self.process is not None
        with self.client(timeout=10) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/readyz").status_code == 200:
                        return
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended with {self.process.returncode}: see {self.log}")
                time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def workers(self) -> list[psutil.Process]:
        """Its study workers."""
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def memory_bytes(self) -> int:
        """Of the server, without its workers."""
        assert self.process is not None
        return psutil.Process(self.process.pid).memory_info().rss

    def kill(self) -> None:
        """As a power cut does, but for the workers: they end by themselves once they see it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """As an operator does; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)

    def logged(self, path: str, since_bytes: int = 0) -> list[dict[str, Any]]:
        """The log's lines about requests to a path."""
        with self.log.open("rb") as log:
            log.seek(since_bytes)
            lines = [line for line in log if line.startswith(b"{") and line.endswith(b"}\n")]
        told = [json.loads(line) for line in lines]
        return [one for one in told if one.get("message", "").endswith(f" {path}")]

    def __enter__(self) -> ServiceProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def documents(n: int, seed: int) -> list[dict[str, str]]:
    """Passages of the embedded model's world, as they are posted."""
    items = make_items("eval", n, seed=seed)
    return [{"title": one.context.title, "text": one.context.text} for one in items]


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")
