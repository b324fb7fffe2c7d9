"""Splits a long document into pieces that a model can read: at paragraphs, then sentences, then words.

Knows where a text may be split. Knows nothing about tokenizers: a function of the caller says how long a
piece is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from seal.errors import InputError
from seal.text import Span, paragraph_spans, sentence_spans, word_spans
from seal.types import Context


def _characters(text: str) -> list[Span]:
    return [(at, at + 1) for at in range(len(text))]


_LEVELS: Final[tuple[Callable[[str], list[Span]], ...]] = (
    paragraph_spans,
    sentence_spans,
    word_spans,
    _characters,
)


def chunks(context: Context, count_tokens: Callable[[str], int], max_tokens: int) -> list[Context]:
    """The context in pieces of at most `max_tokens`, title included, in the order of the text.

    What fits is returned as it is. Every piece is a part of the text as it stands there; together they hold
    all of it but for the white space between them. Each has the title, and its number after the context's
    id ("what.txt#2"). A piece has no questions: the exam stays the document's.

    Raises:
        InputError: the title leaves no room for a single character of the text.
    """
    text, title = context.text, context.title

    def fits(span: Span) -> bool:
        piece = text[span[0] : span[1]]
        return count_tokens(f"{title}\n{piece}" if title else piece) <= max_tokens

    if fits((0, len(text))) or not text.strip():
        return [context]
    spans = _split(text, (0, len(text)), fits, 0)
    if spans is None:
        raise InputError(
            f"document {context.id!r}: max_tokens = {max_tokens} leaves no room beside the title",
            "Raise max_tokens, or shorten the title.",
        )
    if len(spans) == 1:  # only the white space around it was too much
        return [replace(context, text=text[slice(*spans[0])])]
    return [
        replace(context, id=f"{context.id}#{number}", text=text[start:end], questions=())
        for number, (start, end) in enumerate(spans, start=1)
    ]


def _split(text: str, whole: Span, fits: Callable[[Span], bool], level: int) -> list[Span] | None:
    """Consecutive pieces of `whole` that fit, of as many units of a level as possible; None if none fits."""
    start = whole[0]
    units = [(start + a, start + b) for a, b in _LEVELS[level](text[whole[0] : whole[1]])]
    pieces: list[Span] = []
    at = 0
    while at < len(units):
        count = _most(units, at, fits)
        if count:
            pieces.append((units[at][0], units[at + count - 1][1]))
        elif level + 1 == len(_LEVELS):
            return None
        else:
            parts = _split(text, units[at], fits, level + 1)
            if parts is None:
                return None
            pieces += parts
        at += max(count, 1)
    return pieces


def _most(units: list[Span], at: int, fits: Callable[[Span], bool]) -> int:
    """How many units from `at` on fit together, by doubling the number and then by bisection."""
    low, high = 0, 1
    while at + high <= len(units) and fits((units[at][0], units[at + high - 1][1])):
        low, high = high, 2 * high
    high = min(high, len(units) - at + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if fits((units[at][0], units[at + middle - 1][1])):
            low = middle
        else:
            high = middle
    return low
