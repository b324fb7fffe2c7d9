"""Text that is no language: random letters, keyboard mash, shuffled words, endless repetition.

Knows letters, how English function words follow one another, and repetition. Knows no dictionary, so that
names, loan words and other languages pass; so do invented words that can be spoken, and shuffled words of
other languages than English.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from itertools import pairwise
from typing import Final

_WINDOW_LETTERS: Final = 240
_LEAST_LETTERS: Final = 24
_VOWELS: Final = frozenset("aeiouyæøœıаеёиоуыэюяіїєαεηιουω")
_CYRILLIC_VOWELS_LEAST: Final = 0.33
# Latin letters: 23 % are vowels (y among them) if all are equally likely, 36 to 52 % in written languages.
_VOWELS_LEAST: Final = 0.29
_KEYBOARD: Final = frozenset(
    pair
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop")
    for one, other in pairwise(row)
    for pair in (one + other, other + one)
)
_KEYBOARD_MOST: Final = 0.38  # written languages: below 0.2
# Pairs of letters that hardly any word of a language in Latin letters has, names included.
_IMPOSSIBLE: Final = frozenset(
    "bq bx cj cv cx dx fq fx fz gq gx hq hx jb jf jg jh jl jp jq jt jv jw jx jz kq kx lx mq mx pq pv "
    "px pz qb qc qd qf qg qh qj qk ql qm qn qp qr qs qt qv qw qx qy qz rx sx tq tx uq vb vf vg vh vj "
    "vp vq vw vx wq wv wx xb xd xf xg xj xk xn xr xv xz yq zf zg zj zq zx".split()
)
_IMPOSSIBLE_MOST: Final = 0.05
# English function words, and what cannot stand right after them.
_VERBS: Final = frozenset("is was are were has had have been will would can could".split())
_LINKS: Final = frozenset("of to in for from by with at on into as and or but".split())
_ARTICLES: Final = frozenset("the a an".split())
_CANNOT_FOLLOW: Final = {
    **dict.fromkeys(
        _ARTICLES,
        _ARTICLES | _VERBS | _LINKS | frozenset("it he she they this that its his their who".split()),
    ),
    **dict.fromkeys("of for from by with at into".split(), _VERBS | frozenset("of and or but".split())),
    "to": _VERBS - {"have"} | frozenset("of and or but".split()),
    "in": _VERBS | frozenset("of or but".split()),
    **dict.fromkeys("and or but".split(), frozenset("and or of".split())),
    **dict.fromkeys(
        "is was are were".split(), frozenset("is was are were has had have will would can could of".split())
    ),
    **dict.fromkeys("its his their".split(), _ARTICLES | _VERBS | _LINKS),
}
_ORDER_MOST: Final = 0.08
_FEW_CAPITALS: Final = 0.01
_AFTER_STOP: Final = re.compile(r"(?<=[^\W\d_]{3})\. {1,9}([^\W\d_])")
# A word that is only written large where a sentence begins, after a small word that no mark follows.
_BEGINNER: Final = re.compile(
    r"(\b[a-z]+ )?\b(?:It|In|He|She|They|This|There|When|After|As|On|By|For|At|From|These)\b"
)
# What draws a table or fills up its columns says nothing about the text in it.
_TABLE_MARKS: Final = re.compile(r"[-=_+|.·:─-╿]{3,}|(?<=\s)[|│┃](?=\s)|^[|│┃]|[|│┃]$", re.M)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LONG_WORD: Final = 32
_LEAST_WORDS: Final = 16


def gibberish(text: str) -> list[str]:
    """Up to three reasons why the text, or a part of it, is not in any language."""
    text = _TABLE_MARKS.sub(" ", text)
    words = _WORD.findall(text)
    reasons = [
        *_repetition(text, words),
        *_symbols(text),
        *_letters(text),
        *_order(text, words),
    ]
    return reasons[:3]


def _repetition(text: str, words: list[str]) -> list[str]:
    folded = [word.casefold() for word in words]
    if len(folded) >= 12:
        commonest = Counter(folded).most_common(1)[0][1] / len(folded)
        if commonest > 0.35:
            return [f"one word is {commonest:.0%} of the text"]
    if len(folded) >= 40:
        triples = list(zip(folded, folded[1:], folded[2:]))
        distinct = len(set(triples)) / len(triples)
        if distinct < 0.3:
            return [f"only {distinct:.0%} of the word triples of the text are distinct"]
    raw = " ".join(text.split()).encode("utf-8", "surrogatepass")
    if len(raw) >= 400 and len(zlib.compress(raw)) < 0.12 * len(raw):
        return ["the text is one pattern over and over"]
    return []


def _symbols(text: str) -> list[str]:
    visible = [character for character in text if not character.isspace()]
    if len(visible) < _LEAST_LETTERS:
        return []
    odd = sum(1 for character in visible if unicodedata.category(character)[0] in "SPC") / len(visible)
    if odd > 0.4:
        return [f"{odd:.0%} of the text is signs that are neither letters nor digits"]
    runs = re.findall(rf"[A-Za-z0-9+/=_-]{{{_LONG_WORD},}}", text)
    coded = sum(map(len, runs)) / len(visible)
    if coded > 0.4:
        return [f"{coded:.0%} of the text is letters without a space, as encoded data are"]
    words = re.findall(r"[A-Za-z]{4,}", text)
    if len(words) >= 8:
        mixed = sum(1 for word in words if re.search(r"[a-z][A-Z]+[a-z]+[A-Z]|[A-Z]{2}[a-z]+[A-Z]", word))
        if mixed / len(words) > 0.4:
            return [f"in {mixed / len(words):.0%} of the words capitals and small letters alternate"]
    return _scripts(text)


def _scripts(text: str) -> list[str]:
    words = [word for word in _WORD.findall(text) if len(word) >= 3]
    mixed = sum(1 for word in words if len({_script(c) for c in word if c.isalpha()} - {""}) > 1)
    if len(words) >= 8 and mixed > 0.3 * len(words):
        return [f"{mixed / len(words):.0%} of the words mix alphabets"]
    return []


def _script(character: str) -> str:
    if character.isascii():
        return "LATIN"
    name = unicodedata.name(character, "").split(" ")[0]
    # Japanese mixes its own within a word
    return (
        "" if name in ("HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA", "MODIFIER", "FULLWIDTH") else name
    )


def _letters(text: str) -> list[str]:
    """Stretches whose letters do not alternate as spoken ones do, or are neighbours on a keyboard."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    words = [word for word in re.findall(r"[^\W\d_]+", re.sub(r"[\u0300-\u036f]", "", decomposed))]
    window: list[str] = []
    n_letters = 0
    reasons: list[str] = []
    for index, word in enumerate(words):
        window.append(word)
        n_letters += len(word)
        last = index + 1 == len(words)
        if n_letters >= _WINDOW_LETTERS or (last and n_letters >= _LEAST_LETTERS):
            first = index + 2 - len(window)
            reasons += [f"words {first} to {index + 1}: {what}" for what in _strange(window)]
            window, n_letters = [], 0
    return reasons


