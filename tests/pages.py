"""What tests read out of a Markdown page: its blocks of code, its links, its headings, its numbers.

Knows Markdown as these pages use it. Knows nothing about what the pages say.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_EXPECTED = re.compile(r"^# → (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"[+−]?\d+(?:[.,]\d+)*")


def pages() -> list[Path]:
    """All pages of the repository."""
    folders = ("docs", "recipes", "examples", "benchmarks", "src")
    found = [*ROOT.glob("*.md"), *(page for folder in folders for page in (ROOT / folder).rglob("*.md"))]
    return sorted(found)


def blocks(text: str, *languages: str) -> list[str]:
    """The blocks of code, those in one of `languages` if any are given."""
    return [code for language, code in _BLOCK.findall(text) if not languages or language in languages]


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return _BLOCK.sub("", text)


def links(text: str) -> list[str]:
    return _LINK.findall(prose(text))


def numbers(text: str) -> list[str]:
    """The numbers of the prose, in order, those in the addresses of links left out."""
    return _NUMBER.findall(_LINK.sub("]", prose(text)))


def anchors(text: str) -> set[str]:
    """What a link may have after #: headings as GitHub names them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(text)))
    return {heading.replace(" ", "-") for heading in plain}


def commands(block: str) -> list[tuple[str, list[str]]]:
    """The commands of a block in a shell, with what a comment `# → ...` after each says that it prints."""
    parts: list[tuple[str, list[str]]] = []
    at = 0
    for match in re.finditer(r"(?:^# → .+\n)+", block, re.MULTILINE):
        parts.append((block[at : match.start()], _EXPECTED.findall(match[0])))
        at = match.end()
    return [*parts, (block[at:], [])]
