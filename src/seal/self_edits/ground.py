"""Keeps of what a writer wrote about a passage the lines that a sentence of it supports, and says which one.

Knows names, numbers, words and clauses (source.py). Knows nothing about what is true, only about what stands in
the source: a paraphrase that shares no word with it is dropped, and two facts of one clause may be confused.
Never raises on any text. A reason never quotes, since it is kept when the source is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from seal.self_edits.source import PRONOUNS, Clause, Sentence, Source, find_run, name_runs, read, stems_match
from seal.self_edits.words import Token, is_soft_negation, is_weak, negations, number, opposite, relations, tokens

_PAIR: Final = re.compile(r"Question: (?P<question>.*?)\nAnswer: (?P<answer>.*)", re.S)
_COPULAS: Final = frozenset("is was are were has had".split())
_YES_NO: Final = re.compile(r"(?:yes|no)\b[.,!]?\s*", re.I)

SAID_BEFORE: Final = "said before"
NO_NAME: Final = "a name in it is not in the source"
NO_NUMBER: Final = "a number in it is not in the source"
NOT_TOGETHER: Final = "its names and numbers are not together in the source"
NO_WORDS: Final = "it says nothing that a sentence of the source says"
NEW_WORDS: Final = "its relation is not in any one sentence"
MISPLACED: Final = "its value belongs to another fact of the source"
DENIED: Final = "it denies what the source says"
NO_SUBJECT: Final = "its subject is a pronoun that cannot be resolved"
ITSELF: Final = "it states its subject of itself"
WRONG_TYPE: Final = "its answer is of another type than its question asks for"


class GroundConfig(BaseModel):
    """How closely a line must follow its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_new_words: float = Field(
        default=0.35,
        ge=0,
        le=1,
        description="Most of a line's telling words that its sentence may lack, as a share; names and numbers may "
        "never be lacking.",
    )
    free_words: int = Field(
        default=5,
        ge=0,
        description="A line of up to so many telling words may have no new one.",
    )
    sentences_joined: int = Field(
        default=2, ge=1, le=4, description="How many consecutive sentences may support a line together."
    )
    rewrite_pronouns: bool = Field(
        default=True,
        description="Put the title for a pronoun at the beginning of a line, where the source makes plain whom "
        "it means; otherwise such lines are dropped.",
    )


@dataclass(frozen=True)
class Grounded:
    """One line: what is to be trained on, whether it is kept, why not, and the sentence that supports it."""

    text: str
    kept: bool
    reason: str
    sentence: str


@dataclass(frozen=True)
class _Claim:
    """What a line says. `answer` is where the answer's tokens begin, 0 for a statement."""

    tokens: tuple[Token, ...]
    rows: dict[int, frozenset[int]]
    answer: int
    question: str
    own: frozenset[int]  # places of the title's name
    names: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    words: tuple[int, ...]  # places of the other telling words
    first_unknown: bool


def ground(
    lines: Sequence[str], title: str, text: str, config: GroundConfig | None = None
) -> tuple[Grounded, ...]:
    """Each line of a self-edit with whether a sentence of the passage supports it; see the module."""
    config = config or GroundConfig()
    source = read(title, text)
    said: set[str] = set()
    found: list[Grounded] = []
    for line in lines:
        one = _ground_one(line, source, config) if _key(line) not in said else _drop(line, SAID_BEFORE)
        if one.kept and _key(one.text) in said and one.text != line:
            one = _drop(line, SAID_BEFORE)
        said |= {_key(line), _key(one.text)}
        found.append(one)
    return tuple(found)


def _key(line: str) -> str:
    return "".join(filter(str.isalnum, line.casefold()))


def _drop(line: str, reason: str) -> Grounded:
    return Grounded(line, False, reason, "")


