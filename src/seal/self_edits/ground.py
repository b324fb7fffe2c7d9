"""Keeps those lines of a self-edit that a sentence of the passage supports, and says which sentence.

Knows pairs, paragraphs, pronouns and repetitions; what a line says is checked in support.py. Knows nothing
about what is true, only about what stands in the source. Never raises on any text. The reason for dropping a
line never quotes the source, because reasons are kept after the source is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seal.self_edits.claim import PAIR, is_known_name, lacks_subject, needs_title, read_claim, states_itself
from seal.self_edits.exact_checks import unsupported
from seal.self_edits.other_languages import NOT_STATED, foreign_support
from seal.self_edits.source import SourceText, read_source
from seal.self_edits.support import DENIED, GroundConfig, find_support
from seal.self_edits.words import negations, tokens
from seal.signs import in_one_form
from seal.text import sentences, wording

__all__ = ["DENIED", "GroundConfig", "Grounded", "denies", "ground"]

SAID_BEFORE: Final = "said before"
BROKEN: Final = "it is not a whole sentence"
NO_SUBJECT: Final = "its subject is a pronoun that cannot be resolved"
NO_NAME: Final = "a name in it is not in the source"
NO_NUMBER: Final = "a number in it is not in the source"
TOO_LONG: Final = "it has more sentences than a line may have"
ITSELF: Final = "it states its subject of itself"

_BROKEN: Final = re.compile(r"\b(?:an?|the) (?:an?|the)\b|\b(?:of|to|the|an?|by|with|from|and|or|in)\W*+\Z")
_ASKS: Final = re.compile(r"\?[^\w?]*+\Z")
_HEADING: Final = re.compile(r"^[^.!?:\n]{3,80}: (?=[A-Z“\"])")
_MOST_SENTENCES: Final = 60
_PARAGRAPH_CHARS: Final = 200  # a line of that length may have a heading of its own


@dataclass(frozen=True)
class Grounded:
    """One line: its text as it is to be trained on, whether it is kept, the reason if not, and the sentence
    of the source that supports it."""

    text: str
    kept: bool
    reason: str
    sentence: str


def ground(
    lines: Sequence[str], title: str, text: str, config: GroundConfig | None = None
) -> tuple[Grounded, ...]:
    """Each line of a self-edit about a passage, kept or not, in their order.

    A line is a statement, a pair "Question: ...\\nAnswer: ...", or a paragraph. Of a paragraph the supported
    sentences are kept. A pronoun at the beginning is replaced by the title where the passage makes plain that
    the pronoun stands for it.
    """
    config = config or GroundConfig()
    source = read_source(title, text, config.words)
    said: set[str] = set()
    grounded: list[Grounded] = []
    for line in lines:
        line_result = _ground_line(line, source, config)
        if {wording(line), wording(line_result.text)} & said:
            line_result = _dropped(line, SAID_BEFORE)
        said |= {wording(line), wording(line_result.text)}
        grounded.append(line_result)
    return tuple(grounded)


def denies(text: str) -> bool:
    """Whether a text has a word that denies something ("not", "never", "nobody")."""
    return negations(tokens(text)) > 0


def _is_broken(line: str) -> bool:
    """Whether a line breaks off, or asks without an answer."""
    return _BROKEN.search(line) is not None or (
        not line.startswith("Question: ") and _ASKS.search(line) is not None
    )


def _dropped(line: str, reason: str) -> Grounded:
    return Grounded(line, False, reason, "")


def _ground_line(line: str, source: SourceText, config: GroundConfig) -> Grounded:
    """A statement or a pair is kept or dropped as a whole; of a paragraph, the sentences that are not
    supported are left out."""
    if PAIR.fullmatch(line):
        return _ground_one(line, source, config)
    parts = sentences(_HEADING.sub("", line) if len(line) > _PARAGRAPH_CHARS else line)
    if len(parts) <= 1:
        return _ground_one(line, source, config)
    if len(parts) > _MOST_SENTENCES:
        return _dropped(line, TOO_LONG)
    grounded: list[Grounded] = []
    for part in parts:
        grounded.append(_ground_one(part, source, config, follows=bool(grounded) and grounded[-1].kept))
    kept = [one for one in grounded if one.kept]
    if not kept:
        return _dropped(line, grounded[0].reason)
    told = line if [one.text for one in kept] == parts else " ".join(one.text for one in kept)
    return Grounded(told, True, "", " ".join(dict.fromkeys(one.sentence for one in kept)))


def _ground_foreign(line: str, source: SourceText, config: GroundConfig) -> Grounded:
    """A line about a source in another language than English."""
    if _is_broken(line):
        return _dropped(line, BROKEN)
    reason = unsupported(line, source.text, source.title)
    place = (0, 0) if reason else foreign_support(line, source.title, source.text, config)
    if place is None or reason:
        return _dropped(line, reason or NOT_STATED)
    return Grounded(line, True, "", source.text[slice(*place)])


def _ground_one(line: str, source: SourceText, config: GroundConfig, *, follows: bool = False) -> Grounded:
    """`follows`: it comes after a sentence that is kept, so that a pronoun may stand for its subject."""
    line = in_one_form(line)
    if source.language:
        return _ground_foreign(line, source, config)
    claim = read_claim(line, source)
    if _is_broken(line):
        return _dropped(line, BROKEN)
    if not follows and lacks_subject(claim, source):
        return _dropped(line, NO_SUBJECT)
    if claim.garbled or not all(is_known_name(run, source) for run in claim.names):
        return _dropped(line, NO_NAME)
    if any(source.numbers.isdisjoint(forms) for forms in claim.numbers):
        return _dropped(line, NO_NUMBER)
    if states_itself(claim, source):
        return _dropped(line, ITSELF)
    support, reason = find_support(claim, source, config)
    if support is None or (reason := unsupported(line, source.text, source.title)):
        return _dropped(line, reason)
    first, last = support
    if not follows and needs_title(claim):
        title = source.title.strip()
        if not (config.rewrite_pronouns and title and source.about_title[last]):
            return _dropped(line, NO_SUBJECT)
        pronoun = claim.tokens[0]
        line = line[: pronoun.start] + title + line[pronoun.end :]
    return Grounded(line, True, "", source.text[source.sentences[first].start : source.sentences[last].end])
