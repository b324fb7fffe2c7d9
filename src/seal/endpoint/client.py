"""Many chat requests to one endpoint: asynchronous, bounded, retried; each has a reply, or a reason why not.

Whatever the endpoint does becomes a `ChatReply`, never an exception. Knows nothing about what is asked, keeps
nothing, and follows no redirect: texts and the key go to the configured address and to nowhere else.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import random
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import httpx

from seal.endpoint.address import EndpointConfig
from seal.errors import ConfigError
from seal.types import Messages

_RETRIED_STATUSES = frozenset({408, 409, 425, 429})
_POINTLESS_STATUSES = frozenset({401, 403, 404, 405})
"""Wrong key, wrong address or wrong model name: every request would fail as this one did."""

_T = TypeVar("_T")
ChatRequest = Messages | str
"""Messages for a chat, or a text to be completed."""


@dataclass(frozen=True)
class ChatReply:
    """What came of one request: `content`, a text if the endpoint does what it should, and why it ended where
    it does; or the `reason` why there is none.

    `cause` is the reason without what the endpoint said, which may repeat the request: it can be kept where
    no word of a document may stand. `refused`: the endpoint will not take this request, whenever it is sent,
    but took others or may take them. Tokens are as the endpoint counts them, 0 where it does not.
    """

    content: Any = None
    finish_reason: str = ""
    reason: str = ""
    cause: str = ""
    refused: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def text(self) -> str:
        """The content; empty if it is no text."""
        return self.content if isinstance(self.content, str) else ""


class ChatClient:
    """Sends requests to one endpoint."""

    def __init__(self, config: EndpointConfig) -> None:
        """Raises ConfigError if the variable that should hold the API key does not hold one."""
        self.config = config
        self._headers = {"Content-Type": "application/json"}
        if config.api_key_env:
            key = os.environ.get(config.api_key_env, "").strip()
            if not key or not key.isascii() or not key.isprintable():
                raise ConfigError(
                    f"the environment variable {config.api_key_env} does not hold an API key",
                    f"Set it, or leave out api_key_env if {config.base_url} needs no key.",
                )
            self._headers["Authorization"] = f"Bearer {key}"

    async def ask_all(
        self,
        requests: Sequence[ChatRequest],
        on_reply: Callable[[int, ChatReply], None] | None = None,
        *,
        extras: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[ChatReply]:
        """A reply to each request, in order; `on_reply` is told its position as soon as it is there.
        `extras` are what each request sends besides the settings, such as its seed."""
        state, replies, queue = _State(), {}, iter(enumerate(requests))
        limits = httpx.Limits(max_connections=self.config.concurrency)
        async with httpx.AsyncClient(headers=self._headers, limits=limits) as client:

            async def work(queue: Iterator[tuple[int, ChatRequest]]) -> None:
                for at, request in queue:  # one iterator for all workers: each request is taken once
                    replies[at] = await self._ask(client, state, request, extras[at] if extras else {})
                    if on_reply is not None:
                        on_reply(at, replies[at])

            n = min(self.config.concurrency, len(requests))
            await asyncio.gather(*(work(queue) for _ in range(n)))
        return [replies[at] for at in range(len(requests))]

    async def _ask(
        self, client: httpx.AsyncClient, state: _State, request: ChatRequest, extra: Mapping[str, Any]
    ) -> ChatReply:
        failure = _Failure("", "")
        for attempt in range(self.config.max_attempts):
            if attempt:
                await asyncio.sleep(failure.retry_after_s + self._jitter_s(attempt - 1))
            if state.given_up is not None:
                return failure.reply() if failure.reason else state.given_up
            result = await self._request(client, request, extra)
            if isinstance(result, ChatReply):
                state.failures_in_a_row = 0
                return result
            failure = result
            if not failure.retry:
                break
        state.failures_in_a_row += 1
        if failure.pointless or state.failures_in_a_row >= self.config.max_failures_in_a_row:
            why = f"not asked, after {state.failures_in_a_row} in a row without a reply; the last: "
            state.given_up = ChatReply(reason=why + failure.reason, cause=why + failure.cause)
        return failure.reply()

    async def _request(
        self, client: httpx.AsyncClient, request: ChatRequest, extra: Mapping[str, Any]
    ) -> ChatReply | _Failure:
        """Named fault-tolerance point: whatever the endpoint does becomes a reply or a reason."""
        timeout_s = self.config.timeout_s
        route = "completions" if isinstance(request, str) else "chat/completions"
        try:
            # httpx times each read; this bounds the whole of a reply that trickles.
            async with asyncio.timeout(timeout_s):
                response = await client.post(
                    f"{self.config.base_url}/{route}",
                    content=self._body(request, extra),
                    timeout=timeout_s,
                )
        except (TimeoutError, httpx.TimeoutException):
            why = f"no reply within {timeout_s:g} s"
            return _Failure(why, why, retry=True)
        except httpx.HTTPError as error:
            why = "the endpoint cannot be reached"
            return _Failure(f"{why}: {excerpt(str(error) or type(error).__name__)}", why, retry=True)
        if response.is_success:
            return _parsed(response)
        status = response.status_code
        cause = f"the endpoint answered {status}"
        reason = f"{cause}: {excerpt(response.text)}"
        if status not in _RETRIED_STATUSES and status < 500:
            pointless = status in _POINTLESS_STATUSES
            return _Failure(reason, cause, pointless=pointless, refused=status >= 400 and not pointless)
        wait_s = retry_after_s(response)
        if wait_s > self.config.max_retry_after_s:
            why = f" (retry after {wait_s:.0f} s, more than max_retry_after_s)"
            return _Failure(reason + why, cause + why)
        return _Failure(reason, cause, retry=True, retry_after_s=wait_s)

    def _jitter_s(self, attempt: int) -> float:
        """Exponential backoff with full jitter (Brooker, Exponential Backoff and Jitter, 2015)."""
        return random.uniform(0, min(self.config.max_backoff_s, self.config.backoff_s * 2**attempt))

    def _body(self, request: ChatRequest, extra: Mapping[str, Any]) -> bytes:
        # ASCII with escapes: a text may hold lone surrogates, which UTF-8 cannot carry.
        asked = {"prompt" if isinstance(request, str) else "messages": request}
        return json.dumps({**asked, **self.config.sent(), **extra}).encode("ascii")


class _Failure(NamedTuple):
    """No reply, and why. `pointless`: every other request would fail as this one did."""

    reason: str
    cause: str
    retry: bool = False
    retry_after_s: float = 0.0
    pointless: bool = False
    refused: bool = False

    def reply(self) -> ChatReply:
        return ChatReply(reason=self.reason, cause=self.cause, refused=self.refused)


@dataclass
class _State:
    """What the workers of one call know of the endpoint together. `given_up`: the reply to all that is not
    asked any more."""

    failures_in_a_row: int = 0
    given_up: ChatReply | None = None


def _parsed(response: httpx.Response) -> ChatReply:
    try:
        told = response.json()
        choice, usage = told["choices"][0], told.get("usage") or {}
        content = choice["text"] if "text" in choice else choice["message"]["content"]
        tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
        return ChatReply(content, str(choice.get("finish_reason") or ""), "", "", False, *tokens)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        cause = "the endpoint's reply is not a chat completion"
        return ChatReply(reason=f"{cause}: {excerpt(response.text)}", cause=cause)


def excerpt(text: str) -> str:
    """The beginning of a text in one line, for a message."""
    line = " ".join(text.split())
    return (line if len(line) <= 200 else line[:199] + "…") or "(nothing)"


def retry_after_s(response: httpx.Response) -> float:
    """The Retry-After header, in seconds or as a date (RFC 9110, section 10.2.3); 0 if absent or wrong."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def run_to_end(work: Coroutine[Any, Any, _T]) -> _T:
    """What asynchronous work returns, for a caller that is not asynchronous."""
    if not _in_event_loop():
        return asyncio.run(work)
    # A loop runs in this thread already (a notebook, a server): the work gets a thread of its own.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
