"""Reads a document's Markdown into blocks: headings, paragraphs, list items, rows of tables, code.

Knows Markdown as people write it in e-mails and text files too, front matter, and where each character of a
block stands in the document. Knows nothing about sentences. A plain text is Markdown with little markup: what
would be read as markup by accident ("5*3*2", an indented paragraph, "1874. The year") stays text. Never
raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from seal.domains.knowledge.front_matter import front_matter_of
from seal.text import row_text

__all__ = ["GAP", "HARD", "PIPE", "SOFT", "TextBlock", "blocks_of"]

BlockKind = Literal["heading", "paragraph", "item", "row", "code"]

SOFT: Final = "\n"  # a line end that may be the writer's line width
HARD: Final = "\v"  # a line end that is meant

_GONE: Final = "\ue001"  # stands for a character of markup, and is taken out of a block's text
_ONE_TO_ONE: Final = str.maketrans(
    {"\r": "\n", "\f": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n", "\0": "\ufffd", _GONE: "\ufffd"}
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BREAK_TAG: Final = re.compile(r"</?(br|p|div|tr|li|ul|ol|table|h[1-6]|section)\b[^<>\n]{0,300}>", re.I)
_CELL_TAG: Final = re.compile(r"</t[dh]>", re.I)
_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|cite|code|em|font|i|img|kbd|mark|q|s|small|span|strong|sub|sup|t[dh]|thead|tbody|u)"
    r"(?:[ \t][^<>\n]{0,500})?/?>",
    re.I,
)
_REFERENCE: Final = re.compile(
    r"^ {0,3}\[([^\[\]\n]{1,200})\]:[ \t]*(<?(?:[a-z][a-z+.-]{1,15}:|[./#])[^\s]*)[^\n]*$", re.M | re.I
)
# "am / 1. März": a number at the beginning of a line that belongs to the line above, and no list
_ORDINAL_WRAP: Final = re.compile(r"\b(am|um|vom|zum|der|dem|den|des|die|das|bis|und)\n(?=1[.] )", re.I)
_RULE_LINE: Final = re.compile(r"^[ \t]{0,3}[-=][-=+ \t]{2,300}$", re.M)
GAP: Final = re.compile(r" {2,}|\t+")  # between two columns of a plain table
# "#", "1." or "-" in the first column of a table of tabs is no heading and no list
_CELL_MARK: Final = re.compile(r"^(?:[-+*#>]|\d{1,9}[.)])(?=\t[^\t\n]+\t)", re.M)
_MARK_BASE: Final = 0xE100  # such a mark stands here in a private area while the parser reads
_PRIVATE: Final = re.compile("[\ue100-\ue17f]")
_TIMES: Final = re.compile(r"(?<=[\d ])\*(?=\d)|(?<=\d)\*(?= ?\d)")
PIPE: Final = re.compile(r"(?<!\\)\|")
_PLAIN_CHARS: Final = (
    20_000  # a longer paragraph with so many brackets is no Markdown, and slow to read as such
)
_MOST_BRACKETS: Final = 2_000

_MARKDOWN: Final = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .disable(["code", "reference", "text_join", "inline"])
)


@dataclass(frozen=True)
class TextBlock:
    """One block. `places` says of each character of `text` where it stands in the document; of a row, whose
    text is worded anew, only the first and the last place. `level`: of a heading its level, of others how
    many list items they stand in."""

    kind: BlockKind
    text: str
    places: Sequence[int]
    level: int = 0
    strong: int = 0
    is_first: bool = True

    def part(self, start: int, end: int) -> TextBlock:
        """A part of it, without the white space around it."""
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        text = text.strip()
        return replace(self, text=text, places=self.places[start : start + len(text)])


def blocks_of(text: str) -> list[TextBlock]:
    """The blocks of a document, in its order."""
    plain, references = _cleaned(text)
    starts = [0, *(at + 1 for at, char in enumerate(plain) if char == "\n"), len(plain) + 1]
    reader = _Reader(plain, starts, references)
    for token in _MARKDOWN.parse(plain, {}):
        reader.read(token)
    return reader.blocks


def _cleaned(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The document as the parser is to see it, every character still in its place; and its link targets."""
    text = _PRIVATE.sub("\ufffd", text)
    text = _SURROGATE.sub("\ufffd", text.replace("\r\n", " \n").translate(_ONE_TO_ONE))
    if front := front_matter_of(text):
        text = _blank(text[: front.stop]) + text[front.stop :]
    text = text.replace("\ufeff", " ")
    if "<" in text:
        text = _without_comments(text)
        text = _CELL_TAG.sub(lambda match: " |   ", text)
        text = _BREAK_TAG.sub(lambda match: _broken(text, match), text)
        text = _INLINE_TAG.sub(lambda match: _GONE * len(match[0]), text)
    references: dict[str, dict[str, str]] = {}

    def keep(match: re.Match[str]) -> str:
        references[normalizeReference(match[1])] = {"href": match[2], "title": ""}
        return " " * len(match[0])

    text = _REFERENCE.sub(keep, text)
    text = _without_table_rules(text)
    text = _CELL_MARK.sub(lambda match: match[0][:-1] + chr(_MARK_BASE + ord(match[0][-1])), text)
    text = _ORDINAL_WRAP.sub(r"\1 ", text)
    return _TIMES.sub("×", text), references


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _without_table_rules(text: str) -> str:
    """A line of dashes between two rows of columns is neither a heading's underline nor a rule."""
    for match in reversed(list(_RULE_LINE.finditer(text))):
        before = text[text.rfind("\n", 0, max(match.start() - 1, 0)) + 1 : max(match.start() - 1, 0)]
        after = text[match.end() + 1 : match.end() + 1_000].partition("\n")[0]
        if GAP.search(before.strip()[:1_000]) and GAP.search(after.strip()) and "|" not in before:
            text = text[: match.start()] + _GONE * len(match[0]) + text[match.end() :]
    return text


