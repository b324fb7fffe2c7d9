"""What an answer says, taken apart: its quantities, its telling words, what it denies, its yes or no.

Knows the language by its function words, and how texts without spaces between words are cut. Knows nothing
about other answers: `meaning.py` compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from seal.grading import tongues
from seal.grading.amounts import amounts
from seal.grading.pieces import AnswerPiece, pieces, plain, western_numerals
from seal.grading.stated_amounts import StatedAmount

_MAX_CHARS: Final = 2000
_MAX_WORDS: Final = 200
_MAX_AMOUNTS: Final = 60
"""What is longer than these is no answer; they bound the time of a comparison."""
_SCOPE: Final = 6
"""So many words after a negation are denied, as far as its clause goes."""


@dataclass(frozen=True, slots=True)
class ToldWord:
    key: str
    name: bool
    at: int
    denied: bool = False
    owner: bool = False
    """With a possessive 's."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says, taken apart."""

    pieces: tuple[AnswerPiece, ...]
    amounts: tuple[StatedAmount, ...]
    denied_amounts: tuple[bool, ...]
    words: tuple[ToldWord, ...]
    chars: str
    denies: bool
    verdict: int
    """1 for a yes at the beginning, -1 for a no, 0 for neither."""

    @property
    def size(self) -> int:
        return 2 * len(self.amounts) + len(self.words) + len(self.chars)

    @property
    def bare(self) -> bool:
        """Nothing but yes or no."""
        return bool(self.verdict) and not self.size


def read_all(question: str, one: str, other: str) -> tuple[Said, Said, Said]:
    """Both answers and the question, read in the language of all three."""
    language = language_of(question, one, other)
    comma = None if language is None else language in tongues.COMMA_IS_DECIMAL
    lowered = question.casefold()
    versions = any(word in lowered for word in _VERSION_WORDS)
    first, second, asked = (_read(text, language, comma, versions) for text in (one, other, question))
    return first, second, asked


_VERSION_WORDS: Final = ("version", "release", "バージョン", "版本", "버전", "संस्करण")


def language_of(*texts: str) -> str | None:
    """The language whose function words are most in the texts, English where two have as many; or None."""
    found = frozenset().union(*(_vocabulary(text) for text in texts))
    best, most = None, 0
    for language, words in tongues.FUNCTION_WORDS.items():
        count = len(found & words)
        if count > most:
            best, most = language, count
    if best is None and any(char in "äöüßÄÖÜ" for text in texts for char in text):
        return "de"
    return best


@lru_cache(maxsize=1 << 12)
def _pieces(text: str) -> tuple[AnswerPiece, ...]:
    return tuple(pieces(western_numerals(plain(text[:_MAX_CHARS]))))


@lru_cache(maxsize=1 << 12)
def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(piece.raw.casefold() for piece in _pieces(text) if piece.kind == "word")


@lru_cache(maxsize=1 << 12)
def _read(text: str, language: str | None, comma: bool | None, versions: bool) -> Said:
    found = _pieces(text)
    verdict, start = _verdict(found)
    quantities = [
        amount
        for amount in amounts(found, comma_is_decimal=comma, versions=versions, language=language or "")
        if amount.at >= start
    ][:_MAX_AMOUNTS]
    taken = {at for amount in quantities for at in range(amount.at, amount.stop)} | set(range(start))
    denied = _denied(found, language)
    function = tongues.FUNCTION_WORDS[language or "en"]
    words = tuple(_words(found, taken, denied, function, language == "de", bool(quantities)))[:_MAX_WORDS]
    denies = any(piece.kind == "word" and piece.key in tongues.NEGATIONS for piece in found[start:])
    return Said(
        found,
        tuple(quantities),
        tuple(amount.at in denied for amount in quantities),
        words,
        _unspaced(found, taken),
        denies or any(mark in text for mark in tongues.CJK_NEGATIONS),
        verdict,
    )


