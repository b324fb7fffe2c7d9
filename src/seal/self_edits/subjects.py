"""Whether what a claim says is said in the source of something else: the price of one plan, the year of another
book.

Knows the subject of a sentence, a clause or a table's row. Knows nothing about relations or words.
"""

from __future__ import annotations

from collections.abc import Sequence

from seal.self_edits.claim import Claim, inflects
from seal.self_edits.source import PERSONAL, Clause, Sentence, SourceText, stems_match, subject_of
from seal.self_edits.words import number

__all__ = ["is_of_another"]


def is_of_another(
    claim: Claim, literal: frozenset[int], window: Sequence[Sentence], source: SourceText
) -> bool:
    """Whether the sentences give the claim's value, a number or else its words, only of a subject that the
    claim does not name. A clause with a pronoun, or without a subject of its own, may be about anything."""
    names = {word for run in claim.names for word in run}
    if not names and not claim.title_places:
        return False
    title = frozenset(source.name) if claim.title_places else frozenset[str]()
    for value in set(claim.numbers) or {""}:
        giving = [one for one in window if value in one.numbers] if value else [*window]
        if giving and all(_speaks_of_another(one, value, claim, names, title, source) for one in giving):
            return True
    return False


def _speaks_of_another(
    sentence: Sentence, value: str, claim: Claim, names: set[str], title: frozenset[str], source: SourceText
) -> bool:
    if sentence.subject and _is_other(sentence.subject, sentence.folded, names, title, source):
        return True
    if not value or len(sentence.clauses) < 2:
        return False
    inner = source.names
    giving = [clause for clause in sentence.clauses if value in _numbers(clause, sentence)]
    return bool(giving) and all(
        bool(about := subject_of([sentence.tokens[at] for at in clause.places], inner))
        and _is_other(about, _folded(clause, sentence), names, title, source)
        for clause in giving
    )


def _is_other(
    subject: frozenset[str], here: frozenset[str], names: set[str], title: frozenset[str], source: SourceText
) -> bool:
    """Whether a subject is none that the claim names, and nothing else here is."""
    if here & PERSONAL or subject & set(source.name):
        return False
    if any(word == name or inflects(word, name) for word in subject for name in names):
        return False
    return not here & (names | title)


def _folded(clause: Clause, sentence: Sentence) -> frozenset[str]:
    return frozenset(sentence.tokens[at].folded for at in clause.places)


def _numbers(clause: Clause, sentence: Sentence) -> set[str]:
    return {number(sentence.tokens[at].folded) for at in clause.places if sentence.tokens[at].kind == "number"}
