"""Reads the quantities of a text: numbers in digits and words with their units and currencies, dates, times.

"$45", "45 dollars" and "USD 45" are read alike, and so are "90 minutes" and "1.5 hours". Knows number words
in English and German. Knows nothing about questions or about the other words of an answer. Every pattern is
matched in linear time. Never raises on any text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from seal.grading import number_words, tongues
from seal.grading.dates_and_times import ORDINAL_ENDS, AnswerPieces, begins_time, read_date, read_time
from seal.grading.pieces import AnswerPiece, number_value
from seal.grading.spelled_numbers import may_count, plus_a_half, spelled_number
from seal.grading.stated_amounts import StatedAmount

_BEFORE_AMOUNTS = frozenset(
    "about around over under nearly almost roughly approximately only exactly costs some at up ca circa "
    "etwa rund über".split()
)
_BRIEF_SCALES = {"m": 10**6, "b": 10**9}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "quadrat": 2, "kubik": 3}
_RANGE_WORDS = frozenset("- – — ~ 〜 to bis à until till through and und et 至 到".split())
_BETWEEN = frozenset("between zwischen entre from von vom de du".split())


def amounts(
    found: Sequence[AnswerPiece],
    *,
    comma_is_decimal: bool | None,
    versions: bool = False,
    language: str = "",
) -> list[StatedAmount]:
    """The quantities among the pieces, in order. `versions`: numbers with points are version numbers here."""
    text = AnswerPieces(found, comma_is_decimal, versions, language)
    read: list[StatedAmount] = []
    at = 0
    while at < len(text.pieces):
        piece = text.pieces[at]
        if piece.kind != "num" and not (
            piece.kind == "word" and (may_count(piece.raw, piece.key, text.language) or begins_time(text, at))
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


def _number(text: AnswerPieces, at: int) -> StatedAmount | None:
    piece = text.pieces[at]
    start = at
    if piece.kind == "word":
        return _spelled(text, at)
    if piece.kind != "num":
        return None
    raw = piece.key
    after = text.pieces[at + 1] if at + 1 < len(text.pieces) else None
    ordinal = False
    stop = at + 1
    if after is not None and after.glued and after.kind == "word":
        if after.key in ORDINAL_ENDS:
            ordinal, stop = True, stop + 1
        elif after.key == "s" or not _may_follow(text, stop):
            return text.made(
                "version", (raw + after.key,), at, stop + 1, raw=raw + after.key
            )  # "1870s", "3D"
        elif after.key in _BRIEF_SCALES and text.key(at - 1) in tongues.UNITS:
            scale = Fraction(_BRIEF_SCALES[after.key])
            return _with_unit(text, scale * (_value(text, raw) or 0), at, stop + 1, raw)
    elif after is not None and after.key in ("/", "⁄") and after.glued and text.is_num(stop + 1):
        below = text.whole(stop + 1, 1, 999)
        above = text.whole(at, 0, 999)
        if below and above is not None and text.key(stop + 2) not in ("/", "⁄"):
            if above % below == 0:  # "24/7" is no fraction
                written = f"{raw}/{below}"
                return text.made("version", (written,), start, stop + 2, raw=written)
            return _with_unit(text, Fraction(above, below), start, stop + 2, raw)
    elif (
        after is not None
        and after.key == ":"
        and after.glued
        and text.is_num(at + 2)
        and text.pieces[at + 2].glued
    ):
        ratio = f"{raw}:{text.key(at + 2)}"  # a score, a scale, a verse
        return text.made("version", (ratio,), at, at + 3, raw=ratio)
    elif text.is_num(at + 1) and text.key(at + 2) == "/" and text.is_num(at + 3):
        whole, above, below = text.whole(at, 0, 9999), text.whole(at + 1, 1, 99), text.whole(at + 3, 2, 99)
        if whole is not None and above and below and above < below:  # "2 1/2"
            return _with_unit(text, whole + Fraction(above, below), start, at + 4, raw)
    dotted = raw.count(".")
    value = _value(text, raw)
    if _is_sum_in_groups(text, at):
        value = _value(text, raw.replace(".", ""))
    before = text.pieces[at - 1] if at else None
    named = (
        before is not None
        and before.kind == "word"
        and before.raw[:1].isupper()
        and before.key not in _BEFORE_AMOUNTS
    )
    glued_v = before is not None and before.key in ("v", "version", "release")
    grouped = bool(text.comma_is_decimal) and value is not None and value.denominator == 1 and value >= 1000
    if dotted and not grouped and (text.versions or named or glued_v or (dotted > 1 and value is None)):
        unit_follows = text.key(stop) in tongues.UNITS or text.key(at - 1) in tongues.UNITS
        if not unit_follows and text.key(stop) not in number_words.MULTIPLIERS:
            return text.made("version", (raw,), at, stop)
    if value is None:
        return text.made("version", (raw,), at, stop)
    value, stop = plus_a_half(text, value, stop)
    return _with_unit(text, value, start, stop, raw, ordinal=ordinal or text.key(at - 1) == "第")


def _may_follow(text: AnswerPieces, at: int) -> bool:
    """Whether a scale or a unit stands right behind a number."""
    key = text.key(at)
    return key in number_words.MULTIPLIERS or key in _BRIEF_SCALES or _unit_at(text, at) is not None


def _is_sum_in_groups(text: AnswerPieces, at: int) -> bool:
    """Whether the point of a sum of money groups its digits, as in "€1.000": sums have two decimals or none,
    but for prices of a litre or an hour."""
    whole, _, rest = text.key(at).partition(".")
    if len(rest) != 3 or not rest.isdigit() or not whole.strip("0") or len(whole) > 3:
        return False
    units = tongues.UNITS.get(text.key(at - 1)), _unit_at(text, at + 1)
    behind = text.key(at + 1), text.key(at + 2)
    return any(unit and unit[0] in tongues.MONEY for unit in units) and not any(
        key in tongues.PER or key == "/" for key in behind
    )


def _value(text: AnswerPieces, raw: str) -> Fraction | None:
    return number_value(raw, comma_is_decimal=text.comma_is_decimal)


def _spelled(text: AnswerPieces, at: int) -> StatedAmount | None:
    found = spelled_number(text, at)
    if found is None:
        return None
    raw = text.pieces[at].raw
    return _with_unit(text, found.value, at, found.stop, raw, ordinal=found.ordinal, spelled=True)


def _with_unit(
    text: AnswerPieces,
    value: Fraction,
    at: int,
    stop: int,
    raw: str,
    *,
    ordinal: bool = False,
    spelled: bool = False,
) -> StatedAmount:
    """The number with the multiplier and the unit around it, and its sign."""
    value, stop = _scaled(text, value, stop)
    unit, factor = "", Fraction(1)
    start = at
    sign = text.key(at - 1)
    before = tongues.UNITS.get(sign) or ((sign, Fraction(1)) if sign[1:].endswith("$") else None)
    if before and (text.pieces[at - 1].kind == "sym" or sign in tongues.BEFORE_AMOUNT):
        unit, factor = before
        value, start = value * factor, at - 1
    elif found := _unit_at(text, stop):
        unit, factor, stop = found
        value *= factor
    sign = text.key(start - 1)
    if (
        sign in ("-", "−", "minus")
        and not text.is_num(start - 2)
        and text.key(start - 2) not in tongues.UNITS
    ):
        glued = start >= 1 and text.pieces[start - 1].glued and sign != "minus"
        if not glued and (sign == "minus" or text.pieces[start].glued):
            value, start = -value, start - 1
    return StatedAmount(
        "number", (value,), unit, raw, start, stop, factor=factor, ordinal=ordinal, spelled=spelled
    )


def _scaled(text: AnswerPieces, value: Fraction, stop: int) -> tuple[Fraction, int]:
    """A number with what multiplies it, and with what is added then: "3 million", "3万5千"."""
    if text.key(stop) not in _SCALES:
        return value, stop
    total, least = Fraction(0), Fraction(0)
    while True:
        begin = stop
        while (key := text.key(stop)) in _SCALES:
            value *= _SCALES[key]
            stop += 1
            stop += text.key(stop) == "." and key in _SHORT_SCALES
        total += value
        is_cjk = begin < stop and text.key(stop - 1) in number_words.CJK_SCALES
        more = _value(text, text.key(stop)) if is_cjk and text.is_num(stop) else None
        if more is None or more >= 10**4 or (least and value >= least):
            return total, stop
        least, value, stop = value, more, stop + 1


_SCALES = number_words.MULTIPLIERS | number_words.CJK_SCALES
_SHORT_SCALES = frozenset("mio mrd tsd млн млрд тыс εκ δισ".split())


def _unit_at(text: AnswerPieces, at: int) -> tuple[str, Fraction, int] | None:
    """The unit at `at`, its factor, and where it ends. Of unspaced scripts, the longest that fits."""
    key = text.key(at)
    if not key:
        return None
    if key == "-":  # "a 5-year plan"
        return _unit_at(text, at + 1) if text.pieces[at].glued and text.key(at + 1) in tongues.UNITS else None
    if text.pieces[at].kind == "cjk":
        for length in (6, 5, 4, 3, 2, 1):
            name = "".join(text.key(at + step) for step in range(length))
            if name in tongues.UNITS and at + length <= len(text.pieces):
                return *tongues.UNITS[name], at + length
        return None
    if kind := _of_two_words(text, at):
        return kind
    power = _POWERS.get(key, 0)
    at += bool(power) + (bool(power) and text.key(at + 1) == ".")
    key = text.key(at)
    if (
        not power
        and key[-1:] in ("2", "3")
        and key[:-1] in ("m", "km", "cm", "mm", "ft", "in", "м", "км", "μ")
    ):
        power, key = int(key[-1]), key[:-1]
    if key not in tongues.UNITS or (key in _LETTER_UNITS and not power and not text.is_num(at - 1)):
        return None
    unit, factor = tongues.UNITS[key]
    if power:
        return f"{unit}^{power}", factor**power, at + 1
    if unit in ("m", "mile") and text.key(at + 1) in _PER:
        time = tongues.UNITS.get(text.key(at + 2))
        if time and time[0] == "s" and time[1] in (1, 3600):
            return f"{unit}/s", factor / time[1], at + 3
    return unit, factor, at + 1


_PER = frozenset("/ per pro por par an a".split())


def _of_two_words(text: AnswerPieces, at: int) -> tuple[str, Fraction, int] | None:
    """A unit of which the second word alone is another: "Canadian dollars", "nautical miles"."""
    at += text.key(at) in ("hong", "new")
    stop = at + 1 + (text.key(at + 1) == "-")
    noun = tongues.UNITS.get(text.key(stop))
    if noun is None:
        return None
    if unit := tongues.OF_COUNTRIES.get((text.key(at), noun[0])):
        return unit, noun[1], stop + 1
    if found := tongues.OF_KINDS.get((text.key(at), noun[0])):
        return *found, stop + 1
    return None


_LETTER_UNITS = frozenset("m s t g h l w v м μ".split())


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
                last = _in_unit_of(last, amount)
            made[-1] = replace(last, ranged=True)
            amount = replace(amount, ranged=True)
        elif (
            len(between) == 1
            and between[0] in ("or", "and", "oder", "und")
            and last.kind == amount.kind == "number"
            and not last.unit
        ):
            made[-1] = _in_unit_of(last, amount)
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


def _in_unit_of(amount: StatedAmount, other: StatedAmount) -> StatedAmount:
    """The number with the unit that is said once, behind the other: "3 to 5 km"."""
    value = amount.value[0]
    if not isinstance(value, Fraction) or not other.unit:
        return amount
    return replace(amount, unit=other.unit, factor=other.factor, value=(value * other.factor,))
