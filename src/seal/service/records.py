"""What is noted of a request while it is answered, for logs and metrics. It never holds what was asked."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers

_SCOPE = "seal.request"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class RequestRecord:
    """One request: its id, who sent it, and what it came to."""

    id: str
    tenant: str = ""
    key: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ways: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    """What is to be done once the answer has been sent; it must be quick, and fail for nothing."""
    within: asyncio.Timeout | None = None
    """The time that it may take."""

    def used(self, usage: Mapping[str, int]) -> None:
        """Notes what a request came to, as OpenAI's `usage` has it."""
        self.prompt_tokens = usage["prompt_tokens"]
        self.completion_tokens = usage["completion_tokens"]

    def take_any_time(self) -> None:
        """For an answer that tells what happens for as long as it does, and keeps nothing busy."""
        if self.within is not None:
            self.within.reschedule(None)

    @classmethod
    def begin(cls, scope: MutableMapping[str, Any]) -> RequestRecord:
        """The record of a request that comes in; a client may give it an id (X-Request-Id)."""
        given = Headers(scope=scope).get("x-request-id", "")
        record = cls(given if _ID.fullmatch(given) else f"req_{uuid.uuid4().hex}")
        scope[_SCOPE] = record
        return record


def record_in(scope: Mapping[str, Any]) -> RequestRecord:
    """The record of the request that has this scope."""
    return scope[_SCOPE]
