"""Numbers, sums of money, durations, dates, times and version numbers in a text, with what they are worth.

"1,500" and "1500" are worth the same, "3.5" and "35" are not; "3 March 1874" is the day that "March 3, 1874"
is. Knows decimal commas and points by the language that it is told, number words in English and German,
numerals of other scripts, and units of one kind ("90 minutes" and "1.5 hours"). Knows nothing about questions
or about the other words of an answer. Every pattern is matched in linear time. Never raises on any text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

from seal.grading import tongues

Kind = Literal["number", "date", "time", "version"]

_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0f71-\u0f84\u1031-\u103e"
)
UNSPACED: Final = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Scripts that put no spaces between words, and Hangul, whose particles are joined to the words."""

_TOKEN = re.compile(
    rf"(?P<num>\d+(?:[.,'’]\d+)*)"
    rf"|(?P<cjk>[{UNSPACED}])"
    rf"|(?P<word>[^\W\d{UNSPACED}][\w{_MARKS}]*(?:\+\+?|#|\*)?(?:['’](?=[^\W\d])[\w{_MARKS}]*)?)"
    r"|(?P<sym>°[cCfF]|US\$|[$€£¥₩₹¢%°+−&/⁄~〜–—-])"
    r"|(?P<cut>[.,;:!?()\[\]\n。、，；：！？…\"“”„«»])"
)
_ORDINAL_ENDS = frozenset("st nd rd th er ère e ème º ª".split())
_GROUPED_BY_SPACE = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d])")
_VERSION_SIGN = re.compile(r"\b[vV](?=\d+\.\d)")
_ROMAN = {
    name: value
    for value, name in enumerate(
        "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI".split(), 1
    )
}
_BEFORE_AMOUNTS = frozenset(
    "about around over under nearly almost roughly approximately only exactly costs some at up ca circa etwa rund über".split()
)
_RANGE_WORDS = frozenset("- – — ~ 〜 to bis à until till through and und et 至 到".split())
_BETWEEN = frozenset("between zwischen entre from von vom de du".split())


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign of a text. `key` is what is compared; `glued`: nothing stands before it."""

    kind: str
    raw: str
    key: str
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """One quantity. `value` is a number's worth, a date's (year, month, day), a time's (hour, minute, marked)
    or a version's text; `at` and `stop` are its place among the tokens."""

    kind: Kind
    value: tuple[object, ...]
    unit: str = ""
    raw: str = ""
    at: int = 0
    stop: int = 0
    ranged: bool = False
    ordinal: bool = False


def plain(text: str) -> str:
    """The text in NFKC, with one kind of apostrophe, digits in ASCII, no grouping by spaces."""
    text = _GROUPED_BY_SPACE.sub(lambda match: re.sub(r"\s", "", match[0]), text)
    text = _VERSION_SIGN.sub("version ", text)
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


@lru_cache(maxsize=1 << 15)
def key_of(word: str) -> str:
    """A word as it is compared: without case, possessive 's and, in Latin, Greek and Cyrillic, accents."""
    word = word.casefold()
    if word.endswith("'s"):
        word = word[:-2]
    if word.isascii():
        return word.replace("'", "")
    decomposed = unicodedata.normalize("NFKD", word)
    bare = "".join(
        c for c in decomposed if not ("\u0300" <= c <= "\u036f" or "\u064b" <= c <= "\u0652" or c == "ـ")
    )
    word = unicodedata.normalize("NFC", bare)
    if "\u0600" <= word[:1] <= "\u06ff":
        word = word.translate(_ARABIC)
        for prefix in ("وال", "بال", "فال", "كال", "ال"):
            if word.startswith(prefix) and len(word) - len(prefix) >= 3:
                return word[len(prefix) :]
    return word.replace("'", "")


_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})


