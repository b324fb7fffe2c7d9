"""What whoever asked sees of a request: its tokens as they come, and its end. Threads and asyncio may wait.

Knows nothing about how tokens come about.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TypeAlias

from seal.engine.serving.requests import Completion, TokenEvent
from seal.errors import DeadlineError

End: TypeAlias = Completion | Exception
News: TypeAlias = TokenEvent | End


class Stream:
    """The answer to one request. It may be read several times, from its beginning."""

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        self._on_cancel = on_cancel
        self._news: list[News] = []
        self._told = threading.Condition()
        self._listeners: list[Callable[[News], object]] = []
        self.cancelled = False

    def __iter__(self) -> Iterator[TokenEvent]:
        """The tokens, each as soon as it is written. Raises the error by which the request ended."""
        at = 0
        while True:
            with self._told:
                self._told.wait_for(lambda: len(self._news) > at)  # noqa: B023
                news = self._news[at]
            at += 1
            if isinstance(news, TokenEvent):
                yield news
            elif isinstance(news, Exception):
                raise news
            else:
                return

    async def __aiter__(self) -> AsyncIterator[TokenEvent]:
        """The same in asyncio. Whoever stops reading early has to cancel."""
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[News]()

        self.subscribe(partial(loop.call_soon_threadsafe, queue.put_nowait))
        while isinstance(news := await queue.get(), TokenEvent):
            yield news
        if isinstance(news, Exception):
            raise news

    def completion(self, timeout_s: float | None = None) -> Completion:
        """Waits for the end. Raises the error by which the request ended, DeadlineError if the wait was too
        short; the request then goes on."""
        with self._told:
            if not self._told.wait_for(lambda: self.ended, timeout_s):
                raise DeadlineError(f"a request was not answered within {timeout_s} s")
            end = self._news[-1]
        if isinstance(end, Exception):
            raise end
        assert isinstance(end, Completion)
        return end

    @property
    def ended(self) -> bool:
        return bool(self._news) and not isinstance(self._news[-1], TokenEvent)

    def cancel(self) -> None:
        """Nothing more is to be written. What was written until then is the completion."""
        self.cancelled = True
        self._on_cancel()

    def subscribe(self, listener: Callable[[News], object]) -> None:
        """Calls `listener` with all tokens so far and to come, and with the end: the completion or an error.

        It is called in the thread that writes, and must be quick. One that fails is called no more.
        """
        with self._told:
            for news in self._news:
                listener(news)
            self._listeners.append(listener)

    def tell(self, news: News) -> None:
        """For whoever answers: the next token, or the end."""
        with self._told:
            assert not self.ended
            self._news.append(news)
            self._told.notify_all()
            for listener in list(self._listeners):
                try:
                    listener(news)
                except Exception:  # whoever listens no longer must not end the answers of others
                    self._listeners.remove(listener)
