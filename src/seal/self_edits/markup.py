"""Markup in what a model wrote, as the plain lists and labels that the parsers know: HTML, escaped line ends,
tables, signs for bullets, tags and headings for labels.

Knows signs by their look. Knows nothing about formats. Every pattern is matched in linear time; never raises
on any text.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["labelled", "plain_lists"]

_ITEM: Final = re.compile(r"<li\b[^<>\n]{0,80}>", re.I)
_TAG: Final = re.compile(r"</?(?:ul|ol|li|p|br|b|i|em|strong|div|span|html|body)\b[^<>\n]{0,80}>", re.I)
_SIGN: Final = re.compile(
    "^([^\\S\\n]{0,20})(?:[\u2190-\u21ff\u2460-\u2473\u25a0-\u25ff\u2600-\u27bf\u2b00-\u2bff"
    '\U0001f300-\U0001faff]\ufe0f?|[0-9]\ufe0f?\u20e3)[^\\S\\n]{0,9}(?=[^\\W_]|["“*])',
    re.M,
)
_LETTER: Final = re.compile(r"^([^\S\n]{0,20})(?:\(?[a-h]\)|\(?[ivx]{1,5}[.)])[^\S\n]{1,9}(?=[^\W\d_])", re.M)
_FEWEST_LETTERED: Final = 2
_SPEAKER: Final = re.compile(r"\A\s*(?:assistant|ai|bot|model)\s?[:：][^\S\n]*", re.I)
_END_OF_TURN: Final = re.compile(r"(?<=[^\n])(<\|?(?:endoftext|im_end|eot_id|end_of_text|/s)\b)", re.I)
_RULE: Final = re.compile(r"[\s:|-]+")

_TAGGED: Final = re.compile(r"<(question|answer|q|a)>", re.I)
_CLOSED: Final = re.compile(r"</(?:question|answer|q|a|pair|qa|item)>|<(?:pair|qa|item)>", re.I)
_HEADED: Final = re.compile(
    r"^[#*\s]{0,9}(question|answer)(?: ?\d{1,3})?[*:\s]{0,9}\n\s{0,9}(?=\S)", re.I | re.M
)
_DASHED: Final = re.compile(r"^[#*-]{0,3} ?(question|answer)(?: ?\d{1,3})? [–—-] (?=\S)", re.I | re.M)
_LETTERED: Final = re.compile(r"^[^\w\n]{0,5}([QA])\.[^\S\n]{1,9}(?=\S)", re.M)
_TALKED: Final = re.compile(r"\A\s*(?:user|human)\s?[:：]", re.I)
_TURN: Final = re.compile(r"^[^\S\n]{0,9}(user|human|assistant|ai)\s?[:：][^\S\n]*", re.I | re.M)
_ENCLOSED: Final = re.compile(r"^([^?？\n]{3,300}[?？])[^\S\n]{1,9}\(([^()\n]{1,200})\)[^\S\n]*$", re.M)


def _is_rule(line: str) -> bool:
    """Whether a line is drawn, as under the headings of a table."""
    return "-" in line and _RULE.fullmatch(line) is not None


def plain_lists(text: str) -> str:
    """The text with "- " for all that begins an item of a list, without tags, with real line ends."""
    if "\n" not in text.strip() and "\\n" in text:
        text = text.replace("\\r", "").replace("\\n", "\n")
    if "<" in text:
        text = _TAG.sub(" ", _ITEM.sub("\n- ", text))
    text = _SPEAKER.sub("", _END_OF_TURN.sub(r"\n\1", text), count=1)
    text = _SIGN.sub(r"\1- ", text)
    if len(_LETTER.findall(text)) >= _FEWEST_LETTERED:
        text = _LETTER.sub(r"\1- ", text)
    return _without_numbered_rows(text) if "|" in text else text


def _without_numbered_rows(text: str) -> str:
    """The rows of a table that has one column of text, beside one of numbers, as items."""
    lines = text.split("\n")
    found: list[str] = []
    for at, line in enumerate(lines):
        cells = (
            [cell.strip() for cell in line.strip().strip("|").split("|")] if line.strip()[:1] == "|" else []
        )
        told = [cell for cell in cells if cell and not cell.rstrip(".").isdigit()]
        is_heading = at + 1 < len(lines) and bool(cells) and _is_rule(lines[at + 1])
        if not cells or len(cells) > 2 or (len(cells) == 2 and len(told) == 2 and not is_heading):
            found.append(line)
        elif not (is_heading or _is_rule(line)):
            found += [f"- {cell}" for cell in told]
    return "\n".join(found)


def labelled(text: str) -> str:
    """The text with "Question: " and "Answer: " for tags, headings, letters and turns that say the same."""
    if "<" in text and _TAGGED.search(text) and "</" in text:
        text = _CLOSED.sub("", _TAGGED.sub(lambda match: f"\n{_name(match[1])}: ", text))
    if _TALKED.match(text):
        text = _TURN.sub(lambda match: f"{_name('q' if match[1][0] in 'uUhH' else 'a')}: ", text)
    text = _DASHED.sub(lambda match: f"{_name(match[1])}: ", text)
    text = _HEADED.sub(lambda match: f"{_name(match[1])}: ", text)
    if any(match[1] == "Q" for match in _LETTERED.finditer(text)):
        text = _LETTERED.sub(lambda match: f"{_name(match[1])}: ", text)
    return _ENCLOSED.sub(r"\1 \2", text)


def _name(label: str) -> str:
    return "Question" if label[0] in "qQ" else "Answer"
