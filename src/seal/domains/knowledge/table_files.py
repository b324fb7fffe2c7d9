"""Tables in files: CSV, TSV and Parquet. One with a column of passages is a data set, any other a document.

Knows how such files are written, separators and encodings included. Parquet needs pyarrow (the extra `data`);
CSV is read by Python's own module, which needs nothing and takes quotes and line ends within a cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from seal.domains.knowledge.cells import of_cells, said
from seal.domains.knowledge.markdown_tables import plain_cell, table_lines
from seal.domains.knowledge.records import contexts_of, questions_of
from seal.domains.knowledge.sources import Source, libraries
from seal.errors import InputError, InputFileError, reason_of
from seal.types import Context, Question

__all__ = ["csv_contexts", "csv_questions", "parquet_contexts", "parquet_questions"]

_SEPARATORS: Final = ",;\t|"
_LOOKED_AT: Final = 20  # rows, for the separator
_KEYS: Final = {
    "title": "title",
    "context": "context",
    "text": "text",
    "passage": "context",
    "question": "question",
    "questions": "questions",
    "answer": "answer",
    "answers": "answers",
    "is_impossible": "is_impossible",
    "id": "id",
}
_PASSAGES: Final = ("context", "text")


def csv_contexts(source: Source) -> list[Context]:
    """The data set in a table of texts, or the table as one document. Raises InputFileError, InputError."""
    return _contexts(source, *_csv(source))


def csv_questions(source: Source) -> list[Question]:
    """The questions in a table of texts without passages. Raises InputFileError, InputError."""
    return questions_of(_known(*_csv(source)), source)


def parquet_contexts(source: Source) -> list[Context]:
    """The same for Parquet. Raises InputFileError, InputError."""
    headings, rows = _parquet(source)
    return _contexts(source, headings, [[_cell(value) for value in row] for row in rows], rows)


def parquet_questions(source: Source) -> list[Question]:
    headings, rows = _parquet(source)
    return questions_of([dict(zip(map(_key, headings), row)) for row in rows], source)


def _contexts(
    source: Source, headings: list[str], cells: list[list[str]], values: list[list[Any]] | None = None
) -> list[Context]:
    keys = list(map(_key, headings))
    if not any(key in _PASSAGES for key in keys):
        if "question" in keys:
            raise InputError(
                f"{source.where}: there are questions, and no passage that they are about.",
                "Give the document, and this file as its exam: --questions. Or add a column context.",
            )
        return [_document(source, headings, cells)]
    records = of_cells(keys, cells) if values is None else [dict(zip(keys, row)) for row in values]
    for record in records:
        record.setdefault("title", source.stem)
    return contexts_of(records, source, "row", first=2 if values is None else 1)


def _known(headings: list[str], cells: list[list[str]]) -> list[dict[str, Any]]:
    return of_cells(list(map(_key, headings)), cells)


def _key(heading: str) -> str:
    return _KEYS.get(heading.strip().casefold(), heading)


def _document(source: Source, headings: list[str], rows: list[list[str]]) -> Context:
    """A table of facts: every row can be read as a sentence about its headings."""
    numbered = not headings[0].strip(" ").removeprefix("Unnamed: 0") and all(
        row[:1] == [str(at)] for at, row in enumerate(rows)
    )  # which is how pandas writes the number of a row
    head = list(map(plain_cell, headings[numbered:]))
    told = of_cells([str(at) for at in range(len(headings))], rows)
    body = [["" if value is None else plain_cell(value) for value in row.values()][numbered:] for row in told]
    body = [row for row in body if any(row)]
    if not body:
        raise InputError(f"{source.where}: the table has no row.", "Put at least one row below its headings.")
    return Context(id="", title=source.stem, text="\n".join(table_lines([head, *body], 1)))


def _csv(source: Source) -> tuple[list[str], list[list[str]]]:
    text = source.text()
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # which Excel writes
        separator, text = first.strip()[4], rest
    else:
        separator = _separator(text)
    csv.field_size_limit(2**31 - 1)
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise InputFileError(
            f"{source.where}: this cannot be read as CSV: {error}.", "Save it anew."
        ) from error
    width = len(rows[0])
    for at, row in enumerate(rows[1:], 2):
        if len(row) > width and any(map(str.strip, row[width:])):
            raise InputError(
                f"{source.where}: row {at} has {len(row)} cells, and there are {width} headings.",
                'Put texts that hold the separator in quotes: "one, two".',
            )
    return rows[0], [row[:width] for row in rows[1:]]


def _separator(text: str) -> str:
    """The sign that cuts the first rows into the same number of cells, as many as possible."""
    best, most = ",", 1
    for sign in _SEPARATORS:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
            widths = {len(row) for row, _ in zip((row for row in reader if row), range(_LOOKED_AT))}
        except csv.Error:
            continue
        if len(widths) == 1 and max(widths) > most:
            best, most = sign, max(widths)
    if most > 1:
        return best
    head = text[: text.find("\n")]
    return max(_SEPARATORS, key=head.count)


def _parquet(source: Source) -> tuple[list[str], list[list[Any]]]:
    [parquet] = libraries(source.where, "Parquet", "data", "pyarrow.parquet")
    try:
        table = parquet.read_table(io.BytesIO(source.raw))
        names = [name for name in table.column_names if not name.startswith("__index_level_")]
        columns = [table.column(name).to_pylist() for name in names]
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise InputFileError(
            f"{source.where}: this cannot be read as Parquet: {reason_of(error)}.", "Write the file anew."
        ) from error
    return names, [list(row) for row in zip(*columns)]


def _cell(value: Any) -> str:
    """A value of a table that is a document."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return said(value) or ""
