"""Which documents' names a question has: as they stand, misspelt, by a part of them, by their initials.

Knows the names of the documents. Knows nothing about what else the documents say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from seal.retention.index import Index
from seal.retention.names import (
    STOP,
    Word,
    content,
    name_spans,
    neighbours,
    one_slip,
    parts,
    without_article,
    words_of,
)
from seal.retention.page import LONGEST_NAME, NAME, NUMBER, Page, terms_of

EXACT, TYPO, PART, INITIALS, SHARED = 1.0, 0.9, 0.8, 0.7, 0.8
_LONGEST_WINDOW = 8
_ASKS_NUMBER = frozenset("when year many much old".split())
_ASKS_NAME = frozenset("who whom whose where".split())


class Settings(Protocol):
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
    """A question, read: its words, and which of them are names. `caseless`: it has no capitals to tell names
    by, so that every word no document has in lower case may be one."""

    words: tuple[Word, ...]
    spans: tuple[range, ...]
    caseless: bool

    def norms(self, window: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.words[at].norm for at in window)

    def letters(self, window: Iterable[int]) -> str:
        return "".join(without_article(self.norms(window)))

    def terms(self, norms: Iterable[str], prefix_letters: int) -> list[str]:
        """What the words ask for, with what kind of thing the answer is."""
        every = {word.norm for word in self.words}
        kinds = [NUMBER] if every & _ASKS_NUMBER else [NAME] if every & _ASKS_NAME else []
        return terms_of(norms, prefix_letters) + kinds


def read_question(text: str, index: Index, max_words: int) -> Reading:
    words = tuple(words_of(text, max_words))
    letters = [w for w in words if not w.is_number and w.norm != "&"]
    caseless = not any(w.capital and not w.first for w in letters) or all(
        w.initials for w in letters if len(w.norm) > 1
    )

    def is_ordinary(norm: str) -> bool:
        return norm in STOP or f"o {norm}" in index

    spans = tuple(name_spans(words, is_ordinary))
    if caseless and not spans:
        spans = tuple(_unknown_runs(words, index))
    elif caseless and len(spans) == 1 and len(words) == len(spans[0]):
        spans = tuple(_unknown_runs(words, index))
    return Reading(words, spans, caseless)


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
    reading: Reading, index: Index, pages: Mapping[str, Page], settings: Settings
) -> dict[str, list[Match]]:
    """By document, where the question has its name. A word is read as part of one name only: the longest that
    fits as it stands, else one that fits but for a slip, else a part of a name."""
    found: dict[str, list[Match]] = {}
    taken: set[int] = set()

    def take(window: range, keys: Iterable[str], quality: float, why: str) -> None:
        taken.update(window)
        for key in sorted(keys):
            found.setdefault(key, []).append(Match(window, quality, why))

    windows = sorted(_windows(reading), key=lambda w: (-len(w), w.start))
    for window in windows:
        keys = index[f"t {reading.letters(window)}"]
        if keys and not taken & set(window) and _complete(reading, window):
            take(window, keys, EXACT, f"named {_said(reading, window)}")
    for window in windows:
        if not taken & set(window) and _complete(reading, window):
            keys = _misspelt(reading, window, index, pages, settings)
            if keys:
                take(window, keys, TYPO, f"named {_said(reading, window)}, but for a slip")
    for span in reading.spans:
        for window in parts(reading.words, span):
            if taken & set(window):
                continue
            keys = _by_part(reading, window, index, pages)
            if 0 < len(keys) <= settings.max_ambiguity:
                take(window, keys, PART * (SHARED if len(keys) > 1 else 1), f"{_said(reading, window)} in its name")
                continue
            keys = _by_initials(reading, window, index, settings)
            if 0 < len(keys) <= settings.max_ambiguity:
                take(window, keys, INITIALS * (SHARED if len(keys) > 1 else 1), f"initials {_said(reading, window)}")
    return found


def _windows(reading: Reading) -> Iterator[range]:
    """Runs of joined words that hold a word of a name."""
    words, named = reading.words, {at for span in reading.spans for at in span}
    for start in range(len(words)):
        if words[start].norm == "&":
            continue
        for stop in range(start + 1, min(len(words), start + _LONGEST_WINDOW) + 1):
            if stop - 1 > start and not words[stop - 1].joined:
                break
            if not named.isdisjoint(range(start, stop)) or (reading.caseless and stop - start > 1):
                yield range(start, stop)


def _complete(reading: Reading, window: range) -> bool:
    """Whether the window is a whole name of the question: no other word of that name is left over. What a
    longer name is joined to by "of", or a first word that may be no name, may be left."""
    for span in reading.spans:
        if not set(span) & set(window):
            continue
        for part in parts(reading.words, span):
            left = [at for at in part if at not in window]
            if set(part) & set(window) and not content(reading.norms(left)):
                break
        else:
            if len(content(reading.norms(window))) < 2 or not _loose(reading, span, window):
                return False
    return True


def _loose(reading: Reading, span: range, window: range) -> bool:
    before, after = window.start - 1, window.stop
    left_free = before not in span or not content(reading.norms([before])) or reading.words[before].first
    right_free = after not in span or not content(reading.norms([after]))
    return left_free and right_free


def _misspelt(
    reading: Reading, window: range, index: Index, pages: Mapping[str, Page], settings: Settings
) -> set[str]:
    norms = without_article(reading.norms(window))
    letters = "".join(norms)
    if not settings.min_typo_letters <= len(letters) <= LONGEST_NAME or norms[0] in STOP or norms[-1] in STOP:
        return set()
    near = {key for one in neighbours(letters) for key in index[f"~ {one}"]}
    return {key for key in near if _is_slip(norms, pages[key], index, settings)}


def _is_slip(norms: tuple[str, ...], page: Page, index: Index, settings: Settings) -> bool:
    """One slip in one word of the name. A word that is known, a number or a short one is no misspelt one."""
    title = without_article([w.norm for w in words_of(page.entry.title)])
    if not one_slip("".join(norms), page.letters):
        return False
    if len(norms) != len(title):
        return True
    wrong = [(a, b) for a, b in zip(norms, title) if a != b]
    if len(wrong) != 1:
        return False
    (written, meant), = wrong
    if any(letter.isdigit() for letter in written + meant) or len(meant) < settings.min_typo_letters:
        return False
    return f"w {written}" not in index and f"o {written}" not in index


def _by_part(reading: Reading, window: range, index: Index, pages: Mapping[str, Page]) -> set[str]:
    """Those whose name has these words, in this order, and more."""
    some = content(reading.norms(window))
    if not some:
        return set()
    keys = frozenset.intersection(*(index[f"w {word}"] for word in some))
    return {key for key in keys if _in_order(some, pages[key].title)}


def _in_order(some: tuple[str, ...], every: tuple[str, ...]) -> bool:
    rest = iter(every)
    return all(word in rest for word in some)


def _by_initials(reading: Reading, window: range, index: Index, settings: Settings) -> frozenset[str]:
    words = [reading.words[at] for at in window if reading.words[at].norm != "&"]
    letters = "".join(w.norm for w in words)
    if not all(w.initials for w in words) or not letters.isalpha() or len(letters) < settings.min_initials:
        return frozenset()
    if len(words) > 1 and any(len(w.norm) > 1 for w in words):
        return frozenset()
    return index[f"i {letters}"]


def _said(reading: Reading, window: range) -> str:
    return repr(" ".join(reading.norms(window)))
