"""What runs beside the requests, for as long as a service does. Knows nothing about what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import create_task_group

T = TypeVar("T")


@asynccontextmanager
async def each_beside(
    work: Callable[[T], Coroutine[Any, Any, None]], things: Iterable[T]
) -> AsyncIterator[None]:
    """Inside, `work` goes on for each of the things; it is cancelled at the end."""
    async with create_task_group() as tasks:
        for thing in things:
            tasks.start_soon(work, thing)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
