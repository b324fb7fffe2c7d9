"""Finds the passages of documents that may hold the answer to a question, also where it names nothing.

BM25 over word stems, exact numbers and letters (for scripts without spaces). The words of the title, the
heading, and of questions written about a passage count as its own. A word of the question that no document
has stands for the words that look most like it: a slip, a compound, another ending. With an `Encoder`,
passages are also compared by meaning. Where a passage names what another document is about, that one is
looked into as well: some questions take two.

Knows documents as text. Knows nothing about adapters or who answers. The result depends on the set of
documents alone: not on their order, nor on documents that were replaced.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from seal.errors import InputError
from seal.retention.index import Index
from seal.retention.postings import Postings, Wanted
from seal.retention.spelling import name_spans, words_of
from seal.retention.stretches import PageText, Stretch, stretches_of
from seal.retention.terms import terms_in, words_by_term

if TYPE_CHECKING:
    import numpy as np

_MOST_RANKED = 50
_MEANING = 0.7
"""Weight of the likeness of meaning against the share of the question's words."""
_LINKING = 2
"""So many of the best passages are read for names that lead on."""
_LINK = 0.5
"""Weight of a word of a title that leads on, against the rarity of a word of the question; and score of the
passage that it leads to, against the best."""
_MOST_NAMED = 3
"""A word that is in more titles than this leads to none of them."""
_LEFT = 0.1
"""Share of the question that the best passage must lack for another document to be looked into."""


class Encoder(Protocol):
    """Texts as rows of length one; the nearer two are, the more alike is what the texts mean. With `keep`
    they will be asked for again."""

    def encode(self, texts: Sequence[str], *, keep: bool = False) -> np.ndarray: ...


@dataclass(frozen=True)
class Evidence:
    """What speaks for a passage.

    `coverage`: the share of the words of the question, by rarity, that it has. `rare_words`: the same not
    as a share, but as so many words of the rarest kind. `unknown_name`: the question has a name or number
    that the whole document lacks. `lead`: by what share the next document scores less. `meaning`: likeness of
    meaning, None without an encoder.
    """

    coverage: float
    rare_words: float
    unknown_name: bool
    lead: float
    meaning: float | None = None


@dataclass(frozen=True)
class PassageMatch:
    """A passage that may hold the answer. It stands in the document at `start:stop`; `text` is what a reader
    is shown: the passage under its heading, the rows of a table with the names of their columns."""

    key: str
    title: str
    text: str
    start: int
    stop: int
    score: float
    why: str
    evidence: Evidence


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
        """The `k` passages that most likely hold the answer, best first; fewer if fewer have anything of it.
        By words, and by meaning too where there is an encoder.

        If the best lacks something of the question, the last place is for a document that one of the best
        names and that has it.
        """
        words = words_by_term(question)
        wanted = [self._postings.wanted(term, words[term]) for term in sorted(words)]
        meanings = self._meanings(question) if by_meaning else {}
        ranked = self._ranked(wanted, meanings)
        chosen = ranked[:k]
        if k > 1 and (linked := self._linked(wanted, chosen)):
            chosen = [*ranked[: k - 1], linked]
        names = _names_among(words, question)
        return tuple(self._match(one, score, wanted, names, meanings, ranked) for one, score in chosen)

    def _ranked(
        self, wanted: Sequence[Wanted], meanings: Mapping[Stretch, float]
    ) -> list[tuple[Stretch, float]]:
        scores = self._postings.bm25(wanted)
        for one, meaning in meanings.items():
            scores[one] = (scores.get(one, 0.0) + _MEANING * meaning) / (1 + _MEANING)
        return heapq.nsmallest(_MOST_RANKED, scores.items(), key=_order)

    def _linked(
        self, wanted: Sequence[Wanted], best: Sequence[tuple[Stretch, float]]
    ) -> tuple[Stretch, float] | None:
        """The passage of another document that a name in one of the best passages leads to: all of its title
        is named there, or some of it and the passage has something of the question that the best lacks."""
        if not best:
            return None
        left = [one for one in wanted if one.ways and one.share([best[0][0]]) < 1]
        if sum(one.weight for one in left) <= _LEFT * sum(one.weight for one in wanted):
            return None
        known = {term for one in wanted for term, _ in one.ways}
        names = {name for one, _ in best[:_LINKING] for name in _names_in(one.text)} - known
        there = {one.source.key for one, _ in best}
        scores: dict[Stretch, float] = {}
        leads = [self._titles[name] for name in names if self._titles.count(name) <= _MOST_NAMED]
        for key in frozenset().union(*leads) - there:
            title = set(terms_in(self._stretches[key][0].source.title)) - known
            for one in self._stretches[key]:
                has = sum(word.weight * word.share([one]) for word in left)
                if has or title <= names:
                    scores[one] = has + _LINK * len(title & names)
        if not scores:
            return None
        found, _ = min(scores.items(), key=_order)
        return found, min(best[-1][1], _LINK * best[0][1])

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

    def _match(
        self,
        one: Stretch,
        score: float,
        wanted: Sequence[Wanted],
        names: Iterable[str],
        meanings: Mapping[Stretch, float],
        ranked: Sequence[tuple[Stretch, float]],
    ) -> PassageMatch:
        source, whole = one.source, self._stretches[one.source.key]
        rival = max((other for two, other in ranked if two.source.key != source.key), default=0.0)
        total = sum(word.weight for word in wanted) or 1.0
        has = {word.word: word.weight * word.share([one]) for word in wanted}
        evidence = Evidence(
            coverage=min(1.0, sum(has.values()) / total),
            rare_words=sum(has.values()) / self._postings.rarest,
            unknown_name=any(word.word in names and not word.share(whole) for word in wanted),
            lead=max(0.0, 1 - rival / score) if score else 0.0,
            meaning=meanings.get(one),
        )
        shown = ", ".join(word for word, weight in has.items() if weight)
        why = f"has {evidence.coverage:.0%} of the question: {shown}" if shown else "means something like it"
        return PassageMatch(
            source.key, source.title, one.text, one.start, one.stop, round(score, 6), why, evidence
        )

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


def _order(scored: tuple[Stretch, float]) -> tuple[float, int, str, int]:
    stretch, score = scored
    return -round(score, 9), -stretch.source.sequence, stretch.source.key, stretch.number


def _names_in(text: str) -> set[str]:
    """The terms of the names in a text."""
    words = words_of(text)
    return {
        term
        for span in name_spans(words, lambda _: False)
        for term in terms_in(text[words[span[0]].start : words[span[-1]].stop])
    }


def _names_among(words: Mapping[str, str], question: str) -> frozenset[str]:
    """The words of a question that look like names or numbers; a capital at its start shows nothing."""
    start = question.lstrip("\"'“„«([¿ ")
    return frozenset(
        word
        for word in words.values()
        if word[0].isdigit() or (word[0].isupper() and not start.startswith(word))
    )
