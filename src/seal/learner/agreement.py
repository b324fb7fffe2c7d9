"""Whether two answers to one question agree, plainly differ, or neither.

Two ways, which a model's preset fixes. "words": the embedded model answers with nothing but the answer, so
the same words are the same answer and others are another. "meaning": other models answer in sentences, and a
false contradiction does harm: it retires what is right. So they differ only if both are short and each has a
number, date or name of its own. Knows nothing about documents or models.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from seal.grading.exact import comparable
from seal.grading.lexical import words
from seal.grading.meaning import same_answer
from seal.signs import in_one_form

Judging = Literal["words", "meaning"]
_MOST_WORDS: Final = 14
_NUMBER: Final = re.compile(r"(?:(?<![^\s($€£¥])-)?\d+(?:[.,:/-]\d+)*")
_CAPITAL: Final = re.compile(r"[^\W\d_a-z][\w'’-]*")
_OPENING: Final = frozenset("the a an i it its he she they there this that in on at by from yes".split())


def agree(question: str, one: str, other: str, judging: Judging = "words") -> bool:
    """Whether two answers say the same."""
    a, b = comparable(one), comparable(other)
    if a == b:
        return True
    if judging == "words":
        return f" {a} " in f" {b} " or f" {b} " in f" {a} "
    return same_answer(question, one, other)


def differ(question: str, one: str, other: str, judging: Judging = "words") -> bool:
    """Whether two answers contradict each other."""
    if agree(question, one, other, judging):
        return False
    if judging == "words":
        return True
    if max(len(one.split()), len(other.split())) > _MOST_WORDS:
        return False
    asked = set(words(question))
    numbers = [_numbers(text, asked) for text in (one, other)]
    if all(numbers):
        return not numbers[0] & numbers[1]
    names = [_names(text, asked) for text in (one, other)]
    return all(names) and not any(numbers) and not names[0] & names[1]


def _numbers(text: str, asked: set[str]) -> set[str]:
    """Numbers that the question does not have, small number words too."""
    found = {number.replace(",", "") for number in _NUMBER.findall(in_one_form(text))}
    return (found | {word for word in words(text) if word.isdigit()}) - asked


def _names(text: str, asked: set[str]) -> set[str]:
    """Words with a capital letter that the question does not have; a sentence's first word counts if it is
    no function word."""
    return {n.casefold() for n in _CAPITAL.findall(text)} - asked - _OPENING


def names_all(question: str, text: str) -> bool:
    """Whether a text has every name and number of a question: a price of one plan is none of another's."""
    _, *rest = re.findall(r"\w[\w.'’-]*(?:\+{1,2}|\#)?", question) or [""]
    named = [w for w in rest if w[0].isupper() or w[0].isdigit()]
    there = set(words(text))
    return all(word in there for name in named for word in words(name))
