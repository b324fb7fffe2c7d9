"""Reads the quantities of a text: numbers in digits and words with their units and currencies, dates, times.

"$45", "45 dollars" and "USD 45" are read alike, and so are "90 minutes" and "1.5 hours". Knows number words
in English and German. Knows nothing about questions or about the other words of an answer. Every pattern is
matched in linear time. Never raises on any text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from seal.grading import tongues
from seal.grading.dates_and_times import ORDINAL_ENDS, AnswerPieces, read_date, read_time
from seal.grading.pieces import AnswerPiece, german_number, number_value
from seal.grading.stated_amounts import StatedAmount

_ROMAN = {
    name: value
    for value, name in enumerate(
        "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI".split(), 1
    )
}
_BEFORE_AMOUNTS = frozenset(
    "about around over under nearly almost roughly approximately only exactly costs some at up ca circa "
    "etwa rund über".split()
)
_RANGE_WORDS = frozenset("- – — ~ 〜 to bis à until till through and und et 至 到".split())
_BETWEEN = frozenset("between zwischen entre from von vom de du".split())


def amounts(
    found: Sequence[AnswerPiece],
    *,
    comma_is_decimal: bool | None,
    versions: bool = False,
    german: bool = False,
) -> list[StatedAmount]:
    """The quantities among the pieces, in order. `versions`: numbers with points are version numbers here."""
    text = AnswerPieces(found, comma_is_decimal, versions, german)
    read: list[StatedAmount] = []
    at = 0
    while at < len(text.pieces):
        piece = text.pieces[at]
        if piece.kind != "num" and not (
            piece.kind == "word" and _may_count(piece.raw, piece.key, text.german)
        ):
            at += 1
            continue
        amount = read_date(text, at) or read_time(text, at) or _number(text, at)
        if amount is None:
            at += 1
            continue
        read.append(amount)
        at = max(amount.stop, at + 1)
    return _joined(read, text.pieces)


@lru_cache(maxsize=1 << 15)
def _may_count(raw: str, key: str, german: bool) -> bool:
    """Whether an amount may begin with this word."""
    folded = raw.casefold()
    return (
        key in tongues.NUMBER_WORDS
        or raw in _ROMAN
        or key in tongues.MONTHS
        or folded in tongues.MONTHS
        or folded in tongues.ORDINALS_DE
        or key in _OPENERS
        or ((german or len(key) > 5) and german_number(folded) is not None)
    )


_OPENERS = frozenset(
    "a an one ein eine einen einem einer une half halb halbe halber dozen noon midday mittag midnight "
    "mitternacht hundert".split()
)


def _number(text: AnswerPieces, at: int) -> StatedAmount | None:
    piece = text.pieces[at]
    start = at
    if piece.kind == "word":
        return _roman(text, at) or _spelled(text, at)
    if piece.kind != "num":
        return None
    raw = piece.key
    after = text.pieces[at + 1] if at + 1 < len(text.pieces) else None
    ordinal = False
    stop = at + 1
    if after is not None and after.glued and after.kind == "word":
        if after.key in ORDINAL_ENDS:
            ordinal, stop = True, stop + 1
        elif after.key == "s" or not (after.key in tongues.UNITS or after.key in tongues.MULTIPLIERS):
            return None  # "1870s", "3D": a word of its own
        elif after.key == "m" and text.key(at - 1) in tongues.UNITS:
            return _with_unit(text, Fraction(10**6) * (_value(text, raw) or 0), at, stop + 1, raw)
    elif after is not None and after.key in ("/", "⁄") and after.glued and text.is_num(stop + 1):
        below = text.whole(stop + 1, 1, 999)
        above = text.whole(at, 0, 999)
        if below and above is not None and text.key(stop + 2) not in ("/", "⁄"):
            return _with_unit(text, Fraction(above, below), start, stop + 2, raw)
    elif text.is_num(at + 1) and text.key(at + 2) == "/" and text.is_num(at + 3):
        whole, above, below = text.whole(at, 0, 9999), text.whole(at + 1, 1, 99), text.whole(at + 3, 2, 99)
        if whole is not None and above and below and above < below:  # "2 1/2"
            return _with_unit(text, whole + Fraction(above, below), start, at + 4, raw)
    dotted = raw.count(".")
    value = _value(text, raw)
    before = text.pieces[at - 1] if at else None
    named = (
        before is not None
        and before.kind == "word"
        and before.raw[:1].isupper()
        and before.key not in _BEFORE_AMOUNTS
    )
    glued_v = before is not None and before.key in ("v", "version", "release")
    if dotted and (text.versions or named or glued_v or (dotted > 1 and value is None)):
        unit_follows = text.key(stop) in tongues.UNITS or text.key(at - 1) in tongues.UNITS
        if not unit_follows and text.key(stop) not in tongues.MULTIPLIERS:
            return text.made("version", (raw,), at, stop)
    if value is None:
        return text.made("version", (raw,), at, stop)
    made = _with_unit(text, value, start, stop, raw)
    return replace(made, ordinal=ordinal)


def _value(text: AnswerPieces, raw: str) -> Fraction | None:
    return number_value(raw, comma_is_decimal=text.comma_is_decimal)


def _roman(text: AnswerPieces, at: int) -> StatedAmount | None:
    """The number of a king or a war, after a name: "Henry VIII", "World War II"."""
    before = text.pieces[at - 1] if at else None
    value = _ROMAN.get(text.pieces[at].raw)
    if (
        not value
        or before is None
        or before.kind != "word"
        or not before.raw[:1].isupper()
        or before.raw in _ROMAN
    ):
        return None
    if len(text.pieces[at].raw) == 1 and (value > 1 or len(before.raw) < 3):
        return None  # "Malcolm X", "Plan V"
    return replace(text.made("number", (Fraction(value),), at, at + 1), ordinal=True)


def _spelled(text: AnswerPieces, at: int) -> StatedAmount | None:
    """A number in words: "twenty-five", "two hundred and ten", "fünfundzwanzig"."""
    total = current = 0
    seen, stop, step = False, at, at
    while step < len(text.pieces):
        key = text.key(step)
        value = tongues.NUMBER_WORDS.get(key)
        if value is None and text.pieces[step].kind == "word":
            value = tongues.ORDINALS_DE.get(text.pieces[step].raw.casefold())
            if value is None and (text.german or len(key) > 5):
                value = german_number(text.pieces[step].raw.casefold())
            if value == 1 and key.startswith("ein") and key != "eins":
                value = None
        if value is not None:
            if seen and not (
                current % 100 == 0 or (value < 10 and current % 100 >= 20 and current % 10 == 0)
            ):
                break
            current, seen = current + value, True
        elif key in ("hundred", "hundert") and (seen or key == "hundert") and current < 100:
            current, seen = max(current, 1) * 100, True
        elif seen and key in ("thousand", "tausend", "million", "billion", "millionen") and current:
            total, current = total + current * tongues.MULTIPLIERS[key], 0
        elif seen and key in ("-", "and", "und"):
            step += 1
            continue
        else:
            break
        step += 1
        stop = step
    if not seen:
        return _half_word(text, at)
    return _with_unit(text, Fraction(total + current), at, stop, text.pieces[at].raw)


def _half_word(text: AnswerPieces, at: int) -> StatedAmount | None:
    key = text.key(at)
    unit = tongues.UNITS.get(text.key(at + 1))
    if (
        key in ("a", "an", "one", "ein", "eine", "einen", "einem", "einer", "une")
        and unit
        and unit[0] in ("s", "months")
        and text.key(at + 1) not in ("an", "second", "min")
        and not _after_amount(text, at)
    ):
        return _with_unit(text, Fraction(1), at, at + 1, text.pieces[at].raw)
    if key in ("half", "halb", "halbe", "halber"):
        return text.made("number", (Fraction(1, 2),), at, at + 1)
    if key == "dozen":
        return text.made("number", (Fraction(12),), at, at + 1)
    return None


def _after_amount(text: AnswerPieces, at: int) -> bool:
    """Whether a number stands shortly before, as in "45 dollars a month": then it is a rate."""
    return any(
        text.is_num(step)
        or text.key(step) in tongues.NUMBER_WORDS
        or text.key(step) in ("once", "twice", "times", "mal")
        for step in range(max(0, at - 3), at)
    )


def _with_unit(text: AnswerPieces, value: Fraction, at: int, stop: int, raw: str) -> StatedAmount:
    """The number with the multiplier and the unit around it, and its sign."""
    while text.key(stop) in tongues.MULTIPLIERS or (text.key(stop) in tongues.CJK_MYRIADS):
        key = text.key(stop)
        value *= tongues.MULTIPLIERS.get(key) or tongues.CJK_MYRIADS[key]
        stop += 1
        stop += text.key(stop) == "." and key in ("mio", "mrd", "tsd")
    unit = ""
    start = at
    before = tongues.UNITS.get(text.key(at - 1))
    if before and (
        text.pieces[at - 1].kind == "sym"
        or text.key(at - 1) in ("usd", "eur", "gbp", "chf", "rs", "cny", "rmb", "inr", "jpy")
    ):
        unit, factor = before
        value, start = value * factor, at - 1
    elif (length := _unit_length(text, stop)) > 0:
        name = "".join(text.key(stop + step) for step in range(length))
        unit, factor = tongues.UNITS[name]
        value, stop = value * factor, stop + length
    sign = text.key(start - 1)
    if (
        sign in ("-", "−", "minus")
        and not text.is_num(start - 2)
        and text.key(start - 2) not in tongues.UNITS
    ):
        glued = start >= 1 and text.pieces[start - 1].glued and sign != "minus"
        if not glued and (sign == "minus" or text.pieces[start].glued):
            value, start = -value, start - 1
    return text.made("number", (value,), start, stop, unit, raw)


def _unit_length(text: AnswerPieces, at: int) -> int:
    """How many pieces the unit at `at` has; 0 without one. Of unspaced scripts, the longest that fits."""
    if text.key(at) == "-" and text.is_unit(at + 1):
        return 0
    if 0 <= at < len(text.pieces) and text.pieces[at].kind == "cjk":
        for length in (6, 5, 4, 3, 2, 1):
            if "".join(text.key(at + step) for step in range(length)) in tongues.UNITS and at + length <= len(
                text.pieces
            ):
                return length
        return 0
    key = text.key(at)
    if key in tongues.UNITS and not (key in ("m", "s", "t", "g", "h", "l", "w") and not text.is_num(at - 1)):
        return 1
    return 0


_ADDABLE = frozenset({"s", "months"})


def _joined(found: list[StatedAmount], pieces: Sequence[AnswerPiece]) -> list[StatedAmount]:
    """The amounts with "2 hours 30 minutes" made one, and the two ends of a range marked as such."""
    made: list[StatedAmount] = []
    for amount in found:
        last = made[-1] if made else None
        if last is None:
            made.append(amount)
            continue
        between = [piece.key for piece in pieces[last.stop : amount.at]]
        if last.kind == amount.kind == "number" and last.unit == amount.unit and last.unit in _ADDABLE:
            one, other = last.value[0], amount.value[0]
            if (
                between in ([], ["and"], ["und"], [","])
                and isinstance(one, Fraction)
                and isinstance(other, Fraction)
                and one > other
            ):
                made[-1] = replace(last, value=(one + other,), stop=amount.stop)
                continue
        opened = last.at > 0 and pieces[last.at - 1].key in _BETWEEN
        joins = len(between) == 1 and between[0] in _RANGE_WORDS
        if joins and (between[0] not in ("and", "und", "et") or opened):
            last, amount = _one_month(last, amount)
            if last.kind == "number" and not last.unit and amount.unit:
                factor = _factor(amount, pieces)
                value = last.value[0]
                last = (
                    replace(last, unit=amount.unit, value=(value * factor,))
                    if isinstance(value, Fraction)
                    else last
                )
            made[-1] = replace(last, ranged=True)
            amount = replace(amount, ranged=True)
        elif (
            len(between) == 1
            and between[0] in ("or", "and", "oder", "und")
            and last.kind == amount.kind == "number"
            and not last.unit
        ):
            value = last.value[0]
            if amount.unit and isinstance(value, Fraction):
                made[-1] = replace(last, unit=amount.unit, value=(value * _factor(amount, pieces),))
        made.append(amount)
    return made


def _one_month(first: StatedAmount, second: StatedAmount) -> tuple[StatedAmount, StatedAmount]:
    """The ends of a range of days, each with the month and year that are said once: "23 to 26 October"."""
    if first.kind == "number" and second.kind == "date" and second.value[2] and _is_day(first):
        return replace(first, kind="date", value=(*second.value[:2], int(str(first.value[0])))), second
    if first.kind == "date" and second.kind == "number" and first.value[2] and _is_day(second):
        return first, replace(second, kind="date", value=(*first.value[:2], int(str(second.value[0]))))
    if first.kind == second.kind == "date" and first.value[0] is None and first.value[1]:
        return replace(first, value=(second.value[0], *first.value[1:])), second
    return first, second


def _is_day(amount: StatedAmount) -> bool:
    value = amount.value[0]
    return not amount.unit and isinstance(value, Fraction) and value.denominator == 1 and 1 <= value <= 31


def _factor(amount: StatedAmount, pieces: Sequence[AnswerPiece]) -> Fraction:
    for piece in pieces[amount.at : amount.stop]:
        if piece.key in tongues.UNITS:
            return tongues.UNITS[piece.key][1]
    return Fraction(1)
