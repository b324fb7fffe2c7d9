"""A text as it comes into being, in pieces that may be shown at once. Knows nothing about how it is written.

A token may be a part of a character, and a few of them the beginning of a stop string, which is cut off: both
are held back until they are known. The pieces together are the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_BROKEN = "\ufffd"  # what a part of a character is decoded as


class ShownText:
    """`decode` gives the text of some tokens; a token's text may depend on the one before it."""

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str]) -> None:
        self._decode, self._stop = decode, tuple(stop)
        self._known: list[int] = []  # the tokens of the last whole piece
        self._open: list[int] = []  # those after it
        self._held = ""
        self.text = ""
        """All that was shown so far."""

    def add(self, token: int) -> str:
        """What may be shown now that this token was written."""
        self._open.append(token)
        before, now = self._decode(self._known), self._decode(self._known + self._open)
        if now.endswith(_BROKEN) or not now.startswith(before):
            return ""
        self._held += now[len(before) :]
        self._known, self._open = self._open, []
        n = len(self._held) - self._unsure()
        piece, self._held = self._held[:n], self._held[n:]
        self.text += piece
        return piece

    def end(self, text: str) -> str:
        """What is still to be shown of the whole text, that it turned out to be."""
        piece = text[len(self.text) :]
        self.text += piece
        return piece

    def _unsure(self) -> int:
        """How many characters at the end may be the beginning of a stop string."""
        most = min(len(self._held), max(map(len, self._stop), default=1) - 1)
        return next((n for n in range(most, 0, -1) if self._begins(self._held[-n:])), 0)

    def _begins(self, end: str) -> bool:
        return any(stop.startswith(end) for stop in self._stop)
