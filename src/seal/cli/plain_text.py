"""Words that are not the program's own, shown as text: markup, escape codes and turned writing do nothing.

A title, a file name or an answer may hold "[/b]", codes that move a terminal's cursor, or marks that turn the
direction of reading. What would do something is shown by its number instead.
"""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["PlainConsole", "as_text", "visible"]

# Control characters but tabs and line feeds, and the marks of Unicode that reorder or hide what is around.
_ACTING = re.compile(
    "[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with every character that would do something written as its number."""
    return _ACTING.sub(lambda match: _number(match[0]), text)


def as_text(said: str | Text) -> Text:
    """A text for the screen. Its own styles stay; nothing in its words is read as one."""
    if isinstance(said, str):
        return Text(visible(said))
    shown = said
    for match in reversed(list(_ACTING.finditer(said.plain))):
        shown = shown[: match.start()] + Text(visible(match[0]), style="dim") + shown[match.end() :]
    return shown


class PlainConsole(Console):
    """A console for which a str is words and nothing else."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(as_text(one) if isinstance(one, (str, Text)) else one for one in objects), **how)


def _number(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
