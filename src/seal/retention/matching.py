"""Which documents' names are in a question: as they stand, misspelt, in part, or as initials.

Knows the names of the documents. Knows nothing about what else the documents say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from unicodedata import category

from seal.retention.index import Index
from seal.retention.page import LONGEST_NAME, NAME, NUMBER, YEAR, Page, terms_of
from seal.retention.spelling import (
    ARTICLES,
    STOP,
    Word,
    bare_forms,
    case_stem,
    chinese_people,
    content,
    is_numeral,
    is_uncased,
    is_unspaced,
    name_spans,
    neighbours,
    one_slip,
    pieces,
    without_article,
    words_of,
)
from seal.signs import UNSPACED, joined_numbers

EXACT, TYPO, PART, INITIALS, SHARED = 1.0, 0.9, 0.8, 0.7, 0.8
_LONGEST_WINDOW = 8
_LONGEST_UNSPACED = 24
"""Characters of a name in a script without spaces."""
_BETWEEN_WIDE = re.compile(f"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")
_RELATIVE = frozenset("that which who whose".split())
_BEFORE_OTHERS = ARTICLES | {"for", "and"}
_LEAST_CASELESS = 6
"""Letters of a single word that may be a name misspelt where no capitals show it: "way" is not "Wayi"."""
_LEAST_UNCASED = 5
"""Letters of a word that may be misspelt in a script without capitals, where words are short."""
_ASKS_YEAR = frozenset(("when", "year"))
_ASKS_NUMBER = frozenset("many much large long old count number price size".split())
_ASKS_NAME = frozenset("who whom whose where".split())


class MatchingSettings(Protocol):
    """What matching reads of the router's configuration."""

    @property
    def min_typo_letters(self) -> int: ...
    @property
    def min_initials(self) -> int: ...
    @property
    def max_ambiguity(self) -> int: ...


@dataclass(frozen=True)
class Match:
    """A name of a document, found at the words `window` of the question."""

    window: range
    quality: float
    why: str


@dataclass(frozen=True)
class Reading:
    """A question, taken apart: its words, and which of them are names. `caseless`: it has no capitals to tell
    names by, so that every word that no document has in lower case may be a name. `people`: names in Chinese
    that a document's text has."""

    words: tuple[Word, ...]
    spans: tuple[range, ...]
    caseless: bool
    people: tuple[range, ...] = ()

    @property
    def describes(self) -> bool:
        """Whether a relative clause describes what is asked for: "the firm that", "a book which"."""
        pairs = zip(self.words, self.words[1:])
        return any(b.norm in _RELATIVE and a.norm not in STOP for a, b in pairs)

    def norms(self, window: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.words[at].norm for at in window)

    def letters(self, window: Iterable[int]) -> str:
        return joined_numbers(without_article(self.norms(window)))

    def forms(self, window: range) -> list[str]:
        """The letters of the words, and what they are without the particles that scripts without capitals
        join to a name."""
        norms = self.norms(window)
        found = [self.letters(window)]
        if self.words[window[0]].uncased or self.words[window[-1]].uncased:
            *before, last = norms
            starts = bare_forms(before[0]) if before else ("",)
            found += [
                joined_numbers([start, *before[1:], end]) for start in starts for end in bare_forms(last)
            ]
        return list(dict.fromkeys(found))

    def is_uncased(self, window: range) -> bool:
        """Whether the words are of a script without capitals, and enough of them to be a name."""
        words = [self.words[at] for at in window]
        return all(word.uncased or word.is_number for word in words) and (
            sum(len(word.norm) for word in words) > 1
        )

    def place(self, window: range, title: Sequence[str]) -> tuple[int, int]:
        """Where in the question's text the words stand, with the article before them if the title has it."""
        start = window[0]
        if start and title[:1] == (self.words[start - 1].norm,) and title[0] in ARTICLES:
            start -= title[0] != self.words[start].norm
        return self.words[start].start, self.words[window[-1]].stop

    def terms(self, norms: Iterable[str], prefix_letters: int) -> list[str]:
        """What the words ask for, with what kind of thing the answer is."""
        every = {word.norm for word in self.words}
        asks = ((YEAR, _ASKS_YEAR), (NUMBER, _ASKS_NUMBER), (NAME, _ASKS_NAME))
        kind = next((kind for kind, words in asks if every & words), None)
        return terms_of(norms, prefix_letters) + ([kind] if kind else [])


def read_question(text: str, index: Index, max_words: int) -> Reading:
    words = tuple(words_of(text, max_words))
    letters = [w for w in words if not w.is_number and w.norm != "&"]
    caseless = not any(w.capital and not w.first for w in letters) or all(
        w.initials for w in letters if len(w.norm) > 1
    )

    def is_ordinary(norm: str) -> bool:
        return norm in STOP or f"o {norm}" in index

    spans = tuple(name_spans(words, is_ordinary))
    is_one_name = len(spans) == 1 and len(spans[0]) == len(words)
    if caseless and (not spans or is_one_name):
        spans = tuple(_unknown_runs(words, index))
    return Reading(words, spans, caseless, tuple(_known_people(words, index)))


