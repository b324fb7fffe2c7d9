"""HTML as Markdown: what a reader of the page sees, its headings, lists and tables kept as such.

Knows which parts of a page are no text, and the tables of pages: cells over several rows or columns,
headings in the first column, tables that only lay out a page. Knows nothing about where the HTML is from;
docx and EPUB come through here too. Needs beautifulsoup4 and markdownify (the extra `documents`).
"""

from __future__ import annotations

import importlib
import re
from typing import Any, Final

from seal.domains.knowledge.lines import has_headings
from seal.domains.knowledge.markdown_tables import listed_lines, plain_cell, table_lines
from seal.domains.knowledge.sources import Source, libraries
from seal.domains.knowledge.titles import title_and_text
from seal.errors import InputError, InputFileError
from seal.types import Context

__all__ = ["html_contexts", "markdown_from", "parsed"]

_NO_TEXT: Final = (
    "script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "canvas", "button", "input",
    "select", "head", "img",
)  # fmt: skip
_HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])", re.I
)
_DECLARED: Final = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.-]{1,40})""",
    re.I,
)
_BLANK_LINES: Final = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*){2,}")
_DEEPEST: Final = 200  # parts within one another, above all that people write
_MOST_SPANS: Final = 1_000  # places that one cell is taken to cover
_CELL_CHARS: Final = 800  # a longer cell is no cell of a table
_KEPT: Final = "\ue000"  # stands around the number of lines that are put in later
_KEPT_PLACE: Final = re.compile(f"{_KEPT}(\\d+){_KEPT}")
_REFERENCE: Final = re.compile(r"\[\w{1,12}\]")


def html_contexts(source: Source) -> list[Context]:
    """The page as one passage. Its title is the heading at its top if the page's own title has that in it,
    or else the page's own title. Raises InputFileError, InputError."""
    match = _DECLARED.search(source.raw[:4096])
    declared = (match[1] or match[2]).decode("ascii") if match else ""
    page = parsed(source.text(declared=declared), source.where)
    stated = " ".join(page.title.get_text(" ").split()) if page.title else ""
    markdown = markdown_of(page)
    heading, text = title_and_text(markdown)
    if heading and stated and heading.casefold() not in stated.casefold():
        heading, text = "", markdown
    if not text.strip():
        raise InputError(f"{source.where}: the page holds no text.", "Save it as text.")
    return [Context(id="", title=heading or stated or source.stem, text=text)]


def markdown_from(html: str, where: str) -> str:
    """A piece of HTML as Markdown. Raises InputFileError where the libraries are missing."""
    return markdown_of(parsed(html, where))


def parsed(html: str, where: str) -> Any:
    bs4, _ = libraries(where, "HTML", "documents", "bs4", "markdownify")
    html = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", html)
    end = html.rfind(">") + 1  # the parser's time grows with the square of the tags that are never closed
    html = html[:end] + html[end:].replace("<", "&lt;")
    page = bs4.BeautifulSoup(html, "html.parser")
    if _is_deep(page):
        raise InputFileError(
            f"{where}: the page's parts stand within one another too deeply.", "Save it as text."
        )
    return page


def _is_deep(page: Any) -> bool:
    waiting = [(page, 0)]
    while waiting:
        element, depth = waiting.pop()
        if depth > _DEEPEST:
            return True
        waiting += [(child, depth + 1) for child in getattr(element, "contents", ())]
    return False


