"""PDF documents as Markdown: their paragraphs in the order of reading, and tables that are drawn with lines.

Knows columns, page numbers and lines that stand on every page. Knows nothing about pictures of text: a scan
has no text, and is refused. Needs pdfplumber (the extra `documents`).
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from seal.domains.knowledge.lines import has_headings
from seal.domains.knowledge.markdown_tables import listed_lines, plain_cell, table_lines
from seal.domains.knowledge.sources import Source, libraries
from seal.errors import InputError, InputFileError, reason_of
from seal.types import Context

__all__ = ["pdf_contexts"]

_PAGE_NUMBER: Final = re.compile(
    r"(?<!\W)\W*+(?:(?:page|seite|p\.)\s*+)?\d{1,4}\s*+(?:(?:/|of|von)\s*+\d{1,4})?\W*+", re.I
)
_LIGATURES: Final = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\xa0": " "})
_LINE_MARGIN: Final = 0.7  # of a line's height: a wider gap begins a paragraph
_EDGE: Final = 0.09  # of a page's height, at its top and bottom, where headers and page numbers stand
_FEW_PAGES: Final = 3  # on fewer, a line that comes again is no header


Box: TypeAlias = tuple[float, float, float, float]
Drawn: TypeAlias = tuple[Box, str]
"""Where a table is drawn on its page, and what it says."""
PagePart: TypeAlias = tuple[str, bool]
"""A paragraph or a table, and whether it stands at the edge of its page."""


def pdf_contexts(source: Source) -> list[Context]:
    """A PDF document as one passage, called after its file. Raises InputFileError, InputError."""
    pdfplumber, layout, reader = libraries(
        source.where, "PDF", "documents", "pdfplumber", "pdfminer.layout", "pdfminer.high_level"
    )
    try:
        tables = []
        with pdfplumber.open(io.BytesIO(source.raw)) as document:
            for page in document.pages:
                tables.append(_tables(page))
                page.close()
        pages = [
            _page(page, found, layout)
            for page, found in zip(
                reader.extract_pages(
                    io.BytesIO(source.raw), laparams=layout.LAParams(line_margin=_LINE_MARGIN)
                ),
                tables,
                strict=True,
            )
        ]
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        is_locked = "password" in f"{type(error).__name__} {error.args}".lower()
        reason = "it needs a password" if is_locked else reason_of(error)
        raise InputFileError(
            f"{source.where}: this cannot be read as PDF: {reason}.",
            "Save it anew without a password, or its text as .txt.",
        ) from error
    text = "\n\n".join(_without_repeated(pages))
    if not any(map(str.isalnum, text)):
        raise InputError(
            f"{source.where}: there is no text in it: its pages are pictures.",
            "Have its text recognised (for instance by ocrmypdf), and learn what comes out.",
        )
    return [Context(id="", title=source.stem, text=text)]


def _tables(page: Any) -> list[Drawn]:
    """Where tables are on a page, and each as Markdown."""
    found = []
    for table in page.find_tables():
        rows = [[plain_cell(cell or "") for cell in row] for row in table.extract()]
        rows = [row for row in rows if any(row)]
        if len(rows) > 1 and max(map(len, rows)) > 1:
            lines = table_lines(rows, 1) if has_headings(rows) else listed_lines(rows)
            found.append((tuple(table.bbox), "\n".join(lines)))
    return found


def _page(page: Any, tables: Sequence[Drawn], layout: Any) -> list[PagePart]:
    """What stands on a page, in the order of reading: pdfminer's, with each table where it begins."""
    told: list[PagePart] = []
    waiting = list(tables)
    for box in page:
        if not isinstance(box, layout.LTTextBox):
            continue
        at_edge = box.y0 > (1 - _EDGE) * page.height or box.y1 < _EDGE * page.height
        free: list[str] = []
        for line in (line for line in box if isinstance(line, layout.LTTextLine)):
            middle = ((line.x0 + line.x1) / 2, page.height - (line.y0 + line.y1) / 2)
            inside = next((one for one in tables if _within(middle, one[0])), None)
            if inside is None:
                free.append(line.get_text().translate(_LIGATURES).rstrip())
            elif inside in waiting:
                waiting.remove(inside)
                told += [("\n".join(free), at_edge), (inside[1], False)]
                free = []
        told.append(("\n".join(free), at_edge))
    told += [(table, False) for _, table in waiting]
    return [(text.strip("\n"), at_edge) for text, at_edge in told if text.strip()]


def _within(point: tuple[float, float], box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _without_repeated(pages: Sequence[Sequence[PagePart]]) -> list[str]:
    """All parts, without page numbers, and without what stands at the edge of most pages."""
    edges = Counter(key for page in pages for key in {_key(text) for text, at_edge in page if at_edge})
    repeated = {key for key, n in edges.items() if len(pages) >= _FEW_PAGES and n > len(pages) / 2}
    return [
        text
        for page in pages
        for text, at_edge in page
        if not (at_edge and (_key(text) in repeated or _PAGE_NUMBER.fullmatch(text.strip())))
    ]


def _key(text: str) -> str:
    return re.sub(r"\d+", "#", " ".join(text.split())).casefold()
