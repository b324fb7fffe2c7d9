"""A source as the exact checks see it: its words, names, numbers and dates, ready to be looked up.

Knows how a word may be written. Knows nothing about what a line may say of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from seal.languages import script_language
from seal.self_edits.quantities import (
    Measures,
    forms_of_number,
    guess_language,
    normalised,
    read_measures,
    uses_decimal_comma,
)
from seal.signs import MARKS, UNSPACED, simplified, without_marks

__all__ = [
    "NameToken",
    "SourceFacts",
    "WIDE_RUN",
    "fold",
    "forms_of",
    "letters_of",
    "read_facts",
    "squeezed",
    "tokens_of",
]

_TOKEN: Final = re.compile(
    rf"(?:(?<![\w.])\.)?[^\W_{UNSPACED}](?:[^\W{UNSPACED}]|[{MARKS}]|['.&](?=[^\W_{UNSPACED}]))*(?:\+{{1,2}}(?![\w+])|\#)?"
)
_LETTER: Final = re.compile(
    r"(?<![\w.'&-])([A-Z](?:\+|-(?!\w)|\*|#)(?![\w+*#])|[A-Z](?![\w+'&*#-]| ?[a-z]|\.\s*\S))"
)
_BREAKS_RUN: Final = re.compile(r"[^\s.'-]|[.](?=\s)")
WIDE_RUN: Final = re.compile(f"[{UNSPACED}]+")
_BEGINS: Final = re.compile(r"[.!?:;\"(。！？।|•]")
_SHORT_FORM: Final = re.compile(
    r"(?:[A-ZÄÖÜ]|Dr|Mr|Mrs|Ms|St|No|Nr|Prof|Sr|Sra|Jr|Lt|Col|Gen|Rev|Inc|Co|Ltd)"
)
_FEWEST: Final = 3
_MOST_STEM: Final = 24
_SENTENCE_GAP: Final = 10  # words of two sentences are no name together


@dataclass(frozen=True)
class NameToken:
    text: str
    folded: str
    start: int
    begins: bool  # a sentence begins with it, so that its capital says little
    follows: bool  # nothing but a space or hyphen stands between it and the token before


@dataclass(frozen=True)
class SourceFacts:
    text: str
    language: str
    language_of_script: str
    comma: bool
    measures: Measures
    words: dict[str, tuple[int, ...]]  # where each word stands
    lower: frozenset[str]  # words that stand there without a capital
    stems: frozenset[str]
    initials: frozenset[str]
    squeezed: str  # letters and digits alone
    numbered: dict[str, frozenset[str]]  # the numbers that stand right behind a name ("Python 3.10")
    bare_versions: frozenset[str]  # "3.0" in "Version 2.0 and 3.0"
    letters: frozenset[str]  # letters that stand alone with their sign ("A+")
    pairs: frozenset[str]  # two characters each, of scripts without spaces


@lru_cache(maxsize=64)
def read_facts(source: str, title: str) -> SourceFacts:
    body = normalised(source)
    text = f"{normalised(title)}. {body}" if title.strip() else body
    tokens = list(tokens_of(text))
    words: dict[str, list[int]] = {}
    at = 0
    for token in tokens:
        at += _SENTENCE_GAP if token.begins else 1
        for form in forms_of(token.folded):
            words.setdefault(form, []).append(at)
    plain = {token.folded for token in tokens}
    language = guess_language(plain)
    comma = uses_decimal_comma(body, language)
    runs = WIDE_RUN.findall(text)
    measures = read_measures(text, language, comma)
    numbered: dict[str, frozenset[str]] = {}
    for name, amount in measures.names():
        numbered[name] = numbered.get(name, frozenset()) | forms_of_number(amount)
    return SourceFacts(
        text=body,
        language=language,
        language_of_script=script_language(body),
        comma=comma,
        measures=measures,
        numbered=numbered,
        bare_versions=frozenset(_bare_versions(measures)),
        words={word: tuple(places) for word, places in words.items()},
        lower=frozenset(token.folded for token in tokens if token.text[:1].islower()),
        stems=frozenset(
            word[:size] for word in plain for size in range(_FEWEST, min(len(word), _MOST_STEM) + 1)
        ),
        initials=frozenset(_initials(tokens)),
        squeezed=squeezed(text),
        letters=letters_of(text),
        pairs=frozenset(run[at : at + 2] for run in runs for at in range(len(run) - 1))
        | frozenset("".join(runs)),
    )


def _bare_versions(measures: Measures) -> Iterator[str]:
    """Numbers with points and without a unit that no name stands before."""
    named = {amount.at for _, amount in measures.names() if measures.pieces[amount.at - 1].raw.istitle()}
    for one in measures.amounts:
        if "." in one.raw and not one.unit and one.at not in named:
            yield one.raw


def letters_of(text: str) -> frozenset[str]:
    """The letters that stand alone, as names of groups and grades do, each with its sign: "A+", "O-"."""
    return frozenset(match[1] for match in _LETTER.finditer(text))


def tokens_of(text: str) -> Iterator[NameToken]:
    """The words of a normalised text, symbols that belong to them included ("C++", ".NET")."""
    end = 0
    before = ""
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()]
        marks = between.replace(".", "") if _SHORT_FORM.fullmatch(before) else between
        begins = not end or _BEGINS.search(marks) is not None
        follows = bool(end) and len(between) <= 2 and not _BREAKS_RUN.search(marks)
        before = match[0]
        yield NameToken(before, fold(before), match.start(), begins, follows)
        end = match.end()


def fold(text: str) -> str:
    """In small letters and simplified characters, without the accents that writers leave out."""
    return without_marks(simplified(text.casefold()))


def squeezed(text: str) -> str:
    return "".join(char for char in fold(text) if unicodedata.category(char)[0] in "LMN")


def _initials(tokens: list[NameToken]) -> Iterator[str]:
    run = ""
    for token in tokens:
        if token.text[:1].isupper():
            run = (run if token.follows else "") + token.text[0].upper()
            for start in range(max(0, len(run) - 6), len(run) - 1):
                yield run[start:]
        elif token.folded not in ("of", "the", "and", "for", "de", "du", "des", "la", "der", "für", "und"):
            run = ""


def forms_of(folded: str) -> Iterator[str]:
    yield folded
    if folded.endswith("'s"):
        yield folded[:-2]
    if "." in folded:
        yield folded.replace(".", "")
    if "'" in folded[1:3]:  # l'Institut, d'Alembert
        yield folded.split("'", 1)[1]