def markdown_of(page: Any) -> str:
    """The text of a parsed page, which is changed by it."""
    for element in page.find_all(_NO_TEXT):
        element.extract()
    for element in page.find_all(_is_hidden):
        element.extract()
    for element in page.find_all("sup"):  # the number of a footnote is no power
        if _REFERENCE.fullmatch(element.get_text().strip()):
            element.extract()
    mains = page.find_all("main")
    body = mains[0] if len(mains) == 1 else page
    kept: list[list[str]] = []

    def put(element: Any, lines: list[str]) -> None:
        """Lines in the place of an element, which what writes Markdown leaves as they are."""
        holder = page.new_tag("p")
        holder.string = f"{_KEPT}{len(kept)}{_KEPT}"
        kept.append(lines)
        element.replace_with(holder)

    for listed in body.find_all("dl"):
        put(listed, _defined(listed))
    for table in reversed(body.find_all("table")):  # the innermost first
        lines = _table(table)
        put(table, lines) if lines is not None else _open(table)
    markdownify = importlib.import_module("markdownify")
    text = markdownify.MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        strip=["a"],
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    ).convert_soup(body)
    text = "\n".join(line.rstrip() for line in text.replace("\xa0", " ").split("\n"))
    text = _KEPT_PLACE.sub(lambda match: "\n".join(kept[int(match[1])]), text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def _is_hidden(element: Any) -> bool:
    return element.has_attr("hidden") or bool(_HIDDEN.search(str(element.get("style", ""))))


def _defined(listed: Any) -> list[str]:
    """A list of terms: each with what is said of it."""
    lines: list[str] = []
    term = ""
    for element in listed.find_all(["dt", "dd"]):
        told = " ".join(element.get_text(" ").split())
        if element.name == "dt":
            term = told.rstrip(": ")
        elif told:
            lines.append(f"- {term}: {told}" if term else f"- {told}")
    return lines


def _rows(table: Any) -> list[Any]:
    return [row for row in table.find_all("tr") if row.find_parent("table") is table]


def _table(table: Any) -> list[str] | None:
    """A table as Markdown in lines; None for one that only lays out a page."""
    rows = _rows(table)
    cells = [row.find_all(["td", "th"], recursive=False) for row in rows]
    every = [cell for row in cells for cell in row]
    is_page = any(
        cell.find(["pre", "h1", "h2", "h3", "h4"])
        or _KEPT in cell.get_text()
        or len(cell.get_text()) > _CELL_CHARS
        for cell in every
    )
    if is_page or not any(len(row) > 1 for row in cells):
        return None
    for item in (item for cell in every for item in cell.find_all("li")):
        if item.find_next_sibling("li"):
            item.append(", ")
    caption = table.find("caption")
    above = " ".join(caption.get_text(" ").split()) if caption else ""
    return _written(*_grid(cells), _n_head(rows, cells), above)


def _open(table: Any) -> None:
    for row in _rows(table):
        for cell in row.find_all(["td", "th"], recursive=False):
            cell.name = "div"
        row.name = "div"
    for part in table.find_all(["tbody", "thead", "tfoot", "caption", "colgroup"]):
        part.unwrap()
    table.name = "div"


def _n_head(rows: list[Any], cells: list[Any]) -> int:
    """How many rows at the top are headings."""
    n = 0
    for row, own in zip(rows, cells):
        if row.find_parent("thead") is None and not (own and all(cell.name == "th" for cell in own)):
            break
        n += 1
    return n if n < len(rows) else min(n, 1)


def _grid(cells: list[list[Any]]) -> tuple[list[list[str]], list[list[tuple[str, int]]]]:
    """Every place of a table with its text, and with the kind and the number of the cell that covers it."""
    texts: list[list[str]] = []
    kinds: list[list[tuple[str, int]]] = []
    below: dict[int, tuple[int, str, tuple[str, int]]] = {}  # by column: how many rows still, and what
    number = 0
    for row in cells:
        told: list[str] = []
        kind: list[tuple[str, int]] = []
        waiting = list(row)
        while waiting or len(told) in below:
            at = len(told)
            if at in below:
                left, text, what = below.pop(at)
                if left > 1:
                    below[at] = (left - 1, text, what)
                told.append(text)
                kind.append(what)
                continue
            cell = waiting.pop(0)
            text = plain_cell(cell.get_text(" "))
            number += 1
            for column in range(at, at + _span(cell, "colspan")):
                told.append(text)
                kind.append((cell.name, number))
                if _span(cell, "rowspan") > 1:
                    below[column] = (_span(cell, "rowspan") - 1, text, (cell.name, number))
        texts.append(told)
        kinds.append(kind)
    return texts, kinds


def _span(cell: Any, name: str) -> int:
    told = str(cell.get(name, "1")).strip()
    return min(max(int(told), 1), _MOST_SPANS) if told.isdecimal() else 1


def _written(grid: list[list[str]], kinds: list[list[tuple[str, int]]], n_head: int, above: str) -> list[str]:
    """A table in lines: rows below headings, or "heading: values" where the headings are in the first column
    or there are none. `above`: what all of it is about; it stands in each row."""
    width = max(map(len, grid))
    if n_head == 0 and not all(row and row[0][0] == "th" for row in kinds) and has_headings(grid):
        n_head = 1
    if n_head == 0:
        return listed_lines(grid)
    body: list[list[str]] = []
    group = above
    for row, kind in zip(grid[n_head:], kinds[n_head:]):
        if (
            width > 1 and len(row) == width and len(set(kind)) == 1
        ):  # one cell over all columns heads what follows
            group = ", ".join(filter(None, (above, row[0])))
        elif any(row):
            body.append([group, *row])
    first = 0 if any(row[0] for row in body) else 1
    head = [["", *row] for row in grid[:n_head]]
    return table_lines([row[first:] for row in (*head, *body)], n_head)
