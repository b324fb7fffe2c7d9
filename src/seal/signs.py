"""One form for each sign: what must be done to a text before anything in it is compared.

Knows spaces, hyphens, quotes, digits and composed characters of all scripts, words that a line end divides,
which characters belong to a word, and which do something instead of being seen. Knows nothing about words,
numbers or what a text says. Never raises on any text, and takes time in proportion to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final

__all__ = [
    "ACTING",
    "MARKS",
    "PUNCTUATION",
    "UNSPACED",
    "WORD",
    "folded",
    "in_characters",
    "in_one_form",
    "joined_numbers",
    "simplified",
    "visible",
    "without_marks",
]

ACTING: Final = re.compile(
    "[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""Control characters but tabs and line feeds, and the marks that reorder or hide what is around them."""


def _ranges(codes: Iterable[int]) -> str:
    """Characters as the inside of a regular expression's set."""
    found: list[list[int]] = []
    for code in codes:
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in found)


MARKS: Final = _ranges(code for code in range(0x300, 0xFE10) if unicodedata.category(chr(code))[0] == "M")
"""Accents and vowel signs. They are no letters to Python, but a word goes on behind them."""
PUNCTUATION: Final = _ranges(
    code
    for code in range(0x21, 0x10000)
    if (code < 0x80 and not chr(code).isalnum() and code != 0x7F) or unicodedata.category(chr(code))[0] == "P"
)
"""All signs of ASCII, and what parts words and sentences in other scripts, as the inside of a set."""
UNSPACED: Final = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
)
"""Scripts that put no spaces between words: Han, kana, Thai, Lao, Burmese, Khmer."""
WORD: Final = rf"[^\W\d_{UNSPACED}](?:[^\W_{UNSPACED}]|[{MARKS}])*"
"""A word of a script with spaces, in a text in one form."""

_NOTHING: Final = (
    "\u00ad\u034f\u061c\u0640\u115f\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
_SIGNS: Final = str.maketrans(
    {
        **dict.fromkeys(_NOTHING, None),
        **dict.fromkeys("‐‑‒−﹣－", "-"),
        **dict.fromkeys("’‘‚‛′`´ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        "٫": ".",
        "٬": ",",
        "،": ",",
        "⁄": "/",
        "♯": "#",
        "♭": "b",
        "\u0085": "\n",
        "\u2028": "\n",
        "\u2029": "\n",
    }
)
_FRACTION: Final = re.compile("(?<=[0-9])(?=[¼-¾⅐-⅞])")
_HALVES: Final = re.compile("(?<=[0-9])[½¼¾]")
_DECIMALS: Final = {"½": ".5", "¼": ".25", "¾": ".75"}
_MIXED: Final = re.compile(r"(?<![\d.,/-])(\d{1,9}) (1/2|1/4|3/4)(?![\d/])")
_QUARTERS: Final = {"1/2": ".5", "1/4": ".25", "3/4": ".75"}
_POWER: Final = re.compile("(?<=[0-9])(?=[⁰¹²³⁴-⁹⁻])")
# thin and no-break spaces between digits group them; an ordinary space may stand between two numbers
_GROUPED: Final = re.compile(r"(?<![\d.,])\d{1,3}(?:[\u00a0\u2007-\u2009\u202f]\d{3})+(?!\d)")
_GROUP_SPACE: Final = re.compile("[\u00a0\u2007-\u2009\u202f]")
_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")
_DASH: Final = re.compile(r"(?<=[^\W_])–(?=[^\W_])|(?<=\d)[–—―](?=\d)")
_BEFORE_NUMBER: Final = re.compile(r"(?<![^\s(\[:=])–(?=[$€£¥]?\d)")
_DIVIDED: Final = re.compile(
    r"(?<=[^\W\d_])(?:-[^\S\n]{0,20}|[^\S\n]{0,20}\u00ad[^\S\n]{0,20})\r?\n[^\S\n]{0,40}(?=([^\W\d_]))"
)
_ACCENTS: Final = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u0652\u0670]+")


def in_one_form(text: str) -> str:
    """The text with one form for each sign: composed (NFKC), one kind of space, hyphen, quote and apostrophe,
    ASCII digits, nothing invisible, and words whole that a line end divides. Lines stay lines. What would
    change a number does not: 10⁶ is 10^6, 2½ is 2.5, 2⅔ is 2 2/3."""
    if "\n" in text and ("-" in text or not text.isascii()):
        text = _whole(text)
    text = _MIXED.sub(lambda match: match[1] + _QUARTERS[match[2]], text)
    if text.isascii():
        return text.replace("`", "'")
    text = _GROUPED.sub(lambda match: _GROUP_SPACE.sub("", match[0]), text)
    text = _HALVES.sub(lambda match: _DECIMALS[match[0]], text)
    text = _FRACTION.sub(" ", _POWER.sub("^", _BEFORE_NUMBER.sub("-", text)))
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    if text.isascii():
        return text
    text = _DASH.sub("-", text)
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def _whole(text: str) -> str:
    """The text with the words whole that a line end divides: "photo-" and "grapher". A hyphen stays before a
    capital letter, and where the text has the word with a hyphen elsewhere."""
    hyphened = {word.casefold() for word in _HYPHENED.findall(text)}

    def join(match: re.Match[str]) -> str:
        if match[0][0] != "-" or "\u00ad" in match[0]:
            return ""
        if match[1].isupper() or match[1].upper() == match[1]:
            return "-"
        before = _LAST_LETTERS.search(text, max(0, match.start() - _LONG_WORD), match.start())
        after = _FIRST_LETTERS.match(text, match.end())
        return "-" if before and after and f"{before[0]}-{after[0]}".casefold() in hyphened else ""

    return _DIVIDED.sub(join, text)


_LONG_WORD: Final = 40
_HYPHENED: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]++-[^\W\d_]++")
_LAST_LETTERS: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,40}\Z")
_FIRST_LETTERS: Final = re.compile(r"[^\W\d_]{1,40}")


def without_marks(text: str) -> str:
    """Without the accents and points that writers leave out: of Latin, Greek and Cyrillic letters, Hebrew and
    Arabic. Vowel signs of other scripts stay: they tell words apart."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))


def simplified(text: str) -> str:
    """The text with simplified Chinese characters for traditional ones, each for itself: for comparing alone,
    since what a character becomes may stand for several (后 for 後 and 后). Its length stays."""
    return text.translate(_simplified_characters()) if _HAN.search(text) else text


_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


@cache
def _simplified_characters() -> dict[int, str]:
    import opencc  # a table of 0.3 MB, which texts without such characters need not read

    characters = [chr(code) for code in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, converted, strict=True)
    return {ord(one): other for one, other in pairs if one != other and len(other) == 1}


def in_characters(text: str) -> str:
    """The text with the halves of surrogate pairs joined, and U+FFFD for each that stands alone: nothing that
    reads or writes UTF-8 takes one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def folded(text: str) -> str:
    """In small letters and without accents, for comparing."""
    if text.isascii():
        return text.casefold()
    return without_marks(in_one_form(in_one_form(text).casefold()))


def joined_numbers(words: Iterable[str]) -> str:
    """Words written together, but two numbers: "area 5 1" is not "area 51"."""
    given = list(words)
    gaps = [" " if one[-1:].isdigit() and other[:1].isdigit() else "" for one, other in pairwise(given)]
    return "".join(word + gap for word, gap in zip(given, [*gaps, ""]))


def visible(text: str) -> str:
    """The text with every character that would do something where it is shown written as its number."""
    return ACTING.sub(lambda match: _number(match[0]), text)


def _number(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
