"""The dates of a text, in one form that can be compared.

Knows the common ways of writing a date in the languages of number_words.py. Knows no other
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from seal.self_edits.number_words import MONTHS

__all__ = ["CalendarDate", "dates_of", "without"]

_MONTH: Final = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_DAY_FIRST: Final = re.compile(
    rf"(?<![\d.,:/-])(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?[ -]?(?:de |of |the )?({_MONTH})\b\.?"
    r"(?:,? (?:del? )?|-)?(\d{3,4})?(?!\d)",
    re.I,
)
_MONTH_FIRST: Final = re.compile(
    rf"\b({_MONTH})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d|%)(?:,? (\d{{4}})(?!\d))?", re.I
)
_MONTH_YEAR: Final = re.compile(rf"\b({_MONTH})\b\.?,? (?:of |de |del )?(\d{{4}})(?!\d)", re.I)
_YEAR_FIRST: Final = re.compile(r"(?<![\d.,:/-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d]|[-/.]\d)")
_DIGITS: Final = re.compile(r"(?<![\d.,:/-])(\d{1,2})([-/.]) ?(\d{1,2})\2 ?(\d{4})(?![\d]|[-/.]\d)")
_WIDE_DATE: Final = re.compile(
    r"(?<!\d)(?:(\d{3,4}) ?年 ?)(?:(\d{1,2}) ?月 ?(?:(\d{1,2}) ?[日号號])?)?"
    r"|(?<!\d)(\d{1,2}) ?月 ?(\d{1,2}) ?[日号號]"
)


@dataclass(frozen=True)
class CalendarDate:
    """A date, or the parts of it that are stated; 0 for the others."""

    year: int
    month: int
    day: int

    def states(self, other: CalendarDate) -> bool:
        """Whether it has all that the other states."""
        return all(
            mine == asked or not asked
            for mine, asked in zip((self.year, self.month, self.day), (other.year, other.month, other.day))
        )


def dates_of(text: str) -> Iterator[tuple[tuple[CalendarDate, ...], int, int]]:
    """The dates of a normalised text, each with all its readings and its place."""
    taken: list[tuple[int, int]] = []
    for pattern in (_YEAR_FIRST, _DIGITS, _WIDE_DATE, _DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR):
        blanked = without(text, taken)
        for match in pattern.finditer(blanked):
            found = tuple(dict.fromkeys(one for one in _readings(pattern, match) if _is_possible(one)))
            if found:
                taken.append(match.span())
                yield found, *match.span()


def _readings(pattern: re.Pattern[str], match: re.Match[str]) -> Iterator[CalendarDate]:
    if pattern is _YEAR_FIRST:
        yield CalendarDate(int(match[1]), int(match[3]), int(match[4]))
    elif pattern is _DIGITS:
        yield CalendarDate(int(match[4]), int(match[3]), int(match[1]))
        if match[2] != ".":
            yield CalendarDate(int(match[4]), int(match[1]), int(match[3]))
    elif pattern is _WIDE_DATE:
        if match[1]:
            yield CalendarDate(int(match[1]), int(match[2] or 0), int(match[3] or 0))
        else:
            yield CalendarDate(0, int(match[4]), int(match[5]))
    elif pattern is _DAY_FIRST:
        yield CalendarDate(int(match[3] or 0), MONTHS[match[2].casefold()], int(match[1]))
    elif pattern is _MONTH_FIRST:
        yield CalendarDate(int(match[3] or 0), MONTHS[match[1].casefold()], int(match[2]))
    else:
        yield CalendarDate(int(match[2]), MONTHS[match[1].casefold()], 0)


def _is_possible(date: CalendarDate) -> bool:
    return date.month <= 12 and date.day <= 31 and (date.day > 0 or date.year > 0)


def without(text: str, taken: list[tuple[int, int]]) -> str:
    """The text with what stands at the places made invisible."""
    parts: list[str] = []
    at = 0
    for start, end in sorted(taken):
        if start >= at:
            parts += [text[at:start], "\x00" * (end - start)]
            at = end
    return "".join(parts) + text[at:]
