"""A document's cell without the lines that newer documents replace, and which documents may replace some.

What one document replaces of another is a function of the two alone: not of what else is known, nor of what
was replaced before. So forgetting one of three leaves what the other two make of each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from seal.errors import TrainingError
from seal.learner.answering import Cell
from seal.learner.conflicts import Retirement, pairs_of, retirements
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.learner.writing import SourceDocument

_WORD = re.compile(r"\w+")


def replaced(parts: Parts, newer: KnownDocument, others: Iterable[KnownDocument]) -> list[Retirement]:
    """What a document replaces of each of the older ones among `others`."""
    asked = names_of(question for question, _ in pairs_of(newer.lines, newer.exam))
    older = [
        replace(one, retired=())
        for one in others
        if one.document.sequence < newer.document.sequence and asked & _words(one)
    ]
    return retirements(parts.compiler, newer, older)


def names_of(questions: Iterable[str]) -> set[str]:
    """The words by which questions name what they are about: names and numbers.

    A document that has none of them cannot be meant, and need not be read.
    """
    named: set[str] = set()
    for question in questions:
        first, *words = _WORD.findall(question) or [""]
        names = [word for word in words if word[0].isupper() or word[0].isdigit()]
        named |= {word.casefold() for word in names or [first]}
    return named


def _words(known: KnownDocument) -> set[str]:
    return {w.casefold() for w in _WORD.findall(f"{known.document.compiled_title} {known.text}")}


def positions_of(retired: Sequence[Retirement]) -> tuple[int, ...]:
    """The lines of one document that any of these replaces."""
    return tuple(sorted({p for one in retired for p in one.positions}))


def rebuild(parts: Parts, known: KnownDocument, positions: Sequence[int]) -> tuple[KnownDocument, Cell]:
    """A document's cell without some of its lines, by the recipe that it was built by.

    Of a document that is replaced as a whole a cell is left that changes nothing and that no question finds:
    when the newer one is forgotten, the document is back. Raises TrainingError if the training diverged.
    """
    gone = set(positions)
    lines = tuple(replace(line, kept=line.kept and i not in gone) for i, line in enumerate(known.lines))
    document = known.document
    source = SourceDocument(document.id, document.compiled_title, known.text, lines, known.exam)
    compiler = parts.compiler_of(known)
    if known.read_only:
        adapter = compiler.blank(source, rank=1)
    else:
        adapter = compiler.compile(source).adapter or compiler.blank(source)
    if adapter.failed:
        raise TrainingError(
            f"document {known.document.id[:12]} could not be trained anew: {adapter.failed}",
            "Is the learning rate in learner.toml too high?",
        )
    left = replace(known, retired=tuple(positions))
    name = f"new/{known.document.id}/{','.join(map(str, positions))}"
    return left, parts.library.cell_of(left, name, adapter)
