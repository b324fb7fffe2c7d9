"""Which sentence of a source in another language than English supports a line.

Knows words by their beginnings, and of scripts without spaces pairs of characters; no grammar. That the
numbers, names and, without capitals, words of a line stand in the source is checked in exact_checks.py.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Protocol

from seal.grading import tongues
from seal.grading.meaning import contains_answer
from seal.languages import script_language
from seal.self_edits.name_words import FUNCTION_WORDS, WIDE_FUNCTION, WIDE_QUESTION
from seal.self_edits.pair_lines import question_of
from seal.self_edits.quantities import forms_of_number, normalised, read_measures
from seal.self_edits.source_facts import fold
from seal.self_edits.wide_words import without_common_words, without_units
from seal.signs import MARKS, UNSPACED, in_one_form
from seal.text import sentence_spans

__all__ = ["NOT_STATED", "foreign_support", "word_stems"]

NOT_STATED: Final = "no sentence of the source states it"
_WORD: Final = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{MARKS}])*")
_IS_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_MINOR: Final = FUNCTION_WORDS.union(*tongues.FUNCTION_WORDS.values())
_STEM: Final = 4  # letters by which two forms of a word are told to be one
_ARABIC_HEBREW: Final = re.compile("^(?:وال|بال|فال|كال|لل|ال|[והבלמשכ](?=[\u0590-\u05ff]{3}))")
_JOINED_AND: Final = re.compile("^و(?=[\u0600-\u06ff]{4})")
_LEAST_ASKED: Final = 0.3  # of the words of a question, that stand with its answer or in the title


class JoiningConfig(Protocol):
    """What is read of how closely a line must follow its source."""

    @property
    def max_new_words(self) -> float: ...
    @property
    def sentences_joined(self) -> int: ...


def foreign_support(line: str, title: str, text: str, config: JoiningConfig) -> tuple[int, int] | None:
    """The place of the sentences that support a line, as few as possible and as much like it as possible;
    None if none do."""
    spans, stems = _read(text)
    about = stems_of(title)
    pair = question_of(line)
    words = pair[0] if pair else line
    if script_language(text) == "zh":
        words = without_common_words(normalised(words), normalised(text))
    claimed = stems_of(words)
    own = claimed - about
    least = _LEAST_ASKED if pair else 1 - config.max_new_words
    if not pair and len(claimed) > 2:
        least = min(least, 1 - 1 / len(claimed))  # a short line may have one word of its own
    for size in range(1, config.sentences_joined + 1):
        ranked: list[tuple[float, int]] = []
        for at in range(len(spans) - size + 1):
            here = about.union(*stems[at : at + size])
            share = _share(words, claimed, here)
            # what is asked of the title's subject is said there, or just before
            near = here.union(*stems[max(0, at - 1) : at]) if pair else here
            if share >= least - 1e-9 and (own & near if own or not pair else True):
                ranked.append((-share, at))
        for _, at in sorted(ranked):
            place = spans[at][0], spans[at + size - 1][1]
            if pair is None or contains_answer(text[slice(*place)], pair[1]):
                return place
    return None


def _share(line: str, claimed: frozenset[str], here: frozenset[str]) -> float:
    """How much of a line's words is here. In scripts without spaces its characters are counted, since one new
    one makes two new pairs; one that has another beside it here counts half."""
    spaced = {one for one in claimed if not _IS_UNSPACED.match(one)}
    chars = frozenset("".join(one for one in here if _IS_UNSPACED.match(one)))
    worth: list[float] = [one in here for one in spaced]
    for run in _runs(line):
        together = {at + n for at in range(len(run) - 1) if run[at : at + 2] in here for n in (0, 1)}
        for at, char in enumerate(run):
            if char not in WIDE_FUNCTION:
                worth.append(1.0 if at in together else (char in chars) / 2)
    return sum(worth) / len(worth) if worth else 1.0


def _runs(line: str) -> list[str]:
    words = _WORD.findall(WIDE_QUESTION.sub(" ", without_units(fold(in_one_form(line)))))
    return [word for word in words if _IS_UNSPACED.match(word)]


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[list[tuple[int, int]], list[frozenset[str]]]:
    spans = sentence_spans(text)
    return spans, [stems_of(text[start:end]) for start, end in spans]


def stems_of(text: str) -> frozenset[str]:
    """The telling words and the numbers of a text."""
    return word_stems(text) | _numbers(text)


def word_stems(text: str) -> frozenset[str]:
    """The telling words of a text by their beginnings; of scripts without spaces, pairs of characters."""
    stems: set[str] = set()
    for word in _WORD.findall(WIDE_QUESTION.sub(" ", fold(in_one_form(text)))):
        if _IS_UNSPACED.match(word):
            pairs = {word[at : at + 2] for at in range(len(word) - 1)}
            stems |= {pair for pair in pairs if WIDE_FUNCTION.isdisjoint(pair)} or pairs
        elif word not in _MINOR and not word[0].isdigit():
            bare = _JOINED_AND.sub("", _ARABIC_HEBREW.sub("", word, count=1))
            stems.add(
                bare[
                    : 2
                    if "\uac00" <= bare[0] <= "\ud7af"
                    else 3
                    if "\u0590" <= bare[0] <= "\u06ff"
                    else _STEM
                ]
            )
    return frozenset(stems)


def _numbers(text: str) -> set[str]:
    """The quantities, without units, and the parts of dates."""
    read = read_measures(normalised(text)).amounts
    return {form for one in read for form in forms_of_number(one) if " " not in form}
