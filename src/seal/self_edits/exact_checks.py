"""Whether every number, unit, date, name and quote of a line stands in its source, and whether one of them
denies what the other says.

Strict: what cannot be found is not supported, however true it may be. Names are checked in name_checks.py,
negation in denials.py; numbers and dates are compared in quantities.py. Knows nothing of what a line says
beyond that. Never raises on any text. A reason never quotes the source, because reasons are kept after the
source is forgotten.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from seal.grading import tongues
from seal.self_edits.clause_numbers import is_of_another_clause
from seal.self_edits.denials import denial_between
from seal.self_edits.name_checks import against_names, against_words
from seal.self_edits.quantities import (
    counts_another,
    forms_of_number,
    guess_language,
    is_stated,
    normalised,
    read_measures,
)
from seal.self_edits.source_facts import SourceFacts, read_facts, squeezed, tokens_of

__all__ = ["unsupported"]

NO_NUMBER: Final = "a number in it is not in the source"
OTHER_UNIT: Final = "a number in it has another unit in the source"
OF_ANOTHER: Final = "a number in it belongs to something else in the source"
NO_DATE: Final = "a date in it is not in the source"
NO_QUOTE: Final = "what it quotes is not in the source"

_BOUNDS: Final = frozenset(
    "to up between most least maximum max minimum bis zwischen höchstens maximal mindestens "
    "jusqu'à hasta entre".split()
)
"""Words with which one end of a range is right: "up to 5 km"."""

_WEEKDAY: Final = re.compile(
    "|".join(
        f"(?P<d{at}>" + "|".join(rf"\b{name}" if name[0] < "\u3000" else name for name in names.split()) + ")"
        for at, names in enumerate(tongues.WEEKDAYS)
    ),
    re.I,
)
_QUOTED: Final = re.compile(r'"([^"]{2,300})"')


def unsupported(line: str, source: str, title: str = "") -> str:
    """Why a number, unit, date, name or quote of `line` does not stand in `source` or `title`; empty if all
    do. `line` is a statement or a pair "Question: ...\\nAnswer: ..."."""
    read = read_facts(source, title)
    parts = [normalised(part) for part in _parts(line)]
    whole = ". ".join(parts)
    for check in (_against_measures, _against_quotes):
        if reason := check(whole, read):
            return reason
    for at, part in enumerate(parts):
        if reason := against_names(part, read, is_question=len(parts) > at + 1, is_answer=at == 1):
            return reason
        if reason := against_words(part, read, is_question=len(parts) > at + 1):
            return reason
    if is_of_another_clause(whole, source, title, read.language, comma=read.comma):
        return OF_ANOTHER
    return denial_between(parts, read.text)


def _parts(line: str) -> tuple[str, ...]:
    """A question and its answer, or the whole line."""
    told = line.strip()
    if told.startswith("Question:"):
        asked, _, answer = told.removeprefix("Question:").partition("\nAnswer:")
        return (asked, answer) if answer.strip() else (asked,)
    return (told,)


# ----- numbers, dates, quotes


def _against_measures(line: str, source: SourceFacts) -> str:
    words = {token.folded for token in tokens_of(line)}
    language = guess_language(words) if len(words) > 4 else source.language
    asked = read_measures(line, language, source.comma)
    for name, amount in asked.names():
        # of a name that has numbers in the source, one of them: "Python 3.10" is not "Python 10"
        known = source.numbered.get(name, frozenset())
        bare = amount.raw in source.bare_versions
        if known and name not in source.lower and not bare and not known & forms_of_number(amount):
            return NO_NUMBER
    bounded = not words.isdisjoint(_BOUNDS)
    for amount in asked.amounts:
        if not is_stated(amount, source.measures, bounded=bounded, counts=asked.counts(amount)):
            if amount.kind == "date":
                return NO_DATE
            bare = forms_of_number(replace(amount, unit=""))
            known = (forms_of_number(replace(one, unit="")) for one in source.measures.amounts)
            return OTHER_UNIT if any(bare & forms for forms in known) else NO_NUMBER
    if counts_another(asked, source.measures):
        return OF_ANOTHER
    return "" if _weekdays(line) <= _weekdays(source.text) else NO_DATE


def _weekdays(text: str) -> frozenset[str]:
    """The days of the week of a text: nothing else finds those that are no names or written with numerals."""
    return frozenset(match.lastgroup or "" for match in _WEEKDAY.finditer(text))


def _against_quotes(line: str, source: SourceFacts) -> str:
    quoted = (match[1] for match in _QUOTED.finditer(line))
    return "" if all(squeezed(one) in source.squeezed for one in quoted) else NO_QUOTE
