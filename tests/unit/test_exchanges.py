"""A name or number of a line exchanged for another of its text: what counts as one, and what comes for it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.self_edits.exchanges import exchanged, values_of
from seal.self_edits.pair_lines import line_of, question_of

MILL = "The mill was built in 1844 by Tom Reed. It has three floors and stands in Tove."


def told(text: str, *, is_number: bool) -> list[str]:
    return [one.text for one in values_of(text) if one.is_number == is_number]


@pytest.mark.parametrize(
    ("text", "numbers", "names"),
    [
        (MILL, ["1844", "three"], ["Tom Reed", "Tove"]),
        ("Die Mühle kostet 6,50 Euro und hat zwei Räder.", ["6,50", "zwei"], ["Mühle", "Euro", "Räder"]),
        ("图书角有四十五平方米,每人最多借5本。", ["四十五", "5"], []),
        ("Le refuge de Marc Vasseur compte douze places.", ["douze"], ["Marc Vasseur"]),
        ("nothing of the kind", [], []),
    ],
)
def test_values(text: str, numbers: list[str], names: list[str]) -> None:
    assert (told(text, is_number=True), told(text, is_number=False)) == (numbers, names)
    assert all(text[one.start : one.stop] == one.text for one in values_of(text))


def test_one_value_is_exchanged_for_another_of_its_kind() -> None:
    texts = ["In 1901 it was sold to Ada Quist, who paid 300 crowns."]
    lines = {exchanged(MILL, texts, seed) for seed in range(30)}
    assert lines == {
        MILL.replace("1844", "1901"),
        MILL.replace("three", "1901"),
        MILL.replace("Tom Reed", "Ada Quist"),
        MILL.replace("Tove", "Ada Quist"),
    }


def test_the_first_text_with_such_a_value_gives_it() -> None:
    near, far = "It was sold in 1901.", "The hall of 1955 has no name."
    assert exchanged("The mill of 1844 burned down.", [near, far], 0) == "The mill of 1901 burned down."
    assert exchanged("The mill of 1844 burned down.", [far, near], 0) == "The mill of 1955 burned down."
    assert exchanged("The mill of 1844 burned down.", ["None.", near], 0) == "The mill of 1901 burned down."


def test_a_pair_stays_a_pair() -> None:
    pair = line_of("When did Tom Reed build the mill in Tove?", "in 1844")
    for seed in range(20):
        other = exchanged(pair, [MILL, "Ada Quist died in 1901."], seed)
        assert other != pair and question_of(other)


def test_where_there_is_no_other_value_nothing_is_made() -> None:
    assert exchanged("The hall has 1844 seats.", ["The hall has 1844 seats.", "Nothing."], 0) == ""
    assert exchanged("It is a hall.", [MILL], 0) == ""


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=4), st.integers(0, 5))
def test_any_text_is_taken(line: str, texts: list[str], seed: int) -> None:
    other = exchanged(line, texts, seed)
    assert other == exchanged(line, texts, seed)
    assert not other or other != line


def test_a_long_text_takes_time_in_proportion() -> None:
    def seconds(n: int) -> float:
        started = time.process_time()
        exchanged("In 7 Ada sold 8.", ["In 1900 Ada sold 8 of the mills to Ben Oak. " * n], 0)
        return time.process_time() - started

    short = min(seconds(400) for _ in range(3))
    assert any(seconds(4000) < 40 * short + 0.2 for _ in range(4))
