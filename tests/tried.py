"""The tables of docs that say what was tried, out of what the tests try.

PYTHONPATH=src python tests/tried.py    writes them into docs/reference/models.md and files.md
"""

from __future__ import annotations

import re
from pathlib import Path

from families import MAIN, MERGED_ONLY, MORE, Family
from family_tokenizers import TOKENIZERS
from scripts import PAGES, becomes

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
_MARKS = {True: "✓", False: "no"}


def families() -> str:
    rows = ["| family | `model_type` | for instance | special | tokenizers | adapter in PEFT | merged |"]
    rows += ["|---|---|---|---|---|---|---|"]
    for group, tokenizers, loads in ((MAIN, "all", True), (MORE, "one", True), (MERGED_ONLY, "one", False)):
        for name, family in group.items():
            rows.append(_family(name, family, "its own" if name == "Qwen2" else tokenizers, loads))
    return "\n".join(rows)


def _family(name: str, family: Family, tokenizers: str, loads: bool) -> str:
    cells = (name, f"`{family.model_type}`", family.known, family.special, tokenizers)
    return f"| {' | '.join(cells)} | {'✓' if loads else 'refused'} | ✓ |"


def tokenizers() -> str:
    rows = [f"| {name} | {what} |" for name, what in TOKENIZERS.items()]
    return "\n".join(["| tokenizer | what it is |", "|---|---|", *rows])


def scripts() -> str:
    rows = ["| script | tried in | sentences found | question routed | true pair kept | false pair dropped |"]
    rows[0] += " answers compared |"
    rows += ["|---|---|---|---|---|---|---|"]
    for language, page in PAGES.items():
        marks = " | ".join(_MARKS[told] for told in becomes(language).values())
        rows.append(f"| {page.script} | {language} | {marks} |")
    for script, language in _WHOLE.items():
        rows.append(f"| {script} | {language} | ✓ | ✓ | ✓ | ✓ | ✓ |")
    return "\n".join(rows)


_WHOLE = {
    "Arabic": "Arabic",
    "Hebrew": "Hebrew",
    "Devanagari": "Hindi",
    "Han": "Chinese",
    "Kana and Han": "Japanese",
    "Hangul": "Korean",
}
"""Of which tests/unit/test_as_written.py demands everything."""

TABLES = {
    ("models.md", "families"): families,
    ("models.md", "tokenizers"): tokenizers,
    ("files.md", "scripts"): scripts,
}


def stored(page: str, name: str) -> str:
    """The table as it stands in a page, after its heading."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    found = re.search(_pattern(name), text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page} has no table of {name}"
    return found[2]


def write() -> None:
    for (page, name), make in TABLES.items():
        path = REFERENCE / page
        text = path.read_text(encoding="utf-8")
        made = make()
        text = re.sub(
            _pattern(name), lambda found, new=made: found[1] + new, text, flags=re.DOTALL | re.MULTILINE
        )
        path.write_text(text, encoding="utf-8")


def _pattern(name: str) -> str:
    return rf"(^## {name.capitalize()}\n\n(?:[^|\n#][^\n]*\n+)*)((?:\|[^\n]*\n?)+(?<!\n)|TABLE)"


if __name__ == "__main__":
    write()
