"""The rows of a plain table, each as a sentence about the headings: "Plan: Standard; Price: $45".

Knows columns of pipes and of tabs. Knows nothing about what they hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from seal.text import row_text

__all__ = ["table_rows"]

_PIPE: Final = re.compile(r"(?<!\\)\|")
_RULE: Final = re.compile(r"[\s|:+=-]+")


def table_rows(lines: Sequence[str]) -> dict[int, str]:
    """The rows among these lines, by place. The first line of a table has its headings; it, and the rule
    below it, say nothing."""
    told: dict[int, str] = {}
    headings: list[str] = []
    for at, line in enumerate(lines):
        cells = _cells(line)
        if len(cells) < 2 or (headings and len(cells) > len(headings) + 1):
            headings = []
        elif _RULE.fullmatch(line):
            told[at] = ""
        elif not headings:
            following = _cells(lines[at + 1]) if at + 1 < len(lines) else []
            if len(following) == len(cells):
                headings = cells
                told[at] = ""
        else:
            told[at] = row_text(headings, cells)
    return told


def _cells(line: str) -> list[str]:
    bare = line.strip()
    if "|" in bare:
        return [cell.strip() for cell in _PIPE.split(bare.removeprefix("|").removesuffix("|"))]
    return [cell.strip() for cell in bare.split("\t")] if "\t" in bare else []
