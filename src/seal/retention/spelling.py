"""Words and names in a text: what is a name, what is an ordinary word, what is one typing error.

Knows how running text is spelt, mainly English, and which particles other scripts join to a name. Knows
nothing about documents or questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from seal.grading import tongues
from seal.signs import MARKS, UNSPACED, folded, simplified

STOP = frozenset(
    "a about an and any are as at be been being but by can could did do does for from give had has have he "
    "her him his how i if in into is it its many may me might much must my name of on one or our please say "
    "shall she should so some tell than that the their them then there these they this those to upon was we "
    "were what when where which who whom whose why will with would you your explain describe list show "
    "find".split()
).union(*(tongues.FUNCTION_WORDS[name] for name in tongues.UNCASED))
"""Words that say nothing about the subject of a text."""
_CONNECTORS = frozenset("of and for the & de on am sur von van der den la le du di da del y upon".split())
_HONORIFICS = frozenset("mr mrs ms miss dr prof professor sir lady dame lord".split())
ARTICLES = frozenset(("the", "a", "an"))
_WORD = re.compile(
    rf"[{UNSPACED}][{MARKS}]*|&"
    rf"|(?:(?<![\w.])\.(?=[^\W\d_]{{2}}))?[^\W_{UNSPACED}]"
    rf"(?:[^\W_{UNSPACED}]|[{MARKS}\u00ad\u200b-\u200d\u2060]|(?<=\d)[.,．，](?=\d)|['’-](?=[^\W_]))*"
    r"(?:\+{1,2}(?![\w+])|\#(?![\w#]))?"
)
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
_GROUP = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?![\d,])")
_NO_PART = re.compile(rf"[^\w{MARKS}.+#]|_|(?<!\d)\.(?!\w)|(?<=\w)\.(?!\d)|(?<=[^\W\d_])\.")
_VERSION = re.compile(r"v\d")
_ROMAN = re.compile(r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
# What is joined to a name in scripts without capitals, the longest first.
_ARABIC_STARTS = ("وال", "بال", "كال", "فال", "ال", "و", "ف", "ب", "ل", "ك")
_HEBREW_STARTS = tuple("הובלמשכ")
_FEWEST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text. `norm` is without case and accents, `capital` says how it begins, `first` that it
    begins a sentence, `joined` that nothing but a space stands between it and the word before; `initials` is
    the word as written if it is all in capitals. It stands in the text from `start` to `stop`, without 's."""

    norm: str
    capital: bool
    first: bool
    joined: bool
    initials: str = ""
    start: int = 0
    stop: int = 0

    @property
    def is_number(self) -> bool:
        return self.norm[0].isdigit()

    @property
    def uncased(self) -> bool:
        """Whether its script has no capitals, so that any word may be a name."""
        return is_uncased(self.norm)


def words_of(text: str, limit: int | None = None) -> list[Word]:
    """The words of a text, the first `limit` of them."""
    words: list[Word] = []
    end, short = 0, False
    for match in _WORD.finditer(text):
        written = _POSSESSIVE.sub("", match[0])
        between = text[end : match.start()].strip()
        norm = normal(written)
        if not norm:
            continue
        joined = bool(words) and (not between or (between == "." and short))
        first = not words or (not joined and between[-1:] in set(".?!:\n"))
        initials = written if written.isupper() else ""
        start = match.start()
        words.append(
            Word(norm, written.lstrip(".")[0].isupper(), first, joined, initials, start, start + len(written))
        )
        # The full stop of "Ana K. Lopez" and of "Dr. Lopez" ends no sentence.
        short = len(written) == 1 or norm in _HONORIFICS
        end = match.end()
        if limit is not None and len(words) >= limit:
            break
    return words


@lru_cache(maxsize=1 << 16)
def normal(word: str) -> str:
    """Without case, accents, apostrophes, hyphens and the commas of numbers. What tells names apart stays:
    the point of a number, and the signs of C++, F# and .NET."""
    if word == "&":
        return word
    plain = simplified(folded(word))
    if plain.isalnum():
        return plain
    if "," in plain:
        plain = _GROUP.sub(lambda match: match[1].replace(",", ""), plain).replace(",", ".")
    return _NO_PART.sub("", plain).rstrip(".")


def is_uncased(norm: str) -> bool:
    """Whether a word is of a script without capitals."""
    return not norm.isascii() and norm[0].isalpha() and norm[0].lower() == norm[0].upper()


