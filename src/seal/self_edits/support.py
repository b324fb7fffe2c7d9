"""Whether consecutive sentences of the source support a claim, and the reason if they do not.

Each check is about one way in which a line can be wrong: words that are not in the source, an answer of
another type than was asked for, a guess, a value that belongs to another fact, a denial. Knows nothing about
how lines are written or kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from seal.self_edits.claim import Claim, inflects
from seal.self_edits.relations import WordSet
from seal.self_edits.source import LINKS, Clause, Sentence, SourceText, find_run, stems_match
from seal.self_edits.subjects import is_of_another
from seal.self_edits.words import (
    GUESSES,
    Token,
    is_soft_negation,
    is_weak,
    negations,
    number,
    opposite,
)

NOT_TOGETHER: Final = "its names and numbers are not together in the source"
NO_WORDS: Final = "it says nothing that a sentence of the source says"
NEW_WORDS: Final = "its relation is not in any one sentence"
WRONG_TYPE: Final = "its answer is of another type than its question asks for"
GUESSED: Final = "it guesses or demands where the source does not"
MISPLACED: Final = "its value belongs to another fact of the source"
DENIED: Final = "it denies what the source says"
# Where several sentences give different reasons against a line, the one that comes last here is given.
_RANKS: Final = ("", NO_WORDS, NOT_TOGETHER, NEW_WORDS, WRONG_TYPE, GUESSED, MISPLACED, DENIED)

_ASKS_NUMBER: Final = re.compile(
    r"\b(?:how (?:many|much|old|large|tall)|when|(?:what|which) (?:year|number|percentage))\b"
)
_ASKS_NAME: Final = re.compile(
    r"^(?:who|whom|whose|by whom)\b"
    r"|\b(?:what|which) (?:company|firm|school|university|town|city|country|river|author)\b"
)
_ASKS_PLACE: Final = re.compile(
    r"^where\b|\b(?:what|which) (?:place|region|town|city|country|colou?r|company|school)\b"
)
_ASKS_DATE: Final = re.compile(r"\bwhen\b|\b(?:what|which) year\b")
_SHORT_ANSWER: Final = 3  # tokens
_CLOSE: Final = 0.6  # a longer line repeats its sentence if the sentence has this share of its words


class GroundConfig(BaseModel):
    """How closely a line must follow its source. The default numbers were chosen on one seed of the
    micro-world's development split, and by eye on 7B self-edits about SQuAD passages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_new_words: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Most of a line's telling words that its sentence may lack, as a share; words of weak "
        "meaning count half, names and numbers may never be lacking.",
    )
    max_new_words_joined: float = Field(
        default=0.2, ge=0, le=1, description="The same for a line that takes several sentences together."
    )
    free_words: int = Field(
        default=5, ge=0, description="A line of up to so many telling words may have no new one."
    )
    sentences_joined: int = Field(
        default=2, ge=1, le=4, description="How many consecutive sentences may support a line together."
    )
    words: WordSet = Field(
        default="general",
        description="Words that state the same relation, so that a line may use another one than its source: "
        '"general" for English texts, or "microworld", which is fitted to how the fictional encyclopedia of '
        "the embedded model words its facts.",
    )
    rewrite_pronouns: bool = Field(
        default=True,
        description="Put the title for a pronoun at the beginning of a line, where the source makes plain "
        "whom it means; otherwise such lines are dropped.",
    )


def find_support(
    claim: Claim, source: SourceText, config: GroundConfig
) -> tuple[tuple[int, int] | None, str]:
    """The first and the last of the consecutive sentences that support the claim, as few as possible and with
    as many of its words as possible, or the reason why there are none."""
    reason = NO_WORDS
    stated = StatedElsewhere(claim, source)
    for size in range(1, config.sentences_joined + 1):
        fitting: list[tuple[int, int]] = []
        for first in range(len(source.sentences) - size + 1):
            window = source.sentences[first : first + size]
            why = _against(claim, window, source, config, stated)
            if not why:
                stems = frozenset().union(*(one.stems for one in window))
                fitting.append((sum(token.stem in stems for token in claim.tokens), -first))
            reason = max(reason, why, key=_RANKS.index)
        if fitting:
            first = -max(fitting)[1]
            return (first, first + size - 1), ""
    return None, reason


class StatedElsewhere:
    """Which clauses of the source state a relation of the claim: found once for all windows."""

    def __init__(self, claim: Claim, source: SourceText) -> None:
        self._claim, self._source = claim, source
        self._stating: dict[tuple[int, bool], list[Clause]] = {}

    def but_in(self, places: Sequence[int], clauses: Sequence[Clause], *, like: bool) -> bool:
        """Whether another clause than these states one of the relations; `like`: with a value like the
        claim's."""
        return any(clause not in clauses for at in places for clause in self._of(at, like))

    def _of(self, at: int, like: bool) -> list[Clause]:
        if (at, like) not in self._stating:
            self._stating[at, like] = [
                clause
                for one in self._source.sentences
                for clause in one.clauses
                if _has_relation(self._claim, [at], clause, self._source)
                and (not like or _is_like(self._claim, clause, self._source))
            ]
        return self._stating[at, like]


