"""Drafts of what a row writes next, copied from what it has read and written, and how long they may be.

A model that writes about a passage repeats much of it. What followed the same words before is proposed
(Yang et al., arXiv 2304.04487), and all of it checked in one pass (Leviathan et al., arXiv 2211.17192).
Proposals change how long writing takes, never what is written: whoever checks takes a token only if it is
the one that the row would have drawn. Knows nothing about models, caches or sampling.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

_ALIKE = (3, 2, 1)  # so many last tokens are looked for, the most first
_MOST_ALIKE = 8  # longer matches are taken as equally good
_SHARES = (0.0, 0.25, 0.6, 0.6, 0.65, 0.65, 0.65, 0.7, 0.7)
"""How often the next token is right after so many alike, until something is seen: what SmolLM2-135M writes in
learning a document."""
_SHARES_WEIGH = 8.0
_COST = 0.08  # of a further token, in parts of a pass of one, until something is seen
_COST_WEIGHS = 0.2
_FADES = 0.97  # what a pass before counts beside the one after it
_OUTLIER = 3.0


class CopiedText:
    """Tokens, and where what comes next may have stood in them before."""

    def __init__(self, tokens: Sequence[int] = ()) -> None:
        self.tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # the place after the last of such tokens
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        end = len(self.tokens)
        for n in _ALIKE:
            if end >= n:
                self._after[tuple(self.tokens[end - n :])] = end
        self.tokens.append(token)

    def find(self, last: Sequence[int]) -> tuple[int, int]:
        """The place here that comes after tokens like the `last` ones, and how many are alike; 0: none."""
        for n in _ALIKE:
            place = self._after.get(tuple(last[-n:])) if len(last) >= n else None
            if place is not None:
                while n < min(_MOST_ALIKE, place, len(last)) and self.tokens[place - n - 1] == last[-n - 1]:
                    n += 1
                return place, n
        return 0, 0


class CopiedRow:
    """A row that writes, and where what comes next may have stood before: in the row itself, or in what is
    `known` besides."""

    def __init__(self, tokens: Sequence[int], known: CopiedText | None = None) -> None:
        self._own, self._known = CopiedText(tokens), known
        self._find()

    @property
    def tokens(self) -> list[int]:
        return self._own.tokens

    def write(self, token: int) -> bool:
        """Takes the token that was written; returns whether it was proposed."""
        right = self.draft(1) == [token]
        self._own.add(token)
        if right and self._place + 1 < len(self._source.tokens):
            self._place, self.n_alike = self._place + 1, min(self.n_alike + 1, _MOST_ALIKE)
        else:
            self._find()
        return right

    def draft(self, n: int) -> list[int]:
        """Up to `n` tokens that may come next; what a row repeats it goes on repeating."""
        source, place = self._source.tokens, self._place
        if not self.n_alike:
            return []
        if self._source is not self._own:
            return source[place : place + n]
        return [source[place + i % (len(source) - place)] for i in range(n)]

    def _find(self) -> None:
        self._source = self._own
        self._place, self.n_alike = self._own.find(self.tokens)
        if self._known is not None:
            place, n_alike = self._known.find(self.tokens)
            if n_alike > self.n_alike:
                self._source, self._place, self.n_alike = self._known, place, n_alike


class DraftPlanner:
    """How many tokens of each row to draft: as many as make writing faster, by what was right so far and by
    how long passes took."""

    def __init__(self) -> None:
        self._right = [share * _SHARES_WEIGH for share in _SHARES]
        self._tried = [_SHARES_WEIGH] * len(_SHARES)
        self._sums = [0.0] * 5  # of passes, tokens, seconds, tokens squared, tokens times seconds

    def saw(self, n_alike: int, *, right: bool) -> None:
        """After so many tokens alike the proposed one was right or not. To be told of each that is written:
        what was not drafted says as much."""
        self._tried[n_alike] += 1
        self._right[n_alike] += right

    def took(self, n_tokens: int, seconds: float) -> None:
        """A pass over so many tokens took so long."""
        if self._sums[0]:
            once, more = self._costs()
            seconds = min(seconds, _OUTLIER * (once + more * n_tokens))
        told = 1.0, n_tokens, seconds, n_tokens**2, n_tokens * seconds
        self._sums = [_FADES * before + new for before, new in zip(self._sums, told, strict=True)]

    def lengths(self, rows: Sequence[CopiedRow], rooms: Sequence[int], most_tokens: int) -> list[int]:
        """How many tokens of each row to draft, at most `rooms` of it, with all `most_tokens` in the pass.

        A pass takes a + b n seconds for n tokens. One more, which is right with probability p, makes writing
        faster if p / b is more than what is written in a second without it. So those that are likeliest are
        taken until the next does not.
        """
        lengths, n_tokens, expected = [0] * len(rows), len(rows), float(len(rows))
        once, more = self._costs()
        heap = [
            (-self._share(row.n_alike), i)
            for i, (row, room) in enumerate(zip(rows, rooms, strict=True))
            if row.n_alike and room > 0
        ]
        heapq.heapify(heap)
        while heap and n_tokens < most_tokens:
            p, i = -heap[0][0], heap[0][1]
            if p * (once + more * n_tokens) <= more * expected:
                break
            lengths[i], n_tokens, expected = lengths[i] + 1, n_tokens + 1, expected + p
            if lengths[i] < rooms[i]:
                heapq.heapreplace(heap, (-p * self._share(rows[i].n_alike + lengths[i]), i))
            else:
                heapq.heappop(heap)
        return lengths

    def _share(self, n_alike: int) -> float:
        n_alike = min(n_alike, _MOST_ALIKE)
        return self._right[n_alike] / self._tried[n_alike]

    def _costs(self) -> tuple[float, float]:
        """Seconds of a pass, and of each token in it: a line through the passes so far, drawn to what is
        usual."""
        passes = self._sums[0]
        if not passes:
            return 1.0, _COST
        tokens, seconds, squares, products = (one / passes for one in self._sums[1:])
        usual = _COST * seconds / (1 + _COST * tokens)
        spread, together = max(0.0, squares - tokens**2), products - tokens * seconds
        weight = _COST_WEIGHS * (tokens + 1) ** 2 / 4
        more = (together + usual * weight) / (spread + weight)
        more = min(max(more, usual / 4), seconds / tokens)
        return seconds - more * tokens, more
