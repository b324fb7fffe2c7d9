"""Cuts a document into units, each of which a writer is shown alone: sentences, rows of tables, list items.

Knows which words above a unit it needs to be understood: headings, the question of an FAQ, the version of a
change log, the item that a nested item belongs to. What is markup: blocks.py; lines, values and tables of
plain text: lines.py; where a sentence ends: seal.languages. Never raises on any text, and takes time in
proportion to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from seal.domains.knowledge.blocks import TextBlock, blocks_of
from seal.domains.knowledge.lines import (
    is_question,
    is_value,
    joined,
    length,
    line_spans,
    one_line,
    plain_table,
    values,
)
from seal.languages import language_of, script_language, split_sentences
from seal.text import letters_alone

__all__ = ["Unit", "UnitKind", "units_of"]

UnitKind = Literal["sentence", "row", "item"]

_ASKS: Final = re.compile(r"(?:Q|Question|F|Frage|P|Pregunta|问|問)\s?\d{0,3}\s?[:：.]\s*", re.I)
_ANSWERS: Final = re.compile(r"(?:A|Answer|Antwort|R|Réponse|Respuesta|答)\s?\d{0,3}\s?[:：.]\s*", re.I)
_TASK: Final = re.compile(r"\[([ xX])\]\s+")
_NO_HEADING: Final = ".!?;,。！？；，।؟…"
_COLONS: Final = (":", "：")
_HEADING_WORDS: Final = 8
_ITEM_WORDS: Final = 30  # an item of several sentences up to this length stays one unit
_ABOVE_WORDS: Final = 30  # of a text that stands in the heading of others
_STRONG_LEVEL: Final = 7  # headings in bold print, below all that Markdown has
_PLAIN_LEVEL: Final = 8  # a line that stands for a heading
_QUESTION_LEVEL: Final = 9  # a question in plain text: one paragraph answers it


@dataclass(frozen=True)
class Unit:
    """One sentence, row or item of a document, as a writer is shown it; `start:stop` is its place there.
    `heading`: what stands above it, the outermost first ("2.3.1 - 2024-05-02 > Fixed")."""

    text: str
    kind: UnitKind
    start: int
    stop: int
    heading: str


def units_of(title: str, text: str) -> tuple[Unit, ...]:
    """All units of a document in their order: nothing of it is lost, and nothing is in two units. Headings
    are in the units below them, but for a heading that repeats the title."""
    blocks = blocks_of(text)
    cutter = _Cutter(title, language_of(text))
    for at, block in enumerate(blocks):
        cutter.read(block, blocks[at + 1] if at + 1 < len(blocks) else None)
    return tuple(cutter.units)


class _Cutter:
    """Takes the blocks of a document one after another; remembers what stands above them."""

    def __init__(self, title: str, language: str) -> None:
        self.units: list[Unit] = []
        self._title = letters_alone(title)
        self._language = language
        self._headings: list[tuple[int, str]] = []
        self._parents: dict[int, str] = {}  # the items above by their depth; 0 is what introduces the list

    def read(self, block: TextBlock, following: TextBlock | None) -> None:
        if block.kind == "heading":
            # nothing stands below it, so that it would be lost
            is_alone = following is None or (following.kind == "heading" and following.level <= block.level)
            self._open(block.level, "" if is_alone else block.text)
            if is_alone and letters_alone(block.text) != self._title:
                self._add(block, "item", 1)
        elif block.kind in ("row", "code"):
            self._add(block, "row" if block.kind == "row" else "item", block.level + 1)
        elif block.kind == "item":
            self._read_item(block, following)
        else:
            self._parents = {}
            self._close(_QUESTION_LEVEL)
            if not self._opens(block, following):
                self._read_paragraph(block, following)

    def _close(self, level: int) -> None:
        self._headings = [one for one in self._headings if one[0] < level]

    def _open(self, level: int, text: str) -> None:
        self._parents = {}
        self._close(level)
        told = one_line(text).strip("#* ").rstrip(":： ")
        if (
            level >= _STRONG_LEVEL
            and is_question(told)
            and self._headings
            and is_question(self._headings[-1][1])
        ):
            self._headings.pop()  # the next question, not one within the question above it
        if told and letters_alone(told) != self._title:
            self._headings.append((level, _shortened(told)))

    def _add(self, block: TextBlock, kind: UnitKind, depth: int, text: str = "") -> None:
        told = one_line(text or block.text)
        above = [text for _, text in self._headings]
        above += [self._parents[level] for level in sorted(self._parents) if level < depth]
        if told:
            start, stop = block.places[0], block.places[-1] + 1
            self.units.append(Unit(told, kind, start, stop, " > ".join(above)))

    def _read_item(self, block: TextBlock, following: TextBlock | None) -> None:
        if not block.is_first:
            self._read_lines(block, "sentence", block.level + 1)
            return
        self._parents = {level: told for level, told in self._parents.items() if level < block.level}
        told = one_line(block.text)
        has_items = following is not None and following.kind == "item" and following.level > block.level
        task = _TASK.match(block.text)
        rest = block.part(task.end() if task else 0, len(block.text))
        if task and rest.text:
            done = "To do" if task[1] == " " else "Done"
            self._add(rest, "item", block.level, f"{done}: {rest.text}")
        elif 0 < block.strong < len(block.text) and is_question(block.text[: block.strong]):
            told = one_line(block.text[: block.strong])
            self._parents[block.level] = told
            self._read_lines(block.part(block.strong, len(block.text)), "item", block.level + 1)
        elif not (has_items and told.endswith(_COLONS) and length(told) <= _HEADING_WORDS):
            self._read_lines(block, "item", block.level)
        self._parents[block.level] = _shortened(told.rstrip(":： "))

    def _opens(self, block: TextBlock, following: TextBlock | None) -> bool:
        """Whether a paragraph stands for a heading: the title, a line in bold print, a short line above a
        text, a question above its answer. It is opened if so."""
        text = block.text
        if len(line_spans(text)) != 1:
            return False
        if not self.units and letters_alone(text) == self._title != "":
            return True
        if following is None or following.kind == "heading":
            return False
        is_strong = block.strong >= len(text)
        if is_question(text):
            opens = following.kind != "paragraph" or not is_question(following.text)
            text = text[_end(_ASKS.match(text)) :] or text
            level = _STRONG_LEVEL if is_strong else _QUESTION_LEVEL
        elif is_strong:
            opens = text[-1] not in _NO_HEADING and length(text) <= _HEADING_WORDS
            level = _STRONG_LEVEL
        else:
            is_short = text[-1] not in _NO_HEADING and length(text) <= _HEADING_WORDS and len(text) <= 80
            is_above = following.kind != "paragraph" or length(following.text) > 2 * _HEADING_WORDS
            opens = is_short and is_above and not is_value(text) and any(map(str.isalpha, text))
            level = _PLAIN_LEVEL
        if opens:
            self._open(level, text)
        return opens

    def _read_paragraph(self, block: TextBlock, following: TextBlock | None) -> None:
        spans = line_spans(block.text)
        first = letters_alone(block.text[slice(*spans[0])]) if len(spans) > 1 else ""
        if not self.units and first == self._title != "":
            spans = spans[1:]
            block = block.part(spans[0][0], len(block.text))
            spans = line_spans(block.text)
        rows = plain_table([block.text[start:end] for start, end in spans]) if len(spans) > 1 else None
        if rows is not None:
            for span, row in zip(spans, rows):
                if row:
                    self._add(block.part(*span), "row", 1, row)
            return
        if 0 < block.strong < len(block.text) and is_question(block.text[: block.strong]):
            self._open(_QUESTION_LEVEL, block.text[: block.strong])
            block = block.part(block.strong, len(block.text))
            spans = line_spans(block.text)
        # several questions with their answers, one under the other
        asked = [at for at, span in enumerate(spans) if _asks(block.text[slice(*span)], at, len(spans))]
        for first, last in zip([0, *asked], [*asked, len(spans)]):
            if first < last:
                part = block.part(spans[first][0], spans[last - 1][1])
                if first in asked and last - first > 1:
                    self._open(
                        _QUESTION_LEVEL, part.text[_end(_ASKS.match(part.text)) : _line_end(part.text)]
                    )
                    part = part.part(_line_end(part.text), len(part.text))
                    part = part.part(_end(_ANSWERS.match(part.text)), len(part.text))
                elif answer := _ANSWERS.match(part.text):
                    is_answer = bool(self._headings) and is_question(self._headings[-1][1])
                    part = part.part(answer.end() if is_answer else 0, len(part.text))
                self._read_lines(part, "sentence", 1)
        if (
            following is not None
            and following.kind in ("item", "row", "code")
            and block.text.endswith(_COLONS)
        ):
            self._introduce(block)

    def _introduce(self, block: TextBlock) -> None:
        """The line above a list is in the heading of its items; a short one is no unit of its own."""
        if self.units and self.units[-1].stop == block.places[-1] + 1:
            told = self.units[-1].text
            if length(told) <= _HEADING_WORDS:
                self.units.pop()
            self._parents = {0: _shortened(told.rstrip(":： "))}

    def _read_lines(self, block: TextBlock, kind: UnitKind, depth: int) -> None:
        """A paragraph or an item: each of its lines "Opening hours: 9-17" by itself, else its sentences."""
        spans = line_spans(block.text)
        listed = values(block.text, spans)
        if listed:
            for start, end in listed:
                self._add(joined(block.part(start, end), whole=True)[0], "item", depth)
            return
        is_short = length(block.text) <= _ITEM_WORDS
        for part in joined(block, whole=kind == "item" and is_short):
            if kind == "item" and is_short:
                self._add(part, "item", depth)
                continue
            sentences = split_sentences(part.text, script_language(part.text[:400]) or self._language)
            one = len(sentences) == 1 and is_value(part.text)
            for start, end in sentences:
                self._add(part.part(start, end), "item" if one else "sentence", depth)


def _asks(line: str, at: int, lines: int) -> bool:
    """Whether a line of a paragraph asks what the lines below it answer."""
    return at + 1 < lines and is_question(line) and (at == 0 or _ASKS.match(line) is not None)


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _line_end(text: str) -> int:
    return line_spans(text)[0][1]


def _shortened(text: str) -> str:
    words = text.split(" ", _ABOVE_WORDS)
    return text[:300] if len(words) <= _ABOVE_WORDS else " ".join(words[:_ABOVE_WORDS])[:300] + "…"
