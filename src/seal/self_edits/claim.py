"""What a self-edit's line claims: its names, its numbers, and the other words that say something.

Also says whether the names of a line are those of the source. Knows statements and question-answer pairs; of
the source it knows names and common words only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seal.self_edits.quantities import normalised, read_measures
from seal.self_edits.relations import RelationRows, relations
from seal.self_edits.source import (
    LINKS,
    OWNERS,
    PERSONAL,
    PRONOUNS,
    SourceText,
    adjoins,
    find_run,
    name_runs,
    stems_match,
)
from seal.self_edits.words import Token, is_weak, number, tokens

PAIR: Final = re.compile(r"\AQuestion: (?P<question>.*?)\nAnswer: (?P<answer>.*)", re.S)
_COPULAS: Final = frozenset("is was are were has had".split())
_YES_NO: Final = re.compile(r"(?:yes|no)\b[.,!]?\s*", re.I)
_POINTERS: Final = frozenset("this that these those such".split())
_ENDINGS: Final = ("n", "an", "ian", "ese", "ish", "ic", "s", "es", "ist", "ism")
_LONGEST_NAME: Final = 30  # tokens
_LIKE: Final = 0.75  # from this similarity on, a word may be a name that the model miscopied


@dataclass(frozen=True)
class Claim:
    """What a line says. Places are those of `tokens`; `answer` is where an answer begins, 0 for a statement.

    `title_places` are the places of the title's name, `names` the other names, `words` the places of the
    other words that say something, `rows` those that state a relation. A number is all forms in which it may
    stand in the source; `spelled` are those of the places of number words. `garbled`: the line begins with a
    name that is not in the source.
    """

    tokens: tuple[Token, ...]
    rows: RelationRows
    question: str
    answer: int
    title_places: frozenset[int]
    names: tuple[tuple[str, ...], ...]
    numbers: tuple[frozenset[str], ...]
    spelled: dict[int, frozenset[str]]
    words: tuple[int, ...]
    garbled: bool

    @property
    def stated(self) -> tuple[Token, ...]:
        """The tokens of the statement, or of the answer."""
        return self.tokens[self.answer :]


def read_claim(line: str, source: SourceText) -> Claim:
    """The line, taken apart."""
    pair = PAIR.fullmatch(line)
    asked = tokens(pair["question"]) if pair else []
    stated = tokens(_YES_NO.sub("", pair["answer"], count=1) if pair else line)
    words = (*asked, *stated)
    rows = relations(words, source.words)
    forms = read_measures(normalised(line), "en").forms()
    title_places = _places_of(source.name, [token.folded for token in words])
    title_places -= _within_longer(words, title_places, source)
    names: list[tuple[str, ...]] = []
    large: set[int] = set()  # places of common words that only begin a sentence
    garbled = False
    for begin, part in ((0, asked), (len(asked), stated)):
        for run, place in _names(part, begin, title_places):
            if place > begin or len(run) > 1 or _is_name(part[0], source):
                names.append(run)
                continue
            large.add(begin)
            known = begin in rows or is_weak(part[0].stem) or part[0].folded in forms
            garbled = garbled or (not known and _is_garbled(part, source, is_pair=bool(pair)))
    return Claim(
        tokens=words,
        rows=rows,
        question=pair["question"].casefold() if pair else "",
        answer=len(asked),
        title_places=title_places,
        names=tuple(names),
        numbers=tuple(
            forms.get(t.folded, frozenset()) | {number(t.folded)}
            for at, t in enumerate(words)
            if t.kind == "number" and at not in title_places
        ),
        spelled={
            at: forms[t.folded] for at, t in enumerate(words) if t.kind != "number" and t.folded in forms
        },
        words=tuple(
            at for at, t in enumerate(words) if at not in title_places and (t.kind == "word" or at in large)
        ),
        garbled=garbled,
    )


def _places_of(name: Sequence[str], folded: Sequence[str]) -> frozenset[int]:
    """All places at which a name stands."""
    places: set[int] = set()
    at = 0
    while (place := find_run(name, folded[at:])) is not None:
        places |= set(range(at + place, at + place + len(name)))
        at += place + len(name)
    return frozenset(places)


def _within_longer(
    words: Sequence[Token], title_places: frozenset[int], source: SourceText
) -> frozenset[int]:
    """The places of the title's name where it only begins or ends another name of the source: the "Lumora" of
    the Lumora Go."""
    within: set[int] = set()
    for start in sorted(title_places):
        if start - 1 in title_places:
            continue
        first, stop = start, start + len(source.name)
        while first and words[first - 1].kind == "name" and adjoins(words[first - 1], words[first]):
            first -= 1
        while stop < len(words) and words[stop].kind == "name" and adjoins(words[stop - 1], words[stop]):
            stop += 1
        run = [token.folded for token in words[first:stop]]
        if len(run) > len(source.name) and find_run(run, source.order) is not None:
            within |= set(range(start, start + len(source.name)))
    return frozenset(within)


def _names(
    part: Sequence[Token], begin: int, title_places: frozenset[int]
) -> list[tuple[tuple[str, ...], int]]:
    """The names in a part of a claim, but for the title's, each with the place where it begins."""
    names: list[tuple[tuple[str, ...], int]] = []
    start = 0
    for end in range(len(part) + 1):
        if end < len(part) and begin + end not in title_places:
            continue
        stretch = part[start:end]
        for run in name_runs(stretch):
            offset = find_run(run, [token.folded for token in stretch])
            assert offset is not None
            names.append((tuple(run), begin + start + offset))
        start = end + 1
    return names


