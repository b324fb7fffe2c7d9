"""Tells an answer from a recital: a text that holds the gold answer among much else has not answered.

An answer is one sentence, or hardly longer than the gold answer. Several sentences that merely hold it are a
recital, and several candidates of which one is the gold answer are a guess. Knows nothing about right and
wrong: a grader asks here after it has found the gold answer in an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from seal.grading.pieces import HANGUL
from seal.signs import UNSPACED
from seal.text import sentences

MAX_EXTRA_WORDS: Final = 14
"""So many words more than the gold answer are no recital, in however many sentences."""
_UNSPACED_CHAR: Final = re.compile(f"[{UNSPACED}{HANGUL}]")
_CHARS_A_WORD: Final = 2
_SEPARATOR: Final = re.compile(
    r",(?!\d)|[;/\n、，；或和]|(?<=\s)(?:or|and|oder|und|ou|et|o|y)(?=\s)", re.IGNORECASE
)
_EITHER: Final = re.compile(r"[/或]|(?<=\s)(?:or|oder|ou|o)(?=\s)", re.IGNORECASE)
_AND: Final = re.compile(r"\s(?:and|und|et|y)\s|和", re.IGNORECASE)
_ARTICLES: Final = frozenset("a an the in at on of der die das den dem le la les el los las".split())
_STEM: Final = 4
"""Words that begin with the same letters, so many, are taken for forms of one."""
_CLAUSE_WORDS: Final = 2
"""An answer with so many words of the question is a sentence about it."""
_PART_WORDS: Final = 6
"""A part of a list has at most so many words; a longer one is a clause."""


def n_words(text: str) -> int:
    """How many words a text has; in scripts without spaces between words, two characters are one."""
    unspaced = len(_UNSPACED_CHAR.findall(text))
    return len(_UNSPACED_CHAR.sub(" ", text).split()) + (unspaced + 1) // _CHARS_A_WORD


def no_answer(
    question: str, found: Sequence[str], answer: str, max_extra_words: int = MAX_EXTRA_WORDS
) -> str:
    """Why an answer in which these gold answers were found is none all the same; "" for an answer."""
    if all(recites(gold, answer, max_extra_words) for gold in found):
        return f"recites: several sentences, more than {max_extra_words} words longer than the gold answer"
    if all(lists(question, gold, answer) for gold in found):
        return "lists several candidates"
    return ""


def recites(gold: str, answer: str, max_extra_words: int = MAX_EXTRA_WORDS) -> bool:
    """Whether an answer that holds the gold answer recites: it has several sentences and more than
    `max_extra_words` words more."""
    return n_words(answer) - n_words(gold) > max_extra_words and len(sentences(answer)) > 1


def lists(question: str, gold: str, answer: str) -> bool:
    """Whether an answer lists candidates of which one is the gold answer: "Leeds, York or Hull".

    A bare list: no part is a clause or speaks of the question, the gold answer is one part, and it knows
    nothing of the others. Parts that follow the gold answer after a comma are no candidates ("Leeds,
    Yorkshire"), nor are those of a gold answer that is a list itself.
    """
    parts = [part.strip(" .!?-*•\"'") for part in _SEPARATOR.split(answer)]
    parts = [part for part in parts if part]
    if len(parts) < 2 or any(n_words(part) > _PART_WORDS for part in parts):
        return False
    known = _folded(gold)
    strange = [part for part in parts if not _folded(part) & known]
    if not any(len(_folded(part) - known - _ARTICLES) <= 1 for part in parts if part not in strange):
        return False  # the gold answer stands in a clause of its own
    asked = {word[:_STEM] for word in _folded(question) - known if len(word) >= _STEM}
    if sum(word[:_STEM] in asked for word in _folded(answer) - known) >= _CLAUSE_WORDS:
        return False
    if _EITHER.search(answer) and not _EITHER.search(gold):
        return bool(strange)
    follows = len(parts) <= 3 and parts[0] not in strange and not _AND.search(answer)
    return len(strange) >= 2 and not follows


def _folded(text: str) -> set[str]:
    words = set(re.findall(r"\w+", text.casefold()))
    return words | {
        pair for word in words if _UNSPACED_CHAR.match(word) for pair in map("".join, pairwise(word))
    }