def tokens(text: str) -> list[Token]:
    """The tokens of a text that `plain` returned, in order."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        raw = match[0]
        key = key_of(raw) if kind == "word" else raw.casefold()
        found.append(Token(kind, raw, key, match.start() == end))
        end = match.end()
    return found


def number_value(text: str, *, comma_is_decimal: bool | None) -> Fraction | None:
    """What digits with points, commas or apostrophes are worth; None where that cannot be told.

    "1.500" alone is one and a half or fifteen hundred: only the language tells (None: not known).
    """
    text = text.replace("'", "").replace("’", "")
    points, commas = text.count("."), text.count(",")
    if points and commas:
        decimal = "." if text.rfind(".") > text.rfind(",") else ","
        if text.count(decimal) > 1:
            return None
        whole, _, rest = text.rpartition(decimal)
        return Fraction(re.sub(r"[.,]", "", whole) + "." + rest)
    if not points and not commas:
        return Fraction(int(text)) if len(text) <= 40 else None
    mark = "." if points else ","
    groups = text.split(mark)
    grouped = len(groups[0]) <= 3 and len(groups[-1]) == 3 and all(len(g) in (2, 3) for g in groups[1:])
    grouped = grouped and groups[0].lstrip("0") != ""
    if len(groups) > 2:
        return Fraction("".join(groups)) if grouped else None
    if grouped and mark == "." and comma_is_decimal is None:
        return None
    if grouped and (mark == ",") != bool(comma_is_decimal):
        return Fraction("".join(groups))
    return Fraction(".".join(groups))


def german_number(word: str) -> int | None:
    """What a German number word is worth, as "fünfundzwanzig" or "zweihundertzehn"; None for other words."""
    if word in tongues.NUMBER_WORDS_DE:
        return tongues.NUMBER_WORDS_DE[word]
    if len(word) > 60:
        return None
    for mark, worth in (("tausend", 1000), ("hundert", 100)):
        before, found, after = word.partition(mark)
        if found:
            high = german_number(before) if before else 1
            low = german_number(after.removeprefix("und")) if after else 0
            return high * worth + low if high is not None and low is not None and low < worth else None
    ones, found, tens = word.partition("und")
    if found:
        low, high = tongues.NUMBER_WORDS_DE.get(ones), tongues.NUMBER_WORDS_DE.get(tens)
        return high + low if low and high and 20 <= high <= 90 and low < 10 else None
    return None


def cjk_number(run: str) -> int | None:
    """What Chinese numerals are worth: 二十三 is 23, 一九四五 is 1945, 三万 is 30,000."""
    if all(char in tongues.CJK_DIGITS for char in run):
        return int("".join(str(tongues.CJK_DIGITS[char]) for char in run))
    total = section = digit = 0
    seen = False
    for char in run:
        if char in tongues.CJK_DIGITS:
            digit, seen = tongues.CJK_DIGITS[char], True
        elif char in tongues.CJK_TENS:
            section += (digit if seen else 1) * tongues.CJK_TENS[char]
            digit, seen = 0, False
        else:
            total += max(section + digit, 1) * tongues.CJK_MYRIADS[char]
            section, digit, seen = 0, 0, False
    return total + section + digit


_CJK_NUMERAL = re.compile("[〇零一二三四五六七八九两兩十百千万萬亿億]+")


def western_numerals(text: str) -> str:
    """Chinese numerals as digits where they count something or stand alone, so that 三月 is 3月."""

    def one(match: re.Match[str]) -> str:
        run, after = match[0], text[match.end() : match.end() + 1]
        before = text[match.start() - 1 : match.start()]
        if set(run) <= tongues.CJK_MYRIADS.keys() or before.isdigit():
            return run
        if len(run) > 1 or before == "第" or (after and after in tongues.CJK_COUNTERS) or run == text.strip():
            return str(cjk_number(run))
        return run

    return _CJK_NUMERAL.sub(one, text)


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
    "a an one ein eine einen einem einer une half halb halbe halber dozen noon midday mittag midnight mitternacht hundert".split()
)


@dataclass(slots=True)
class _Reader:
    """Walks through the tokens once and gathers amounts."""

    tokens: Sequence[Token]
    comma_is_decimal: bool | None
    versions: bool
    german: bool

    def read(self) -> list[Amount]:
        found: list[Amount] = []
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.kind != "num" and not (
                token.kind == "word" and _may_count(token.raw, token.key, self.german)
            ):
                at += 1
                continue
            amount = self._date(at) or self._time(at) or self._number(at)
            if amount is None:
                at += 1
                continue
            found.append(amount)
            at = max(amount.stop, at + 1)
        return _joined(found, self.tokens)

    def _key(self, at: int) -> str:
        return self.tokens[at].key if 0 <= at < len(self.tokens) else ""

    def _is_num(self, at: int) -> bool:
        return 0 <= at < len(self.tokens) and self.tokens[at].kind == "num"

    def _int(self, at: int, low: int, high: int) -> int | None:
        """The whole number between `low` and `high` that stands here, an ordinal's sign after it or not."""
        if not self._is_num(at) or not self.tokens[at].key.isdecimal() or len(self.tokens[at].key) > 4:
            return None
        value = int(self.tokens[at].key)
        return value if low <= value <= high else None

    def _day(self, at: int) -> tuple[int, int] | None:
        """A day of the month at `at`, and where it ends."""
        day = self._int(at, 1, 31)
        if day is None or len(self._key(at)) > 2:
            return None
        stop = at + 1
        if (
            stop < len(self.tokens)
            and (self._key(stop) in _ORDINAL_ENDS or self._key(stop) == ".")
            and self.tokens[stop].glued
        ):
            stop += 1
        return day, stop

    def _month(self, at: int) -> int | None:
        if 0 <= at < len(self.tokens) and self.tokens[at].kind == "word":
            return tongues.MONTHS.get(self.tokens[at].raw.casefold()) or tongues.MONTHS.get(self._key(at))
        return None

    def _skip(self, at: int, *words: str) -> int:
        while self._key(at) in words:
            at += 1
        return at

    def _year(self, at: int) -> int | None:
        if not self._is_num(at) or len(self._key(at)) != 4 or self._is_unit(at + 1):
            return None
        return self._int(at, 1000, 2999)

    def _is_unit(self, at: int) -> bool:
        return self._key(at) in tongues.UNITS and self._key(at) not in ("s",)

    def _date(self, at: int) -> Amount | None:
        token = self.tokens[at]
        if token.kind == "num":
            return self._day_first(at) or self._digits_date(at) or self._cjk_date(at)
        month = self._month(at)
        return self._month_first(at, month) if month else None

    def _day_first(self, at: int) -> Amount | None:
        day = self._day(at)
        if day is None:
            return None
        after = self._skip(day[1], "of", "de")
        month = self._month(after)
        if month is None:
            return None
        stop = after + 1
        if self._key(stop) == "." and self.tokens[stop].glued and self._year(stop + 1):
            stop += 1
        year = self._year(self._skip(stop, ",", "de", "del", "of"))
        stop = self._skip(stop, ",", "de", "del", "of") + 1 if year else stop
        return self._made("date", (year, month, day[0]), at, stop)

    def _month_first(self, at: int, month: int) -> Amount | None:
        after = at + 1
        if self._key(after) == "." and self.tokens[after].glued and len(self._key(at)) <= 4:
            after += 1
        after = self._skip(after, "the")
        day = self._day(after)
        if day is not None and not self._is_unit(day[1]) and self._key(day[1]) != ":":
            stop = day[1]
            year = self._year(self._skip(stop, ",", "of"))
            stop = self._skip(stop, ",", "of") + 1 if year else stop
            return self._made("date", (year, month, day[0]), at, stop)
        after = self._skip(at + 1, ",", "of", "de", "del", ".")
        year = self._year(after)
        if year:
            return self._made("date", (year, month, None), at, after + 1)
        word = self.tokens[at]
        is_name = word.key in tongues.AMBIGUOUS_MONTHS and len(self.tokens) > 2
        if is_name or (word.raw[:1].islower() and word.raw.isascii() and len(word.key) < 5):
            return None
        return self._made("date", (None, month, None), at, at + 1)

    def _digits_date(self, at: int) -> Amount | None:
        raw = self._key(at)
        if re.fullmatch(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})", raw):
            day, month, year = (int(part) for part in raw.split("."))
            if day <= 31 and month <= 12:
                return self._made("date", (_century(year), month, day), at, at + 1)
        if self._key(at + 1) in ("-", "/") and self._key(at + 3) == self._key(at + 1):
            parts = [self._int(at + step, 0, 2999) for step in (0, 2, 4)]
            if all(part is not None for part in parts):
                one, two, three = (part or 0 for part in parts)
                if len(raw) == 4 and 1 <= two <= 12 and 1 <= three <= 31:
                    return self._made("date", (one, two, three), at, at + 5)
                if self._key(at + 1) == "/" and 1 <= one <= 31 and 1 <= two <= 31:
                    day, month = (one, two) if one > 12 or self.comma_is_decimal else (two, one)
                    if month <= 12:
                        return self._made("date", (_century(three), month, day), at, at + 5)
        return None

    def _cjk_date(self, at: int) -> Amount | None:
        year: int | None = None
        month: int | None = None
        day: int | None = None
        stop = at
        if self._key(stop + 1) in ("年", "년") and (year := self._int(stop, 1, 2999)):
            stop += 2
        if self._key(stop + 1) in ("月", "월") and (month := self._int(stop, 1, 12)):
            stop += 2
        if (
            self._key(stop + 1) in ("日", "일", "号", "號")
            and (month or not year)
            and (day := self._int(stop, 1, 31))
        ):
            stop += 2
        return self._made("date", (year, month, day), at, stop) if (year and year > 99) or month else None

    def _time(self, at: int) -> Amount | None:
        key = self._key(at)
        if key in ("noon", "midday", "mittag", "midnight", "mitternacht") and self.tokens[at].kind == "word":
            hour = 0 if key in ("midnight", "mitternacht") else 12
            return self._made("time", (hour, 0, True), at, at + 1)
        if not self._is_num(at):
            return None
        hour = minute = None
        stop = at + 1
        colon = self._key(stop) in (":", "h", "点", "點", "时", "時", "시") and self.tokens[stop].glued
        if re.fullmatch(r"\d{1,2}\.\d{2}", key):
            hour, minute = (int(part) for part in key.split("."))
        elif (hour := self._int(at, 0, 24)) is None:
            return None
        elif (
            colon and self._is_num(stop + 1) and self.tokens[stop + 1].glued and len(self._key(stop + 1)) == 2
        ):
            minute, stop = self._int(stop + 1, 0, 59), stop + 2
            stop += self._key(stop) in ("分", "분")
        elif colon and self._key(stop) in ("点", "點", "时", "時", "시"):
            minute, stop = 0, stop + 1
        if minute is not None and (minute > 59 or hour > 24):
            return None
        half, after = self._half(stop)
        explicit = minute is not None and "." not in key
        if self._key(after) in ("uhr", "o'clock", "oclock", "heures", "hrs"):
            named = self._key(after) not in ("heures", "hrs") or explicit
            if (
                named
                and self._int(after + 1, 0, 59) is not None
                and minute is None
                and len(self._key(after + 1)) == 2
            ):
                return self._made("time", (hour, self._int(after + 1, 0, 59), hour > 12), at, after + 2)
            if named:
                return self._made("time", (hour, minute or 0, True), at, after + 1)
        before = {
            "上午": "am",
            "早上": "am",
            "下午": "pm",
            "晚上": "pm",
            "午前": "am",
            "午後": "pm",
            "오전": "am",
            "오후": "pm",
        }
        half = half or before.get(self._key(at - 2) + self._key(at - 1), "")
        if half:
            if hour > 12:
                return self._made("time", (hour, minute or 0, True), at, after)
            hour = hour % 12 + (12 if half == "pm" else 0)
            return self._made("time", (hour, minute or 0, True), at, after)
        if explicit:
            marked = hour > 12 or key.startswith("0") or self.german
            return self._made("time", (hour, minute, marked), at, stop)
        return None

    def _half(self, at: int) -> tuple[str, int]:
        """ "am" or "pm" where one stands at `at`, and where it ends."""
        for mark in ("am", "pm"):
            if self._key(at) == mark:
                return mark, at + 1
            if self._key(at) == mark[0] and self._key(at + 1) == "." and self._key(at + 2) == "m":
                return mark, at + 3 + (self._key(at + 3) == "." and self.tokens[at + 3].glued)
        return "", at

    def _number(self, at: int) -> Amount | None:
        token = self.tokens[at]
        start = at
        if token.kind == "word":
            return self._roman(at) or self._spelled(at)
        if token.kind != "num":
            return None
        raw = token.key
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        ordinal = False
        stop = at + 1
        if after is not None and after.glued and after.kind == "word":
            if after.key in _ORDINAL_ENDS:
                ordinal, stop = True, stop + 1
            elif after.key == "s" or not (after.key in tongues.UNITS or after.key in tongues.MULTIPLIERS):
                return None  # "1870s", "3D": a word of its own
            elif after.key == "m" and self._key(at - 1) in tongues.UNITS:
                return self._with_unit(Fraction(10**6) * (self._value(raw) or 0), at, stop + 1, raw)
        elif after is not None and after.key in ("/", "⁄") and after.glued and self._is_num(stop + 1):
            below = self._int(stop + 1, 1, 999)
            above = self._int(at, 0, 999)
            if below and above is not None and self._key(stop + 2) not in ("/", "⁄"):
                return self._with_unit(Fraction(above, below), start, stop + 2, raw)
        dotted = raw.count(".")
        value = self._value(raw)
        before = self.tokens[at - 1] if at else None
        named = (
            before is not None
            and before.kind == "word"
            and before.raw[:1].isupper()
            and before.key not in _BEFORE_AMOUNTS
        )
        glued_v = before is not None and before.key in ("v", "version", "release")
        if dotted and (self.versions or named or glued_v or (dotted > 1 and value is None)):
            unit_follows = self._key(stop) in tongues.UNITS or self._key(at - 1) in tongues.UNITS
            if not unit_follows and self._key(stop) not in tongues.MULTIPLIERS:
                return self._made("version", (raw,), at, stop)
        if value is None:
            return self._made("version", (raw,), at, stop)
        made = self._with_unit(value, start, stop, raw)
        return replace(made, ordinal=ordinal)

    def _value(self, raw: str) -> Fraction | None:
        return number_value(raw, comma_is_decimal=self.comma_is_decimal)

    def _roman(self, at: int) -> Amount | None:
        """The number of a king or a war, after a name: "Henry VIII", "World War II"."""
        before = self.tokens[at - 1] if at else None
        value = _ROMAN.get(self.tokens[at].raw)
        if (
            not value
            or before is None
            or before.kind != "word"
            or not before.raw[:1].isupper()
            or before.raw in _ROMAN
        ):
            return None
        if len(self.tokens[at].raw) == 1 and (value > 1 or len(before.raw) < 3):
            return None  # "Malcolm X", "Plan V"
        return replace(self._made("number", (Fraction(value),), at, at + 1), ordinal=True)

    def _spelled(self, at: int) -> Amount | None:
        """A number in words: "twenty-five", "two hundred and ten", "fünfundzwanzig"."""
        total = current = 0
        seen, stop, step = False, at, at
        while step < len(self.tokens):
            key = self._key(step)
            value = tongues.NUMBER_WORDS.get(key)
            if value is None and self.tokens[step].kind == "word":
                value = tongues.ORDINALS_DE.get(self.tokens[step].raw.casefold())
                if value is None and (self.german or len(key) > 5):
                    value = german_number(self.tokens[step].raw.casefold())
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
            return self._half_word(at)
        return self._with_unit(Fraction(total + current), at, stop, self.tokens[at].raw)

    def _half_word(self, at: int) -> Amount | None:
        key = self._key(at)
        unit = tongues.UNITS.get(self._key(at + 1))
        if (
            key in ("a", "an", "one", "ein", "eine", "einen", "einem", "einer", "une")
            and unit
            and unit[0] in ("s", "months")
        ):
            if self._key(at + 1) not in ("an", "second", "min") and not self._after_amount(at):
                return self._with_unit(Fraction(1), at, at + 1, self.tokens[at].raw)
        if key in ("half", "halb", "halbe", "halber"):
            return self._made("number", (Fraction(1, 2),), at, at + 1)
        if key == "dozen":
            return self._made("number", (Fraction(12),), at, at + 1)
        return None

    def _after_amount(self, at: int) -> bool:
        """Whether a number stands shortly before, as in "45 dollars a month": then it is a rate."""
        return any(
            self._is_num(step)
            or self._key(step) in tongues.NUMBER_WORDS
            or self._key(step) in ("once", "twice", "times", "mal")
            for step in range(max(0, at - 3), at)
        )

    def _with_unit(self, value: Fraction, at: int, stop: int, raw: str) -> Amount:
        """The number with the multiplier and the unit around it, and its sign."""
        while self._key(stop) in tongues.MULTIPLIERS or (self._key(stop) in tongues.CJK_MYRIADS):
            key = self._key(stop)
            value *= tongues.MULTIPLIERS.get(key) or tongues.CJK_MYRIADS[key]
            stop += 1
            stop += self._key(stop) == "." and key in ("mio", "mrd", "tsd")
        unit = ""
        start = at
        before = tongues.UNITS.get(self._key(at - 1))
        if before and (
            self.tokens[at - 1].kind == "sym"
            or self._key(at - 1) in ("usd", "eur", "gbp", "chf", "rs", "cny", "rmb", "inr", "jpy")
        ):
            unit, factor = before
            value, start = value * factor, at - 1
        elif (length := self._unit_length(stop)) > 0:
            name = "".join(self._key(stop + step) for step in range(length))
            unit, factor = tongues.UNITS[name]
            value, stop = value * factor, stop + length
        sign = self._key(start - 1)
        if (
            sign in ("-", "−", "minus")
            and not self._is_num(start - 2)
            and self._key(start - 2) not in tongues.UNITS
        ):
            glued = start >= 1 and self.tokens[start - 1].glued and sign != "minus"
            if not glued and (sign == "minus" or self.tokens[start].glued):
                value, start = -value, start - 1
        return self._made("number", (value,), start, stop, unit, raw)

    def _unit_length(self, at: int) -> int:
        """How many tokens the unit at `at` has; 0 without one. Of unspaced scripts, the longest that fits."""
        if self._key(at) == "-" and self._is_unit(at + 1):
            return 0
        if 0 <= at < len(self.tokens) and self.tokens[at].kind == "cjk":
            for length in (6, 5, 4, 3, 2, 1):
                if "".join(
                    self._key(at + step) for step in range(length)
                ) in tongues.UNITS and at + length <= len(self.tokens):
                    return length
            return 0
        key = self._key(at)
        if key in tongues.UNITS and not (
            key in ("m", "s", "t", "g", "h", "l", "w") and not self._is_num(at - 1)
        ):
            return 1
        return 0

    def _made(
        self, kind: Kind, value: tuple[object, ...], at: int, stop: int, unit: str = "", raw: str = ""
    ) -> Amount:
        return Amount(kind, value, unit, raw or self._key(at), max(at, 0), stop)


