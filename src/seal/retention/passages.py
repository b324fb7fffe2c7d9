"""Finds the passages of documents that may hold the answer to a question, also where it names nothing.

BM25 over word stems, exact numbers and letters (for scripts without spaces). The words of the title, the
heading, and of questions written about a passage count as its own. A word of the question that no document
has stands for the words that look most like it: a slip, a compound, another ending. With an `Encoder`,
passages are also compared by meaning.

Knows documents as text. Knows nothing about adapters or who answers. The result depends on the set of
documents alone: not on their order, nor on documents that were replaced.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from seal.errors import InputError
from seal.retention.index import Index
from seal.retention.postings import Postings, Wanted
from seal.retention.search import Filed, PassageMatch, Scored, Search, by_score, names_among
from seal.retention.stretches import PageText, Stretch, stretches_of
from seal.retention.terms import terms_in, words_by_term

if TYPE_CHECKING:
    import numpy as np

_MOST_RANKED = 50
_MEANING = 0.7
"""Weight of the likeness of meaning against the share of the question's words."""


class Encoder(Protocol):
    """Texts as rows of length one; the nearer two are, the more alike is what the texts mean. With `keep`
    they will be asked for again."""

    def encode(self, texts: Sequence[str], *, keep: bool = False) -> np.ndarray: ...


class PassageIndex:
    """Passages of documents, to be searched. Immutable: see `with_pages` and `without`."""

    def __init__(self, pages: Iterable[PageText] = (), *, encoder: Encoder | None = None) -> None:
        self._encoder = encoder
        self._stretches: dict[str, tuple[Stretch, ...]] = {}
        self._postings, self._titles = Postings(), Index()
        self._vectors: dict[Stretch, np.ndarray] = {}
        given = list(pages)
        if len({page.key for page in given}) < len(given):
            raise InputError("two documents of the index share a key", "Give each document a key of its own.")
        self._change(given, ())

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._stretches)

    def with_pages(self, *pages: PageText) -> PassageIndex:
        """An index that has these too. A document with the key of an earlier one replaces it, as if the
        earlier one had never been there."""
        return self._changed(pages, [page.key for page in pages])

    def without(self, *keys: str) -> PassageIndex:
        """An index that never had these documents."""
        return self._changed((), keys)

    def search(self, question: str, k: int = 3, *, by_meaning: bool = True) -> tuple[PassageMatch, ...]:
        """The `k` passages that most likely hold the answer, best first, as `Search.passages` says."""
        return self.look(question, by_meaning=by_meaning).passages(k)

    def look(self, question: str, *, by_meaning: bool = True) -> Search:
        """All that there is for a question: by words, and by meaning too where there is an encoder."""
        words = words_by_term(question)
        wanted = tuple(self._postings.wanted(term, words[term]) for term in sorted(words))
        meanings = self._meanings(question) if by_meaning else {}
        filed = Filed(self._stretches, self._postings, self._titles)
        return Search(filed, wanted, names_among(words, question), self._ranked(wanted, meanings), meanings)

    def _ranked(self, wanted: Sequence[Wanted], meanings: Mapping[Stretch, float]) -> tuple[Scored, ...]:
        scores = self._postings.bm25(wanted)
        for one, meaning in meanings.items():
            scores[one] = (scores.get(one, 0.0) + _MEANING * meaning) / (1 + _MEANING)
        return tuple(heapq.nsmallest(_MOST_RANKED, scores.items(), key=by_score))

    def _meanings(self, question: str) -> dict[Stretch, float]:
        """How alike the question and each passage are in meaning, from 0 to 1; nothing without an encoder."""
        every = [one for stretches in self._stretches.values() for one in stretches]
        if self._encoder is None or not every:
            return {}
        import numpy as np  # takes time, and is only needed here

        new = [one for one in every if one not in self._vectors]
        if new:
            vectors = self._encoder.encode([one.text for one in new], keep=True)
            self._vectors |= dict(zip(new, vectors, strict=True))
        rows = np.stack([self._vectors[one] for one in every])
        alike = np.clip(rows @ self._encoder.encode([question])[0], 0, 1)
        return dict(zip(every, alike.tolist(), strict=True))

    def _changed(self, added: Iterable[PageText], removed: Iterable[str]) -> PassageIndex:
        copy = PassageIndex(encoder=self._encoder)
        copy._stretches, copy._vectors = dict(self._stretches), dict(self._vectors)
        copy._postings, copy._titles = self._postings, self._titles
        copy._change(added, removed)
        return copy

    def _change(self, added: Iterable[PageText], removed: Iterable[str]) -> None:
        gone = [
            one
            for key in dict.fromkeys(removed)
            if key in self._stretches
            for one in self._stretches.pop(key)
        ]
        new = {source.key: own for source in added if (own := stretches_of(source))}
        self._titles = self._titles.changed(
            {key: terms_in(own[0].source.title) for key, own in new.items()},
            {one.source.key: terms_in(one.source.title) for one in gone},
        )
        self._stretches |= new
        self._postings = self._postings.changed([one for own in new.values() for one in own], gone)
        for one in gone:
            self._vectors.pop(one, None)
