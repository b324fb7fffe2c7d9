"""True and false lines made from a text: what is exchanged, and that the true ones say what the text says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.self_edits.exchanges import made_lines, values_of
from seal.self_edits.pairs import question_of

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


def test_of_each_kind_there_are_as_many_true_lines_as_false_ones() -> None:
    texts = [MILL, "In 1901 it was sold to Ada Quist, who paid 300 crowns."]
    lines = made_lines(texts, most=5, seed=1)
    for is_pair in (True, False):
        own = [one for one in lines if (question_of(one.line) is not None) == is_pair]
        assert len(own) == 10 and sum(one.is_true for one in own) == 5
    for one in lines:
        pair = question_of(one.line)
        if pair:
            filled = pair[0].removesuffix("?").replace("…", pair[1])
            assert (filled in texts[one.of]) == one.is_true
        else:
            assert (one.line == texts[one.of]) == one.is_true


def test_values_are_exchanged_for_others_of_the_same_kind_within_the_text_first() -> None:
    texts = ["Ada Quist was born in 1901 and died in 1977.", "The hall has 1844 seats."]
    answers = {
        question_of(one.line)[1]  # type: ignore[index]
        for one in made_lines(texts, most=99, seed=0)
        if one.of == 0 and not one.is_true and question_of(one.line)
    }
    assert answers == {"1901", "1977"}


def test_a_text_with_one_value_gives_nothing() -> None:
    assert made_lines(["The hall has 1844 seats."], most=5, seed=0) == []


@given(st.lists(st.text(max_size=80), max_size=4), st.integers(0, 5))
def test_any_text_is_taken(texts: list[str], most: int) -> None:
    lines = made_lines(texts, most=most, seed=0)
    assert lines == made_lines(texts, most=most, seed=0)
    assert sum(one.is_true for one in lines) * 2 == len(lines) <= 4 * most


def test_a_long_text_takes_time_in_proportion() -> None:
    times = []
    for n in (400, 4000):
        started = time.perf_counter()
        made_lines([f"In {1000 + i} Ada sold {i} of the {i + 3} mills to Ben Oak." for i in range(n)], most=9, seed=0)
        times.append(time.perf_counter() - started)
    assert times[1] < 40 * times[0] + 0.2