def _century(year: int) -> int:
    return year if year > 99 else (2000 + year if year < 50 else 1900 + year)


_ADDABLE = frozenset({"s", "months"})


def _joined(found: list[Amount], tokens: Sequence[Token]) -> list[Amount]:
    """The amounts with "2 hours 30 minutes" made one, and the two ends of a range marked as such."""
    made: list[Amount] = []
    for amount in found:
        last = made[-1] if made else None
        if last is None:
            made.append(amount)
            continue
        between = [token.key for token in tokens[last.stop : amount.at]]
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
        opened = last.at > 0 and tokens[last.at - 1].key in _BETWEEN
        joins = len(between) == 1 and between[0] in _RANGE_WORDS
        if joins and (between[0] not in ("and", "und", "et") or opened):
            last, amount = _one_month(last, amount)
            if last.kind == "number" and not last.unit and amount.unit:
                factor = _factor(amount, tokens)
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
                made[-1] = replace(last, unit=amount.unit, value=(value * _factor(amount, tokens),))
        made.append(amount)
    return made


def _one_month(first: Amount, second: Amount) -> tuple[Amount, Amount]:
    """The ends of a range of days, each with the month and year that are said once: "23 to 26 October"."""
    if first.kind == "number" and second.kind == "date" and second.value[2] and _is_day(first):
        return replace(first, kind="date", value=(*second.value[:2], int(str(first.value[0])))), second
    if first.kind == "date" and second.kind == "number" and first.value[2] and _is_day(second):
        return first, replace(second, kind="date", value=(*first.value[:2], int(str(second.value[0]))))
    if first.kind == second.kind == "date" and first.value[0] is None and first.value[1]:
        return replace(first, value=(second.value[0], *first.value[1:])), second
    return first, second