def _strange(words: list[str]) -> list[str]:
    letters = "".join(words)
    latin = sum("a" <= letter <= "z" for letter in letters)
    cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in letters)
    if max(latin, cyrillic) < 0.8 * len(letters):
        return []
    vowels = sum(letter in _VOWELS for letter in letters) / len(letters)
    least = _VOWELS_LEAST if latin >= cyrillic else _CYRILLIC_VOWELS_LEAST
    pairs = [a + b for word in words for a, b in pairwise(word)]
    impossible = sum(pair in _IMPOSSIBLE for pair in pairs)
    if impossible >= 3 and impossible > _IMPOSSIBLE_MOST * len(pairs):
        return [f"{impossible} of {len(pairs)} pairs of letters stand in no language's words"]
    if vowels < least and len(letters) >= _WINDOW_LETTERS:
        return [f"{vowels:.0%} of the letters are vowels, fewer than in any language"]
    near = sum(pair in _KEYBOARD for pair in pairs) / len(pairs) if len(pairs) >= 15 else 0.0
    if near > _KEYBOARD_MOST:
        return [f"{near:.0%} of the letter pairs are neighbours on a keyboard"]
    return []


def _order(text: str, words: list[str]) -> list[str]:
    """Words in no order: English function words stand where none can, and sentences begin or end within
    others."""
    if len(words) < _LEAST_WORDS:
        return []
    folded = [word.casefold() for word in words]
    chances = [b in _CANNOT_FOLLOW[a] for a, b in _pairs(folded)]
    capitals = sum(word[0].isupper() and len(word) > 1 for word in words)
    if capitals < _FEW_CAPITALS * len(words):  # as in a transcript: where a sentence begins, nothing shows
        chances = [odd for odd, pair in zip(chances, _pairs(folded), strict=True) if pair[0] != pair[1]]
    else:
        chances += map(str.islower, _AFTER_STOP.findall(text))
    chances += [bool(before) for before in _BEGINNER.findall(text)]
    odd = sum(chances)
    if odd >= 3 and odd > _ORDER_MOST * len(chances):
        return [f"{odd} of {len(chances)} function words and full stops stand where none can"]
    return []


def _pairs(folded: list[str]) -> list[tuple[str, str]]:
    """Each function word with the word behind it."""
    return [(a, b) for a, b in pairwise(folded) if a in _CANNOT_FOLLOW]