def _ground_one(line: str, source: Source, config: GroundConfig) -> Grounded:
    claim = _read_line(line, source)
    if claim.names and not all(_known_name(run, source) for run in claim.names) or claim.first_unknown:
        return _drop(line, NO_NAME)
    everywhere = frozenset().union(*(one.numbers for one in source.sentences)) | frozenset(
        part for word in source.name for part in re.findall(r"\d+", word)
    )
    if any(one not in everywhere for one in claim.numbers):
        return _drop(line, NO_NUMBER)
    if not claim.answer and _twice(claim, source):
        return _drop(line, ITSELF)
    best, reason = _support(claim, source, config)
    if best is None:
        return _drop(line, reason)
    first, last = best
    sentence = source.text[source.sentences[first].start : source.sentences[last].end]
    if not claim.answer and claim.tokens and claim.tokens[0].folded in PRONOUNS and not claim.own:
        if not (config.rewrite_pronouns and source.title.strip() and source.about_title[last]):
            return _drop(line, NO_SUBJECT)
        line = source.title.strip() + line.lstrip()[len(claim.tokens[0].text) :]
    return Grounded(line, True, "", sentence)


def _read_line(line: str, source: Source) -> _Claim:
    pair = _PAIR.fullmatch(line)
    asked = tokens(pair["question"]) if pair else []
    answer = pair["answer"] if pair else line
    told = tokens(_YES_NO.sub("", answer, count=1) if pair else answer)
    folded = [token.folded for token in (*asked, *told)]
    own: set[int] = set()
    at = 0
    while (place := find_run(source.name, folded[at:])) is not None:
        own |= set(range(at + place, at + place + len(source.name)))
        at += place + len(source.name)
    words = (*asked, *told)
    rows = relations(list(words))
    names: list[tuple[str, ...]] = []
    first_unknown = False
    capital_words: set[int] = set()
    for begin, part in ((0, asked), (len(asked), told)):
        for run, places in _runs(part, begin, own):
            if places == [begin] and not _first_is_name(part, source):
                capital_words.add(begin)
                nxt = part[1].folded if len(part) > 1 else ""
                token = part[0]
                if not pair and nxt in _COPULAS and not stems_match(token.stem, _all_stems(source)) and begin not in rows:
                    first_unknown = True
                continue
            names.append(tuple(run))
    telling = tuple(
        at
        for at, token in enumerate(words)
        if at not in own and (token.kind == "word" or at in capital_words)
    )
    numbers = tuple(number(t.folded) for at, t in enumerate(words) if t.kind == "number" and at not in own)
    return _Claim(
        words, rows, len(asked), pair["question"] if pair else "", frozenset(own), tuple(names), numbers, telling, first_unknown
    )


def _all_stems(source: Source) -> frozenset[str]:
    return frozenset().union(*(one.stems for one in source.sentences), source.name)


def _runs(part: Sequence[Token], begin: int, own: set[int]) -> list[tuple[list[str], list[int]]]:
    """Names outside the title's own, with their places in the claim."""
    found: list[tuple[list[str], list[int]]] = []
    stretch: list[int] = []
    for at in range(len(part) + 1):
        if at < len(part) and begin + at not in own:
            stretch.append(at)
            continue
        if stretch:
            inner = [part[i] for i in stretch]
            for run in name_runs(inner):
                offset = find_run(run, [token.folded for token in inner])
                assert offset is not None
                found.append((run, [begin + stretch[0] + offset + i for i in range(len(run))]))
        stretch = []
    return found


def _first_is_name(part: Sequence[Token], source: Source) -> bool:
    """Whether the first word of a line is a name: the source has it as one, and not as a common word."""
    first = part[0]
    return first.folded in source.names or (first.text.isupper() and len(first.text) > 1)


def _known_name(run: Sequence[str], source: Source) -> bool:
    """Whether a name stands in the source as it is, or is put together of whole names that do."""
    if source.has_run(run):
        return True
    for cut in range(1, len(run)):
        head, tail = tuple(run[:cut]), tuple(run[cut:])
        if (head in source.runs or head == source.name) and (tail in source.runs or tail == source.name):
            return True
    return len(run) == 1 and any(_demonym(run[0], other) for other in source.names)