def _is_day(amount: Amount) -> bool:
    value = amount.value[0]
    return not amount.unit and isinstance(value, Fraction) and value.denominator == 1 and 1 <= value <= 31


def _factor(amount: Amount, tokens: Sequence[Token]) -> Fraction:
    for token in tokens[amount.at : amount.stop]:
        if token.key in tongues.UNITS:
            return tongues.UNITS[token.key][1]
    return Fraction(1)


def amounts(
    found: Sequence[Token], *, comma_is_decimal: bool | None, versions: bool = False, german: bool = False
) -> list[Amount]:
    """The quantities among the tokens, in order. `versions`: numbers with points are version numbers here."""
    return _Reader(found, comma_is_decimal, versions, german).read()


_LOOSE_UNITS = ({"pound", "gbp"}, {"°", "°c"}, {"°", "°f"})


def same_amount(one: Amount, other: Amount) -> bool:
    """Whether two quantities are the same: worth the same, in one unit where both have one.

    A date that leaves the year, or month and day, open agrees with one that fills them. A range's end is
    not the number alone, a time of day is.
    """
    if one.kind == other.kind == "number":
        same_unit = one.unit == other.unit or not one.unit or not other.unit
        same_unit = same_unit or {one.unit, other.unit} in _LOOSE_UNITS
        if not same_unit:
            return False
        if one.value == other.value:
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


def _bare(amount: Amount) -> object:
    """What the digits alone are worth, for comparing "45" with "45 minutes"."""
    try:
        return Fraction(amount.raw.replace(",", ""))
    except ValueError:
        return amount.value[0]


def is_year(amount: Amount) -> bool:
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
    (hour_a, minute_a, marked_a), (hour_b, minute_b, marked_b) = one, other
    if minute_a != minute_b:
        return False
    if marked_a and marked_b:
        return hour_a == hour_b
    assert isinstance(hour_a, int) and isinstance(hour_b, int)
    return hour_a == hour_b or (
        hour_a % 12 == hour_b % 12 and (marked_a or marked_b) and min(hour_a, hour_b) > 0
    )
