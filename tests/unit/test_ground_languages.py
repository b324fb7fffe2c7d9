"""Grounding in nine languages: how many supported lines are kept, and how many wrong ones."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from seal.self_edits.ground import ground

PASSAGES = tomllib.loads((Path(__file__).parent / "grounding_in_languages.toml").read_text("utf-8"))


def as_line(told: str) -> str:
    asked, _, answer = told.removeprefix("Q: ").partition(" | ")
    return f"Question: {asked}\nAnswer: {answer}" if answer else told


def kept(language: str, kind: str, first: int) -> int:
    passage = PASSAGES[language]
    lines = [as_line(told) for told in passage[kind][first::2]]
    return sum(ground([line], passage["title"], passage["text"])[0].kept for line in lines)


@pytest.mark.parametrize(
    ("first", "least", "most_wrong"), [(0, 48, 2), (1, 42, 3)], ids=["looked at", "kept away"]
)
def test_supported_lines_are_kept_and_wrong_ones_dropped(first: int, least: int, most_wrong: int) -> None:
    assert len(PASSAGES) == 9
    assert all(len(passage[kind]) == 12 for passage in PASSAGES.values() for kind in ("supported", "wrong"))
    assert sum(kept(language, "supported", first) for language in PASSAGES) >= least
    assert sum(kept(language, "wrong", first) for language in PASSAGES) <= most_wrong


@pytest.mark.parametrize("language", PASSAGES)
def test_every_language_is_grounded(language: str) -> None:
    right = kept(language, "supported", 0) + kept(language, "supported", 1)
    wrong = kept(language, "wrong", 0) + kept(language, "wrong", 1)
    assert right >= 8
    assert wrong <= 1
