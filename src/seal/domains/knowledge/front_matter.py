"""Where the front matter of a text document stands: YAML between lines of `---`, TOML between lines of `+++`.

Knows that a rule at the top of a text is none. Knows nothing about what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["FrontMatter", "front_matter_of"]

_FRONT: Final = re.compile(
    r"\A\ufeff?\s{0,200}?(---|\+\+\+)[ \t]*\r?\n"
    r"((?:(?!---|\.\.\.|\+\+\+)[^\n]*\n){1,500}?)"
    r"(---|\.\.\.|\+\+\+)[ \t]*\r?(?:\n|\Z)"
)
_KEY: Final = re.compile(r"^[\w.-]+[ \t]*[:=](?:[ \t]|\r?$)", re.M)
_MOST_CHARS: Final = 20_000


@dataclass(frozen=True)
class FrontMatter:
    """What stands between the two lines, which language it is in, and where the text goes on."""

    block: str
    is_toml: bool
    stop: int


def front_matter_of(text: str) -> FrontMatter | None:
    """The front matter at the top of a text, if there is one."""
    match = _FRONT.match(text)
    if match is None or len(match[2]) > _MOST_CHARS or not _KEY.search(match[2]):
        return None
    is_toml = match[1] == "+++"
    return FrontMatter(match[2], is_toml, match.end()) if is_toml == (match[3] == "+++") else None
