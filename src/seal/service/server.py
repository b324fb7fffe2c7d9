"""The process that serves: a socket, an application, and an orderly end.

SIGTERM and Ctrl-C drain: no new connection is accepted, what is in flight is answered to the end, for as long
as the settings say; then the models are let go. Knows nothing about routes.
"""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from seal.errors import InputError
from seal.service.logs import log_config
from seal.service.settings import ServiceSettings


class Server(uvicorn.Server):
    """Ends when it is told to, which is no failure; a second Ctrl-C does not wait for what is in flight."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        app.state.service.draining = True
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def listen(settings: ServiceSettings) -> socket.socket:
    """A socket at the address of the settings. Raises InputError if it cannot be had, or if others could read
    what goes over it."""
    _see_that_it_is_private(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol by its number: asyncio sends the small parts of an answer at once on such sockets only. On
    # others the body waits 40 ms, until the client has acknowledged the headers.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
    except OSError as error:
        made.close()
        taken = error.errno == errno.EADDRINUSE
        why = "the port is in use" if taken else (error.strerror or str(error))
        raise InputError(
            f"cannot listen on {settings.host}:{settings.port}: {why}",
            "Name another with --port; 0 takes a free one.",
        ) from error
    return made


def _see_that_it_is_private(settings: ServiceSettings) -> None:
    """Raises InputError for an address that other machines reach without TLS."""
    if (settings.certificate is None) != (settings.certificate_key is None):
        raise InputError("of certificate and certificate_key one alone is given", "Give both, or none.")
    if settings.behind_proxy or settings.certificate is not None or _is_loopback(settings.host):
        return
    raise InputError(
        f"{settings.host} can be reached by other machines, and keys would go over the network as plain text",
        "Say --behind-proxy if a proxy in front adds TLS, or give certificate and certificate_key.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_of(app: FastAPI, settings: ServiceSettings) -> Server:
    """The server of an application, which `run(sockets=[...])` starts."""
    config = uvicorn.Config(
        app,
        log_config=log_config(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.limits.drain_s)),
        # a pause for thought between two requests of a client that keeps its connection
        timeout_keep_alive=75,
        backlog=2048,
        proxy_headers=settings.behind_proxy,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
    )
    return Server(config)