def _known_people(words: tuple[Word, ...], index: Index) -> Iterator[range]:
    """The names in Chinese that stand in a document's text: the longer of two that begin alike."""
    for window in chinese_people(words):
        for stop in range(window.stop, window.start + 1, -1):
            if f"m {''.join(word.norm for word in words[window.start : stop])}" in index:
                yield range(window.start, stop)
                break


def _unknown_runs(words: tuple[Word, ...], index: Index) -> Iterator[range]:
    start = None
    for at in range(len(words) + 1):
        unknown = at < len(words) and words[at].norm not in STOP and f"o {words[at].norm}" not in index
        if start is not None and not (unknown and words[at].joined):
            yield range(start, at)
            start = None
        if unknown and start is None:
            start = at


def matches(
    reading: Reading, index: Index, pages: Mapping[str, Page], settings: MatchingSettings
) -> dict[str, list[Match]]:
    """For each document, where its name is in the question. A word is read as part of one name only: the
    longest that fits as it stands, otherwise one that fits but for a typing error, otherwise a part of a
    name."""
    by_document: dict[str, list[Match]] = {}
    taken: set[int] = set()
    exact = [
        w
        for w in _windows(reading)
        if reading.is_uncased(w) or _complete(reading, w) or _stands_alone(reading, w)
    ]
    for window in exact:
        keys = frozenset[str]().union(*(index[f"t {letters}"] for letters in reading.forms(window)))
        if keys and not taken & set(window):
            _take(by_document, taken, _found(reading, window, keys, EXACT, "named {}"))
    for window in exact:
        if not taken & set(window):
            keys = _misspelt(reading, window, index, pages, settings)
            _take(by_document, taken, _found(reading, window, keys, TYPO, "named {}, but for a slip"))
    for span in reading.spans:
        if taken & set(span):
            continue
        one = _by_some(reading, span, index, pages, settings)
        _take(by_document, taken, one or _by_pieces(reading, span, index, pages, settings))
    return by_document


def _take(by_document: dict[str, list[Match]], taken: set[int], given: Iterable[tuple[str, Match]]) -> None:
    for key, match in given:
        by_document.setdefault(key, []).append(match)
        taken.update(match.window)


def _found(
    reading: Reading, window: range, keys: Iterable[str], quality: float, why: str
) -> list[tuple[str, Match]]:
    match = Match(window, quality, why.format(repr(_BETWEEN_WIDE.sub("", " ".join(reading.norms(window))))))
    return [(key, match) for key in sorted(keys)]


def _by_some(
    reading: Reading,
    window: range,
    index: Index,
    pages: Mapping[str, Page],
    settings: MatchingSettings,
    *,
    whole: bool = False,
) -> list[tuple[str, Match]]:
    """The documents that a name may mean which is the name of none: by a part of their names, otherwise by
    initials. With `whole`, the name may also be a document's, as it stands or misspelt: it is one of
    several."""
    if whole and (keys := index[f"t {reading.letters(window)}"]):
        return _found(reading, window, keys, EXACT, "named {}")
    if whole and (near := _misspelt(reading, window, index, pages, settings)):
        return _found(reading, window, near, TYPO, "named {}, but for a slip")
    ways = (
        (PART, "{} in its name", _by_part(reading, window, index, pages)),
        (INITIALS, "initials {}", _by_initials(reading, window, index, settings)),
    )
    for quality, why, keys in ways:
        if 0 < len(keys) <= settings.max_ambiguity:
            return _found(reading, window, keys, quality * (SHARED if len(keys) > 1 else 1), why)
    return []


def _by_pieces(
    reading: Reading, span: range, index: Index, pages: Mapping[str, Page], settings: MatchingSettings
) -> list[tuple[str, Match]]:
    """The documents meant by the names that an "and" joins. Each name has to mean some, and no two the
    same."""
    meant: list[tuple[str, Match]] = []
    for piece in pieces(reading.words, span):
        one = _by_some(reading, piece, index, pages, settings, whole=True)
        if not one or {key for key, _ in one} & {key for key, _ in meant}:
            return []
        meant += one
    return meant


def _windows(reading: Reading) -> list[range]:
    """Runs of joined words that hold a word of a name, the longest first."""
    words, named = reading.words, {at for span in reading.spans for at in span}
    windows = []
    for start in range(len(words)):
        if words[start].norm == "&":
            continue
        longest = _LONGEST_UNSPACED if is_unspaced(words[start].norm) else _LONGEST_WINDOW
        for stop in range(start + 1, min(len(words), start + longest) + 1):
            if stop - 1 > start and not words[stop - 1].joined:
                break
            if not named.isdisjoint(range(start, stop)) or (
                (reading.caseless and stop - start > 1) or words[start].uncased
            ):
                windows.append(range(start, stop))
    return sorted(windows, key=lambda window: (-len(window), window.start))


