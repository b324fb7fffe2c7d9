"""Tables as lines of Markdown, in the forms whose rows units.py makes sentences of.

Knows nothing about where a table is from.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed_lines", "plain_cell", "table_lines"]


def plain_cell(text: str) -> str:
    """A cell's text on one line; a bar in it is no border."""
    return " ".join(text.split()).replace("|", "\\|")


def table_lines(rows: Sequence[Sequence[str]], n_head: int) -> list[str]:
    """Rows below their headings, which stand in the first `n_head` rows."""
    width = max(map(len, rows))
    head = [
        " ".join(dict.fromkeys(row[at] for row in rows[:n_head] if at < len(row) and row[at]))
        for at in range(width)
    ]
    body = [[*row, *[""] * (width - len(row))] for row in rows[n_head:]]
    return [_line(head), f"|{' --- |' * width}", *map(_line, body)]


def listed_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows without headings: each says what its first cell is."""
    told = [cells for row in rows if (cells := list(filter(None, row)))]
    return [f"- {row[0].rstrip(': ')}: {'; '.join(row[1:])}" if row[1:] else f"- {row[0]}" for row in told]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
