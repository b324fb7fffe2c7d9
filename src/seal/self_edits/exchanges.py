"""Lines that a text does not state, made from lines that it does: a name or number is exchanged for another.

A model that is to tell one from the other is measured on both, in the user's own words. Knows numbers, number
words and names by their look; knows nothing about models. Never raises on any text, and takes time in
proportion to it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from seal.grading.number_words import LISTED_WORDS
from seal.grading.tongues import MONTHS
from seal.self_edits.name_words import FUNCTION_WORDS
from seal.self_edits.source_facts import tokens_of

__all__ = ["TextValue", "exchanged", "values_of"]

_NUMBER: Final = re.compile(r"\d+(?:[.,:/]\d+)*|[零一二三四五六七八九两十百千万]+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ONE: Final = frozenset("one ein eine einen einem einer eins un une una uno".split())
_NUMBER_WORDS: Final = LISTED_WORDS - _ONE


@dataclass(frozen=True)
class TextValue:
    """A number or a name of a text, and its place there."""

    text: str
    start: int
    stop: int
    is_number: bool


@lru_cache(maxsize=512)
def values_of(text: str) -> tuple[TextValue, ...]:
    """The numbers and names of a text in their order, none within another."""
    found = [TextValue(m[0], m.start(), m.end(), True) for m in _NUMBER.finditer(text)]
    found += [
        TextValue(m[0], m.start(), m.end(), True)
        for m in _WORD.finditer(text)
        if m[0].casefold() in _NUMBER_WORDS
    ]
    found += _names(text)
    found.sort(key=lambda one: (one.start, -one.stop))
    apart: list[TextValue] = []
    for one in found:
        if not apart or one.start >= apart[-1].stop:
            apart.append(one)
    return tuple(apart)


def exchanged(line: str, texts: Sequence[str], seed: int) -> str:
    """The line with one of its names or numbers exchanged for another of the same kind: of the first of the
    texts that has one, as like in length as there is. Empty if none can be exchanged."""
    rng = random.Random(seed)
    values = values_of(line)
    for value in rng.sample(values, len(values)):
        for text in texts:
            if other := _other(value, values_of(text), rng):
                return line[: value.start] + other.text + line[value.stop :]
    return ""


def _names(text: str) -> Iterator[TextValue]:
    """Words with a capital within a sentence; those that stand together are one name."""
    start = stop = -1
    for token in tokens_of(text):
        is_name = (
            token.text[0].isupper()
            and not token.begins
            and token.folded not in FUNCTION_WORDS
            and token.folded not in MONTHS
            and not text.startswith(":", token.start + len(token.text))  # a label
        )
        if start >= 0 and not (is_name and token.follows):
            yield TextValue(text[start:stop], start, stop, False)
            start = -1
        if is_name:
            start = token.start if start < 0 else start
            stop = token.start + len(token.text)
    if start >= 0:
        yield TextValue(text[start:stop], start, stop, False)


def _other(value: TextValue, among: Sequence[TextValue], rng: random.Random) -> TextValue | None:
    """Another value of the kind."""
    alike = [
        one
        for one in among
        if one.is_number == value.is_number and not _overlap(one.text.casefold(), value.text.casefold())
    ]
    if not alike:
        return None
    nearest = min(_unlike(one, value) for one in alike)
    return rng.choice([one for one in alike if _unlike(one, value) == nearest])


def _unlike(one: TextValue, other: TextValue) -> int:
    in_digits = one.text[0].isdigit() != other.text[0].isdigit()
    return abs(len(one.text) - len(other.text)) + 10 * in_digits


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one
