"""The numbers, units and dates of a text, in forms that can be compared.

Knows signs, decimals, thousands, scales ("3 million"), number words, currencies, clock times, versions and
dates in the languages of number_words.py. Knows nothing about what a text says of them. Never raises on any
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from seal.self_edits.calendar_dates import CalendarDate, dates_of, without
from seal.self_edits.number_words import (
    SCALES,
    TENS,
    UNITS,
    WIDE_SCALES,
    WIDE_UNITS,
    WORD_VALUES,
    guess_language,
)
from seal.signs import in_one_form

__all__ = ["Measures", "Quantity", "normalised", "read_measures"]

_SIGNS: Final = str.maketrans({**dict.fromkeys("–—―", "-"), **dict.fromkeys("「」『』", '"'), "〇": "零"})
_US_DOLLAR: Final = re.compile(r"\bUS ?\$")

_NUMBER: Final = re.compile(r"\d+(?:[.,:/']\d+)*(?:\^\d+)?")
_GROUPED: Final = re.compile(r"(?<![\d.,:/'-])\d{1,3}(?: \d{3})+(?![\d]|[.:/']\d)(?:,\d+)?")
_LETTERS: Final = (
    r"(?:[^\W\d_][\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0970-\u0dff\u0e31-\u0e4e]*)+"
)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_AFTER: Final = re.compile(
    r"[ -]?(?:([$€£¥₹₽%])|(°) ?([CFcf])\b|(km/h|" + _LETTERS + r"(?:\.[^\W\d_])?)(?![^\W_]))"
)
_NEXT_WORD: Final = re.compile(r"[ -]?(" + _LETTERS + r")\.?")
_PERCENT: Final = re.compile(
    r" ?(?:per ?cent|pour ?cent|por ?ciento|в процентах|في المئة|في المائة|percentage points?)\b", re.I
)
_SQUARE: Final = re.compile(r" ?(square|sq\.?|cubic|quadrat|kubik) ?", re.I)
_CURRENCY: Final = re.compile(r"(?:([$€£¥₹₽])|\b(USD|EUR|GBP|JPY|CHF|INR|CNY|Rs)\.?) ?[-+]?$")
_ORDINAL: Final = re.compile(r"(?:st|nd|rd|th|er|ère|re|e|ème|º|ª|°)(?![^\W_])")
_RANGE: Final = re.compile(r"\d ?-$")
_BRIEF_SCALE: Final = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9}
_WIDE_DIGITS: Final = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}
_WIDE_NUMERAL: Final = re.compile("[零一二三四五六七八九两兩十百千万萬亿億]+")
_COUNTED: Final = re.compile(
    "[年月日号天个個名位人元岁歲次米公千克吨小分秒周週条本座家种倍层楼世届页字章集%]"
)
_PER_HUNDRED: Final = re.compile("百分之$")
_WIDE_LENGTH: Final = max(map(len, WIDE_UNITS))


@dataclass(frozen=True)
class Quantity:
    """One number of a text, in all forms that it may be read in, and the units that may stand by it."""

    forms: frozenset[str]
    units: frozenset[str]
    start: int
    ranged: bool = False  # the last of two numbers with a hyphen between: "3-5 km" is not 5 km

    def states(self, other: Quantity) -> bool:
        """Whether it says the same as the other, as far as both state a unit."""
        return bool(self.forms & other.forms) and (
            not self.units or not other.units or bool(self.units & other.units)
        )


@dataclass(frozen=True)
class Measures:
    """All numbers and dates of a text. A date stands for all its readings ("3/4/1874" has two)."""

    quantities: tuple[Quantity, ...]
    dates: tuple[tuple[CalendarDate, ...], ...]


def normalised(text: str) -> str:
    """A text in one form and on one line, with one sign for all dashes, quotes and dollars."""
    text = in_one_form(_US_DOLLAR.sub("$", text)).translate(_SIGNS)
    return re.sub(r"\s+", " ", text).strip()


def read_measures(text: str, language: str = "", decimal_comma: bool | None = None) -> Measures:
    """The numbers and dates of a normalised text."""
    words = {word.casefold() for word in _WORDS.findall(text)}
    language = language or guess_language(words)
    comma = uses_decimal_comma(text, language) if decimal_comma is None else decimal_comma
    text = _wide_numerals(text)
    dates: list[tuple[CalendarDate, ...]] = []
    taken: list[tuple[int, int]] = []
    for found, start, end in dates_of(text):
        dates.append(found)
        taken.append((start, end))
    rest = without(text, taken)
    quantities = [*_in_digits(rest, comma), *_in_words(rest, language)]
    quantities.sort(key=lambda one: one.start)
    return Measures(tuple(quantities), tuple(dates))


def uses_decimal_comma(text: str, language: str) -> bool:
    """Whether "1,5" is one and a half in this text, so that "1.500" is fifteen hundred."""
    commas = len(re.findall(r"\d,\d{1,2}(?![\d,])", text)) + 2 * len(re.findall(r"\d\.\d{3},\d", text))
    points = len(re.findall(r"\d\.\d{1,2}(?![\d.])", text)) + 2 * len(
        re.findall(r"\d,\d{3}(?:\.\d|,\d{3})", text)
    )
    return commas > points or (commas == points and language != "en")


# ----- numbers in digits


def _in_digits(text: str, comma: bool) -> Iterator[Quantity]:
    grouped = {match.start(): match for match in _GROUPED.finditer(text)}
    done = 0
    for match in _NUMBER.finditer(text):
        before = text[match.start() - 1 : match.start()] if match.start() else ""
        if match.start() < done or (before.isalpha() and not _WIDE.match(before)) or before == "_":
            continue  # "B12" is a name
        group = grouped.get(match.start())
        if group is not None:
            done = group.end()
        yield from _quantities(text, group or match, comma)


_WIDE: Final = re.compile("[\u0900-\u0dff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0600-\u06ff]")


def _quantities(text: str, match: re.Match[str], comma: bool) -> Iterator[Quantity]:
    start, end = match.span()
    forms = _forms(match[0].replace(" ", ""), comma)
    value = _value(match[0].replace(" ", ""), comma)
    if value is None:
        yield Quantity(forms, _units(text, start, end), start)
        return
    scale, after = _scale(
        text, end, has_currency=_CURRENCY.search(text, max(0, start - 6), start) is not None
    )
    units = _units(text, start, after)
    sign = _is_negative(text, start)
    if scale != 1:
        forms = frozenset((_plain(value * scale),))
    elif units:
        forms |= {_plain(value)}
    if sign:
        forms = frozenset("-" + form for form in forms)
    ordinal = _ORDINAL.match(text, end)
    if text[end : end + 1] in ("s",) and len(match[0]) in (2, 4) and not text[end + 1 : end + 2].isalnum():
        forms, units = frozenset(form + "s" for form in forms), frozenset()  # "the 1990s"
    elif ordinal and not units & {"s", "t"}:
        units = frozenset()
    ranged = _RANGE.search(text, max(0, start - 3), start) is not None
    yield Quantity(forms | _clock(match[0], units), units, start, ranged and not units & {"am", "pm"})


def _forms(written: str, comma: bool) -> frozenset[str]:
    if written.isdigit():
        return frozenset((written.lstrip("0") or "0",))
    value = _value(written, comma)
    if value is None:
        return frozenset((written.lstrip("0"),))
    if value == value.to_integral_value() and not re.search(r"[.,]0+$", written):
        return frozenset((_plain(value),))
    # "3.10" is no "3.1" if it is a version
    return frozenset((format(value, "f"),))


def _value(written: str, comma: bool) -> Decimal | None:
    """What a number amounts to; None for clock times, versions, ratios."""
    if any(char in written for char in ":/^"):
        return None
    written = re.sub(r"'(?=\d{3}(?!\d))", "", written)
    if "'" in written or len(written) > 60:
        return None
    points, commas = written.count("."), written.count(",")
    if points and commas:
        last = max(written.rfind("."), written.rfind(","))
        whole, part = re.sub("[.,]", "", written[:last]), written[last + 1 :]
        return Decimal(f"{whole}.{part}") if written.count(written[last]) == 1 else None
    mark = "." if points else ","
    parts = written.split(mark)
    is_grouped = len(parts) > 1 and all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(parts) > 2:
        return Decimal("".join(parts)) if is_grouped and parts[0] != "0" else None
    if len(parts) == 2:
        if is_grouped and parts[0].lstrip("0") and comma == (mark == "."):
            return Decimal("".join(parts))
        return Decimal(".".join(parts))
    return Decimal(written)


def _plain(value: Decimal) -> str:
    told = format(value, "f")
    return (told.rstrip("0").rstrip(".") if "." in told else told) or "0"


def _is_negative(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start]
    before = re.sub(r"[$€£¥₹] ?$", "", before)
    if before.endswith("-"):
        ahead = before[-2:-1]
        return not ahead or ahead in ' (["=:;,'
    return re.search(r"\b(?:minus|moins|menos|负)\s?$", before) is not None


def _scale(text: str, end: int, *, has_currency: bool) -> tuple[int, int]:
    """What the words behind a number multiply it by, and where they end."""
    scale, at = 1, end
    for _ in range(2):
        wide = WIDE_SCALES.get(text[at : at + 1])
        if wide:
            scale, at = scale * wide, at + 1
            continue
        match = _NEXT_WORD.match(text, at)
        name = match[1].casefold() if match else ""
        attached = match is not None and match[0][0].isalpha()
        if match and attached and has_currency and name in _BRIEF_SCALE:
            scale, at = scale * _BRIEF_SCALE[name], match.end(1)
        elif match and name in SCALES and (name != "k" or attached):
            # "3 Mio. Euro"
            scale, at = scale * SCALES[name], match.end() if name in ("mio", "mrd") else match.end(1)
        else:
            break
    return scale, at


def _units(text: str, start: int, end: int) -> frozenset[str]:
    units: set[str] = set()
    before = _CURRENCY.search(text, max(0, start - 6), start)
    if before:
        units |= set(UNITS[(before[1] or before[2]).casefold()].split())
        return frozenset(units)
    if _PER_HUNDRED.search(text, max(0, start - 3), start) or _PERCENT.match(text, end):
        return frozenset("%")
    power = _SQUARE.match(text, end)
    if power:
        end = power.end() - (text[power.end() - 1] == " ")
    after = _AFTER.match(text, end)
    if after:
        name = (after[1] or (after[2] or "") + (after[3] or "") or after[4]).casefold()
        units |= set(UNITS.get(name, "").split())
        if text[after.end() : after.end() + 2] in ("^2", "^3", "2 ", "3 ") or power:
            units = {unit + "^" for unit in units}
        if name == "am" and re.match(r" [A-ZÄÖÜ]", text[after.end() : after.end() + 2]):
            units.discard("am")  # "1874 am Fluss"
    for length in range(_WIDE_LENGTH, 0, -1):
        unit = WIDE_UNITS.get(text[end : end + length].strip())
        if unit:
            return frozenset((unit,))
    return frozenset(units)


def _clock(written: str, units: frozenset[str]) -> frozenset[str]:
    """A time of day in the afternoon as it is told on 24 hours, too."""
    match = re.fullmatch(r"(\d{1,2})(?:[:.](\d{2}))?", written)
    if not match or not units & {"am", "pm"}:
        return frozenset()
    hour = int(match[1]) % 12 + (12 if "pm" in units else 0)
    return frozenset((f"{hour}:{match[2] or '00'}", f"{int(match[1])}:{match[2] or '00'}"))


# ----- numbers in words


def _in_words(text: str, language: str) -> Iterator[Quantity]:
    values, tens = WORD_VALUES.get(language, {}), TENS.get(language, {})
    found = list(_WORDS.finditer(text))
    at = 0
    while at < len(found):
        total, size = _word_number(text, found, at, values, tens)
        if size:
            end = found[at + size - 1].end()
            scale, after = _scale(text, end, has_currency=False)
            value = Decimal(total) * scale
            yield Quantity(
                frozenset((_plain(value),)), _units(text, found[at].start(), after), found[at].start()
            )
        at += max(size, 1)


def _word_number(
    text: str, found: list[re.Match[str]], at: int, values: dict[str, int], tens: dict[str, int]
) -> tuple[int, int]:
    """The number that the words from `at` on say, and how many they are; 0 words if none."""
    for size in (3, 2, 1):
        if at + size <= len(found):
            phrase = text[found[at].start() : found[at + size - 1].end()].casefold()
            if phrase in values and not (phrase == "one" or len(phrase) > 40):
                total = values[phrase]
                following = found[at + size][0].casefold() if at + size < len(found) else ""
                if size == 1 and following in ("hundred",) and at + size + 1 < len(found):
                    return _with_hundreds(found, at, total, values, tens)
                return total, size
    word = found[at][0].casefold()
    ten, _, one = word.partition("-")
    if ten in tens:
        if one and one in values and values[one] < 10:
            return tens[ten] + values[one], 1
        following = found[at + 1][0].casefold() if at + 1 < len(found) else ""
        if not one and 0 < values.get(following, 0) < 10 and found[at + 1].start() == found[at].end() + 1:
            return tens[ten] + values[following], 2
        return (tens[ten], 1) if not one else (0, 0)
    return 0, 0


def _with_hundreds(
    found: list[re.Match[str]], at: int, total: int, values: dict[str, int], tens: dict[str, int]
) -> tuple[int, int]:
    """ "two hundred and five": the words behind the hundreds, too."""
    size, rest = 2, at + 2
    if found[rest][0].casefold() == "and" and rest + 1 < len(found):
        rest += 1
    ten, _, one = found[rest][0].casefold().partition("-")
    added = tens.get(ten, values.get(ten, 0)) + (values.get(one, 0) if one else 0)
    return (total * 100 + added, rest + 1 - at) if 0 < added < 100 else (total * 100, size)


def _wide_numerals(text: str) -> str:
    """Chinese numerals in digits, where they count something."""

    def digits(match: re.Match[str]) -> str:
        written = match[0]
        after = text[match.end() : match.end() + 1]
        is_share = _PER_HUNDRED.search(text, max(0, match.start() - 3), match.start())
        if len(written) == 1 and not _COUNTED.match(after) and not is_share:
            return written
        if after == "年" and len(written) == 4 and not set(written) & set("十百千万萬亿億"):
            return "".join(str(_WIDE_DIGITS[char]) for char in written)
        if (
            len(written) < 2
            and written in "十百千万萬亿億"
            and text[match.start() - 1 : match.start()].isdigit()
        ):
            return written
        value = _wide_value(written)
        return written if value is None else str(value)

    return _WIDE_NUMERAL.sub(digits, text)


def _wide_value(written: str) -> int | None:
    if written[0] in "百千万萬亿億" or len(written) > 20:
        return None
    if not set(written) & set("十百千万萬亿億"):
        return int("".join(str(_WIDE_DIGITS[char]) for char in written))
    total = section = digit = 0
    for char in written:
        if char in _WIDE_DIGITS:
            digit = _WIDE_DIGITS[char]
        elif char in "万萬亿億":
            total = (total + section + digit) * WIDE_SCALES[char]
            section = digit = 0
        else:
            section += (digit or 1) * (10 if char == "十" else WIDE_SCALES[char])
            digit = 0
    return total + section + digit
