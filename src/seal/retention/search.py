"""What an index has for one question: its passages, best first, with what speaks for each.

BM25 and meaning rank them (passages.py); where a model says how likely the question is beside each of the
best, these are ranked anew. Where a passage names what another document is about, that one is looked into as
well: some questions take two. Knows nothing about how documents are filed or who answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from seal.retention.index import Index
from seal.retention.postings import Postings, Wanted
from seal.retention.spelling import name_spans, words_of
from seal.retention.stretches import Stretch
from seal.retention.terms import terms_in

_INFORMATION = 0.2
"""Weight of a nat of information against a nat of the score's logarithm. Hardly matters: of 0.05 to 1 each
ranks the development documents about as well, and better than words and meaning alone."""
_LINKING = 2
"""So many of the best passages are read for names that lead on."""
_LINK = 0.5
"""Weight of a word of a title that leads on, against the rarity of a word of the question; and score of the
passage that it leads to, against the best."""
_MOST_NAMED = 3
"""A word that is in more titles than this leads to none of them."""
_LEFT = 0.1
"""Share of the question that the best passage must lack for another document to be looked into."""

Scored = tuple[Stretch, float]


@dataclass(frozen=True)
class Evidence:
    """What speaks for a passage.

    `coverage`: the share of the words of the question, by rarity, that it has. `rare_words`: the same not
    as a share, but as so many words of the rarest kind. `unknown_name`: the question has a name or number
    that the whole document lacks. `lead`: by what share the next document scores less. `meaning`: likeness of
    meaning, None without an encoder. `information`: by how many nats the passage makes the question likelier
    for a model that writes questions, None where it was not asked.
    """

    coverage: float
    rare_words: float
    unknown_name: bool
    lead: float
    meaning: float | None = None
    information: float | None = None


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


class Reranker(Protocol):
    """Says by how many nats each passage makes a question likelier than no passage does: log p(question |
    passage) - log p(question), of a model that writes questions. (Ranking by the first term: Sachan et al.
    2022, arXiv 2204.07496.)"""

    def information(self, question: str, passages: Sequence[PassageMatch]) -> Sequence[float]: ...


@dataclass(frozen=True)
class Filed:
    """What an index holds: the stretches of each document, their terms, and the words of titles."""

    stretches: Mapping[str, tuple[Stretch, ...]]
    postings: Postings
    titles: Index


@dataclass(frozen=True)
class Search:
    """The stretches that an index has for one question, by score, best first."""

    filed: Filed
    wanted: tuple[Wanted, ...]
    names: frozenset[str]
    ranked: tuple[Scored, ...]
    meanings: Mapping[Stretch, float] = field(default_factory=dict)
    known: Mapping[Stretch, float] = field(default_factory=dict)

    def best(self, k: int) -> tuple[PassageMatch, ...]:
        """The `k` passages that most likely hold the answer, best first; fewer if fewer have anything of
        it."""
        return tuple(self._match(one, score) for one, score in self.ranked[:k])

    def passages(self, k: int) -> tuple[PassageMatch, ...]:
        """The same. If the best lacks something of the question, the last place is for a document that one
        of the best names and that has it."""
        chosen = self.ranked[:k]
        if k > 1 and (linked := self._linked(chosen)):
            chosen = (*self.ranked[: k - 1], linked)
        return tuple(self._match(one, score) for one, score in chosen)

    def informed(self, information: Sequence[float]) -> Search:
        """The same with the information of as many of the best: a product of experts ranks these anew."""
        if not information:
            return self
        known = {one: nats for (one, _), nats in zip(self.ranked, information, strict=False)}
        most, least = max(information), min(information)
        scored = [
            (one, score * math.exp(_INFORMATION * (known.get(one, least) - most)))
            for one, score in self.ranked
        ]
        return replace(self, ranked=tuple(sorted(scored, key=by_score)), known=known)

    def _linked(self, best: Sequence[Scored]) -> Scored | None:
        """The passage of another document that a name in one of the best passages leads to: all of its title
        is named there, or some of it and the passage has something of the question that the best lacks."""
        if not best:
            return None
        left = [one for one in self.wanted if one.ways and one.share([best[0][0]]) < 1]
        if sum(one.weight for one in left) <= _LEFT * sum(one.weight for one in self.wanted):
            return None
        titles = self.filed.titles
        known = {term for one in self.wanted for term, _ in one.ways}
        names = {name for one, _ in best[:_LINKING] for name in _names_in(one.text)} - known
        there = {one.source.key for one, _ in best}
        scores: dict[Stretch, float] = {}
        leads = [titles[name] for name in names if titles.count(name) <= _MOST_NAMED]
        for key in frozenset().union(*leads) - there:
            stretches = self.filed.stretches[key]
            title = set(terms_in(stretches[0].source.title)) - known
            for one in stretches:
                has = sum(word.weight * word.share([one]) for word in left)
                if has or title <= names:
                    scores[one] = has + _LINK * len(title & names)
        if not scores:
            return None
        found, _ = min(scores.items(), key=by_score)
        return found, min(best[-1][1], _LINK * best[0][1])

    def _match(self, one: Stretch, score: float) -> PassageMatch:
        source, whole = one.source, self.filed.stretches[one.source.key]
        rival = max((other for two, other in self.ranked if two.source.key != source.key), default=0.0)
        total = sum(word.weight for word in self.wanted) or 1.0
        has = {word.word: word.weight * word.share([one]) for word in self.wanted}
        evidence = Evidence(
            coverage=min(1.0, sum(has.values()) / total),
            rare_words=sum(has.values()) / self.filed.postings.rarest,
            unknown_name=any(word.word in self.names and not word.share(whole) for word in self.wanted),
            lead=max(0.0, 1 - rival / score) if score else 0.0,
            meaning=self.meanings.get(one),
            information=self.known.get(one),
        )
        shown = ", ".join(word for word, weight in has.items() if weight)
        why = f"has {evidence.coverage:.0%} of the question: {shown}" if shown else "means something like it"
        return PassageMatch(
            source.key, source.title, one.text, one.start, one.stop, round(score, 6), why, evidence
        )


def by_score(scored: Scored) -> tuple[float, int, str, int]:
    """Sorts the best first; of two that score the same the newer one."""
    stretch, score = scored
    return -round(score, 9), -stretch.source.sequence, stretch.source.key, stretch.number


def names_among(words: Mapping[str, str], question: str) -> frozenset[str]:
    """The words of a question that look like names or numbers; a capital at its start shows nothing."""
    start = question.lstrip("\"'“„«([¿ ")
    return frozenset(
        word
        for word in words.values()
        if word[0].isdigit() or (word[0].isupper() and not start.startswith(word))
    )


def _names_in(text: str) -> Iterable[str]:
    """The terms of the names in a text."""
    words = words_of(text)
    return {
        term
        for span in name_spans(words, lambda _: False)
        for term in terms_in(text[words[span[0]].start : words[span[-1]].stop])
    }
