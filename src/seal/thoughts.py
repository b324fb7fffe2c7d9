"""What a model thinks before it answers is no part of its answer.

Knows the marks that models put around their thoughts: <think>, [THINK], the channels of gpt-oss. Knows
nothing about answers or self-edits. Never raises on any text, and takes time in proportion to it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["without_thoughts"]

_NAMES: Final = "(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad)"
# An opening mark begins a line: within a line it is a word that the model writes about.
_MARK: Final = re.compile(
    rf"(?P<open>(?<![^\n])[ \t]{{0,8}}(?:<\|?{_NAMES}\|?>|◁{_NAMES}▷|<\|begin_of_thought\|>|\[THINK\]"
    r"|<\|channel\|>(?:analysis|commentary)\b[^<\n]{0,40}))"
    rf"|(?P<close></{_NAMES}>|<\|/{_NAMES}\|>|◁/{_NAMES}▷|<\|end_of_thought\|>|\[/THINK\])"
    r"|(?P<answer><\|channel\|>final(?:<\|message\|>)?)",
    re.IGNORECASE,
)


def without_thoughts(text: str) -> str:
    """The text without what a model thought aloud. A thought that is never closed goes to the end; one that
    is only closed began with the prompt."""
    if "<" not in text and "[" not in text and "◁" not in text:
        return text
    kept: list[str] = []
    depth = at = 0
    for mark in _MARK.finditer(text):
        if mark["open"]:
            if not depth:
                kept.append(text[at : mark.start()])
            depth += 1
        elif depth and mark["close"]:
            depth -= 1
        else:
            if not depth:
                kept.clear()
            depth = 0
        at = mark.end()
    rest = "" if depth else text[at:]
    return "".join([*kept, rest.lstrip() if at and not "".join(kept).strip() else rest])