def _complete(reading: Reading, window: range) -> bool:
    """Whether no word of a name that the window has a part of is left over."""
    left = (at for span in reading.spans if set(span) & set(window) for at in span if at not in window)
    return not content(reading.norms(left))


def _stands_alone(reading: Reading, window: range) -> bool:
    """Whether a window that is not complete may be a whole name all the same.

    A name of several words may be joined to another by "of", or follow a first word that has its capital from
    the sentence. Where there are no capitals, what looks like a name's next word may be a verb.
    """
    before, after = (
        at in range(len(reading.words))
        and any(at in span for span in reading.spans)
        and reading.words[max(at, window.start)].joined
        and bool(content(reading.norms([at])))
        for at in (window.start - 1, window.stop)
    )
    if reading.caseless:
        return not before or len(content(reading.norms(window))) > 1
    return len(content(reading.norms(window))) > 1 and not after and (not before or window.start == 1)


def _misspelt(
    reading: Reading, window: range, index: Index, pages: Mapping[str, Page], settings: MatchingSettings
) -> set[str]:
    norms = reading.norms(window)
    if norms[0] in STOP - ARTICLES or norms[-1] in STOP or len("".join(norms)) > LONGEST_NAME:
        return set()
    if any(map(is_unspaced, norms)):
        return set()  # another character is another word
    if reading.caseless and len(norms) == 1 and len(norms[0]) < _LEAST_CASELESS:
        return set()
    before = reading.words[window.start - 1] if window.start and reading.words[window.start].joined else None
    if before and before.capital and not before.first and before.norm in ARTICLES:
        # "The Salt Lantern" is not "Salt Lanterns", misspelt.
        return set()
    near = {key for one in neighbours(joined_numbers(norms)) for key in index[f"~ {one}"]}
    return {key for key in near if _is_slip(norms, pages[key].norms, index, settings)}


def _is_slip(
    written: tuple[str, ...], meant: tuple[str, ...], index: Index, settings: MatchingSettings
) -> bool:
    """Whether the difference is one typing error in one word of the name, or in its spaces. A word that some
    document has is not misspelt, nor is a number or a short word. An error beside a missing article is none:
    "Broken Storms" is not "The Broken Storm"."""
    if not one_slip(joined_numbers(written), joined_numbers(meant)):
        return False
    if [one for one in written if is_numeral(one)] != [one for one in meant if is_numeral(one)]:
        return False  # "Salt Kettle 10" is not "Salt Kettle 1.0"
    if len(written) != len(meant):
        return len("".join(meant)) > settings.min_typo_letters
    wrong = [(a, b) for a, b in zip(written, meant) if a != b]
    if len(wrong) != 1 or len("".join(meant)) < 4:
        return False
    ((one, other),) = wrong
    if not all(letter.isalpha() or category(letter)[0] == "M" for letter in one + other):
        return False  # nor is C++ a slip of C#
    if is_uncased(other) and len(other) < _LEAST_UNCASED:
        return False
    if other in ARTICLES:
        return len(meant) > 2
    return len(other) >= settings.min_typo_letters and f"w {one}" not in index and f"o {one}" not in index


def _by_part(reading: Reading, window: range, index: Index, pages: Mapping[str, Page]) -> set[str]:
    """The documents whose name has these words, in this order, and more.

    Without capitals, only if a single document fits, and only after a small word: "old" may be any word, "the
    daughter" is anyone's, and "glass printer" is more than a printer.
    """
    some = content(reading.norms(window))
    before = reading.words[window.start - 1].norm if window.start else ""
    if not some or (reading.caseless and (before in _BEFORE_OTHERS or (before and before not in STOP))):
        return set()
    keys = frozenset.intersection(*(index[f"w {word}"] | index[f"w {case_stem(word)}"] for word in some))
    fitting = {key for key in keys if _in_order(some, pages[key].title)}
    return set() if reading.caseless and len(fitting) > 1 else fitting


def _in_order(some: tuple[str, ...], every: tuple[str, ...]) -> bool:
    rest = iter(map(case_stem, every))
    return all(case_stem(word) in rest for word in some)


def _by_initials(reading: Reading, window: range, index: Index, settings: MatchingSettings) -> frozenset[str]:
    words = [reading.words[at] for at in window if reading.words[at].norm != "&"]
    letters = "".join(w.norm for w in words)
    if not all(w.initials for w in words) or not letters.isalpha() or len(letters) < settings.min_initials:
        return frozenset()
    return index[f"i {letters}"]
