"""What a learner keeps in memory so as not to do it twice, and how much of it at most.

A process that serves a workspace for weeks is asked without end; so each of these has a bound, stated here.
What was dropped is made again when it is needed, and is the same. Knows nothing about models.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

MINDS = 8
"""Versions that are ready to be asked."""
ANSWERS = 8192
"""Answers that were given, beside those of the base to the reference. About what the exams of one study of 32
documents ask."""
QUESTIONS = 8192
"""Questions of which a version remembers the documents that may hold the answer."""
INFORMATION = 32_768
"""Pairs of a passage and a question of which it is remembered how likely the one makes the other."""
DOCUMENTS = 1024
"""Documents of which a version keeps the text ready to be searched for an answer."""
ADAPTER_BYTES = 1 << 30
"""Adapters that were read from the store, in bytes."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class RecentlyUsed(Generic[_Key, _Value]):
    """A table that drops what was used longest ago when it holds more than its bound.

    `weight` is what an entry counts towards the bound, by default 1; one entry alone may exceed it. Threads
    may share a table.
    """

    def __init__(self, bound: int, weight: Callable[[_Value], int] | None = None) -> None:
        self.bound, self._weight = bound, weight
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total(self) -> int:
        """The entries' weights together."""
        return self._total

    def get(self, key: _Key) -> _Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key]

    def put(self, key: _Key, value: _Value) -> _Value:
        """Keeps `value`, and returns it."""
        with self._lock:
            self._drop(key)
            self._entries[key] = value
            self._total += self._weigh(value)
            while self._total > self.bound and len(self._entries) > 1:
                self._drop(next(iter(self._entries)))
        return value

    def drop(self, keys: Iterable[_Key]) -> None:
        with self._lock:
            for key in keys:
                self._drop(key)

    def items(self) -> dict[_Key, _Value]:
        with self._lock:
            return dict(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._total = 0

    def _drop(self, key: _Key) -> None:
        if key in self._entries:
            self._total -= self._weigh(self._entries.pop(key))

    def _weigh(self, value: _Value) -> int:
        return 1 if self._weight is None else self._weight(value)


AnswerKey: TypeAlias = tuple[str | None, str]
"""The object of the cell that answered (None: the base), and the prompt."""
SureText: TypeAlias = tuple[str, float]
"""An answer, and how likely the model found it as a whole."""


class GivenAnswers:
    """Answers that were given before: what did not change is not asked again.

    `kept` are never dropped: the base's answers to the reference, which every study compares with.
    """

    def __init__(self, kept: Mapping[AnswerKey, SureText] | None = None, bound: int = ANSWERS) -> None:
        self.kept = dict(kept or {})
        self.recent: RecentlyUsed[AnswerKey, SureText] = RecentlyUsed(bound)

    def get(self, key: AnswerKey) -> SureText | None:
        return self.kept.get(key) or self.recent.get(key)

    def put(self, key: AnswerKey, answer: SureText) -> None:
        self.recent.put(key, answer)

    def drop_cells(self) -> None:
        """Forgets what cells answered; the base's answers stay."""
        self.recent.drop(key for key in self.recent.items() if key[0] is not None)