def _words(
    found: Sequence[AnswerPiece],
    taken: set[int],
    denied: set[int],
    function: frozenset[str],
    german: bool,
    counted: bool,
) -> list[ToldWord]:
    content = [
        at for at, piece in enumerate(found)
        if at not in taken and (piece.kind == "word" or (piece.kind == "num"))
    ]  # fmt: skip
    telling = [at for at in content if not _is_function(found, at, function)] or ([] if counted else content)
    made: list[ToldWord] = []
    for at in telling:
        piece = found[at]
        if piece.key in tongues.NEGATIONS:
            continue
        key = tongues.RATES.get(piece.key, piece.key)
        made.append(
            ToldWord(key, piece.raw[:1].isupper() and not german, at, at in denied, piece.raw.endswith("'s"))
        )
    return made


def _is_function(found: Sequence[AnswerPiece], at: int, function: frozenset[str]) -> bool:
    piece = found[at]
    if piece.kind != "word":
        return False
    if len(piece.raw) == 1 and piece.raw.isupper():  # "Vitamin A", "World War I"; not "A dog", "I"
        is_word = piece.key in ("a", "i") or (piece.key in function and not piece.raw.isascii())
        return at == 0 and len(found) > 1 and is_word
    return piece.key in function or piece.raw.casefold() in function


def _verdict(found: Sequence[AnswerPiece]) -> tuple[int, int]:
    """1 or -1 for a yes or no that opens the answer, and how many tokens it takes."""
    if not found:
        return 0, 0
    if found[0].kind == "cjk":
        text = ""
        for at, piece in enumerate(found[:4]):
            text += piece.key
            after = found[at + 1].kind if at + 1 < len(found) else "cut"
            if after == "cut" and text in tongues.NO:
                return -1, at + 1
            if after == "cut" and text in tongues.YES:
                return 1, at + 1
        return 0, 0
    word = found[0].raw.casefold()
    after = found[1] if len(found) > 1 else None
    parted = (
        after is None
        or after.kind == "cut"
        or after.key in ("it", "they", "you", "he", "she", "there", "the", "-", "–", "—")
    )
    if parted and word in tongues.YES:
        return 1, 1
    if parted and word in tongues.NO:
        return -1, 1
    return 0, 0


def _denied(found: Sequence[AnswerPiece], language: str | None) -> set[int]:
    """The places that a negation denies: what follows in its clause, and in German all of the clause."""
    denied: set[int] = set()
    for at, piece in enumerate(found):
        negates = piece.kind == "word" and (
            piece.key in tongues.NEGATIONS or piece.raw.casefold().endswith("n't")
        )
        pair = piece.key + " " + (found[at + 1].key if at + 1 < len(found) else "")
        contrasts = piece.key in tongues.CONTRASTS or pair in tongues.CONTRASTS or piece.key == "than"
        if not (negates or contrasts):
            continue
        if (
            piece.key in ("no", "not")
            and at + 1 < len(found)
            and found[at + 1].key in ("only", "later", "less", "more", "just", ".")
        ):
            continue  # "not only", "no later than", "No. 5"
        stop = at + 1
        while (
            stop < len(found)
            and stop <= at + _SCOPE
            and found[stop].kind != "cut"
            and found[stop].key not in ("but", "sondern", "and", "because")
        ):
            denied.add(stop)
            stop += 1
        if language == "de" and stop == at + 1:
            back = at - 1
            while back >= 0 and found[back].kind != "cut":
                denied.add(back)
                back -= 1
    return denied


_PARTICLES: Final = frozenset(
    "的了是在由为於于は が を に で の と です ます だ も から る た 이다".replace(" ", "")
)


def _unspaced(found: Sequence[AnswerPiece], taken: set[int]) -> str:
    """The characters of unspaced scripts without particles, Hangul words without their endings."""
    pieces: list[str] = []
    for at, piece in enumerate(found):
        if piece.kind != "cjk" or at in taken:
            continue
        if pieces and piece.glued and at - 1 not in taken and found[at - 1].kind == "cjk":
            pieces[-1] += piece.raw
        else:
            pieces.append(piece.raw)
    made = ""
    for piece in pieces:
        if "\uac00" <= piece[0] <= "\ud7af":
            for end in tongues.KOREAN_PARTICLES:
                if piece.endswith(end) and len(piece) - len(end) >= 2:
                    piece = piece[: -len(end)]
                    break
            made += piece
        else:
            made += "".join(char for char in piece if char not in _PARTICLES) or piece
    return made