def _against(
    claim: Claim,
    window: Sequence[Sentence],
    source: SourceText,
    config: GroundConfig,
    stated: StatedElsewhere,
) -> str:
    """The first reason against the claim that these sentences give; empty if they support it."""
    folded = frozenset(source.name).union(*(one.folded for one in window))
    numbers = frozenset(source.name).union(*(one.numbers for one in window))
    parts = {part for run in claim.names for part in run}
    if not all(part in folded or any(inflects(part, other) for other in folded) for part in parts):
        return NOT_TOGETHER
    if any(numbers.isdisjoint(forms) for forms in claim.numbers):
        return NOT_TOGETHER
    stems = frozenset().union(*(one.stems for one in window))
    literal = frozenset(
        at
        for at in claim.words
        if stems_match(claim.tokens[at].stem, stems) or not numbers.isdisjoint(claim.spelled.get(at, ()))
    )
    if not _has_value(claim, literal, source):
        return NO_WORDS
    if _has_new_words(claim, literal, window, source, config):
        return NEW_WORDS
    if claim.answer and (why := _answers_amiss(claim, literal)):
        return why
    if any(token.folded in GUESSES for token in claim.stated) and not folded & GUESSES:
        return GUESSED
    if is_of_another(claim, window, source) or _is_misplaced(claim, literal, window, source, config, stated):
        return MISPLACED
    return DENIED if _is_denied(claim, window) else ""


def _has_value(claim: Claim, literal: frozenset[int], source: SourceText) -> bool:
    """Whether the line shares more than the title's name with the source, word for word. Of an answer any
    word counts; of a statement a name, a number, or a word that means something by itself."""
    title = set(source.name)
    if claim.answer:
        return any(at >= claim.answer for at in literal) or any(
            token.kind in ("name", "number") and token.folded not in title for token in claim.stated
        )
    if claim.numbers or any(set(run) - title for run in claim.names):
        return True
    stems = [claim.tokens[at].stem for at in literal]
    return any(stem not in title and not is_weak(stem) for stem in stems)


def _has_new_words(
    claim: Claim,
    literal: frozenset[int],
    window: Sequence[Sentence],
    source: SourceText,
    config: GroundConfig,
) -> bool:
    """Whether too many of the line's words are in none of the sentences, and no word of the same relation
    is."""
    rows = frozenset().union(*(rows for one in window for rows in one.rows.values()))
    title = frozenset(source.name)
    new = [at for at in claim.words if at not in literal and not claim.rows.get(at, frozenset()) & rows]
    telling = len(claim.names) + len(claim.numbers) + len(claim.words)
    is_short = telling <= config.free_words
    strong = [
        at
        for at in new
        if not (is_short and at in claim.rows)
        and not is_weak(claim.tokens[at].stem)
        and not stems_match(claim.tokens[at].stem, title)
    ]
    if is_short:
        # a question may use one word more to say what it asks for
        return len(strong) > any(at < claim.answer for at in strong)
    most = config.max_new_words if len(window) == 1 else config.max_new_words_joined
    return len(strong) + 0.5 * (len(new) - len(strong)) > most * telling


def _answers_amiss(claim: Claim, literal: frozenset[int]) -> str:
    """Why the answer does not answer the question; empty if it does. It is of another type than is asked for,
    or it is short and its words are not in the source."""
    asked, stated = claim.question, claim.stated
    kinds = {token.kind for token in stated}
    if len(stated) <= _SHORT_ANSWER:
        has_number = "number" in kinds or any(at >= claim.answer for at in claim.spelled)
        if _ASKS_NUMBER.search(asked) and not has_number:
            return WRONG_TYPE
        if _ASKS_NAME.search(asked) and "name" not in kinds:
            return WRONG_TYPE
    if _ASKS_PLACE.search(asked) and kinds <= {"number", "function"}:
        return WRONG_TYPE
    # "330 crowns" is no date
    if _ASKS_DATE.search(asked) and [token.kind for token in stated] == ["number", "word"]:
        return WRONG_TYPE
    words = [at for at in claim.words if at >= claim.answer and not is_weak(claim.tokens[at].stem)]
    is_new = any(at not in literal and at not in claim.rows for at in words)
    return NEW_WORDS if len(words) <= _SHORT_ANSWER + 1 and is_new else ""


