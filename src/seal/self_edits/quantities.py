"""The quantities of a text as the exact checks compare them: strictly, and knowing which text is the source.

What a quantity is and how it is written: seal.grading.amounts. Knows nothing about what a text says of them.
Never raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from seal.grading import number_words, tongues
from seal.grading.amounts import amounts
from seal.grading.pieces import AnswerPiece, pieces, plain, western_numerals
from seal.grading.stated_amounts import StatedAmount, same_amount, share_of
from seal.signs import in_one_form, simplified

__all__ = [
    "Measures",
    "counts_another",
    "forms_of_number",
    "guess_language",
    "is_stated",
    "normalised",
    "read_measures",
]

_SIGNS: Final = str.maketrans({**dict.fromkeys("–—―", "-"), **dict.fromkeys("「」『』", '"')})
_US_DOLLAR: Final = re.compile(r"\bUS ?\$")
_LINE_CHARS: Final = 1000
_WORDS: Final = re.compile(r"[^\W\d_]+")
_NOT_COUNTED: Final = frozenset("to and until till on in every bis und am à et a y до и по".split())
_NO_THING: Final = frozenset().union(*tongues.FUNCTION_WORDS.values())
_UNCHECKED: Final = number_words.ARTICLES | number_words.HALVES | {"first", "second", "erste", "zweite"}
"""Words for numbers that a line may have where its source says it otherwise: "the first woman", "half"."""


@dataclass(frozen=True)
class Measures:
    """The numbers, dates, times and versions of a text, and the pieces that they stand among."""

    pieces: tuple[AnswerPiece, ...]
    amounts: tuple[StatedAmount, ...]

    def names(self) -> Iterator[tuple[str, StatedAmount]]:
        """The words with the number right behind each, as in "Python 3.10"."""
        for amount in self.amounts:
            before = self.pieces[amount.at - 1] if amount.at else None
            if before and before.kind == "word" and not amount.unit and not self.pieces[amount.at].glued:
                yield before.key, amount

    def counts(self, amount: StatedAmount) -> bool:
        """Whether a word for what is counted may stand right behind."""
        after = self.pieces[amount.stop] if amount.stop < len(self.pieces) else None
        return after is not None and after.kind in ("word", "cjk") and after.key not in _NOT_COUNTED

    def counted(self) -> Iterator[tuple[StatedAmount, str]]:
        """The bare numbers with the word right behind each; none where a number goes on or a range is."""
        for amount in self.amounts:
            if amount.kind == "number" and not amount.unit and not amount.ordinal:
                after = self.pieces[amount.stop] if amount.stop < len(self.pieces) else None
                yield amount, after.key if after and after.kind == "word" and self.counts(amount) else ""

    def forms(self) -> dict[str, frozenset[str]]:
        """The words and digits of quantities, each with the forms of its quantity."""
        found: dict[str, frozenset[str]] = {}
        for amount in self.amounts:
            forms = forms_of_number(amount)
            for piece in self.pieces[amount.at : amount.stop]:
                if piece.kind in ("num", "word"):
                    found[piece.key] = found.get(piece.key, frozenset()) | forms
        return found


def normalised(text: str) -> str:
    """A text in one form, in simplified characters and on one line, with one sign for all dashes, quotes and
    dollars."""
    text = simplified(in_one_form(_US_DOLLAR.sub("$", text))).translate(_SIGNS)
    return re.sub(r"\s+", " ", text).strip()


def guess_language(words: set[str]) -> str:
    """The language that has most of its function words among these; "en" where none stands out."""
    counts = {name: len(known & words) for name, known in tongues.FUNCTION_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > counts["en"] else "en"


def read_measures(text: str, language: str = "", decimal_comma: bool | None = None) -> Measures:
    """The quantities of a text. A line's are remembered."""
    return (_read if len(text) <= _LINE_CHARS else _read.__wrapped__)(text, language, decimal_comma)


@lru_cache(maxsize=1 << 11)
def _read(text: str, language: str, decimal_comma: bool | None) -> Measures:
    language = language or guess_language({word.casefold() for word in _WORDS.findall(text)})
    comma = uses_decimal_comma(text, language) if decimal_comma is None else decimal_comma
    found = tuple(pieces(western_numerals(plain(text))))
    return Measures(found, tuple(amounts(found, comma_is_decimal=comma, language=language)))


