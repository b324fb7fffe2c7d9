"""Where to look for the answer to a question: which documents' cells to ask, and which passages to read.

Knows the router, which goes by names, and the passages, which do not need any. Knows nothing about cells, or
how a passage is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seal.retention.certainty import confidence
from seal.retention.page import DocumentPage
from seal.retention.passages import Encoder, PassageIndex
from seal.retention.router import CellRouter, DocumentMatch, RouterConfig
from seal.retention.search import PassageMatch, Reranker, Search
from seal.retention.spelling import without_article, words_of
from seal.retention.stretches import PageText

LEAST_BY_WORDS, LEAST_BY_MEANING = 0.6, 0.5
"""From this confidence on a question is sent to the documents of its passages, whatever it names: without an
encoder, and with one. So chosen that of the development half of the general questions at most 3 % are sent to
any document (figures: benchmarks/passages.py)."""
LEAST_ASKED = 0.1
"""From this confidence on a reranker is asked: 99 of 100 development questions have it, and a fifth of the
general ones."""
RERANKED, _LOOKED_AT = 4, 3
"""So many of the best passages are ranked anew, and so many tell the documents."""
_LEAST_MENTIONED = 0.25
"""The same where a name of the question is none of a document, but stands in its text."""
_DESCRIBED = 0.5
"""Score of a document that a passage leads to with full confidence, on the scale of the router's."""


@dataclass(frozen=True)
class Found:
    """Where the answer to a question may be. `documents`: whose cells are to be asked, best first, none for a
    question that is about none of them. `passages`: what is to be read, best first. `confidence`: how likely
    the passages are of a document that answers the question."""

    documents: tuple[DocumentMatch, ...]
    passages: tuple[PassageMatch, ...]
    confidence: float


class Finder:
    """Finds the documents and passages that a question is about, with a name or without. Immutable.

    A name leads first: a document that the question names is asked, whatever its text says. Which of several
    is meant that share a part of a name, the passages tell; what is only mentioned needs a passage that
    fits. Without a name a document is asked if the confidence in its passage is high enough; a `reranker` is
    asked where there is something in it. So a general question is sent to none.
    """

    def __init__(
        self,
        pages: Iterable[tuple[DocumentPage, PageText]] = (),
        config: RouterConfig | None = None,
        *,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        given = list(pages)
        self._router = CellRouter([page for page, _ in given], config)
        self._index = PassageIndex([source for _, source in given], encoder=encoder)
        self._titles = {page.key: page.title for page, _ in given}
        self._reranker = reranker

    def with_pages(self, *pages: tuple[DocumentPage, PageText]) -> Finder:
        """A finder that has these too. A document with the key of an earlier one replaces it."""
        new = Finder(config=self._router.config, reranker=self._reranker)
        new._router = self._router.with_entries(*(page for page, _ in pages))
        new._index = self._index.with_pages(*(source for _, source in pages))
        new._titles = self._titles | {page.key: page.title for page, _ in pages}
        return new

    def documents(self, question: str) -> tuple[DocumentMatch, ...]:
        """The documents whose cells may answer, best first, as `find` gives them."""
        return self._look(question)[0]

    def find(self, question: str, k: int = 3) -> Found:
        """The documents whose cells may answer, and the `k` passages to read."""
        documents, search, sure = self._look(question)
        if documents and not search.known:
            search = self._reranked(question, search)
        return Found(documents, search.passages(k), sure)

    def _look(self, question: str) -> tuple[tuple[DocumentMatch, ...], Search, float]:
        """The documents, what was found to choose them by, and how sure that is. What is named in full is
        found by words; only for another question are encoder and reranker worth their time."""
        named = [one for one in self._router.route(question) if one.named]
        in_full = any(_is_full(question, one, self._titles[one.key]) for one in named)
        search = self._index.look(question, by_meaning=not in_full)
        if not in_full and confidence(search.best(1)) >= LEAST_ASKED:
            search = self._reranked(question, search)
        passages = search.passages(_LOOKED_AT)
        sure, best = confidence(passages), _best_by_document(passages)
        documents = named if in_full else self._told_apart(named, sure, best)
        if is_sure(passages):
            there = {one.key for one in documents}
            documents += [_described(one, sure, passages[0]) for key, one in best.items() if key not in there]
        documents.sort(key=lambda one: -one.score)
        return tuple(documents[: self._router.config.max_candidates]), search, sure

    def _reranked(self, question: str, search: Search) -> Search:
        if self._reranker is None:
            return search
        return search.informed(self._reranker.information(question, search.best(RERANKED)))

    def _told_apart(
        self, named: Sequence[DocumentMatch], sure: float, best: Mapping[str, PassageMatch]
    ) -> list[DocumentMatch]:
        """Which of the documents is meant that are named in part: the passages tell."""
        if sure < _LEAST_MENTIONED and not any(one.name_at for one in named):
            return []
        top = max((one.score for one in best.values()), default=0.0)
        shares = {key: one.score / top for key, one in best.items() if top}
        return [replace(one, score=round(one.score * (1 + shares.get(one.key, 0.0)) / 2, 6)) for one in named]


def is_sure(passages: Sequence[PassageMatch]) -> bool:
    """Whether what was found is enough to say that some document is about the question."""
    if not passages:
        return False
    evidence = passages[0].evidence
    by_words = evidence.meaning is None and evidence.information is None
    least = LEAST_BY_WORDS if by_words else LEAST_BY_MEANING
    return confidence(passages) >= least


def _best_by_document(passages: Sequence[PassageMatch]) -> dict[str, PassageMatch]:
    best: dict[str, PassageMatch] = {}
    for one in passages:
        best.setdefault(one.key, one)
    return best


def _described(one: PassageMatch, sure: float, first: PassageMatch) -> DocumentMatch:
    share = one.score / first.score if first.score else 0.0
    return DocumentMatch(one.key, round(_DESCRIBED * sure * min(1.0, share), 6), one.why, named=False)


def _is_full(question: str, match: DocumentMatch, title: str) -> bool:
    """Whether the question has the document's name as a whole, or its initials."""
    if match.name_at is None:
        return False
    written = question[slice(*match.name_at)]
    said, whole = (len(without_article([word.norm for word in words_of(x)])) for x in (written, title))
    return said >= whole or (written.isupper() and len(written) > 1)