def _demonym(one: str, other: str) -> bool:
    """Whether one is the other with an ending such as that of "Russian"."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4:
        return False
    for ending in ("n", "an", "ian", "ese", "ish", "ic", "s", "es", "ist", "ism"):
        if longer in (shorter + ending, shorter[:-1] + ending):
            return True
    return False


def _twice(claim: _Claim, source: Source) -> bool:
    return len(claim.own) >= 2 * len(source.name) > 0 and len(claim.tokens) <= 16


def _support(claim: _Claim, source: Source, config: GroundConfig) -> tuple[tuple[int, int] | None, str]:
    """The consecutive sentences that support the claim, as few as possible, or the reason why none do."""
    reason = NO_WORDS
    ranks = [NO_WORDS, NOT_TOGETHER, NEW_WORDS, WRONG_TYPE, MISPLACED, DENIED]
    for size in range(1, config.sentences_joined + 1):
        for first in range(len(source.sentences) - size + 1):
            window = source.sentences[first : first + size]
            why = _fits(claim, window, source, config)
            if not why:
                return (first, first + size - 1), ""
            reason = max(reason, why, key=ranks.index)
    return None, reason


def _fits(claim: _Claim, window: Sequence[Sentence], source: Source, config: GroundConfig) -> str:
    """Empty if these sentences support the claim, or the first reason against it."""
    folded = frozenset().union(*(one.folded for one in window))
    stems = frozenset().union(*(one.stems for one in window))
    numbers = frozenset().union(*(one.numbers for one in window))
    rows = frozenset().union(*(rows for one in window for rows in one.rows.values()))
    title = frozenset(source.name)
    if not all(part in folded or part in title or _inflected(part, folded | title) for run in claim.names for part in run):
        return NOT_TOGETHER
    if not all(one in numbers or one in title for one in claim.numbers):
        return NOT_TOGETHER
    literal = [at for at in claim.words if stems_match(claim.tokens[at].stem, stems)]
    alike = [at for at in claim.words if at not in literal and claim.rows.get(at, frozenset()) & rows]
    new = [at for at in claim.words if at not in literal and at not in alike]
    if not _has_value(claim, literal, source):
        return NO_WORDS
    strong = [at for at in new if not is_weak(claim.tokens[at].stem) and at not in claim.rows and not stems_match(claim.tokens[at].stem, title)]
    telling = len(claim.names) + len(claim.numbers) + len(claim.words)
    asked = [at for at in strong if at < claim.answer]
    few = telling <= config.free_words
    if len(strong) - len(asked) > 0 and few or len(strong) > (len(asked[:1]) if few else config.max_new_words * telling):
        return NEW_WORDS
    if claim.answer and (why := _answers(claim, literal)):
        return why
    if _misplaced(claim, window, source):
        return MISPLACED
    return DENIED if _denied(claim, window) else ""


def _inflected(part: str, among: frozenset[str]) -> bool:
    return any(_demonym(part, other) for other in among)


def _has_value(claim: _Claim, literal: Sequence[int], source: Source) -> bool:
    """Whether something besides the title's name stands in the source as it stands in the line."""
    title = set(source.name)
    if claim.answer:
        told = [at for at in literal if at >= claim.answer]
        names = [token for token in claim.tokens[claim.answer :] if token.kind in ("name", "number")]
        return bool(told) or any(token.folded not in title for token in names)
    return bool(claim.numbers) or any(set(run) - title for run in claim.names) or bool(
        [at for at in literal if claim.tokens[at].stem not in title and not is_weak(claim.tokens[at].stem)]
    )


def _answers(claim: _Claim, literal: Sequence[int]) -> str:
    """Whether the answer is of the type that the question asks for, and its own words are the source's."""
    told = claim.tokens[claim.answer :]
    asked = claim.question.casefold()
    has_number = any(token.kind == "number" for token in told)
    has_name = any(token.kind == "name" for token in told)
    if re.search(r"\b(?:how many|how much|when|(?:what|which) year)\b", asked) and not (
        has_number or len(told) > 2
    ):
        return WRONG_TYPE
    if re.match(r"who(?:m|se)?\b", asked) and not has_name and len(told) <= 3:
        return WRONG_TYPE
    words = [at for at in claim.words if at >= claim.answer and not is_weak(claim.tokens[at].stem)]
    if len(words) <= 4 and any(at not in literal and at not in claim.rows for at in words):
        return NEW_WORDS
    return ""


