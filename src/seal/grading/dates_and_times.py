"""Reads dates and times of day where they stand in a text: "3 March 1874", "1874-03-03", "9.30 a.m.".

Knows the months in several languages, and Chinese, Japanese and Korean dates. Knows no calendar: a date that
does not exist is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seal.grading import number_words, tongues
from seal.grading.pieces import AnswerPiece
from seal.grading.stated_amounts import AmountKind, StatedAmount

ORDINAL_ENDS = frozenset("st nd rd th er ère e ème º ª".split())


@dataclass(frozen=True, slots=True)
class AnswerPieces:
    """The pieces of a text, and what is known about how numbers are written in it."""

    pieces: Sequence[AnswerPiece]
    comma_is_decimal: bool | None
    versions: bool
    language: str = ""

    def key(self, at: int) -> str:
        return self.pieces[at].key if 0 <= at < len(self.pieces) else ""

    def is_num(self, at: int) -> bool:
        return 0 <= at < len(self.pieces) and self.pieces[at].kind == "num"

    def whole(self, at: int, low: int, high: int) -> int | None:
        """The whole number between `low` and `high` that stands here, an ordinal's sign after it or not."""
        if not self.is_num(at) or not self.pieces[at].key.isdecimal() or len(self.pieces[at].key) > 4:
            return None
        value = int(self.pieces[at].key)
        return value if low <= value <= high else None

    def is_unit(self, at: int) -> bool:
        return self.key(at) in tongues.UNITS and self.key(at) not in ("s",)

    def skip(self, at: int, *words: str) -> int:
        while self.key(at) in words:
            at += 1
        return at

    def made(
        self, kind: AmountKind, value: tuple[object, ...], at: int, stop: int, unit: str = "", raw: str = ""
    ) -> StatedAmount:
        return StatedAmount(kind, value, unit, raw or self.key(at), max(at, 0), stop)


def read_date(text: AnswerPieces, at: int) -> StatedAmount | None:
    piece = text.pieces[at]
    if piece.kind == "num":
        return _day_first(text, at) or _digits_date(text, at) or _cjk_date(text, at)
    month = _month(text, at)
    return _month_first(text, at, month) if month else None


def _day_first(text: AnswerPieces, at: int) -> StatedAmount | None:
    day = _day(text, at)
    if day is None:
        return None
    after = text.skip(day[1], "of", "de")
    month = _month(text, after)
    if month is None:
        return None
    stop = after + 1
    if text.key(stop) == "." and text.pieces[stop].glued and _year(text, stop + 1):
        stop += 1
    year = _year(text, text.skip(stop, ",", "de", "del", "of"))
    stop = text.skip(stop, ",", "de", "del", "of") + 1 if year else stop
    return text.made("date", (year, month, day[0]), at, stop)


def _month_first(text: AnswerPieces, at: int, month: int) -> StatedAmount | None:
    after = at + 1
    if text.key(after) == "." and text.pieces[after].glued and len(text.key(at)) <= 4:
        after += 1
    after = text.skip(after, "the")
    day = _day(text, after)
    if day is not None and not text.is_unit(day[1]) and text.key(day[1]) != ":":
        stop = day[1]
        year = _year(text, text.skip(stop, ",", "of"))
        stop = text.skip(stop, ",", "of") + 1 if year else stop
        return text.made("date", (year, month, day[0]), at, stop)
    after = text.skip(at + 1, ",", "of", "de", "del", ".")
    year = _year(text, after)
    if year:
        return text.made("date", (year, month, None), at, after + 1)
    word = text.pieces[at]
    is_name = word.key in tongues.AMBIGUOUS_MONTHS and len(text.pieces) > 2
    if is_name or (word.raw[:1].islower() and word.raw.isascii() and len(word.key) < 5):
        return None
    return text.made("date", (None, month, None), at, at + 1)


