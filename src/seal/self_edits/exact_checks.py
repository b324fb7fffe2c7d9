"""Whether every number, unit, date, name and quote of a line stands in its source, and whether one of them
denies what the other says.

Strict: what cannot be found is not supported, however true it may be. Names are checked in name_checks.py,
negation in denials.py; numbers and dates are read in quantities.py. Knows nothing of what a line says beyond
that. Never raises on any text. A reason never quotes the source, because reasons are
kept after the source is forgotten.
"""

from __future__ import annotations

import re
from typing import Final

from seal.self_edits.calendar_dates import CalendarDate
from seal.self_edits.denials import denial_between
from seal.self_edits.name_checks import against_names, against_words
from seal.self_edits.number_words import guess_language
from seal.self_edits.quantities import normalised, read_measures
from seal.self_edits.source_facts import SourceFacts, numbered_names, read_facts, squeezed, tokens_of

__all__ = ["unsupported"]

NO_NUMBER: Final = "a number in it is not in the source"
OTHER_UNIT: Final = "a number in it has another unit in the source"
NO_DATE: Final = "a date in it is not in the source"
NO_QUOTE: Final = "what it quotes is not in the source"

_BOUNDS: Final = frozenset(
    "to up between most least maximum max minimum bis zwischen höchstens maximal mindestens "
    "jusqu'à hasta entre".split()
)
"""Words with which one end of a range is right: "up to 5 km"."""

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
    has = source.measures
    dated = [date for readings in has.dates for date in readings]
    numbers = {form for quantity in has.quantities for form in quantity.forms}
    numbers |= {str(part) for date in dated for part in (date.year, date.month, date.day) if part}
    for readings in asked.dates:
        if not any(_is_dated(date, dated, numbers) for date in readings):
            return NO_DATE
    for name, quantity in numbered_names(line, asked):
        # of a name that has numbers in the source, one of them: "Python 3.10" is not "Python 10"
        if (
            name in source.numbered
            and name not in source.lower
            and not source.numbered[name] & quantity.forms
        ):
            return NO_NUMBER
    for quantity in asked.quantities:
        bounded = quantity.ranged or not quantity.units or not words.isdisjoint(_BOUNDS)
        if any(one.states(quantity) and (bounded or not one.ranged) for one in has.quantities):
            continue
        if quantity.forms & {str(part) for date in dated for part in (date.year, date.day) if part}:
            continue
        return OTHER_UNIT if any(one.forms & quantity.forms for one in has.quantities) else NO_NUMBER
    return ""


def _is_dated(date: CalendarDate, dated: list[CalendarDate], numbers: set[str]) -> bool:
    """Whether the source has the date, or the day in one place and the year, of a heading say, in another."""
    if any(one.states(date) for one in dated):
        return True
    if date.year and not date.month:
        return str(date.year) in numbers
    open_years = [one for one in dated if not one.year]
    bare = CalendarDate(0, date.month, date.day)
    return date.day > 0 and str(date.year) in numbers and any(one.states(bare) for one in open_years)


def _against_quotes(line: str, source: SourceFacts) -> str:
    quoted = (match[1] for match in _QUOTED.finditer(line))
    return "" if all(squeezed(one) in source.squeezed for one in quoted) else NO_QUOTE