def _is_misplaced(
    claim: Claim,
    literal: frozenset[int],
    window: Sequence[Sentence],
    source: SourceText,
    config: GroundConfig,
    stated: StatedElsewhere,
) -> bool:
    """Whether the source states the claim's relation of another value, and not of the claim's.

    A longer line that repeats most of its sentence is not checked in this way: a long sentence has words that
    state a relation in every clause.
    """
    with_value = [clause for one in window for clause in one.clauses if _holds_value(claim, clause, source)]
    if with_value and all(_has_other_role(claim, clause, source) for clause in with_value):
        return True
    values = {at for at in literal if at not in claim.rows and not is_weak(claim.tokens[at].stem)}
    relation = [
        at
        for at in claim.words
        # "running" in "marathon running" belongs to the value
        if at in claim.rows and (at < claim.answer or (not claim.answer and at - 1 not in values))
    ]
    repeats = len(claim.words) > config.free_words and len(literal) >= _CLOSE * len(claim.words)
    if not relation or not with_value or repeats:
        return False
    missed = [at for at in relation if not any(_has_relation(claim, [at], c, source) for c in with_value)]
    if len(missed) == len(relation):
        if any(_states_a_relation(clause, source) for clause in with_value):
            return True
        return stated.but_in(missed, with_value, like=False)
    telling = [at for at in missed if not is_weak(claim.tokens[at].stem)]
    return stated.but_in(telling, with_value, like=True)


def _tokens_of(clause: Clause, source: SourceText) -> list[Token]:
    return [source.sentences[clause.sentence].tokens[at] for at in clause.places]


def _holds_value(claim: Claim, clause: Clause, source: SourceText) -> bool:
    """Whether the clause has the claim's name or number or, if it has neither, a telling word of it."""
    here = _tokens_of(clause, source)
    parts = {part for run in claim.names for part in run if len(part) > 1} - set(source.name) - LINKS
    if parts & {token.folded for token in here}:
        return True
    held = {number(token.folded) for token in here if token.kind == "number"}
    if not held.isdisjoint(form for forms in claim.numbers for form in forms):
        return True
    if parts or claim.numbers:
        return False
    stems = frozenset(token.stem for token in here)
    values = [claim.tokens[at].stem for at in claim.words if at not in claim.rows]
    return any(not is_weak(stem) and stems_match(stem, stems) for stem in values)


def _is_like(claim: Claim, clause: Clause, source: SourceText) -> bool:
    """Whether the clause has a value of the claim's type: a name, a number or a common noun."""
    kinds = {token.kind for token in _tokens_of(clause, source) if token.folded not in source.name}
    if claim.numbers:
        return "number" in kinds
    if any(set(run) - set(source.name) for run in claim.names):
        return "name" in kinds
    return not kinds & {"name", "number"}


def _has_relation(claim: Claim, relation: Sequence[int], clause: Clause, source: SourceText) -> bool:
    """Whether the clause has one of the claim's words for its relation, or a word like it."""
    sentence = source.sentences[clause.sentence]
    places = [at for at in clause.places if at not in sentence.subjects]
    stems = frozenset(sentence.tokens[at].stem for at in places)
    rows = frozenset().union(*(sentence.rows.get(at, frozenset()) for at in places))
    return any(bool(claim.rows[at] & rows) or stems_match(claim.tokens[at].stem, stems) for at in relation)


def _states_a_relation(clause: Clause, source: SourceText) -> bool:
    sentence = source.sentences[clause.sentence]
    return any(at in sentence.rows and at not in sentence.subjects for at in clause.places)


def _has_other_role(claim: Claim, clause: Clause, source: SourceText) -> bool:
    """Whether the claim's only name is a place in the claim and a person who acts in the clause, or the other
    way round."""
    names = [run for run in claim.names if set(run) - set(source.name)]
    if len(names) != 1 or claim.answer:
        return False
    roles = {_role(names[0], claim.tokens), _role(names[0], _tokens_of(clause, source))}
    return roles == {"place", "agent"}


def _role(name: Sequence[str], among: Sequence[Token]) -> str:
    """What the preposition before a name says that it is: a place or an agent; empty if it does not say."""
    at = find_run(name, [token.folded for token in among]) or 0
    before = [token.folded for token in among[max(0, at - 2) : at] if token.folded != "the"]
    if before and before[-1] in ("in", "on", "near", "beside"):
        return "place"
    return "agent" if before and before[-1] == "by" else ""


def _is_denied(claim: Claim, window: Sequence[Sentence]) -> bool:
    """Whether either the claim or the source denies what the other says, or they use opposite words.

    Only the clauses that share the most words with the claim are looked at (at least half as many as the
    best): in a long sentence something else may be denied.
    """
    shares = [
        (_shared(claim, c, one), [one.tokens[at] for at in c.places]) for one in window for c in one.clauses
    ]
    most = max((count for count, _ in shares), default=0)
    here = [token for count, clause in shares if count and 2 * count >= most for token in clause]
    denials_in_claim, denials_in_source = negations(claim.tokens), negations(here)
    if bool(denials_in_claim) != bool(denials_in_source) and not is_soft_negation(
        here if denials_in_claim else claim.tokens
    ):
        return True
    stems = {token.stem for token in here}
    claimed = {claim.tokens[at].stem for at in claim.words} - stems
    return any(opposite(one, other) for one in claimed for other in stems)


def _shared(claim: Claim, clause: Clause, sentence: Sentence) -> int:
    """How many telling words of the claim stand in the clause."""
    here = [sentence.tokens[at] for at in clause.places]
    stems = frozenset(token.stem for token in here if token.kind != "function")
    return sum(
        token.kind != "function" and at not in claim.title_places and stems_match(token.stem, stems)
        for at, token in enumerate(claim.tokens)
    )
