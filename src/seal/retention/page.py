"""What the router knows of one document: its name, the names in it, the words of each of its lines.

Knows one document at a time. Knows nothing about questions or about other documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seal.retention.spelling import (
    STOP,
    Word,
    bare,
    case_stem,
    chinese_people,
    content,
    is_unspaced,
    name_spans,
    neighbours,
    pieces,
    without_article,
    words_of,
)
from seal.signs import joined_numbers

LONGEST_NAME = 60
"""Letters. A longer title is a headline rather than a name, and is matched only as it stands."""
YEAR, NUMBER, NAME = "#year", "#number", "#name"
KINDS = (YEAR, NUMBER, NAME)
"""Among the terms of a line these stand for any number that may be a year, any other number, and any name but
the document's own. So a line that has the kind of thing that a question asks for scores higher than one that
has not."""
# Not seal.text, which splits 2 % of the micro-world's texts otherwise ("by Keiko K. Crochbech" is two lines
# here and one there): documents would be routed otherwise than when their versions were measured.
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[^a-z\s])|\n+|(?<=[。！？।؟۔])(?=.)")


@dataclass(frozen=True)
class DocumentPage:
    """A document as the router is given it: `texts` are the passage's sentences and the kept training lines,
    `replaced` the lines in whose place newer documents speak.

    `title` names what it is about. Of two documents that score the same, the one of higher `sequence` is
    newer and comes first.
    """

    key: str
    title: str
    texts: tuple[str, ...]
    sequence: int
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A document's page, taken apart into names and words. No question finds it by the lines `replaced`."""

    entry: DocumentPage
    norms: tuple[str, ...]
    letters: str
    title: tuple[str, ...]
    initials: frozenset[str]
    mentions: frozenset[str]
    ordinary: frozenset[str]
    lines: tuple[frozenset[str], ...]
    terms: Counter[str]
    replaced: tuple[frozenset[str], ...]

    def features(self) -> Iterator[str]:
        """All features by which a question may find the page, for the index. The letter says of what kind: t
        title, ~ title with a typing error, w word of the title, i initials, m name in the text, o ordinary
        word, x term."""
        yield f"t {self.letters}"
        if len(letters := joined_numbers(self.norms)) <= LONGEST_NAME:
            yield from (f"~ {near}" for near in neighbours(letters))
        yield from {f"w {form}" for word in self.title for form in (word, case_stem(word))}
        yield from (f"i {initials}" for initials in self.initials)
        yield from (f"m {mention}" for mention in self.mentions)
        yield from (f"o {word}" for word in self.ordinary)
        yield from (f"x {term}" for term in self.terms)


def read(entry: DocumentPage, prefix_letters: int) -> Page:
    norms = tuple(w.norm for w in words_of(entry.title))
    letters = joined_numbers(without_article(norms))
    title = content(norms)
    mentions: set[str] = set()
    ordinary: set[str] = set()
    lines: list[frozenset[str]] = []
    terms: Counter[str] = Counter()
    for words in _lines(entry.texts):
        named, own, line = _taken_apart(words, letters, prefix_letters)
        lines.append(line)
        mentions |= named
        ordinary |= {w.norm for w in words if not (w.capital or w.is_number or w.norm == "&")}
        terms.update(own)
    replaced = tuple(_taken_apart(words, letters, prefix_letters)[2] for words in _lines(entry.replaced))
    initials = frozenset(
        "".join(word[0] for word in some) for some in (norms, title) if 1 < len(some) <= LONGEST_NAME
    )
    return Page(
        entry,
        norms,
        letters,
        title,
        initials,
        frozenset(mentions),
        frozenset(ordinary),
        tuple(lines),
        terms,
        replaced,
    )


def _lines(texts: Iterable[str]) -> Iterator[list[Word]]:
    for text in texts:
        yield from map(words_of, _SENTENCE_END.split(text))


def _taken_apart(
    words: list[Word], letters: str, prefix_letters: int
) -> tuple[set[str], list[str], frozenset[str]]:
    """Of a line in a document whose name has these letters: the other names in it, its terms, and both with
    the kinds of things that it has."""
    named = {m for m in _mentions(words) if m and m != letters}
    own = terms_of((w.norm for w in words), prefix_letters)
    kinds = {
        YEAR if len(w.norm) == 4 and w.norm.isdigit() and w.norm[0] in "12" else NUMBER
        for w in words
        if w.is_number
    }
    line = frozenset(own) | {f"m {name}" for name in named} | ({NAME} if named else set()) | kinds
    return named, own, line


def terms_of(norms: Iterable[str], prefix_letters: int) -> list[str]:
    """The words that say something, each cut after a few letters, so that "founder" meets "founded".

    Cutting is as good as stemming for many languages and needs no rules (McNamee and Mayfield 2004). In
    scripts without spaces each two characters that stand together are a word.
    """
    terms: list[str] = []
    before = ""
    for norm in norms:
        wide = is_unspaced(norm)
        if wide and before and not (_KANA.match(before) and _KANA.match(norm)):
            terms.append(before + norm)
        before = norm if wide else ""
        if not wide and norm not in STOP and norm != "&":
            terms.append(norm if norm[0].isdigit() else bare(norm)[:prefix_letters])
    return terms


_KANA = re.compile("[\u3040-\u309f]")  # hiragana alone are endings and particles


def _mentions(words: list[Word]) -> Iterator[str]:
    for span in name_spans(words, lambda _: False):
        for part in (span, *pieces(words, span)):
            yield joined_numbers(without_article([words[at].norm for at in part]))
    for span in chinese_people(words):
        yield joined_numbers([words[at].norm for at in span])
