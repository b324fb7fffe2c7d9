"""Server-sent events in the form of OpenAI's streams, from one or several streams of tokens.

A client that goes away ends what is generated for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import Request as HttpRequest
from starlette.responses import StreamingResponse

from seal.engine.serving import Completion, Request, Stream, TokenEvent
from seal.errors import SealError
from seal.learner.answering import Cell
from seal.service.hosting import Tenant
from seal.service.problems import Problem, problem_of

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event_stream(chunks: AsyncIterator[Any], headers: Mapping[str, str]) -> StreamingResponse:
    """Each chunk as an event, and [DONE] after the last. An error is an event too: the answer has begun."""
    return StreamingResponse(_lines(chunks), media_type="text/event-stream", headers={**_HEADERS, **headers})


async def _lines(chunks: AsyncIterator[Any]) -> AsyncIterator[str]:
    try:
        async for chunk in chunks:
            yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
    except (SealError, Problem) as error:
        problem = problem_of(error) if isinstance(error, SealError) else error
        yield f"data: {json.dumps(problem.body, ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def submit_all(tenant: Tenant, requests: Sequence[tuple[Request, Cell | None]]) -> list[Stream]:
    """Has all of these answered, or, if one is refused, none. Raises what `Tenant.submit` does."""
    streams: list[Stream] = []
    try:
        for request, cell in requests:
            streams.append(tenant.submit(request, cell))
    except BaseException:
        for stream in streams:
            stream.cancel()
        raise
    return streams


async def completed(streams: Sequence[Stream], http: HttpRequest) -> list[Completion]:
    """What all streams come to. A client that goes away ends them. Raises the first error of any."""

    async def cancel_when_gone() -> None:
        while (await http.receive())["type"] != "http.disconnect":
            pass
        for stream in streams:
            stream.cancel()

    watching = asyncio.create_task(cancel_when_gone())
    try:
        async for _ in merged(streams):
            pass
    finally:
        watching.cancel()
    return [stream.completion() for stream in streams]


async def merged(streams: Sequence[Stream]) -> AsyncIterator[tuple[int, TokenEvent | None]]:
    """The events of several streams as they come, each with its stream's place; None is that one's end.

    Raises the first error of any. All are cancelled when the caller leaves before the end.
    """
    if len(streams) == 1:  # as nearly always: without a task that hands on every token
        try:
            async for event in streams[0]:
                yield 0, event
            yield 0, None
        finally:
            streams[0].cancel()
        return
    events: asyncio.Queue[tuple[int, TokenEvent | Exception | None]] = asyncio.Queue()

    async def forward(place: int, stream: Stream) -> None:
        try:
            async for event in stream:
                events.put_nowait((place, event))
            events.put_nowait((place, None))
        except Exception as error:  # raised again by whoever reads the events
            events.put_nowait((place, error))

    tasks = [asyncio.create_task(forward(i, stream)) for i, stream in enumerate(streams)]
    try:
        left = len(streams)
        while left:
            place, event = await events.get()
            if isinstance(event, Exception):
                raise event
            left -= event is None
            yield place, event
    finally:
        for stream, task in zip(streams, tasks, strict=True):
            stream.cancel()
            task.cancel()
