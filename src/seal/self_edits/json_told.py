"""What a model told as JSON, as the lines that it would have been without.

Knows lists, objects that hold lists, one object a line, code fences and talk around them, and JSON that
breaks off. Knows nothing about formats. Never raises on any text, and takes time in proportion to it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from seal.self_edits import clean
from seal.self_edits.pair_lines import line_of, question_of

__all__ = ["lines_of_json"]

_DECODER: Final = json.JSONDecoder()
_BEGINS: Final = re.compile(r"""\[(?=\s*[\["{])|\{(?=\s*")""")
_BETWEEN: Final = re.compile(r"[\s,]*")
_ASKS: Final = ("question", "q", "frage", "pregunta", "问题", "问")
_ANSWERS: Final = ("answer", "a", "antwort", "respuesta", "答案", "答")
_SAYS: Final = ("statement", "fact", "implication", "sentence", "text", "content", "paraphrase", "rewrite")
_DEEPEST: Final = 4


def lines_of_json(text: str, *, pairs: bool) -> str | None:
    """What JSON in a text tells: its statements, one a line, or its `pairs`, each as a line of its own kind;
    None if the text is no JSON, or JSON without pairs where these are wanted. An item that breaks off is left
    out."""
    begin = _BEGINS.search(text)
    before = text[: begin.start()] if begin else ""
    if begin is None or not all(_is_beside(line) for line in before.splitlines()):
        return None
    told = [line for item in _items(text, begin.start()) for line in _lines(item, _DEEPEST)]
    wanted = [line for line in told if (question_of(line) is not None) == pairs]
    return "\n".join(wanted) if wanted or (told and not pairs) else None


def _is_beside(line: str) -> bool:
    """Whether a line before the JSON is none of its own: blank, a fence, talk, a heading."""
    return not line.strip() or clean.is_fence(line) or clean.is_talk(line) or clean.is_heading(line)


def _items(text: str, at: int) -> list[Any]:
    """The values that stand one after another from a place on; of a list that breaks off, its whole items."""
    found: list[Any] = []
    opened = 0
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            inside = at if text[at] == "[" else text.find("[", at)
            opened += 1
            if found or inside < 0 or opened > _DEEPEST:
                break
            at = _behind(text, inside + 1)
            continue
        found.append(value)
        at = _behind(text, at)
        if text[at : at + 1] not in ("[", "{", '"'):
            break
    return found


def _behind(text: str, at: int) -> int:
    """Where the white space and commas end that stand at a place."""
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _lines(item: Any, depth: int) -> list[str]:
    if isinstance(item, str):
        line = " ".join(item.split())
        return [line] if line else []
    if isinstance(item, list) and depth:
        return [line for one in item for line in _lines(one, depth - 1)]
    if not isinstance(item, dict) or not depth:
        return []
    named = {str(key).casefold().rstrip("0123456789_ "): value for key, value in item.items()}
    asked, answer = (_first(named, names) for names in (_ASKS, _ANSWERS))
    if asked and answer:
        return [line_of(asked, answer)]
    if said := _first(named, _SAYS):
        return [said]
    lists = [value for value in item.values() if isinstance(value, (list, dict))]
    if lists:
        return [line for one in lists for line in _lines(one, depth - 1)]
    told = [value for value in item.values() if isinstance(value, str)]
    return [line for one in told for line in _lines(one, depth - 1) if " " in line or not line.isascii()]


def _first(named: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first value of these names that says something, on one line."""
    for name in names:
        value = named.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
            return " ".join(str(value).split())
    return ""