def _digits_date(text: AnswerPieces, at: int) -> StatedAmount | None:
    raw = text.key(at)
    if re.fullmatch(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})", raw):
        day, month, year = (int(part) for part in raw.split("."))
        if day <= 31 and month <= 12:
            return text.made("date", (_century(year), month, day), at, at + 1)
    if text.key(at + 1) in ("-", "/") and text.key(at + 3) == text.key(at + 1):
        parts = [text.whole(at + step, 0, 2999) for step in (0, 2, 4)]
        if all(part is not None for part in parts):
            one, two, three = (part or 0 for part in parts)
            if len(raw) == 4 and 1 <= two <= 12 and 1 <= three <= 31:
                return text.made("date", (one, two, three), at, at + 5)
            if text.key(at + 1) == "/" and 1 <= one <= 31 and 1 <= two <= 31:
                day, month = (one, two) if one > 12 or text.comma_is_decimal else (two, one)
                if month <= 12:
                    made = text.made("date", (_century(three), month, day), at, at + 5)
                    return replace(made, either_order=day <= 12)
    return None


def _cjk_date(text: AnswerPieces, at: int) -> StatedAmount | None:
    year: int | None = None
    month: int | None = None
    day: int | None = None
    stop = at
    if text.key(stop + 1) in ("年", "년") and (year := text.whole(stop, 1, 2999)):
        stop += 2
    if text.key(stop + 1) in ("月", "월") and (month := text.whole(stop, 1, 12)):
        stop += 2
    if (
        text.key(stop + 1) in ("日", "일", "号", "號")
        and (month or not year)
        and (day := text.whole(stop, 1, 31))
    ):
        stop += 2
    return text.made("date", (year, month, day), at, stop) if (year and year > 99) or month else None


def _day(text: AnswerPieces, at: int) -> tuple[int, int] | None:
    """A day of the month at `at`, and where it ends."""
    day = text.whole(at, 1, 31)
    if day is None or len(text.key(at)) > 2:
        return None
    stop = at + 1
    if (
        stop < len(text.pieces)
        and (text.key(stop) in ORDINAL_ENDS or text.key(stop) == ".")
        and text.pieces[stop].glued
    ):
        stop += 1
    return day, stop


def _month(text: AnswerPieces, at: int) -> int | None:
    if 0 <= at < len(text.pieces) and text.pieces[at].kind == "word":
        return tongues.MONTHS.get(text.pieces[at].raw.casefold()) or tongues.MONTHS.get(text.key(at))
    return None


def _year(text: AnswerPieces, at: int) -> int | None:
    if not text.is_num(at) or len(text.key(at)) != 4 or text.is_unit(at + 1):
        return None
    return text.whole(at, 1000, 2999)


def begins_time(text: AnswerPieces, at: int) -> bool:
    """Whether a date or time in words may begin here: a month, "half past nine", "halb zehn"."""
    key = text.key(at)
    return key in _TIME_WORDS or _month(text, at) is not None


_TIME_WORDS = frozenset(
    "noon midday mittag midnight mitternacht half quarter halb viertel dreiviertel".split()
)
_HOURS = {
    word: value
    for words in (number_words.NUMBER_WORDS, number_words.NUMBER_WORDS_DE)
    for word, value in words.items()
    if 1 <= value <= 12 and word not in number_words.ENGLISH_ORDINALS
}


def _spoken_time(text: AnswerPieces, at: int) -> StatedAmount | None:
    """ "half past nine", "quarter to ten", "halb zehn", "Viertel nach neun"."""
    key, after = text.key(at), text.key(at + 1)
    stop = at + 1
    if key == "half" and after == "past":
        minutes, stop = 30, at + 2
    elif key in ("quarter", "viertel") and after in ("past", "to", "vor", "nach"):
        minutes, stop = 15 if after in ("past", "nach") else -15, at + 2
    elif key == "halb":
        minutes = -30
    else:
        return None
    hour = text.whole(stop, 1, 12) or _HOURS.get(text.key(stop))
    if hour is None:
        return None
    total = (60 * hour + minutes) % 720
    half, after_hour = _half(text, stop + 1)
    after_hour += text.key(after_hour) in ("uhr", "o'clock", "oclock")
    hour = total // 60 or 12
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return text.made("time", (hour, total % 60, "half" if half else ""), at, after_hour)


