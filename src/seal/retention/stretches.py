"""A document as the index takes it, cut into stretches of a few sentences or table rows.

Knows one document at a time. Knows nothing about questions or about other documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from seal.retention.terms import terms_in
from seal.text import sentence_spans

STRETCH_WORDS = 100
"""About so many words make a stretch: enough that a pronoun is seen with its name, little enough to read."""
_TITLE = _HEADING = _ASKED = 1.0
"""How often a word of the title, the heading, and of a question written about the stretch counts as said."""


class Piece(Protocol):
    """A sentence or a row of a table at `start:stop` of a document. `text` is what a reader is shown of
    it."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...
    @property
    def heading(self) -> str: ...


@dataclass(frozen=True)
class PageText:
    """A document as the index is given it.

    `pieces` are its sentences and rows in order, as `seal.domains.knowledge` finds them; without any, the
    text is split into sentences. `questions` were written about it. Of two documents that score the same,
    the one of higher `sequence` is newer and comes first.
    """

    key: str
    title: str
    text: str
    pieces: tuple[Piece, ...] = ()
    questions: tuple[str, ...] = ()
    sequence: int = 0


@dataclass(frozen=True, eq=False)
class Stretch:
    """A few sentences or rows of a document. `weights` says how much each term counts in it, `length` for how
    many terms it stands."""

    source: PageText
    number: int
    text: str
    start: int
    stop: int
    weights: Mapping[str, float]
    length: float


@dataclass(frozen=True)
class _Sentence:
    text: str
    start: int
    stop: int
    heading: str = ""


def stretches_of(source: PageText) -> tuple[Stretch, ...]:
    pieces = source.pieces or [_Sentence(source.text[a:b], a, b) for a, b in sentence_spans(source.text)]
    groups = list(_grouped(pieces))
    counts = [Counter(term for piece in group for term in terms_in(piece.text)) for group in groups]
    asked = _questions_by_group(source, counts)
    return tuple(
        _stretch(source, number, group, count, asked[number])
        for number, (group, count) in enumerate(zip(groups, counts, strict=True))
    )


def _grouped(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Runs of pieces under one heading, of about as many words as a stretch has. Each begins with the last
    piece of the run before, so that no two sentences that belong together are always apart."""
    group: list[Piece] = []
    words = 0
    for piece in pieces:
        n = _words(piece.text)
        if group and piece.heading != group[-1].heading:
            yield group
            group, words = [], 0
        elif group and words + n > STRETCH_WORDS:
            yield group
            group = group[-1:] if len(group) > 1 and _words(group[-1].text) + n <= STRETCH_WORDS else []
            words = sum(_words(one.text) for one in group)
        group.append(piece)
        words += n
    if group:
        yield group


def _words(text: str) -> int:
    """Words; in a script without spaces, two letters are counted as one."""
    spaces = text.count(" ") + 1
    return spaces if text.isascii() else max(spaces, sum(letter > "\u2e80" for letter in text) // 2)


def _stretch(
    source: PageText, number: int, group: Sequence[Piece], said: Counter[str], asked: Counter[str]
) -> Stretch:
    heading = group[0].heading
    weights: dict[str, float] = dict(said)
    for extra, weight in (
        (Counter(set(terms_in(source.title))), _TITLE),
        (Counter(set(terms_in(heading))), _HEADING),
        (asked, _ASKED),
    ):
        for term, n in extra.items():
            weights[term] = weights.get(term, 0.0) + weight * n
    text = _shown(source, group)
    shown = f"{heading}\n{text}" if heading and not text.startswith(heading) else text
    start, stop = group[0].start, group[-1].stop
    return Stretch(source, number, shown, start, stop, weights, float(said.total()))


def _shown(source: PageText, group: Sequence[Piece]) -> str:
    """The text as it stands, but rows as they are told: without their headings they say nothing."""
    as_it_stands = source.text[group[0].start : group[-1].stop]
    if all(piece.text in as_it_stands for piece in group):
        return as_it_stands
    return "\n".join(piece.text for piece in group)


def _questions_by_group(source: PageText, counts: Sequence[Counter[str]]) -> list[Counter[str]]:
    """The terms of the questions, each question's at the stretch that has most of them, the first of several.
    A term counts once a stretch, however many questions have it."""
    asked: list[Counter[str]] = [Counter() for _ in counts]
    for question in source.questions:
        terms = set(terms_in(question))
        if terms and counts:
            best = max(range(len(counts)), key=lambda at: (len(terms & counts[at].keys()), -at))
            asked[best] |= Counter(terms)
    return asked
