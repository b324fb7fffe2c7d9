"""Values of data sets as they are written down: what is missing, numbers, and lists in the cells of a table.

Knows what pandas, Parquet and spreadsheets make of a value. Knows nothing about records.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["is_missing", "is_true", "of_cells", "records_in", "said"]

_EMPTY_CELLS: Final = frozenset({"", "NaN", "nan", "NaT", "<NA>"})
_WHOLE: Final = re.compile(r"-?\d{1,15}\.0")
_ARRAY: Final = re.compile(r"\barray\(|,\s*dtype=[\w.<>']+\)|(?<=\])\)")
_LISTED: Final = frozenset({"answers", "answer", "questions"})
_COLUMNS: Final = frozenset({"context", "text", "question"})
_LONGEST: Final = 1_000_000  # characters of a cell that is read as a list
_EXACT: Final = 2**53  # above it not every whole number has a float of its own


def is_missing(value: Any) -> bool:
    """Whether there is no value: null, or what pandas writes for that."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def is_true(value: Any) -> bool:
    """Whether a mark is set, whatever it was written as."""
    return f"{value}".strip().lower() in ("true", "1", "1.0")


def said(value: Any) -> str | None:
    """A text, a number or a date in words; None for anything else. pandas makes 1874.0 of the whole number
    1874 where a column has gaps."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, int | float | decimal.Decimal) and not is_missing(value):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return None


def records_in(value: Any) -> list[Any] | None:
    """The records in a table as JSON has it: a list of them, or one of pandas' other orientations (columns,
    split, table), or what the hub's viewer gives; None where it is no table."""
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping):
        return None
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, columns), row)) for row in data]
    if (
        isinstance(data, list)
        and data
        and all(isinstance(one, Mapping) and _COLUMNS & one.keys() for one in data)
    ):
        return data
    rows = value.get("rows")
    if isinstance(rows, list) and rows:
        inner = [one.get("row") if isinstance(one, Mapping) else None for one in rows]
        return inner if all(isinstance(row, Mapping) for row in inner) else None
    if _COLUMNS & value.keys() and all(isinstance(column, Mapping) for column in value.values()):
        keys = dict.fromkeys(key for column in value.values() for key in column)
        return [{name: column.get(key) for name, column in value.items()} for key in keys]
    return None


def of_cells(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Records from a table of texts. An empty cell is a missing value, a column of whole numbers that all end
    in ".0" is one of whole numbers with gaps, and answers and questions may be lists."""
    columns = list(zip(*(list(row) + [""] * (len(headings) - len(row)) for row in rows)))
    told: dict[str, list[Any]] = {}
    for heading, column in zip(headings, columns):
        filled = [cell.strip() for cell in column if cell.strip() not in _EMPTY_CELLS]
        whole = bool(filled) and all(_WHOLE.fullmatch(cell) for cell in filled)
        values: list[Any] = []
        for cell in column:
            stripped = cell.strip()
            if stripped in _EMPTY_CELLS:
                values.append(None)
            elif whole:
                values.append(stripped.removesuffix(".0"))
            else:
                values.append(_listed(stripped) if heading in _LISTED and stripped[0] in "[{" else cell)
        told[heading] = values
    return [{heading: told[heading][at] for heading in told} for at in range(len(rows))]


def _listed(cell: str) -> Any:
    """A list or an object that was written into a cell, by JSON, by Python or by numpy; else the cell."""
    if len(cell) > _LONGEST:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(_ARRAY.sub("", cell))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return cell