def read_time(text: AnswerPieces, at: int) -> StatedAmount | None:
    key = text.key(at)
    if spoken := _spoken_time(text, at):
        return spoken
    if key in ("noon", "midday", "mittag", "midnight", "mitternacht") and text.pieces[at].kind == "word":
        hour = 0 if key in ("midnight", "mitternacht") else 12
        return text.made("time", (hour, 0, "half"), at, at + 1)
    if not text.is_num(at):
        return None
    hour = minute = None
    stop = at + 1
    if len(key) > 5:
        return None
    colon = text.key(stop) in (":", "h", "点", "點", "时", "時", "시") and text.pieces[stop].glued
    if re.fullmatch(r"\d{1,2}\.\d{2}", key):
        hour, minute = (int(part) for part in key.split("."))
    elif (hour := text.whole(at, 0, 24)) is None:
        return None
    elif colon and text.is_num(stop + 1) and text.pieces[stop + 1].glued and len(text.key(stop + 1)) == 2:
        minute, stop = text.whole(stop + 1, 0, 59), stop + 2
        stop += text.key(stop) in ("分", "분")
    elif colon and text.key(stop) in ("点", "點", "时", "時", "시"):
        minute, stop = 0, stop + 1
        part = text.key(stop) + text.key(stop + 1) if text.is_num(stop) else text.key(stop)
        if part in _PARTS_OF_HOURS:
            minute, stop = _PARTS_OF_HOURS[part], stop + 1 + text.is_num(stop)
    if minute is not None and (minute > 59 or hour > 24):
        return None
    half, after = _half(text, stop)
    explicit = minute is not None and "." not in key
    if text.key(after) in ("uhr", "o'clock", "oclock", "heures", "hrs"):
        named = text.key(after) not in ("heures", "hrs") or explicit
        if (
            named
            and text.whole(after + 1, 0, 59) is not None
            and minute is None
            and len(text.key(after + 1)) == 2
        ):
            return text.made("time", (hour, text.whole(after + 1, 0, 59), "day"), at, after + 2)
        if named:
            return text.made("time", (hour, minute or 0, "day"), at, after + 1)
    half = half or _HALF_BEFORE.get(text.key(at - 2) + text.key(at - 1), "")
    if half:
        if hour > 12:
            return text.made("time", (hour, minute or 0, "day"), at, after)
        hour = hour % 12 + (12 if half == "pm" else 0)
        return text.made("time", (hour, minute or 0, "half"), at, after)
    if explicit:
        clock = "day" if hour > 12 or key.startswith("0") or text.language == "de" else ""
        return text.made("time", (hour, minute, clock), at, stop)
    return None


_PARTS_OF_HOURS = {"半": 30, "반": 30, "1刻": 15, "一刻": 15, "3刻": 45, "三刻": 45}
_HALF_BEFORE = {
    **dict.fromkeys(("上午", "早上", "午前", "오전"), "am"),
    **dict.fromkeys(("下午", "晚上", "午後", "午后", "오후"), "pm"),
}


def _half(text: AnswerPieces, at: int) -> tuple[str, int]:
    """ "am" or "pm" where one stands at `at`, and where it ends."""
    for mark in ("am", "pm"):
        if text.key(at) == mark:
            return mark, at + 1
        if text.key(at) == mark[0] and text.key(at + 1) == "." and text.key(at + 2) == "m":
            return mark, at + 3 + (text.key(at + 3) == "." and text.pieces[at + 3].glued)
    return "", at


def _century(year: int) -> int:
    return year if year > 99 else (2000 + year if year < 50 else 1900 + year)
