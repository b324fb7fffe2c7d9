"""Which documents a question is about, by text alone; none if it is about none of them.

The rule: a name in the question must be the name of a document (as it stands, with one typing error, in part,
or by its initials), or stand in a document that also has other words of the question. A name of which only
half matches is another name: "Acme Works" is not "Acme". A question without a name is routed only if one
document has most of its words, every number included, and scores clearly higher than the next.

Knows documents as text. Knows nothing about adapters or likelihoods, which may choose among the documents.
The result depends on the set of documents alone: not on their order, nor on documents that were replaced.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from seal.errors import InputError
from seal.retention.index import Index
from seal.retention.matching import Match, Reading, matches, read_question
from seal.retention.page import KINDS, DocumentPage, Page, read, terms_of

_MENTION, _LINK = 0.5, 0.3
"""Quality of a match through a name in a document's text: the document mentions the name (mention), or a
named document mentions it (link). On the scale of the qualities in matching.py."""
_KIND_WEIGHT = 2.0
"""Weight of the kind of answer that is asked for (a year, a name); a word in one of 100 documents has 4.2."""
_K1 = 1.2
_MOST_RANKED = 1000
"""BM25 is computed for so many documents at most: those with the rarest words of the question."""


class RouterConfig(BaseModel):
    """How sure the router must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_candidates: int = Field(default=4, ge=1, description="Most documents offered for a question.")
    min_typo_letters: int = Field(
        default=3, ge=2, description="Least letters of a word of a name that may be misspelt by one letter."
    )
    min_initials: int = Field(default=2, ge=2, description="Least letters of initials that stand for a name.")
    max_ambiguity: int = Field(
        default=8, ge=1, description="A part of a name that fits more documents than this names none of them."
    )
    min_coverage: float = Field(
        default=0.55,
        ge=0,
        le=1,
        description="Share of the words of a question without a name, weighted by rarity, that a document "
        "must have.",
    )
    min_line: float = Field(
        default=0.45, ge=0, le=1, description="The same, that one line of the document must have."
    )
    min_coverage_numbers: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="The same in place of both, for a document that has all numbers of the question, and in "
        "a line with one of them another word of the question.",
    )
    min_mention: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="For a document that only mentions the names of a question: share of the question's "
        "other words that the line with the names must have.",
    )
    min_lead: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Where no name decides: share by which the second document must score less than the "
        "first.",
    )
    predicate_weight: float = Field(
        default=0.3, ge=0, le=1, description="Weight of what is asked, against that of the name."
    )
    prefix_letters: int = Field(
        default=5, ge=3, description="Letters that two words must share to count as the same."
    )
    max_words: int = Field(default=200, ge=1, description="Words of a question that are read.")


@dataclass(frozen=True)
class DocumentMatch:
    """A document that a question may be about. `score` lies in [0, 1] and is comparable between questions;
    `why` says in words what matched. `name_at` is the place of the document's name in the question, if it is
    there once. `named`: a name led to the document, its own or one in its text; otherwise a description
    did."""

    key: str
    score: float
    why: str
    name_at: tuple[int, int] | None = None
    named: bool = True