def _is_name(first: Token, source: SourceText) -> bool:
    """Whether the first word of a line, which has a capital letter anyway, is a name."""
    return first.folded in source.names or (first.text.isupper() and len(first.text) > 1)


def _is_garbled(part: Sequence[Token], source: SourceText, *, is_pair: bool) -> bool:
    """Whether the first word of a line, none of the source's, must be a name: it is the subject or the answer
    by itself, or resembles a name of the source."""
    first = part[0]
    if first.folded in source.folded or any(inflects(first.folded, name) for name in source.names):
        return False
    if difflib.get_close_matches(first.folded, source.names, n=1, cutoff=_LIKE):
        return True
    if is_pair:
        return len(part) <= 2
    if len(part) < 2 or stems_match(first.stem, source.common_stems):
        return False
    verb = part[1]
    return verb.folded in _COPULAS or (verb.kind == "word" and verb.text.endswith("s"))


def is_known_name(run: Sequence[str], source: SourceText) -> bool:
    """Whether a name stands in the source: as a whole, as a part of a name that may stand for it, or as
    several whole names in one."""
    if tuple(run) in source.runs:
        return True
    if len(run) > _LONGEST_NAME:
        return False
    if source.has_run(run):
        return len(run) > 1 or _stands_alone(run[0], source)
    if len(run) == 1:
        return any(inflects(run[0], other) for other in source.names)
    if any(word in LINKS for word in run):
        return all(is_known_name(part, source) for part in _unlinked(run))
    return any({tuple(run[:cut]), tuple(run[cut:])} <= source.runs for cut in range(1, len(run)))


def _unlinked(run: Sequence[str]) -> list[list[str]]:
    """The parts of a name between "of" and the like."""
    parts: list[list[str]] = [[]]
    for word in run:
        if word in LINKS:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _stands_alone(word: str, source: SourceText) -> bool:
    """Whether a part of a longer name may stand for it. It may if the source writes it without a capital, or
    in several names: then it is a word, and not just a piece of one name."""
    return sum(word in run for run in source.runs) != 1 and word not in source.name


def inflects(one: str, other: str) -> bool:
    """Whether one word is the other with an ending, as "Russian" is of "Russia"."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= 4 and any(longer in (shorter + end, shorter[:-1] + end) for end in _ENDINGS)


def lacks_subject(claim: Claim, source: SourceText) -> bool:
    """Whether a statement begins with a word that only points back ("this", "his"), which the title cannot
    replace."""
    if claim.answer or len(claim.tokens) < 2 or 0 in claim.title_places:
        return False
    first, second = claim.tokens[:2]
    if first.folded in OWNERS and second.kind == "word" and source.has_run([first.folded, second.folded]):
        return False  # "Her books were translated": the source speaks of her books too
    verb = second.folded in _COPULAS or second.kind == "function" or second.text.endswith("s")
    if first.folded in _POINTERS:
        return verb and second.kind != "name"
    if first.folded in PRONOUNS:
        return second.kind == "function" and second.folded not in _COPULAS
    return first.folded in PERSONAL and (verb or second.kind == "name")


def needs_title(claim: Claim) -> bool:
    """Whether the subject of a statement is a pronoun, and the title's name is nowhere in it."""
    return (
        not claim.answer
        and bool(claim.tokens)
        and claim.tokens[0].folded in PRONOUNS
        and not claim.title_places
    )


def states_itself(claim: Claim, source: SourceText) -> bool:
    """Whether a short statement names the title twice, as in "Anna Bauer is the spouse of Anna Bauer"."""
    return (
        not claim.answer and len(claim.title_places) >= 2 * len(source.name) > 0 and len(claim.tokens) <= 16
    )
