"""The lines of a paragraph: which go on in the next one, which state a value, which are rows of a table.

Knows how people lay out plain text: hard-wrapped lines, "Opening hours: 9-17", columns of tabs or spaces.
Knows nothing about markup or sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from seal.domains.knowledge.blocks import GAP, HARD, PIPE, SOFT, TextBlock
from seal.text import Span, row_text

__all__ = [
    "has_headings",
    "is_question",
    "is_value",
    "joined",
    "length",
    "line_spans",
    "one_line",
    "plain_table",
    "values",
]

_LINE: Final = re.compile(f"[^{SOFT}{HARD}]+")
_SPACE: Final = re.compile(r"\s+")
_KEY_VALUE: Final = re.compile(r"(?!https?:)[^\s:：.!?;]([^:：.!?;]{0,60})(?::\s+|：\s*)\S")
_WIDE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff60\u3000-\u303f]")
_NO_SPACE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff00-\uff60\u3000-\u303f\u0e00-\u0e7f]")
_RULE: Final = re.compile(r"[\s|:+=-]+")

_WRAPPED_CHARS: Final = 50  # a line so long, without an end mark, goes on in the next one
_NARROW_CHARS: Final = 35  # so does a line that had no room for one more word of the next
_KEY_WORDS: Final = 6
_QUESTION_CHARS: Final = 240
_CELL_CHARS: Final = 60  # of a table of spaces


def line_spans(text: str) -> list[Span]:
    """The places of the lines, without the white space around them; empty ones are left out."""
    spans: list[Span] = []
    for match in _LINE.finditer(text):
        line = match[0]
        start = match.start() + len(line) - len(line.lstrip())
        if line.strip():
            spans.append((start, start + len(line.strip())))
    return spans


def one_line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def length(text: str) -> float:
    """How long a text is in words; in a script without spaces two characters count as one."""
    wide = len(_NO_SPACE.findall(text))
    return len(_NO_SPACE.sub(" ", text).split()) + wide / 2 if wide else len(text.split())


def is_question(text: str) -> bool:
    text = text.strip().rstrip('*_"”’» ')
    return len(text) <= _QUESTION_CHARS and text.endswith(("?", "？", "؟")) and any(map(str.isalpha, text))


def is_value(line: str) -> bool:
    """Whether a line states the value of something, as "Opening hours: 9-17"."""
    match = _KEY_VALUE.match(line)
    return match is not None and length(match[0][:-1]) <= _KEY_WORDS


def values(text: str, spans: Sequence[Span]) -> list[Span]:
    """The places of the values where a paragraph is a list of them, each with the lines it goes on in; none
    where it is not."""
    is_start = [is_value(text[start:end]) for start, end in spans]
    if len(spans) < 2 or not is_start[0] or 2 * sum(is_start) < len(spans) or sum(is_start) < 2:
        return []
    found: list[Span] = []
    for (start, end), starts in zip(spans, is_start):
        before = text[slice(*found[-1])] if found else ""
        goes_on = text[start].islower() or before.endswith(",") or _width(before) >= _WRAPPED_CHARS
        if starts or not goes_on or not found:
            found.append((start, end))
        else:
            found[-1] = (found[-1][0], end)
    return found


def joined(block: TextBlock, *, whole: bool) -> list[TextBlock]:
    """The block in parts of one line each: lines that go on in the next are joined, with `whole` all of
    them."""
    spans = line_spans(block.text)
    lines = [block.text[start:end] for start, end in spans]
    widest = max(map(_width, lines), default=0)
    parts: list[tuple[list[str], list[int]]] = []
    for at, (line, (start, end)) in enumerate(zip(lines, spans)):
        places = list(block.places[start:end])
        if not at or not (whole or _goes_on(lines[at - 1], line, widest, len(lines))):
            parts.append(([line], places))
            continue
        told, told_places = parts[-1]
        before = told[-1]
        if _is_hyphenated(before, line):
            told[-1] = before[:-1]
            told_places.pop()
        elif not (_NO_SPACE.match(before[-1]) and _NO_SPACE.match(line[0])) and before[-1] != "\u00ad":
            told.append(" ")
            told_places.append(told_places[-1])
        told.append(line)
        told_places += places
    return [replace(block, text="".join(told), places=places, strong=0) for told, places in parts]


def _width(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))


def _goes_on(line: str, following: str, widest: int, lines: int) -> bool:
    last = line.split()[-1]
    # nobody ends a line that is to stand alone with "by" or "the"
    if following[0].islower() or line[-1] == "," or (last.islower() and last.isalpha() and len(last) <= 3):
        return True
    if line.endswith((":", ";", "：", "；")):
        return False
    word = 2 if _NO_SPACE.match(following[0]) else len(following.split(maxsplit=1)[0]) + 1
    width = _width(line)
    narrow = lines > 2 and widest >= _NARROW_CHARS and width + word > widest
    return width >= _WRAPPED_CHARS or narrow


def _is_hyphenated(line: str, following: str) -> bool:
    """Whether a word is divided at the end of a line ("informa-/tion")."""
    return (
        len(line) > 2
        and line[-1] in "-‐"
        and line[-2].isalpha()
        and following[0].islower()
        and line[-3].isalpha()
    )


def plain_table(lines: Sequence[str]) -> list[str] | None:
    """A row for each line where the lines are plainly a table, empty for its headings; None where they are
    not."""
    is_rule = [_RULE.fullmatch(line) is not None for line in lines]
    told = [line for line, rule in zip(lines, is_rule) if not rule]
    cells = _cells(told)
    if cells is None:
        return None
    n_head = int(any(is_rule[1:2]) or has_headings(cells))
    headings = cells[0] if n_head else []
    rows = iter([""] * n_head + [_row(headings, row) for row in cells[n_head:]])
    return ["" if rule else next(rows) for rule in is_rule]


def _row(headings: Sequence[str], cells: Sequence[str]) -> str:
    if headings:
        return row_text(headings, cells)
    return f"{cells[0]}: {'; '.join(filter(None, cells[1:]))}" if cells[0] else "; ".join(filter(None, cells))


def _cells(lines: Sequence[str]) -> list[list[str]] | None:
    if len(lines) < 2:
        return None
    splitters: tuple[tuple[Callable[[str], list[str]], int], ...] = (
        (lambda line: PIPE.split(line.strip("|")) if "|" in line else [line], 2),
        (lambda line: line.split("\t"), 2),
        (GAP.split, 3),
    )
    for split, fewest in splitters:
        rows = [[one_line(cell) for cell in split(line)] for line in lines]
        is_even = len(rows) >= fewest and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
        if is_even and (fewest < 3 or _is_aligned(lines)):
            return rows
    return None


def _is_aligned(lines: Sequence[str]) -> bool:
    """Whether the second column begins or ends at one place in all lines, as that of prose does not."""
    edges: list[tuple[int, int]] = []
    for line in lines:
        gaps = [match.span() for match in GAP.finditer(line)]
        edges.append((gaps[0][1], gaps[1][0] if len(gaps) > 1 else len(line)))
    if any(line[:start].rstrip().endswith((".", "!", "?")) for line, (start, _) in zip(lines, edges)):
        return False
    short = all(len(cell) <= _CELL_CHARS for line in lines for cell in GAP.split(line))
    return short and (len({start for start, _ in edges}) == 1 or len({end for _, end in edges}) == 1)


def has_headings(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it has no digits where those below have, or there are more
    than two columns."""
    first = any(map(str.isdigit, "".join(cells[0])))
    below = any(map(str.isdigit, "".join("".join(row[1:]) for row in cells[1:])))
    return not first and (below or len(cells[0]) > 2) and len(cells) > 1
