"""A quantity in a text: a number with its unit, a date, a time or a version, and whether two are the same.

Knows nothing about how quantities are written; `amounts.py` reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from seal.grading.tongues import DOLLARS

AmountKind = Literal["number", "date", "time", "version"]


@dataclass(frozen=True, slots=True)
class StatedAmount:
    """One quantity. `value` is a number's worth, a date's (year, month, day), a time's (hour, minute, clock)
    or a version's text; the clock is "half" with am or pm, "day" for 24 hours, "" where it is open.
    `at` and `stop` are its place among the pieces."""

    kind: AmountKind
    value: tuple[object, ...]
    unit: str = ""
    raw: str = ""
    at: int = 0
    stop: int = 0
    ranged: bool = False
    factor: Fraction = Fraction(1)
    """Of a number: what its unit as written is worth in `unit`."""
    ordinal: bool = False
    spelled: bool = False
    either_order: bool = False
    """Of a date: its day and month may be the other way round."""


_LOOSE_UNITS = (
    {"pound", "gbp"}, {"pound", "egp"}, {"°", "°c"}, {"°", "°f"}, {"¥", "jpy"}, {"¥", "cny"}, {"cent", "usd"},
    *({"dollar", unit} for unit in DOLLARS),
)  # fmt: skip


def same_amount(one: StatedAmount, other: StatedAmount) -> bool:
    """Whether two quantities are the same: worth the same, in one unit where both have one.

    A date that leaves the year, or month and day, open agrees with one that fills them. A range's end is
    not the number alone, a time of day is.
    """
    if one.kind == other.kind == "number":
        same_unit = one.unit == other.unit or not one.unit or not other.unit
        same_unit = same_unit or {one.unit, other.unit} in _LOOSE_UNITS
        if not same_unit:
            return False
        if one.value == other.value or share_of(one) == share_of(other) is not None:
            return True
        return bool(not one.unit) != bool(not other.unit) and _bare(one) == _bare(other)
    if one.kind == other.kind == "date":
        return _dates_agree(one.value, other.value)
    if one.kind == other.kind == "time":
        return _times_agree(one.value, other.value)
    if one.kind == other.kind == "version":
        return one.value == other.value
    first, second = sorted((one, other), key=lambda amount: amount.kind)
    if (first.kind, second.kind) == ("date", "number"):
        year, _, day = first.value
        value = second.value[0]
        return not second.unit and (value == year or (second.ordinal and value == day))
    if (first.kind, second.kind) == ("number", "time") and not first.unit:
        hour, minute, _ = second.value
        if re.fullmatch(r"\d{1,2}\.\d{2}", first.raw):
            return [int(part) for part in first.raw.split(".")] == [hour, minute]
        return minute == 0 and isinstance(hour, int) and first.value[0] in (hour, hour % 12 or 12)
    if (first.kind, second.kind) == ("number", "version"):
        return first.raw == second.raw
    return False


def _bare(amount: StatedAmount) -> object:
    """What the digits alone are worth, for comparing "45" with "45 minutes"."""
    value = amount.value[0]
    if not amount.unit or not isinstance(value, Fraction) or value / amount.factor < 1:
        return value / amount.factor if isinstance(value, Fraction) else value
    try:
        return Fraction(amount.raw.replace(",", ""))
    except ValueError:
        return value


def share_of(amount: StatedAmount) -> Fraction | None:
    """What share of a whole a percentage is, or a fraction: three quarters are 75 %."""
    value = amount.value[0]
    if not isinstance(value, Fraction):
        return None
    if amount.unit == "%":
        return value / 100
    is_fraction = not amount.unit and not amount.ordinal and 0 < value < 1 and "." not in amount.raw
    return value if is_fraction else None


def is_year(amount: StatedAmount) -> bool:
    """Whether the number may be a year."""
    value = amount.value[0]
    return not amount.unit and isinstance(value, Fraction) and 1000 <= value <= 2999


def _dates_agree(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    shared = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    if not shared or any(a != b for a, b in shared):
        return False
    # one is the other with less of it: "March 1874" and "3 March" are not
    return all(b is not None for a, b in zip(one, other, strict=True) if a is not None) or all(
        a is not None for a, b in zip(one, other, strict=True) if b is not None
    )


def _times_agree(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    (hour_a, minute_a, clock_a), (hour_b, minute_b, clock_b) = one, other
    if minute_a != minute_b or hour_a == hour_b:
        return minute_a == minute_b
    assert isinstance(hour_a, int) and isinstance(hour_b, int)
    # "5:00" may be 5 pm, but who writes 17:00 elsewhere means five in the morning
    return {clock_a, clock_b} == {"", "half"} and hour_a % 12 == hour_b % 12 and min(hour_a, hour_b) > 0
