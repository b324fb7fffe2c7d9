"""A text as words, numbers and signs, and what a number written in one of many ways is worth.

Knows decimal commas and points by the language that it is told, number words in German, Chinese numerals, and
the digits of every script. Knows nothing about units, dates or what an answer says. Every pattern is matched
in linear time. Never raises on any text.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from seal.grading import number_words
from seal.grading.word_keys import key_of
from seal.signs import MARKS, UNSPACED, in_one_form, simplified

HANGUL: Final = "\uac00-\ud7af"
_UNSPACED: Final = UNSPACED + HANGUL
"""Scripts that put no spaces between words, and Hangul, whose particles are joined to the words."""

_PIECE = re.compile(
    rf"(?P<num>\d+(?:[.,']\d+)*(?:\^-?\d+|[eE][+-]?\d{{1,2}}(?![\w.]))?)"
    rf"|(?P<sym>(?<![^\W_])[A-Z][A-Za-z]{{0,2}}\$|°[cCfF]|[$€£¥₩₹¢%°+−&/⁄~〜–—-])"
    rf"|(?P<cjk>[{_UNSPACED}])"
    rf"|(?P<word>[^\W\d{_UNSPACED}](?:[^\W{_UNSPACED}]|[{MARKS}])*(?:\+\+?|#|\*)?(?:['’](?=[^\W\d])[\w{MARKS}]*)?)"
    r"|(?P<cut>[.,;:!?()\[\]\n。、，；：！？…\"“”„«»])"
)
_PERCENT = re.compile(
    r" ?(?:(?:per|pour) cent|por ciento|percentage points?|в процентах|في المئة|في المائة|بالمئة)(?!\w)", re.I
)
_LONGEST = 40  # digits of a number
_GROUPED_BY_SPACE = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d])")
_POWER_OF_TEN = re.compile(r"(?<=\d) ?[×x·*] ?10\^(-?\d{1,2})(?!\d)")
_VERSION_SIGN = re.compile(r"\b[vV](?=\d+\.\d)")


class AnswerPiece(NamedTuple):
    """One word, number or sign of a text. `key` is what is compared; `glued`: nothing stands before it."""

    kind: str
    raw: str
    key: str
    glued: bool = False


def plain(text: str) -> str:
    """The text in one form and in simplified characters, without grouping by spaces, and with one sign for a
    hundredth; 3 × 10⁸ is 3e8."""
    text = _PERCENT.sub(" %", text)
    text = _GROUPED_BY_SPACE.sub(lambda match: re.sub(r"\s", "", match[0]), text)
    return simplified(_POWER_OF_TEN.sub(r"e\1", in_one_form(_VERSION_SIGN.sub("version ", text))))


@lru_cache(maxsize=1 << 15)
def _piece(kind: str, raw: str, glued: bool) -> AnswerPiece:
    return AnswerPiece(kind, raw, key_of(raw) if kind == "word" else raw.casefold(), glued)


def pieces(text: str) -> list[AnswerPiece]:
    """The pieces of a text that `plain` returned, in order."""
    found: list[AnswerPiece] = []
    end = -1
    for match in _PIECE.finditer(text):
        found.append(_piece(match.lastgroup or "", match[0], match.start() == end))
        end = match.end()
    return found


@lru_cache(maxsize=1 << 14)
def number_value(text: str, *, comma_is_decimal: bool | None) -> Fraction | None:
    """What digits with points, commas or apostrophes are worth; None where that cannot be told.

    "1.500" alone is one and a half or fifteen hundred: only the language tells (None: not known).
    """
    text = text.replace("'", "").casefold()
    text, _, exponent = text.partition("e")
    if exponent:
        base = number_value(text, comma_is_decimal=comma_is_decimal)
        return None if base is None else base * Fraction(10) ** int(exponent)
    text, _, power = text.partition("^")
    if power:
        base = number_value(text, comma_is_decimal=comma_is_decimal)
        return base ** int(power) if base and len(power) <= 2 and len(text) <= 9 else None
    if len(text) > _LONGEST:
        return None
    points, commas = text.count("."), text.count(",")
    if points and commas:
        decimal = "." if text.rfind(".") > text.rfind(",") else ","
        if text.count(decimal) > 1:
            return None
        whole, _, rest = text.rpartition(decimal)
        return Fraction(re.sub(r"[.,]", "", whole) + "." + rest)
    if not points and not commas:
        return Fraction(int(text))
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
    if word in number_words.NUMBER_WORDS_DE:
        return number_words.NUMBER_WORDS_DE[word]
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
        low, high = number_words.NUMBER_WORDS_DE.get(ones), number_words.NUMBER_WORDS_DE.get(tens)
        return high + low if low and high and 20 <= high <= 90 and low < 10 else None
    return None


_GERMAN_PARTS: Final = {"viertel": 4, "drittel": 3, "fünftel": 5, "achtel": 8, "zehntel": 10}


def german_fraction(word: str) -> Fraction | None:
    """What a German word for a part, or for so many and a half, is worth: "dreiviertel", "anderthalb",
    "zweieinhalb"; None for other words."""
    if word in number_words.AND_A_HALF:
        return number_words.AND_A_HALF[word]
    if word.endswith("einhalb"):
        whole = german_number(word.removesuffix("einhalb") or "ein")
        return None if whole is None else whole + Fraction(1, 2)
    for part, below in _GERMAN_PARTS.items():
        above = german_number(word.removesuffix(part)) if word.endswith(part) else None
        if above and above < below:
            return Fraction(above, below)
    return None


def cjk_number(run: str) -> int | None:
    """What Chinese numerals are worth: 二十三 is 23, 一九四五 is 1945, 三万 is 30,000."""
    if all(char in number_words.CJK_DIGITS for char in run):
        return int("".join(str(number_words.CJK_DIGITS[char]) for char in run))
    total = section = digit = 0
    seen = False
    for char in run:
        if char in number_words.CJK_DIGITS:
            digit, seen = number_words.CJK_DIGITS[char], True
        elif char in number_words.CJK_TENS:
            section += (digit if seen else 1) * number_words.CJK_TENS[char]
            digit, seen = 0, False
        else:
            total += max(section + digit, 1) * number_words.CJK_MYRIADS[char]
            section, digit, seen = 0, 0, False
    return total + section + digit


def _digits(numeral: str) -> str:
    return numeral if numeral.isdigit() and numeral.isascii() else str(cjk_number(numeral))


_CJK_NUMERAL = re.compile("[〇零一二三四五六七八九两兩十百千万萬亿億]+")
_PER_HUNDRED = re.compile(r"百分之(\d+(?:\.\d+)?|[〇零一二三四五六七八九十百]+)")
_NUMERAL = r"(\d{1,4}|[一二三四五六七八九十百千]{1,7})"
_PARTS_OF = re.compile(rf"{_NUMERAL}(?:分之|分の|분의 ?){_NUMERAL}")
_TENTHS = re.compile(
    r"(?<![〇零一二三四五六七八九十百千万0-9])([一二三四五六七八九]|[1-9])(?:成|割)(?:([一二三四五六七八九]|[1-9])分?)?(?![立为為功員员長长人果本分])"
)
_KOREAN = re.compile(
    "(?<![가-힣])(" + "|".join(sorted(number_words.KOREAN_COUNTED, key=len, reverse=True)) + ")(?= ?["
    + number_words.KOREAN_COUNTERS + "])"
)  # fmt: skip


def western_numerals(text: str) -> str:
    """Chinese and Korean numerals as digits where they count something or stand alone: 三月 is 3月."""
    if text.isascii():
        return text
    text = _PER_HUNDRED.sub(r"\1%", text)
    text = _PARTS_OF.sub(lambda match: f"{_digits(match[2])}/{_digits(match[1])}", text)
    text = _TENTHS.sub(lambda match: f"{_digits(match[1])}{_digits(match[2] or '零')}%", text)
    text = _KOREAN.sub(lambda match: str(number_words.KOREAN_COUNTED[match[1]]), text)

    def one(match: re.Match[str]) -> str:
        run, after = match[0], text[match.end() : match.end() + 1]
        before = text[match.start() - 1 : match.start()]
        scales_only = set(run) <= number_words.CJK_SCALES.keys() and not (run == "百" or run == "千")
        if scales_only or before.isdigit() or len(run) > _LONGEST:
            return run
        if (
            len(run) > 1
            or after == "%"
            or before == "第"
            or (after and after in number_words.CJK_COUNTERS)
            or run == text.strip()
        ):
            return str(cjk_number(run))
        return run

    return _CJK_NUMERAL.sub(one, text)