def is_unspaced(norm: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return not norm.isascii() and _IS_UNSPACED.match(norm) is not None


_IS_UNSPACED = re.compile(f"[{UNSPACED}]")


@lru_cache(maxsize=1 << 16)
def bare_forms(norm: str) -> tuple[str, ...]:
    """The word, and what is left of it without the particles that its script joins to names."""
    found = [norm]
    first = norm[0]
    if "\uac00" <= first <= "\ud7af":
        found += [norm[: -len(end)] for end in tongues.KOREAN_PARTICLES if norm.endswith(end)]
    elif "\u0600" <= first <= "\u06ff":
        found += ["ال" + norm[2:]] if norm.startswith("لل") else []
        found += [norm[len(start) :] for start in _ARABIC_STARTS if norm.startswith(start)]
        found += [norm[1:] for start in _ARABIC_STARTS[:4] if norm.startswith(start)]
    elif "\u0590" <= first <= "\u05ff":
        found += [norm[n:] for n in (1, 2) if set(norm[:n]) <= set(_HEBREW_STARTS)]
    return tuple(dict.fromkeys(one for one in found if len(one) >= _FEWEST_LETTERS or one == norm))


@lru_cache(maxsize=1 << 16)
def bare(norm: str) -> str:
    """The word without any particle, so that two forms of it meet."""
    if not is_uncased(norm):
        return norm
    forms = [
        form for form in bare_forms(norm) if len(form) > _FEWEST_LETTERS or "\uac00" <= norm[0] <= "\ud7af"
    ]
    return min(forms or [norm], key=len)


def is_numeral(norm: str) -> bool:
    """Whether a word counts, in digits or as a Roman numeral: then another one is no slip of it."""
    return any(map(str.isdigit, norm)) or bool(_ROMAN.fullmatch(norm))


def without_article(norms: Sequence[str]) -> tuple[str, ...]:
    return tuple(norms[1:] if len(norms) > 1 and norms[0] in ARTICLES else norms)


def content(norms: Sequence[str]) -> tuple[str, ...]:
    """The words of a name that tell it from others: without "of", "the", "&" and titles of respect."""
    return tuple(n for n in norms if n not in _CONNECTORS and n not in _HONORIFICS and n not in ARTICLES)


def name_spans(words: Sequence[Word], is_ordinary: Callable[[str], bool]) -> Iterator[range]:
    """The names in a text, as ranges of words: words with a capital, and what joins them ("of", "&").

    A capital at the start of a sentence shows a name only if the word `is_ordinary` not.
    """
    start = 0
    while start < len(words):
        if not _begins_name(words, start, is_ordinary):
            start += 1
            continue
        end = start + 1
        while (after := _next(words, end)) is not None:
            end = after
        yield range(start, end)
        start = end


def _begins_name(words: Sequence[Word], at: int, is_ordinary: Callable[[str], bool]) -> bool:
    word = words[at]
    if word.capital and at + 1 < len(words) and words[at + 1].norm == "&":
        return True
    if not word.capital or word.norm in STOP:
        return False
    return not (word.first and is_ordinary(word.norm))


def _next(words: Sequence[Word], end: int) -> int | None:
    """The new end of a name that goes on after `end`; None if it does not."""
    at = end
    while at < len(words) and words[at].joined and words[at].norm in _CONNECTORS and not words[at].capital:
        at += 1
    if at >= len(words) or not words[at].joined or at - end > 2:
        return None
    counts = words[at].is_number or _VERSION.match(words[at].norm)
    return at + 1 if words[at].capital or (at == end and counts) else None


_NO_GIVEN_NAME = frozenset("的是于在和与曾为也就将说被把对从由了及有及这那其之并且因而以他她它们")


def chinese_people(words: Sequence[Word]) -> Iterator[range]:
    """What may be a person's name in Chinese: a surname and two characters, or one before a word that goes on
    in the sentence. Some of it is no name: whoever asks must find it in a document too."""
    for at, word in enumerate(words):
        if word.norm not in tongues.CHINESE_SURNAMES:
            continue
        stop = at + 1
        while stop < min(len(words), at + 3) and _may_be_given_name(words[stop]):
            stop += 1
        ends = stop == len(words) or not words[stop].joined or words[stop].norm in _NO_GIVEN_NAME
        if stop == at + 3 or (stop == at + 2 and ends):
            yield range(at, stop)


def _may_be_given_name(word: Word) -> bool:
    return word.joined and is_unspaced(word.norm) and word.norm not in _NO_GIVEN_NAME


_CASES = (
    "иями ями ами ией иям ием иях ого его ому ему ыми ими ов ев ей ой ий ый ая яя ое ее ые ие ам ям ом ем "
    "ах ях ую юю у ю а я е ё и ы о ь й"
).split()
_FEWEST_OF_STEM = 3


@lru_cache(maxsize=1 << 16)
def case_stem(norm: str) -> str:
    """A word without its case, in scripts whose names are declined: «Маяк», «Маяка», «Маяке»."""
    if not "\u0400" <= norm[:1] <= "\u04ff":
        return norm
    for end in _CASES:
        if norm.endswith(end) and len(norm) - len(end) >= _FEWEST_OF_STEM:
            return norm[: -len(end)]
    return norm


def pieces(words: Sequence[Word], span: range) -> list[range]:
    """The span split at each "and": "Acme Works and Nova Mills" may be one name or two."""
    parts, start = [], span.start
    for at in span:
        if words[at].norm == "and" and not words[at].capital:
            parts.append(range(start, at))
            start = at + 1
    return [*parts, range(start, span.stop)]


def neighbours(text: str) -> frozenset[str]:
    """The text, and all it becomes when one letter is left out. Two texts that differ by one wrong, missing,
    extra or swapped letter have one of these in common (as in SymSpell)."""
    return frozenset({text, *(text[:i] + text[i + 1 :] for i in range(len(text)))})


def one_slip(a: str, b: str) -> bool:
    """Whether one wrong, missing, extra or swapped letter makes `b` of `a`; not if they are equal."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        swapped = rest_a[1::-1] + rest_a[2:]
        return rest_a[1:] == rest_b[1:] or (len(rest_a) > 1 and swapped == rest_b)
    return rest_a[1:] == rest_b or rest_a == rest_b[1:]