def uses_decimal_comma(text: str, language: str) -> bool:
    """Whether "1,5" is one and a half in this text, so that "1.500" is fifteen hundred."""
    commas = len(re.findall(r"\d,\d{1,2}(?![\d,])", text)) + 2 * len(re.findall(r"\d\.\d{3},\d", text))
    points = len(re.findall(r"\d\.\d{1,2}(?![\d.])", text)) + 2 * len(
        re.findall(r"\d,\d{3}(?:\.\d|,\d{3})", text)
    )
    return commas > points or (commas == points and language in tongues.COMMA_IS_DECIMAL)


def is_stated(asked: StatedAmount, source: Measures, *, bounded: bool, counts: bool) -> bool:
    """Whether the source states what a line does. `bounded`: one end of a range is enough; `counts`: it says
    how many of something there are, so that it is no hour."""
    if asked.spelled and (asked.raw.casefold() in _UNCHECKED or asked.value == (Fraction(1),)):
        worth = asked.value[0]  # of "one quarter" a quarter, of "a dozen" twelve
        scaled = isinstance(worth, Fraction) and (worth > 1 or worth.denominator > 2)
        if not scaled or asked.raw.casefold() in ("second", "zweite"):
            return True
    if asked.ordinal and asked.value == (Fraction(1),):
        return True
    if asked.kind == "date":
        return _is_dated(asked, source)
    for one in source.amounts:
        if one.kind == "date":
            year, _, day = one.value
            if asked.kind == "number" and not asked.unit and asked.value[0] in (year, day):
                return True
        elif counts and asked.kind == "number" and one.kind == "time" and not asked.unit:
            continue
        elif _is_full_hour(asked, one) or (
            same_amount(one, asked)
            and (bounded or asked.ranged or not asked.unit or not one.ranged or one.kind == "time")
        ):
            return True
    return False


def counts_another(asked: Measures, source: Measures) -> bool:
    """Whether a number of the line counts one thing where the source has it of another only, and has another
    number of the one: 12 bells and 3 clocks for 3 bells and 12 clocks."""
    stated = list(source.counted())
    for amount, what in asked.counted():
        own = [other for one, other in stated if one.value == amount.value]
        if not what or not own or what in _NO_THING or not all(one and one not in _NO_THING for one in own):
            continue
        if all(not _is_word_of(what, one) for one in own) and any(
            _is_word_of(what, other) and one.value != amount.value for one, other in stated
        ):
            return True
    return False


def _is_word_of(one: str, other: str) -> bool:
    """Whether two words are the same, or differ in their endings alone."""
    return one == other or (min(len(one), len(other)) > 3 and one[:-2] == other[: len(one) - 2])


def _is_full_hour(asked: StatedAmount, time: StatedAmount) -> bool:
    """Whether "16 часов" may be the time 16:00."""
    value = asked.value[0]
    is_hours = asked.kind == "number" and asked.unit == "s" and asked.factor == 3600
    return (
        is_hours
        and isinstance(value, Fraction)
        and time.kind == "time"
        and time.value[:2] == (value / 3600, 0)
    )


def _is_dated(asked: StatedAmount, source: Measures) -> bool:
    """Whether the source has all of the date, or the day in one place and the year, of a heading say, in
    another."""
    readings = [asked.value]
    if asked.either_order:
        readings.append((asked.value[0], asked.value[2], asked.value[1]))
    has = [one.value for one in source.amounts if one.kind == "date"]
    has += [(y, d, m) for one in source.amounts if one.either_order for y, m, d in (one.value,)]
    years = {one.value[0] for one in source.amounts if one.kind == "number" and not one.unit}
    years |= {year for year, _, _ in has}
    for year, month, day in readings:
        whole = any(
            all(mine is None or mine == its for mine, its in zip((year, month, day), one, strict=True))
            for one in has
        )
        parted = day is not None and year in years and any(one == (None, month, day) for one in has)
        if whole or parted or (month is None and day is None and year in years):
            return True
    return False


def forms_of_number(amount: StatedAmount) -> frozenset[str]:
    """A quantity as texts that are equal where the quantities are; a unit counts as far as it is written."""
    value = amount.value[0]
    if amount.kind == "date":
        return frozenset(str(part) for part in amount.value if part)
    if amount.kind == "time":
        return frozenset((f"{value}:{amount.value[1]:0>2}",))
    if not isinstance(value, Fraction):
        return frozenset((str(value),))
    factor = amount.factor
    share = share_of(amount)
    shares = () if share is None else (f"{_written(share)} of it",)
    return frozenset((_written(value / factor), f"{_written(value)} {amount.unit}", *shares))


def _written(value: Fraction) -> str:
    return (
        str(value.numerator) if value.denominator == 1 else str(float(value)) if value < 10**9 else str(value)
    )
