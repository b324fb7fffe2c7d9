"""Reads numbers in words where they stand in a text: "two hundred and ten", "fünfundzwanzig", "vingt et un",
"three quarters", "half a million", "Henry VIII", "the XIX century".

Knows how number words are put together; the words are in number_words.py. Knows no units.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from seal.grading import number_words, tongues
from seal.grading.dates_and_times import AnswerPieces
from seal.grading.pieces import german_fraction, german_number
from seal.grading.word_keys import keys_of

_ROMAN: Final = {
    name: value
    for value, name in enumerate(
        "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI".split(), 1
    )
}
_CENTURIES: Final = frozenset(
    keys_of(
        "century centuries siècle siècles siglo siglos secolo século jahrhundert век века веке αιωνας αιωνα"
    )
)
_SCALE_WORDS: Final = frozenset(name for name, worth in number_words.MULTIPLIERS.items() if worth >= 1000)


class SpelledNumber(NamedTuple):
    """A number in words: what it is worth, where its words end, whether it is an ordinal."""

    value: Fraction
    stop: int
    ordinal: bool = False


@lru_cache(maxsize=1 << 15)
def may_count(raw: str, key: str, language: str) -> bool:
    """Whether a number in words may begin with this word."""
    return (
        key in number_words.NUMBER_WORDS
        or raw in _ROMAN
        or key in number_words.HALVES
        or key in number_words.ARTICLES
        or key in ("hundert", "dozen", "dutzend")
        or raw.casefold() in number_words.ORDINALS_DE
        or key in _phrase_starts(language)
        or ((language == "de" or len(key) > 5) and german_number(raw.casefold()) is not None)
        or raw.casefold() in number_words.AND_A_HALF
        or (len(key) > 9 and german_fraction(raw.casefold()) is not None)
    )


@lru_cache(maxsize=16)
def _phrase_starts(language: str) -> frozenset[str]:
    return frozenset(phrase.split()[0] for phrase in number_words.PHRASES.get(language, ()))


def spelled_number(text: AnswerPieces, at: int) -> SpelledNumber | None:
    """The number whose words begin at `at`."""
    if fraction := german_fraction(text.pieces[at].raw.casefold()):
        return SpelledNumber(fraction, at + 1)
    found = _roman(text, at) or _phrase(text, at) or _words(text, at)
    return _with_fraction(text, at, found) if found else _small(text, at)


def _roman(text: AnswerPieces, at: int) -> SpelledNumber | None:
    """The number of a king, a war or a century: "Henry VIII", "World War II", "XIX century"."""
    raw = text.pieces[at].raw
    value = _ROMAN.get(raw)
    if not value:
        return None
    if text.key(at + 1) in _CENTURIES or (len(raw) > 1 and text.key(at - 1) in _CENTURIES):
        return SpelledNumber(Fraction(value), at + 1, True)
    before = text.pieces[at - 1] if at else None
    if before is None or before.kind != "word" or not before.raw[:1].isupper() or before.raw in _ROMAN:
        return None
    if len(raw) == 1 and (value > 1 or len(before.raw) < 3):
        return None  # "Malcolm X", "Plan V"
    return SpelledNumber(Fraction(value), at + 1, True)


def _phrase(text: AnswerPieces, at: int) -> SpelledNumber | None:
    """A number of a language whose numbers are listed: "quatre-vingt-dix", "treinta y siete"."""
    phrases = number_words.PHRASES.get(text.language)
    if not phrases or text.key(at) not in _phrase_starts(text.language):
        return None
    words: list[str] = []
    best: SpelledNumber | None = None
    for step in range(at, min(len(text.pieces), at + 2 * number_words.LONGEST_PHRASE)):
        key = text.key(step)
        if key == "-":
            continue
        if text.pieces[step].kind != "word" or len(words) == number_words.LONGEST_PHRASE:
            break
        words.append(key)
        if (value := phrases.get(" ".join(words))) is not None:
            best = SpelledNumber(Fraction(value), step + 1)
    return best


def _words(text: AnswerPieces, at: int) -> SpelledNumber | None:
    """A number of words that add up: "twenty-five", "two hundred and ten", "zweitausend"."""
    total = current = 0
    seen, stop, step, ordinal = False, at, at, False
    while step < len(text.pieces):
        key = text.key(step)
        value = _word_value(text, step)
        if value is not None:
            if seen and not (
                current % 100 == 0 or (value < 10 and current % 100 >= 20 and current % 10 == 0)
            ):
                break
            if seen and current == 1:
                break
            if seen and key in number_words.FRACTIONS and current < 20:
                break  # "two thirds"
            current, seen = current + value, True
            ordinal = key in number_words.ENGLISH_ORDINALS
        elif key in ("hundred", "hundert") and (seen or key == "hundert") and current < 100:
            current, seen = max(current, 1) * 100, True
        elif seen and key in _SCALE_WORDS and current:
            total, current = total + current * number_words.MULTIPLIERS[key], 0
        elif seen and key in ("-", "and", "und"):
            step += 1
            continue
        else:
            break
        step += 1
        stop = step
    return SpelledNumber(Fraction(total + current), stop, ordinal) if seen else None


def _word_value(text: AnswerPieces, at: int) -> int | None:
    key = text.key(at)
    value = number_words.NUMBER_WORDS.get(key)
    if value is None and text.pieces[at].kind == "word":
        raw = text.pieces[at].raw.casefold()
        value = number_words.ORDINALS_DE.get(raw)
        if value is None and (text.language == "de" or len(key) > 5):
            value = german_number(raw)
        if value == 1 and key.startswith("ein") and key != "eins":
            value = None
    return value


def _with_fraction(text: AnswerPieces, at: int, found: SpelledNumber) -> SpelledNumber:
    """ "three quarters" and "two and a half" as one number."""
    if found.value.denominator == 1 and 1 <= found.value < 20 and not found.ordinal:
        at = found.stop + (text.key(found.stop) == "-")
        below = number_words.FRACTIONS.get(text.key(at))
        if below and found.value < below and not (below == 3 and found.value > 1 and text.key(at) == "third"):
            return SpelledNumber(found.value / below, at + 1)
    return SpelledNumber(*plus_a_half(text, found.value, found.stop), found.ordinal)


def plus_a_half(text: AnswerPieces, value: Fraction, stop: int) -> tuple[Fraction, int]:
    """A number with the half that is said behind it: "two and a half"."""
    if (
        text.key(stop) in ("and", "und", "et")
        and text.key(stop + 1) in number_words.ARTICLES
        and text.key(stop + 2) in number_words.HALVES
    ):
        return value + Fraction(1, 2), stop + 3
    return value, stop


def _small(text: AnswerPieces, at: int) -> SpelledNumber | None:
    """ "a dozen", "half a million", "a quarter of", "an hour"."""
    key, following = text.key(at), text.key(at + 1)
    if key in ("dozen", "dutzend"):
        return SpelledNumber(Fraction(12), at + 1)
    if key in number_words.HALVES:
        is_of = following in number_words.ARTICLES and text.key(at + 2) in number_words.MULTIPLIERS
        if following in ("dozen", "dutzend", "million"):
            return SpelledNumber(Fraction(1, 2), at + 1)
        return SpelledNumber(Fraction(1, 2), at + (2 if is_of else 1))
    if key not in number_words.ARTICLES:
        return None
    if following in ("dozen", "dutzend", "hundred", "thousand", "million", "billion"):
        return SpelledNumber(Fraction(1), at + 1)
    if following in ("quarter", "third") and text.key(at + 2) == "of":
        return SpelledNumber(Fraction(1, number_words.FRACTIONS[following]), at + 2)
    unit = tongues.UNITS.get(following)
    if unit and unit[0] in ("s", "months") and following not in ("an", "second", "min"):
        return None if _after_amount(text, at) else SpelledNumber(Fraction(1), at + 1)
    return None


def _after_amount(text: AnswerPieces, at: int) -> bool:
    """Whether a number stands shortly before, as in "45 dollars a month": then it is a rate."""
    return any(
        text.is_num(step)
        or text.key(step) in number_words.NUMBER_WORDS
        or text.key(step) in ("once", "twice", "times", "mal")
        for step in range(max(0, at - 3), at)
    )
