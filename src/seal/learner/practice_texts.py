"""What a base practises to write and to read: the texts that the practice set becomes.

A reader is shown what `ask` would show it: passages of about a hundred words, up to three of them, in any
order, some of other documents. Questions about the same passages stand together, so that a step computes
these once. Knows nothing about models, or about answering from memory (recall.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from seal.domains.knowledge.units import Unit
from seal.grading.meaning import contains_answer
from seal.learner.practice import (
    NOT_THERE,
    PracticeDocument,
    as_written,
    reading_prompt,
    writing_prompt,
)
from seal.retention.stretches import PageText, stretches_of
from seal.types import Example

TOGETHER: Final = 8
"""Examples that stand together: two such groups make a step."""
_PASSAGES: Final = 3
_ALL: Final = 0.6  # of the views, those with as many passages as `ask` shows, if the document has them
_STRANGE: Final = 0.4  # of the views, those with a passage of another document
_ELSEWHERE: Final = 0.6  # of the views, those beside which a question of another passage is asked


@dataclass(frozen=True)
class _Asked:
    """A question with its answer, and the sentences that it needs."""

    question: str
    answer: str
    needs: tuple[str, ...]


def practice_examples(documents: Sequence[PracticeDocument], seed: int, rounds: int) -> tuple[Example, ...]:
    """The training texts of so many rounds, in the order in which they are learned: each sentence is written
    about once a round, and each question read once, beside passages that have its answer.

    Some are asked beside passages that do not answer them, so that a reader learns to say so.
    """
    rng = random.Random(seed)
    groups = [group for _ in range(rounds) for group in _round(documents, rng)]
    rng.shuffle(groups)
    return tuple(example for group in groups for example in group)


def _round(documents: Sequence[PracticeDocument], rng: random.Random) -> Iterator[list[Example]]:
    passages = [_passages(document) for document in documents]
    writing = [example for document in documents for example in _writing(document, rng)]
    rng.shuffle(writing)
    for at in range(0, len(writing), TOGETHER):
        yield writing[at : at + TOGETHER]
    for n in range(len(documents)):
        yield from _reading(documents, passages, n, rng)


def _writing(document: PracticeDocument, rng: random.Random) -> Iterator[Example]:
    for at, unit in enumerate(document.units):
        if not unit.pairs:
            continue
        before = document.units[at - 1].text if at else ""
        pairs = rng.sample(unit.pairs, len(unit.pairs))
        yield Example(
            as_written(pairs), prompt=writing_prompt(document.title, unit.heading, before, unit.text)
        )


def _passages(document: PracticeDocument) -> list[str]:
    """As a reader is shown them."""
    units, text, heading = list[Unit](), "", ""
    for unit in document.units:
        if unit.heading != heading:
            text, heading = f"{text}\n\n## {unit.heading}\n", unit.heading
        text = f"{text}\n{unit.text}" if text else unit.text
        units.append(Unit(unit.text, "sentence", len(text) - len(unit.text), len(text), unit.heading))
    return [stretch.text for stretch in stretches_of(PageText("", document.title, text, tuple(units)))]


def _reading(
    documents: Sequence[PracticeDocument], passages: Sequence[Sequence[str]], n: int, rng: random.Random
) -> Iterator[list[Example]]:
    """All questions of document `n`, by views: some passages that are shown together."""
    document, left = documents[n], _questions(documents[n])
    rng.shuffle(left)
    unanswered = rng.sample(document.unanswered, len(document.unanswered))
    while left:
        view = _view(passages, n, left[0], rng)
        shown = "\n".join(view)
        fit = [one for one in left if all(text in shown for text in one.needs)][: TOGETHER - 2]
        left = [one for one in left if one not in fit]
        asked = [(one.question, one.answer) for one in fit]
        asked += [(unanswered.pop(), NOT_THERE)] if unanswered else []
        if rng.random() < _ELSEWHERE and (other := _elsewhere(documents, n, shown, rng)):
            asked.append((other, NOT_THERE))
        rng.shuffle(asked)
        yield [
            Example(f" {answer}\n", prompt=reading_prompt(document.title, shown, question))
            for question, answer in asked
        ]


def _questions(document: PracticeDocument) -> list[_Asked]:
    asked = []
    for at, unit in enumerate(document.units):
        before = document.units[at - 1 : at] if at else []
        asked += [_Asked(question, answer, (unit.text,)) for question, answer in unit.pairs]
        both = tuple(one.text for one in (*before, unit))
        asked += [_Asked(question, answer, both) for question, answer in unit.beside]
    return asked


def _view(passages: Sequence[Sequence[str]], n: int, asked: _Asked, rng: random.Random) -> list[str]:
    """Up to three passages, those that `asked` needs among them, in any order."""
    own = passages[n]
    needed = list(dict.fromkeys(next(text for text in own if one in text) for one in asked.needs))
    room = _PASSAGES - len(needed)
    others = [text for text in own if text not in needed]
    more = room if rng.random() < _ALL else rng.randint(0, room)
    view = [*needed, *rng.sample(others, min(more, len(others)))]
    if len(view) < _PASSAGES and rng.random() < _STRANGE:
        view.append(rng.choice(passages[rng.randrange(len(passages))]))
    rng.shuffle(view)
    return list(dict.fromkeys(view))


def _elsewhere(documents: Sequence[PracticeDocument], n: int, shown: str, rng: random.Random) -> str | None:
    """A question that these passages do not answer: of the same document, or of any other."""
    at = n if rng.random() < 0.5 else rng.randrange(len(documents))
    others = [one for one in _questions(documents[at]) if not any(text in shown for text in one.needs)]
    if not others:
        return None
    one = rng.choice(others)
    return None if contains_answer(shown, one.answer) else one.question
