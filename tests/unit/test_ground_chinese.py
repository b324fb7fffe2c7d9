"""Grounding in Chinese, in traditional and simplified characters: what is kept, and what is dropped."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.grading.meaning import same_answer
from seal.retention.terms import terms_in
from seal.self_edits.ground import ground
from seal.signs import simplified

PASSAGES = tomllib.loads((Path(__file__).parent / "grounding_in_chinese.toml").read_text("utf-8"))
LOOKED_AT = ("tea_house", "reservoir", "phone")
LINES = [
    (name, kind, told)
    for name, one in PASSAGES.items()
    for kind in ("supported", "wrong")
    for told in one[kind]
]


def kept(name: str, told: str) -> bool:
    asked, _, answer = told.removeprefix("Q: ").partition(" | ")
    line = f"Question: {asked}\nAnswer: {answer}" if answer else told
    return ground([line], PASSAGES[name]["title"], PASSAGES[name]["text"])[0].kept


@pytest.mark.parametrize(
    ("names", "least"),
    [(LOOKED_AT, 24), ([name for name in PASSAGES if name not in LOOKED_AT], 22)],
    ids=["looked at", "kept away"],
)
def test_supported_lines_are_kept_and_wrong_ones_dropped(names: list[str], least: int) -> None:
    assert sum(kept(name, told) for name in names for told in PASSAGES[name]["supported"]) >= least
    assert not [told for name in names for told in PASSAGES[name]["wrong"] if kept(name, told)]


@given(st.sampled_from(LINES))
def test_traditional_and_simplified_characters_are_compared_alike(line: tuple[str, str, str]) -> None:
    name, _, told = line
    assert kept(name, simplified(told)) == kept(name, told)
    assert same_answer("什麼？", told, simplified(told))
    assert terms_in(told) == terms_in(simplified(told))


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x9FFF), max_size=60))
def test_what_is_simplified_is_as_long_and_stays(text: str) -> None:
    assert len(simplified(text)) == len(text)
    assert simplified(simplified(text)) == simplified(text)
    assert simplified(text) == text or any(char >= "\u3400" for char in text)


@pytest.mark.parametrize(
    ("text", "same", "other"),
    [
        ("七點半", "7:30", "7:00"),
        ("七点一刻", "7:15", "7:45"),
        ("7時半", "七点半", "七点"),
        ("七点三刻", "7:45", "7:15"),
    ],
)
def test_parts_of_an_hour_belong_to_the_time(text: str, same: str, other: str) -> None:
    assert same_answer("几点？", text, same) and not same_answer("几点？", text, other)
