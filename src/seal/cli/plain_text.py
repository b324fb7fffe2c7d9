"""Words that are not the program's own, shown as text: markup, escape codes and turned writing do nothing.

A title, a file name or an answer may hold "[/b]", codes that move a terminal's cursor, or marks that turn the
direction of reading. What would do something is shown by its number instead.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from seal.signs import ACTING, visible

__all__ = ["PlainConsole", "as_text", "visible"]


def as_text(said: str | Text) -> Text:
    """A text for the screen. Its own styles stay; nothing in its words is read as one."""
    if isinstance(said, str):
        return Text(visible(said))
    shown = said
    for match in reversed(list(ACTING.finditer(said.plain))):
        shown = shown[: match.start()] + Text(visible(match[0]), style="dim") + shown[match.end() :]
    return shown


class PlainConsole(Console):
    """A console for which a str is words and nothing else."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(as_text(one) if isinstance(one, (str, Text)) else one for one in objects), **how)
