"""Which stretches of documents have a term and how much it counts there, and how well they match weighted
terms.

Immutable; adding or removing a few documents is cheap. Knows nothing about what a question is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seal.retention.index import Index
from seal.retention.stretches import Stretch

_K1, _B = 1.2, 0.75
_COMMON = 2000
"""A term that more stretches have finds no new ones, only adds to those that rarer terms found."""
_LIKE, _MOST_LIKE, _LIKE_LETTERS = 0.5, 3, 5
"""Least likeness of the words that stand for an unknown one, how many at most, its least number of
letters."""


@dataclass(frozen=True)
class Wanted:
    """A word that is looked for: what it weighs by its rarity, and the terms that stand for it: itself, or
    if no stretch has it those that look like it, with their likeness."""

    word: str
    weight: float
    ways: tuple[tuple[str, float], ...]

    def share(self, stretches: Iterable[Stretch]) -> float:
        """How much of the word the stretches have: all, none, or something like it."""
        return max((n for term, n in self.ways if any(term in one.weights for one in stretches)), default=0.0)


class Postings:
    """From each term to the stretches that have it."""

    def __init__(self) -> None:
        self._stretches: dict[str, dict[Stretch, float]] = {}
        self._letters = Index()
        self.total = 0
        self._length = 0

    def changed(self, added: Sequence[Stretch], removed: Sequence[Stretch]) -> Postings:
        """The postings with some stretches added and others, which are there, removed."""
        new = Postings()
        new._stretches = dict(self._stretches)
        there = new._post(added, removed)
        came = [term for term in there if term in new._stretches and not there[term]]
        went = [term for term in there if term not in new._stretches]
        new._letters = self._letters.changed(
            {term: _letters_of(term) for term in came if _is_spelt(term)},
            {term: _letters_of(term) for term in went if _is_spelt(term)},
        )
        new.total = self.total + len(added) - len(removed)
        new._length = self._length + sum(one.length for one in added) - sum(one.length for one in removed)
        return new

    def wanted(self, term: str, word: str, weight: float = 1.0) -> Wanted:
        ways = ((term, 1.0),) if term in self._stretches else self._like(term)
        return Wanted(word, weight * self._rarity([way for way, _ in ways]), ways)

    @property
    def rarest(self) -> float:
        """The weight of a word that one stretch has."""
        return math.log(1 + (self.total - 0.5) / 1.5) if self.total else 1.0

    def bm25(self, wanted: Sequence[Wanted]) -> dict[Stretch, float]:
        """Robertson and Zaragoza 2009, as a share of the most that there can be. The rarest words first."""
        scores: dict[Stretch, float] = {}
        most = sum(one.weight for one in wanted) * (_K1 + 1)
        mean = self._length / self.total if self._length else 1.0
        for word in sorted(wanted, key=lambda one: (-one.weight, one.word)):
            own: dict[Stretch, float] = {}
            for term, likeness in word.ways:
                having: Mapping[Stretch, float] = self._stretches[term]
                if len(having) > _COMMON and scores:
                    having = {one: having[one] for one in scores if one in having}
                for one, n in having.items():
                    value = likeness * n * (_K1 + 1) / (n + _K1 * (1 - _B + _B * one.length / mean))
                    if value > own.get(one, 0.0):
                        own[one] = value
            for one, value in own.items():
                scores[one] = scores.get(one, 0.0) + word.weight * value / most
        return scores

    def _rarity(self, terms: Iterable[str]) -> float:
        n = max((len(self._stretches[term]) for term in terms), default=0)
        return math.log(1 + (self.total - n + 0.5) / (n + 0.5))

    def _like(self, term: str) -> tuple[tuple[str, float], ...]:
        """The terms that are spelt most like an unknown one, with their likeness (Dice, of three letters)."""
        if len(term) < _LIKE_LETTERS or not term.isalpha():
            return ()
        own = _letters_of(term)
        common = Counter(other for letters in sorted(own) for other in self._letters[letters])
        likeness = {other: 2 * n / (len(own) + len(other)) for other, n in common.items()}
        best = sorted(likeness, key=lambda other: (-likeness[other], other))[:_MOST_LIKE]
        return tuple((other, likeness[other]) for other in best if likeness[other] >= _LIKE)

    def _post(self, added: Iterable[Stretch], removed: Iterable[Stretch]) -> dict[str, bool]:
        """Files stretches under their terms and takes others out; says of each term whether it was there.

        Only the lists that change are copied: earlier postings share the others.
        """
        there: dict[str, bool] = {}

        def own(term: str) -> dict[Stretch, float]:
            if term not in there:
                there[term] = term in self._stretches
                self._stretches[term] = dict(self._stretches.get(term, {}))
            return self._stretches[term]

        for one in removed:
            for term in one.weights:
                own(term).pop(one, None)
        for one in added:
            for term, weight in one.weights.items():
                own(term)[one] = weight
        for term in there:
            if not self._stretches[term]:
                del self._stretches[term]
        return there


def _is_spelt(term: str) -> bool:
    return len(term) >= _LIKE_LETTERS - 1 and term.isalpha()


def _letters_of(term: str) -> frozenset[str]:
    """Each three letters of a word that stand together, with its beginning and its end: about as many as it
    has letters."""
    padded = f"^{term}$"
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))
