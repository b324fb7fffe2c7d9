"""What a text document is called, and what of it is text: front matter, and the heading at its top.

Of front matter the title is taken and the rest is left out: it is about the file. A heading that does not
stand at the top is a section of the text. Never raises on any text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from seal.domains.knowledge.blocks import blocks_of
from seal.domains.knowledge.front_matter import front_matter_of
from seal.text import letters_alone

__all__ = ["title_and_text"]

_TITLE_LINE: Final = re.compile(r"^title[ \t]*+[:=](.+)$", re.M | re.I)
_MOST_CHARS: Final = 20_000  # of what may stand before the heading at the top
_UNDERLINE: Final = re.compile(r"\n[ >]{0,3}(?:=++|-++)[ \t]*+\r?(?=\n|\Z)")


def title_and_text(text: str) -> tuple[str, str]:
    """The title that a document states, empty where it states none; and its text, without front matter and
    without the heading that says the title."""
    stated, body = _front_matter(text)
    heading, start, stop = _heading_at_top(body)
    if heading and (not stated or letters_alone(heading) == letters_alone(stated)):
        body = body[:start] + body[stop:]
        stated = stated or heading
    return stated, body.strip()


def _front_matter(text: str) -> tuple[str, str]:
    """The title in the front matter, and what is below it."""
    front = front_matter_of(text)
    if front is None:
        return "", text
    told = _parsed(front.block, front.is_toml)
    if told is None:  # as people write it: "title: Halden: a guide" is no YAML
        line = _TITLE_LINE.search(front.block)
        return _line(line[1].strip().strip("\"'")) if line else "", text[front.stop :]
    titles = {key.casefold(): value for key, value in told.items() if isinstance(key, str)}
    title = titles.get("title", "")
    return _line(title) if isinstance(title, str) else "", text[front.stop :]


def _parsed(block: str, is_toml: bool) -> Mapping[Any, Any] | None:
    try:
        if is_toml:
            told: Any = {key: str(value) for key, value in tomllib.loads(block.replace("\r\n", "\n")).items()}
        else:
            told = yaml.load(block, Loader=_Texts)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return None
    return told if isinstance(told, Mapping) else None


class _Texts(yaml.BaseLoader):
    """Every value as it is written: the title 1.10 is no number, and NO is no truth value."""


def _heading_at_top(text: str) -> tuple[str, int, int]:
    """The heading with which a text begins, and where it stands; empty if it begins with something else."""
    head = text[:_MOST_CHARS]
    if len(text) > _MOST_CHARS:
        head = head[: head.rfind("\n") + 1]
    first = next(iter(blocks_of(head)), None)
    if first is None or first.kind != "heading":
        return "", 0, 0
    start = head.rfind("\n", 0, first.places[0]) + 1
    stop = head.find("\n", first.places[-1])
    stop = len(head) if stop < 0 else stop
    if not head[start : first.places[0]].lstrip(" >").startswith("#"):
        underline = _UNDERLINE.match(head, stop)
        if underline is None:
            return "", 0, 0
        stop = underline.end()
    return _line(first.text), start, stop


def _line(text: str) -> str:
    return " ".join(text.split())
