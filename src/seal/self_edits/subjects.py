"""Whether what a claim says is said in the source of something else: the price of one plan, the year of
another book.

Knows the subject of a sentence, a clause or a table's row. Knows nothing about relations or words.
"""

from __future__ import annotations

from collections.abc import Sequence

from seal.self_edits.claim import Claim, inflects
from seal.self_edits.source import PERSONAL, Sentence, SourceText, subject_of
from seal.self_edits.words import Token, number

__all__ = ["is_of_another"]


def is_of_another(claim: Claim, window: Sequence[Sentence], source: SourceText) -> bool:
    """Whether the sentences give the claim's value, a number or else its words, only of a subject that the
    claim does not name. A clause with a pronoun, or without a subject of its own, may be about anything."""
    runs = [frozenset(run) for run in claim.names]
    if not runs and not claim.title_places:
        return False
    if claim.title_places:
        runs.append(frozenset(source.name))
    for value in set(claim.numbers) or {frozenset[str]()}:
        giving = [one for one in window if value & one.numbers] if value else [*window]
        if giving and all(_speaks_of_another(one, value, runs, source) for one in giving):
            return True
    return False


def _speaks_of_another(
    sentence: Sentence, value: frozenset[str], runs: Sequence[frozenset[str]], source: SourceText
) -> bool:
    if sentence.subjects and not sentence.is_row:
        return False  # "the work" may be what was named before
    if _is_other(sentence.subject, sentence.tokens, runs, source):
        return True
    if not value or len(sentence.clauses) < 2 or sentence.is_row:
        return False
    clauses = [[sentence.tokens[at] for at in clause.places] for clause in sentence.clauses]
    giving = [clause for clause in clauses if any(number(token.folded) in value for token in clause)]
    return bool(giving) and all(
        _is_other(subject_of(clause, source.names), clause, runs, source) for clause in giving
    )


def _is_other(
    subject: frozenset[str], here: Sequence[Token], runs: Sequence[frozenset[str]], source: SourceText
) -> bool:
    """Whether a subject is none that the claim names, and nothing else here is."""
    folded = {token.folded for token in here}
    if not subject or folded & PERSONAL:
        return False
    if any(_has(run, subject) or _has(subject, run) for run in runs):
        return False
    if any(run <= folded for run in runs):
        return False
    # a part of the title's name may stand for it
    named = {token.folded for token in here if token.kind == "name"} - subject
    title = frozenset(source.name)
    return title not in runs or not named & title


def _has(run: frozenset[str], other: frozenset[str]) -> bool:
    """Whether a name has all words of another, inflected or not."""
    return all(any(word == one or inflects(word, one) for one in run) for word in other)
