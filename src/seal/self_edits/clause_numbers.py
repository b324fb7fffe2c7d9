"""Whether a number of a line stands in its source beside other words than in the line: "Version 2.0 removed
the importer" where 2.0 added something and 3.0 removed it.

Knows clauses by their signs and conjunctions, and words by their beginnings. That a number stands in the
source at all is checked in exact_checks.py. Never raises on any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from seal.grading.stated_amounts import StatedAmount, same_amount
from seal.self_edits.name_words import WIDE_FUNCTION
from seal.self_edits.other_languages import word_stems
from seal.self_edits.quantities import normalised, read_measures
from seal.signs import UNSPACED
from seal.text import sentence_spans

__all__ = ["is_of_another_clause"]

_BREAK: Final = re.compile(
    r"[;:()，；、。]|,(?!\d)| - |"
    r"\b(?:and|but|while|whereas|und|aber|während|et|mais|tandis|y|pero|mientras|и|а|но)\b"
)
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|he|she|they|this|that|these|those|so|did|does|do|"
    r"er|es|sie|dies|diese|il|elle|ils|elles|он|она|оно|они)\b|[它他她]|其(?!中)|それ|これ",
    re.I,
)


@dataclass(frozen=True)
class _NumberedClause:
    """A stretch of a sentence that says one thing: its telling words, with the first of the sentence and
    without it, and its numbers."""

    words: frozenset[str]
    own_words: frozenset[str]
    amounts: tuple[StatedAmount, ...]
    points_back: bool


def is_of_another_clause(line: str, source: str, title: str, language: str, *, comma: bool) -> bool:
    """Whether the line's words are those of a clause with another number, and no clause that has the line's
    number has one of them more than that one. The other number is of the same kind, unless the clauses with
    the line's number have none of the words."""
    clauses = _clauses(source, language, comma)
    asked = read_measures(line, language, comma).amounts
    told = {word for word in word_stems(line) - word_stems(title) if WIDE_FUNCTION.isdisjoint(word)}
    words = frozenset[str]().union(*(one.words for one in clauses)) & told
    if not words or not asked:
        return False
    for amount in asked:
        own = [one for one in clauses if any(same_amount(amount, its) for its in one.amounts)]
        if not own or any(_fits(one, words, asked) for one in own):
            continue
        here = words & frozenset[str]().union(*(one.words for one in own))
        for other in clauses:
            there = words & other.words
            nowhere = words - here - there
            tells_more = here < there and len(nowhere) <= len(there - here) - bool(nowhere)
            if other not in own and tells_more and (not here or _has_rival(other, amount)):
                return True
    return False


def _fits(clause: _NumberedClause, words: frozenset[str], asked: tuple[StatedAmount, ...]) -> bool:
    """Whether a clause with the number may say what the line says: it has its words, points back to something
    said before, says nothing else, or has another number of the line too."""
    also = sum(any(same_amount(one, its) for its in clause.amounts) for one in asked)
    return words <= clause.words or clause.points_back or not clause.own_words - words or also > 1


def _has_rival(clause: _NumberedClause, amount: StatedAmount) -> bool:
    kinds = {"number", "version"}
    return any(
        one.unit == amount.unit and (one.kind == amount.kind or {one.kind, amount.kind} == kinds)
        for one in clause.amounts
    )


@lru_cache(maxsize=16)
def _clauses(source: str, language: str, comma: bool) -> tuple[_NumberedClause, ...]:
    found: list[_NumberedClause] = []
    for start, end in sentence_spans(source):
        sentence = normalised(source[start:end])
        subject = _first_word(sentence)
        for part in _BREAK.split(sentence):
            amounts = read_measures(part, language, comma).amounts
            if amounts:
                own, pointing = word_stems(part), _POINTS_BACK.search(part) is not None
                found.append(_NumberedClause(own | subject, own, tuple(amounts), pointing))
    return tuple(found)


def _first_word(sentence: str) -> frozenset[str]:
    """The first telling word of a sentence, which may be the subject of all its clauses; of one that begins
    with a number, none."""
    for word in _WORD.findall(sentence)[:_LEAD_WORDS]:
        if word[0].isdigit():
            break
        if stems := word_stems(word):
            return stems
    return frozenset()


_WORD: Final = re.compile(rf"\d+|[{UNSPACED}]{{1,2}}|[^\W\d_{UNSPACED}]+")
_LEAD_WORDS: Final = 4