def _misplaced(claim: _Claim, window: Sequence[Sentence], source: Source) -> bool:
    """Whether the words for the relation stand with another value, and not with the claim's own."""
    relation = [at for at in claim.words if at in claim.rows and (not claim.answer or at < claim.answer)]
    if not relation:
        return False
    with_value = [c for one in window for c in one.clauses if _holds_value(claim, c, one, source)]
    if not with_value or max(_hits(claim, relation, c, source) for c in with_value):
        return False
    if any(_states_relation(c, source) for c in with_value):
        return True
    return any(
        _hits(claim, relation, c, source)
        for one in source.sentences
        for c in one.clauses
        if c not in with_value and _type(claim, c, source)
    )


def _states_relation(clause: Clause, source: Source) -> bool:
    sentence = source.sentences[clause.sentence]
    return any(at in sentence.rows and at not in sentence.subjects for at in clause.places)


def _type(claim: _Claim, clause: Clause, source: Source) -> bool:
    """Whether the clause has a value of the claim's type: a name, a number or a common noun."""
    here = [source.sentences[clause.sentence].tokens[at] for at in clause.places]
    kinds = {token.kind for token in here if token.folded not in source.name}
    if claim.numbers:
        return "number" in kinds
    if any(set(run) - set(source.name) for run in claim.names):
        return "name" in kinds
    return not kinds & {"name", "number"}


def _holds_value(claim: _Claim, clause: Clause, sentence: Sentence, source: Source) -> bool:
    here = [sentence.tokens[at] for at in clause.places]
    folded = {token.folded for token in here}
    title = set(source.name)
    parts = {part for run in claim.names for part in run if part not in title and len(part) > 1}
    if any(part in folded for part in parts if part not in ("of", "the")):
        return True
    if claim.numbers and {number(token.folded) for token in here if token.kind == "number"} & set(claim.numbers):
        return True
    if parts or claim.numbers:
        return False
    stems = frozenset(token.stem for token in here)
    values = [at for at in claim.words if at not in claim.rows and not is_weak(claim.tokens[at].stem)]
    return any(stems_match(claim.tokens[at].stem, stems) for at in values)


def _hits(claim: _Claim, relation: Sequence[int], clause: Clause, source: Source) -> int:
    sentence = source.sentences[clause.sentence]
    places = [at for at in clause.places if at not in sentence.subjects]
    stems = frozenset(sentence.tokens[at].stem for at in places)
    rows = frozenset().union(*(sentence.rows.get(at, frozenset()) for at in places))
    return sum(stems_match(claim.tokens[at].stem, stems) or bool(claim.rows[at] & rows) for at in relation)


def _denied(claim: _Claim, window: Sequence[Sentence]) -> bool:
    """Whether one denies and the other does not, or they use opposite words."""
    matched = [clause for one in window for clause in one.clauses if _shares(claim, clause, one)]
    here = [window[0].tokens[0]][:0]
    for clause in matched:
        one = next(s for s in window if s.clauses and clause in s.clauses)
        here += [one.tokens[at] for at in clause.places]
    told, said = negations(claim.tokens), negations(here)
    if bool(told) != bool(said) and not is_soft_negation(here if told else claim.tokens):
        return True
    stems = {token.stem for token in here}
    return any(
        opposite(claim.tokens[at].stem, other) and claim.tokens[at].stem not in stems
        for at in claim.words
        for other in stems
    )


def _shares(claim: _Claim, clause: Clause, sentence: Sentence) -> bool:
    stems = frozenset(sentence.tokens[at].stem for at in clause.places if sentence.tokens[at].kind != "function")
    return any(
        token.kind != "function" and at not in claim.own and stems_match(token.stem, stems)
        for at, token in enumerate(claim.tokens)
    )
