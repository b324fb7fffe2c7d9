"""What a tenant does while a version is tried beside its live one: who is answered by which, and what the
other one would have said.

Knows that whoever asks waits for nothing of it: the other version is asked when the answer has been sent, one
question at a time, and when more come than can be asked, the oldest are left out. Knows nothing about HTTP.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from anyio import sleep, to_thread

from seal.errors import SealError, StateError
from seal.learner import Learner
from seal.learner.rolling_out import ACTOR, Gold, compare, gold_of
from seal.learner.served import ask_in_conversation, make_ready
from seal.learner.ways import By
from seal.registry import Rollout, Version
from seal.registry.records import RolloutSide
from seal.service.beside import each_beside

if TYPE_CHECKING:
    from seal.learner.answering import Answer

_WAITING = 256
_LOOK_S = 0.1
_IDLE_S = 0.5
_SETTLE_S = 2.0
_PUSHES_S = 30.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialPart:
    """The part that a request has in a rollout: by whose version it is answered."""

    rollout: Rollout
    side: RolloutSide


@dataclass(frozen=True)
class TriedQuestion:
    """A question that was answered within a rollout; `id` is the answer's."""

    part: TrialPart
    earlier: tuple[str, ...]
    by: By
    answer: Answer
    id: str


class Releasing:
    """The rollouts of one tenant."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self._waiting: deque[TriedQuestion] = deque(maxlen=_WAITING)
        self._prepared: int | None = None
        self._gold: Gold = {}
        self._settled_at = self._pushes_at = 0.0
        self._head = -1

    # Who is answered by which

    def part_of(self, live: Version | None, key: str, user: str | None) -> TrialPart | None:
        """The part of somebody who asks the live version; None if no other is tried beside it. Of a canary,
        whoever falls into its share is answered by its version, and always so while it runs."""
        rollout = None if live is None else self.learner.rollout()
        if rollout is None or live is None or rollout.baseline != live.id:
            return None
        canary = rollout.mode == "canary" and self._prepared == rollout.id
        if canary and share_of(str(rollout.id), key, user or "") < rollout.share:
            return TrialPart(rollout, "candidate")
        return TrialPart(rollout, "live")

    def failed(self, part: TrialPart, error: SealError) -> None:
        """The version that is tried could not answer: it is reverted at once."""
        _LOG.error("the version %s, which is tried, could not answer: %s", part.rollout.version[:12], error)
        self._revert(part.rollout, f"it could not answer: {type(error).__name__}")

    # What the other one would have said

    def note(self, asked: TriedQuestion) -> None:
        """Takes note of an answer that was sent."""
        self._waiting.append(asked)

    def work(self) -> bool:
        """Asks the other version what was noted, and sees whether enough was seen; whether a version is being
        tried. Called again and again."""
        rollout = self.learner.rollout()
        if rollout is None:
            self._waiting.clear()
        else:
            if self._prepared != rollout.id:
                self._prepare(rollout)
            while self._waiting:
                self._compare(self._waiting.popleft())
            if time.monotonic() - self._settled_at >= _SETTLE_S:
                self._settled_at = time.monotonic()
                with suppress(StateError):  # another process was first
                    self.learner.settle_rollout()
        self._look_after_pushes()
        return rollout is not None

    def _prepare(self, rollout: Rollout) -> None:
        """Loads what the first answer would load, so that no caller waits for it."""
        try:
            make_ready(self.learner, self.learner.version(rollout.version))
            self._gold = gold_of(self.learner.workspace, rollout)
        except SealError as error:
            self.failed(TrialPart(rollout, "candidate"), error)
        self._prepared = rollout.id

    def _compare(self, asked: TriedQuestion) -> None:
        rollout, side = asked.part.rollout, asked.part.side
        shadowed = rollout.mode == "shadow" and share_of(asked.id) < rollout.share
        if rollout.mode == "shadow" and not shadowed:
            return
        other = self._other(asked) if shadowed or side == "candidate" else None
        parts = self.learner.parts
        with suppress(SealError):  # a document of it was forgotten meanwhile, or the disk is full
            compare(
                parts.workspace,
                rollout,
                side,
                asked.id,
                asked.answer,
                other,
                self._gold,
                parts.config.judging,
            )

    def _other(self, asked: TriedQuestion) -> Answer | None:
        """What the version says that did not answer."""
        rollout, tried = asked.part.rollout, asked.part.side == "live"
        try:
            version: Version = self.learner.version(rollout.version if tried else rollout.baseline)
            return ask_in_conversation(self.learner, asked.answer.question, asked.earlier, version, asked.by)
        except SealError as error:
            if tried:
                self.failed(asked.part, error)
            return None

    def _revert(self, rollout: Rollout, reason: str) -> None:
        with suppress(StateError):  # it has ended meanwhile
            self.learner.workspace.revert_rollout(rollout.id, reason=reason, actor=ACTOR)

    def _look_after_pushes(self) -> None:
        """Has other servers let go of what was rolled back or forgotten, here or by another process."""
        now, head = time.monotonic(), self.learner.workspace.head()
        if head != self._head or now - self._pushes_at >= _PUSHES_S:
            self._head, self._pushes_at = head, now
            self.learner.settle_pushes()


def share_of(*names: str) -> float:
    """A number from 0 up to 1 that these names always have; all are as frequent."""
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class Releases(Protocol):
    """Whoever has versions to try: a tenant."""

    name: str
    releasing: Releasing

    @property
    def ready(self) -> bool: ...


def releasing(
    tenants: Iterable[Releases],
) -> Callable[[], AbstractAsyncContextManager[None]]:
    """What is to run beside the requests, so that versions are tried."""
    return partial(each_beside, _working, list(tenants))


async def _working(tenant: Releases) -> None:
    while True:
        trying = False
        if tenant.ready:
            try:
                trying = await to_thread.run_sync(tenant.releasing.work, abandon_on_cancel=True)
            except SealError as error:  # a disk that is full now may not be so later
                _LOG.error("the rollout of %s cannot go on: %s", tenant.name, error)
        await sleep(_LOOK_S if trying else _IDLE_S)