class CellRouter:
    """Finds the documents that a question is about. Immutable: see `with_entries`."""

    def __init__(self, entries: Iterable[DocumentPage] = (), config: RouterConfig | None = None) -> None:
        self.config = config or RouterConfig()
        self._pages: dict[str, Page] = {}
        self._index = Index()
        given = list(entries)
        if len({entry.key for entry in given}) < len(given):
            raise InputError("two entries of the router share a key", "Give each document a key of its own.")
        self._change(given, ())

    @property
    def entries(self) -> tuple[DocumentPage, ...]:
        return tuple(page.entry for page in self._pages.values())

    def with_entries(self, *entries: DocumentPage) -> CellRouter:
        """A router that has these too. An entry with the key of an earlier one replaces it, as if the earlier
        one had never been there."""
        copy = CellRouter((), self.config)
        copy._pages, copy._index = dict(self._pages), self._index
        copy._change(entries, [entry.key for entry in entries if entry.key in self._pages])
        return copy

    def route(self, question: str) -> tuple[DocumentMatch, ...]:
        """The documents that the question may be about, best first; nothing if it is about none of them."""
        if not self._pages:
            return ()
        reading = read_question(question, self._index, self.config.max_words)
        named = matches(reading, self._index, self._pages, self.config)
        covered = {at for name_matches in named.values() for match in name_matches for at in match.window}
        rest = [w.norm for at, w in enumerate(reading.words) if at not in covered]
        asked = self._weights(reading.terms(rest, self.config.prefix_letters))
        scored = self._by_name(reading, named, asked)
        spans = reading.people or (() if reading.caseless else reading.spans)
        if spans:
            scored |= {c.key: c for c in self._by_mention(reading, named, spans) if c.key not in scored}
        if not named and not scored and (reading.people or not spans):
            scored |= {c.key: c for c in self._by_description(reading)}
        if named:
            scored |= {c.key: c for c in self._by_link(named, asked) if c.key not in scored}
        return self._best(scored.values())

    def _best(self, candidates: Iterable[DocumentMatch]) -> tuple[DocumentMatch, ...]:
        def order(one: DocumentMatch) -> tuple[float, int, str]:
            return -one.score, -self._pages[one.key].entry.sequence, one.key

        return tuple(sorted(candidates, key=order)[: self.config.max_candidates])

    def _by_name(
        self, reading: Reading, named: Mapping[str, list[Match]], asked: Mapping[str, float]
    ) -> dict[str, DocumentMatch]:
        """The documents whose name is in the question. If it has several names, each counts for its share."""
        n_names = len({match.window for name_matches in named.values() for match in name_matches})
        qualities = {
            key: sum(sorted(match.quality for match in name_matches)) / n_names
            for key, name_matches in named.items()
        }
        scored = {}
        for key in _not_replaced(qualities, self._pages, asked):
            name_matches, quality = named[key], qualities[key]
            score = self._score(quality, _best_line(self._pages[key].lines, asked) if asked else 1.0)
            why = "; ".join(dict.fromkeys(match.why for match in name_matches))
            where = (
                reading.place(name_matches[0].window, self._pages[key].title)
                if len(name_matches) == 1
                else None
            )
            scored[key] = DocumentMatch(key, score, why, where)
        return scored

    def _by_mention(
        self, reading: Reading, named: Mapping[str, list[Match]], spans: Sequence[range]
    ) -> Iterable[DocumentMatch]:
        """The documents that mention every name of the question, at `spans`.

        A document that names someone in passing does not tell what is asked about them. So the line with the
        name must have other words of the question, or the question must describe something by the name: "the
        firm that Ana Lopez founded".
        """
        names = [reading.letters(span) for span in spans]
        keys = frozenset.intersection(*(self._index[f"m {n}"] | self._index[f"t {n}"] for n in names))
        outside = [w.norm for at, w in enumerate(reading.words) if not any(at in s for s in spans)]
        asked = self._weights(terms_of(outside, self.config.prefix_letters))
        for key in sorted(keys - named.keys()):
            mentioning = [x for x in self._pages[key].lines if any(f"m {name}" in x for name in names)]
            share = _best_line(mentioning, asked)
            if share >= self.config.min_mention or reading.describes:
                yield DocumentMatch(
                    key, self._score(_MENTION, share), "its text has every name of the question"
                )

    def _by_description(self, reading: Reading) -> Iterable[DocumentMatch]:
        """The document that has every number and most other words of the question, if no other comes near it;
        with it, all documents of the same name."""
        asked = self._weights(terms_of([w.norm for w in reading.words], self.config.prefix_letters))
        numbers = [t for t in asked if t[0].isdigit()]
        scores = self._bm25(asked, numbers)
        ranked = sorted(((score, key) for key, score in scores.items()), reverse=True)
        name = self._pages[ranked[0][1]].letters if ranked else ""
        rival = max((score for score, key in ranked if self._pages[key].letters != name), default=0.0)
        if not ranked or rival > (1 - self.config.min_lead) * ranked[0][0]:
            return
        for page in (self._pages[key] for _, key in ranked):
            if page.letters == name and self._fits(page, asked, numbers):
                coverage = _best_line([frozenset(page.terms)], asked)
                why = f"its text has {coverage:.0%} of the question"
                yield DocumentMatch(page.entry.key, round(_MENTION * coverage, 6), why, named=False)

    def _fits(self, page: Page, asked: Mapping[str, float], numbers: Collection[str]) -> bool:
        """Whether a description fits a document. Words of the document's own name do not count.

        Without numbers, one line must have much of the description and the document most of it. Less is
        enough where a line has a number of the description and another word of it.
        """
        own = {t for t in terms_of(page.title, self.config.prefix_letters) if t in asked}
        coverage = _best_line([frozenset(page.terms)], asked, own)
        if coverage >= self.config.min_coverage:
            return bool(numbers) or _best_line(page.lines, asked, own) >= self.config.min_line
        beside = [line for line in page.lines if not line.isdisjoint(numbers)]
        return (
            coverage >= self.config.min_coverage_numbers and _best_line(beside, asked, own.union(numbers)) > 0
        )

    def _by_link(
        self, named: Mapping[str, list[Match]], asked: Mapping[str, float]
    ) -> Iterable[DocumentMatch]:
        """The documents that a named document mentions by name: a question may lead through one document to
        another. Either the line with the mention has a word of the question ("the employer of Ana Lopez"), or
        the mentioned document has a word of it that the named one lacks."""
        words = {t: w for t, w in asked.items() if t not in KINDS}
        for key in sorted(named):
            page = self._pages[key]
            for name in sorted(page.mentions):
                for other in sorted(self._index[f"t {name}"] - named.keys()):
                    lines = [line for line in page.lines if f"m {name}" in line]
                    new = any(t in self._pages[other].terms and t not in page.terms for t in words)
                    if new or _best_line(lines, words):
                        score = self._score(_LINK, _best_line(self._pages[other].lines, asked))
                        yield DocumentMatch(other, score, f"named in {page.entry.title!r}")

    def _score(self, quality: float, support: float) -> float:
        weight = self.config.predicate_weight
        return round((1 - weight) * min(1.0, quality) + weight * support, 6)

    def _weights(self, terms: Iterable[str]) -> dict[str, float]:
        """How much each term says: more if fewer documents have it; one that no document has counts as if one
        had.

        Sorted, so that sums are always the same.
        """
        n = len(self._pages)
        return {
            t: _KIND_WEIGHT
            if t in KINDS
            else math.log(1 + (n + 1) / (max(1, self._index.count(f"x {t}")) + 0.5))
            for t in sorted(set(terms))
        }

    def _bm25(self, asked: Mapping[str, float], needed: Sequence[str]) -> dict[str, float]:
        """BM25 (Robertson and Zaragoza 2009) of the documents that have all terms `needed`; without these, of
        those that have one of the rarest.

        Not normalised by length, or the shorter of two documents with the same facts would lead.
        """
        known = sorted((t for t in asked if f"x {t}" in self._index), key=lambda t: (-asked[t], t))
        keys: frozenset[str] = frozenset()
        if needed:
            keys = frozenset.intersection(*(self._index[f"x {t}"] for t in needed))
        for term in () if needed else known:
            having = self._index[f"x {term}"]
            if keys and len(keys) + len(having) > _MOST_RANKED:
                break
            keys |= having
        documents = ((key, self._pages[key].terms) for key in keys)
        return {
            key: sum(asked[t] * terms[t] * (_K1 + 1) / (terms[t] + _K1) for t in known)
            for key, terms in documents
        }

    def _change(self, added: Iterable[DocumentPage], removed: Iterable[str]) -> None:
        gone = {key: self._pages.pop(key) for key in dict.fromkeys(removed)}
        new = {entry.key: read(entry, self.config.prefix_letters) for entry in added}
        self._pages |= new
        self._index = self._index.changed(
            {key: set(page.features()) for key, page in new.items()},
            {key: set(page.features()) for key, page in gone.items()},
        )


def _not_replaced(
    qualities: Mapping[str, float], pages: Mapping[str, Page], asked: Mapping[str, float]
) -> Iterable[str]:
    """The documents less those in whose place another one of them speaks that fits the name as well: what is
    asked stands best in a line that was replaced."""
    gone = {
        key
        for key in qualities
        if _best_line(pages[key].replaced, asked) > _best_line(pages[key].lines, asked)
    }
    best = max((quality for key, quality in qualities.items() if key not in gone), default=0.0)
    return [key for key, quality in qualities.items() if key not in gone or quality > best]


def _best_line(
    lines: Iterable[frozenset[str]], asked: Mapping[str, float], without: Collection[str] = ()
) -> float:
    """The share of what is asked that the best single line has, not counting the terms `without`."""
    total = sum(asked.values())
    counted = [(t, w) for t, w in asked.items() if t not in without]
    best = max((sum(w for t, w in counted if t in line) for line in lines), default=0.0)
    return best / total if total else 0.0