def _without_comments(text: str) -> str:
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[at:start], _blank(text[start : end + 3])]
        at = end + 3
    return "".join(parts) + text[at:]


def _broken(text: str, match: re.Match[str]) -> str:
    """A tag that ends a line, as a line end; within a table's row, as a space."""
    before = text.rfind("\n", max(0, match.start() - 500), match.start())
    after = text.find("\n", match.end(), match.end() + 500)
    is_edge = not text[before + 1 : match.start()].strip() or (
        after >= 0 and not text[match.end() : after].strip()
    )
    if is_edge and before >= 0 and match[1].lower() in ("br", "tr", "li"):
        return " " * len(match[0])
    in_row = text[max(before, match.start() - 500, 0) : match.start()].lstrip().startswith("|")
    return (" " if in_row else "\n") + " " * (len(match[0]) - 1)


class _Reader:
    """Takes the parser's tokens one after another and makes blocks of them."""

    def __init__(self, text: str, starts: list[int], references: dict[str, dict[str, str]]) -> None:
        self.blocks: list[TextBlock] = []
        self._text, self._starts, self._references = text, starts, references
        self._flat = text.replace("\n", " ")
        self._depth = 0
        self._is_new_item = False
        self._marker = ""
        self._opened = Token("", "", 0)
        self._row_lines: list[int] | None = None
        self._headings: list[str] = []
        self._cells: list[str] = []
        self._done = 0  # no place before it is looked for again

    def read(self, token: Token) -> None:
        if token.type == "inline":
            self._read_inline(token)
        elif token.type in ("fence", "code_block"):
            self._add_code(token)
        elif token.type == "list_item_open":
            self._depth += 1
            self._is_new_item = True
            # "1874. The year" begins with a year, not with the 1,874th item
            self._marker = token.info if token.markup in (".", ")") and len(token.info) > 2 else ""
        elif token.type == "list_item_close":
            self._depth -= 1
            self._is_new_item = False
        elif token.type == "table_open":
            self._headings = []
        elif token.type == "tr_open":
            self._cells = []
        elif token.type == "thead_close":
            self._headings = self._cells
        elif token.type == "tr_close" and self._headings and self._opened.type == "td_open":
            self._add_row()
        if token.nesting == 1:
            self._opened = token
            if token.type == "tr_open":
                self._row_lines = token.map

    def _read_inline(self, token: Token) -> None:
        start, end = self._range(token)
        start = max(start, self._done)
        text, places, strong = self._plain(token.content, start, end)
        opened = self._opened.type
        if opened in ("td_open", "th_open"):
            self._cells.append(re.sub(r"\s+", " ", text).strip())
            return
        self._done = end
        if self._marker and self._is_new_item and opened == "paragraph_open":
            at = self._text.find(self._marker, start, end)
            if at >= 0:
                marker = f"{self._marker}. "
                text, places = marker + text, [*range(at, at + len(marker)), *places]
                self._add("paragraph", text, places, self._depth - 1)
                self._is_new_item, self._marker = False, ""
                return
        if not text.strip():
            return
        if opened == "heading_open" and _is_heading(text, self._opened.markup):
            self._add("heading", text, places, int(self._opened.tag[1:]))
            return
        is_item = self._depth > 0
        self._add("item" if is_item else "paragraph", text, places, self._depth, strong)
        self._is_new_item = False

    def _add(self, kind: BlockKind, text: str, places: list[int], level: int, strong: int = 0) -> None:
        is_first = kind != "item" or self._is_new_item
        block = TextBlock(kind, text, places, level, strong, is_first).part(0, len(text))
        if block.text:
            self.blocks.append(block)

    def _add_row(self) -> None:
        if self._row_lines is None:
            return
        start, end = self._starts[self._row_lines[0]], self._starts[self._row_lines[1]] - 1
        raw = self._text[start:end]
        cells = [part.strip() for part in PIPE.split(raw.strip().removeprefix("|").removesuffix("|"))]
        # a row may have more cells than there are headings; the parser drops them
        text = row_text(self._headings, self._cells + cells[len(self._headings) :])
        if text:
            start += len(raw) - len(raw.lstrip())
            self.blocks.append(TextBlock("row", text, (start, start + len(raw.strip()) - 1), self._depth))
        self._done = end

    def _add_code(self, token: Token) -> None:
        """Code that is fenced in. A fence that is never closed is none: all that follows is text."""
        _, end = self._range(token)
        first, last = token.map or (0, 0)
        body = self._starts[min(first + 1, last)]
        closing = self._text[self._starts[max(first, last - 1)] : end].strip(" >\n\t")
        is_closed = last - first > 1 and set(closing) == set(token.markup[:1]) and len(closing) >= 3
        stop = self._starts[last - 1] if is_closed else end
        for match in re.finditer(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*", self._text[body:stop]):
            places = list(range(body + match.start(), body + match.end()))
            self._add("code" if is_closed else "paragraph", match[0], places, self._depth)
        self._done = end

    def _range(self, token: Token) -> tuple[int, int]:
        first, last = token.map or (0, 0)
        return self._starts[first], max(self._starts[first], self._starts[last] - 1)

    def _plain(self, content: str, start: int, end: int) -> tuple[str, list[int], int]:
        """Its text without markup, the place of each character, and how much at the beginning is bold."""
        children = self._children(content)
        strong = -1 if any(child.type == "strong_open" for child in children) else 0
        text: list[str] = []
        places: list[int] = []
        at = start
        for child in children:
            if child.type in ("softbreak", "hardbreak"):
                text.append(SOFT if child.type == "softbreak" else HARD)
                places.append(min(at, max(start, end - 1)))
                continue
            said = child.content
            if child.type == "strong_open" and strong < 0 and "".join(text).strip():
                strong = 0
            elif child.type == "strong_close" and strong < 0:
                strong = len(text)
            if not said or child.type == "image":
                continue
            written = child.markup if child.type == "text_special" else said
            # a line end within code is shown as a space; a space alone may be any
            within = self._flat if child.type == "code_inline" else self._text
            found = within.find(written, at, end) if written.strip() else -1
            at = max(found, at)
            # a character reference, and what cannot be found, has one place for all its characters
            step = found >= 0 and child.type != "text_special"
            for offset, char in enumerate(said):
                if char != _GONE:
                    text.append(chr(ord(char) - _MARK_BASE) if _PRIVATE.match(char) else char)
                    places.append(at + offset if step else min(at, max(start, end - 1)))
            at += len(written) if found >= 0 else 0
        return "".join(text), places, max(strong, 0)

    def _children(self, content: str) -> list[Token]:
        children: list[Token] = []
        if len(content) > _PLAIN_CHARS and content.count("[") > _MOST_BRACKETS:
            for at, line in enumerate(content.split("\n")):
                if at:
                    children.append(Token("softbreak", "", 0))
                children.append(Token("text", "", 0, content=line))
            return children
        _MARKDOWN.inline.parse(content, _MARKDOWN, {"references": self._references}, children)
        return children


def _is_heading(text: str, markup: str) -> bool:
    """Whether what looks like a heading is one: "A line of a letter\n---" is a paragraph before a rule."""
    words = len(text.split())
    if markup in ("-", "="):
        return SOFT not in text and words <= 12 and not text.rstrip().endswith((".", "。", ","))
    return not (words > 12 and text.rstrip().endswith((".", "。")))
