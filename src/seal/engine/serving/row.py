"""One request on its way: what is read of its prompt, what is written. Knows nothing about the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from seal.engine.serving.lanes import Lane
from seal.engine.serving.next_tokens import Chooser
from seal.engine.serving.requests import (
    AdapterSource,
    Completion,
    FinishReason,
    Request,
    TokenEvent,
    TokenLog,
)
from seal.engine.serving.shown_text import ShownText
from seal.engine.serving.slots import AdapterSlot
from seal.engine.serving.token_stream import Stream
from seal.models.ending import Ender


@dataclass(eq=False)
class ServedRow:
    """A request with its state. Waiting, it has no lane; `passed` newcomers went ahead of it. Without
    `shown` nobody looks at its tokens before the end."""

    request: Request
    source: AdapterSource | None
    stream: Stream
    ender: Ender
    chooser: Chooser
    shown: ShownText | None
    since_s: float = field(default_factory=time.monotonic)
    written: list[int] = field(default_factory=list)
    logs: list[TokenLog] = field(default_factory=list)
    prompt_logs: list[TokenLog] = field(default_factory=list)
    lane: Lane | None = None
    slot: AdapterSlot | None = None
    begun: bool = False
    cached_tokens: int = 0
    passed: int = 0
    waited_s: float = 0.0
    first_s: float = 0.0

    @property
    def key(self) -> str | None:
        """Whose keys and values the row's are."""
        return None if self.source is None else self.source.key

    @property
    def slot_index(self) -> int:
        """The base's is 0."""
        return 0 if self.slot is None else self.slot.index

    @property
    def overdue(self) -> bool:
        limit = self.request.timeout_s
        return limit is not None and time.monotonic() - self.since_s > limit

    @property
    def to_read(self) -> int:
        """The tokens of the prompt that have to go through the model."""
        n = len(self.request.prompt)
        return n if self.request.max_new_tokens else n - 1

    @property
    def shareable(self) -> int:
        """The tokens of the prompt that another row may have read: none of which logits are wanted."""
        logged, last = self.request.echo_from, self.to_read - 1
        return last if logged is None else max(0, min(last, logged - 1))

    @property
    def rest(self) -> int:
        """The tokens that the next passes have to read; 1 for a row that writes."""
        assert self.lane is not None
        return self.to_read + len(self.written) - self.lane.length_tokens

    def admit(self, lane: Lane, slot: AdapterSlot | None) -> None:
        self.lane, self.slot = lane, slot
        self.waited_s = time.monotonic() - self.since_s

    def begin(self) -> None:
        """What was read by others is known now."""
        assert self.lane is not None
        self.begun, self.cached_tokens = True, self.lane.length_tokens

    def logged_places(self, start: int, end: int) -> range:
        """Of the places `start` to `end` of the prompt those whose logits tell of the next token."""
        if self.request.echo_from is None:
            return range(0)
        first = max(start, self.request.echo_from - 1)
        return range(first, max(first, min(end, len(self.request.prompt) - 1)))

    def write(self, token: int, log: TokenLog | None) -> Completion | None:
        """Takes the next token; returns the completion if the row has ended with it."""
        assert self.lane is not None
        if not self.written:
            self.first_s = time.monotonic() - self.since_s
        self.written.append(token)
        self.lane.tokens.append(token)
        self.chooser.written[token] += 1
        if log is not None:
            self.logs.append(log)
        text = self.ender.ended(self.written)
        reason: FinishReason = "stop"
        if text is None and len(self.written) == self.request.max_new_tokens:
            text, reason = self.ender.text(self.written), "length"
        if self.shown is not None:
            piece = self.shown.add(token) if text is None else self.shown.end(text)
            self.stream.tell(TokenEvent(token, piece, log))
        return None if text is None else self.completion(text, reason)

    def completion(self, text: str, reason: FinishReason) -> Completion:
        return Completion(
            text,
            tuple(self.written),
            reason,
            len(self.request.prompt),
            tuple(self.logs),
            tuple(self.prompt_logs),
            self.cached_tokens,
            self.slot.fingerprint if self.slot is not None else (),
            self.waited_s,
            self.first_s,
        )

    def cancelled(self) -> Completion:
        """What there is, where nothing more is wanted: in pieces, as much as was shown."""
        text = self.ender.text(self.written) if self.shown is None else self.shown.text
        return self.completion(text, "cancelled")


def by_slot(rows: Sequence[ServedRow]) -> list[ServedRow]:
    """Rows as a pass has them: slot after slot, the base's first; in a slot by their lanes."""
    return sorted(rows, key=lambda row: (row.slot_index, row.lane.index if row.lane else 0))
