"""Services for tests: a real server on a free port in a thread of this process, before hosted learners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from seal.learner import Learner
from seal.service.access import open_to_all
from seal.service.access.keyring import Keyring
from seal.service.access.making import make_key
from seal.service.access.roles import Role
from seal.service.app import create_app
from seal.service.hosting import Hosting, Tenant
from seal.service.server import listen, server_of, url_of
from seal.service.settings import ServiceSettings
from seal.service.studying import studying
from seal.service.telling import telling


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
    access, secret = admitted(hosting, read)
    app, listening = create_app(hosting, read, access), listen(read)
    server = server_of(app, read)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    service = RunningService(url_of(listening), secret, hosting, app)
    try:
        _until(lambda: server.started)
        if wait:
            with service.client() as client:  # one for all looks: what a client costs is its TLS settings
                _until(lambda: client.get("/readyz").status_code == 200)
        yield service
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def admitted(hosting: Hosting, settings: ServiceSettings) -> tuple[Keyring, str]:
    """Who is let in, and a key with all roles in the first tenant."""
    access, secrets = Keyring.of(hosting, settings.access)
    first = next(iter(hosting.tenants.values()))
    if first.name in secrets:
        return access, str(secrets[first.name])
    name = f"test-{time.time()}"
    return access, str(make_key(first.learner.workspace, first.name, name=name, roles=[Role.ADMIN])[1])


def serve_here(learner: Learner) -> None:
    """Serves a learner until the process is told to end; prints the address and a key once it can answer.
    After a POST to /slow its answers take a second longer."""
    tenant = Tenant("w", learner)
    hosting, read = Hosting([tenant]), ServiceSettings(port=0)
    access, secret = admitted(hosting, read)
    app, listening = create_app(hosting, read, access), listen(read)
    app.state.service.background += [studying(hosting), telling(hosting, read.webhooks)]
    ask = learner.ask

    def slow() -> None:
        def later(*given: Any, **more: Any) -> Any:
            time.sleep(1)
            return ask(*given, **more)

        learner.ask = later  # type: ignore[method-assign]

    app.post("/slow", dependencies=[open_to_all()])(slow)

    def tell() -> None:
        _until(lambda: hosting.ready)
        print(url_of(listening), secret, flush=True)

    threading.Thread(target=tell, daemon=True).start()
    server_of(app, read).run(sockets=[listening])


def _until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "the service did not come up"
        time.sleep(0.02)
