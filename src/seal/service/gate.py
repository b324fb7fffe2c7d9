"""What every request passes: an id, a place among those in flight, a time limit, a line in the log, figures.

Knows nothing about what is asked. A request that finds no place is refused before anything of it is read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seal.service.metrics import Metrics
from seal.service.problems import Problem, overloaded
from seal.service.records import RequestRecord
from seal.spans import span

if TYPE_CHECKING:
    from seal.service.settings import LimitSettings

_LOG = logging.getLogger(__name__)
_UNCOUNTED = ("/healthz", "/readyz", "/metrics")
_RETRY_S = 1.0


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, limits: LimitSettings, metrics: Metrics) -> None:
        self.app, self.limits, self.metrics = app, limits, metrics
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record, started = RequestRecord.begin(scope), time.perf_counter()
        answer = _Answer(send, record)
        counted = scope["path"] not in _UNCOUNTED
        if counted and self._in_flight >= self.limits.requests:
            self.metrics.refused.inc()
            problem = overloaded(f"{self._in_flight} requests are in flight, which is the most", _RETRY_S)
            await answer.fail(problem, scope, receive)
        else:
            self._count(counted)
            try:
                await self._traced(scope, self._limited(receive), answer)
            finally:
                self._count(-counted)
        for do in record.afterwards:
            do()
        self._note(scope, record, answer.status, time.perf_counter() - started)

    def _limited(self, receive: Receive) -> Receive:
        """The request's body, up to the limit. Beyond it whoever reads it is told (413)."""
        left = self.limits.body_bytes

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, f"a request may have {self.limits.body_bytes} bytes")
            return message

        return limited

    def _count(self, n: int) -> None:
        self._in_flight += n
        self.metrics.in_flight.set(self._in_flight)

    async def _traced(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """A span with all that is done for the request, but for those who only look whether we are well."""
        method, record = scope["method"], answer.record
        if scope["path"] in _UNCOUNTED:
            await self._within_time(scope, receive, answer)
            return
        headers = dict(Headers(scope=scope))
        with span(method, served=headers, http__request__method=method, seal__request=record.id) as made:
            await self._within_time(scope, receive, answer)
            route = getattr(scope.get("route"), "path", "")
            made.rename(f"{method} {route}".strip())
            made.note(
                http__route=route, http__response__status_code=answer.status, seal__tenant=record.tenant
            )
            if answer.status >= 500:
                made.fail(str(answer.status))

    async def _within_time(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            async with asyncio.timeout(self.limits.request_s) as answer.record.within:
                await self.app(scope, receive, answer.send)
        except TimeoutError:
            message = f"the answer took longer than {self.limits.request_s:g} s"
            await answer.fail(overloaded(message, _RETRY_S, code="timeout"), scope, receive)
        except Exception:  # a fault of the program's own: told in the log, with the request's id
            _LOG.exception("a request failed", extra={"request": answer.record.id})
            message = f"the server failed; its log has more under {answer.record.id}"
            problem = Problem(500, message, kind="server_error", code="server_error")
            await answer.fail(problem, scope, receive)

    def _note(self, scope: Scope, record: RequestRecord, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        if record.tenant:
            self.metrics.of(record.tenant).note(record, route, status, seconds)
        _LOG.info(
            "%s %s",
            scope["method"],
            scope["path"],
            extra={
                "request": record.id,
                "status": status,
                "ms": round(1000 * seconds, 1),
                "tenant": record.tenant,
                "key": record.key,
                "prompt_tokens": record.prompt_tokens,
                "completion_tokens": record.completion_tokens,
            },
        )


class _Answer:
    """What is sent, with the request's id among its headers. An answer that has begun is only cut off."""

    def __init__(self, send: Send, record: RequestRecord) -> None:
        self._send, self.record = send, record
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self.record.id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    async def fail(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        if not self.status:
            response = JSONResponse(problem.body, problem.status, headers=problem.headers)
            await response(scope, receive, self.send)
