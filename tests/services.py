"""Services for tests: a real server on a free port in a thread of this process, before hosted learners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from seal.service.access.keyring import Keyring
from seal.service.access.making import make_key
from seal.service.access.roles import Role
from seal.service.app import create_app
from seal.service.hosting import Hosting
from seal.service.server import listen, server_of, url_of
from seal.service.settings import ServiceSettings


@dataclass
class RunningService:
    """A server that answers. `key` is one with all roles in the first tenant."""

    url: str
    key: str
    hosting: Hosting
    app: Any

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=30, **more)


@contextmanager
def running(
    hosting: Hosting, settings: ServiceSettings | None = None, *, wait: bool = True
) -> Iterator[RunningService]:
    """Serves until the end of the block. `wait`: until the models are loaded."""
    read = (settings or ServiceSettings()).model_copy(update={"port": 0})
    access, secrets = Keyring.of(hosting, read.access)
    first = next(iter(hosting.tenants.values()))
    secret = (
        secrets.get(first.name)
        or make_key(first.learner.workspace, first.name, name=f"test-{time.time()}", roles=[Role.ADMIN])[1]
    )
    app, listening = create_app(hosting, read, access), listen(read)
    server = server_of(app, read)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    service = RunningService(url_of(listening), str(secret), hosting, app)
    try:
        _until(lambda: server.started)
        if wait:
            _until(lambda: httpx.get(f"{service.url}/readyz").status_code == 200)
        yield service
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def _until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "the service did not come up"
        time.sleep(0.02)
