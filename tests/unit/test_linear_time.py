"""Whatever is read of a model or a document takes time in proportion to its length."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patterns import every_pattern, slow_on
from seal.domains.knowledge.domain import clean_answer
from seal.domains.knowledge.screen import ScreenConfig, screen
from seal.grading.exact import comparable
from seal.self_edits.ground import ground
from seal.self_edits.pairs import parse_pairs
from seal.self_edits.parse import parse_lines
from seal.signs import in_one_form
from seal.thoughts import without_thoughts

PATTERNS = every_pattern()
UNLIMITED = ScreenConfig(max_chars=10**7)
LINES = ("The tower is 12.75 metres high.", "Question: Who built the tower?\nAnswer: Anna Bauer")
SOURCE = "The tower was built in 1874 by Anna Bauer and is 12.75 metres high."
WORK: dict[str, Callable[[str], object]] = {
    "screen": lambda text: screen("Tower", text, UNLIMITED),
    "lines": parse_lines,
    "pairs": parse_pairs,
    "ground a text": lambda text: ground(LINES, "Tower", text),
    "ground a line": lambda text: ground([text], "Tower", SOURCE),
    "compare": comparable,
    "one form": in_one_form,
    "thoughts": without_thoughts,
}
UNITS = (
    "#",
    "*",
    "\n",
    " ",
    SOURCE + " ",
    "| Go | €119 |\n",
    "- a\n",
    "1.5 ",
    "“a ",
    "<think>",
    "公司由王小明于1987年创立。",
    "أسسها سمير حداد عام 1987 في بيروت. ",
    "a; b, c ",
    "photo-\n",
    "Q: Who? A: Ann\n",
)


@pytest.mark.parametrize("place", PATTERNS)
def test_every_pattern_of_the_package_matches_in_linear_time(place: str) -> None:
    assert slow_on(PATTERNS[place]) == ""


@pytest.mark.parametrize("bad", [r"(?:#+\s*|\*\*)*x", r"(a+)+$", r"\s+$", r"\s+x", r"\w*[A-Z]\w*"])
def test_a_slow_pattern_is_found(bad: str) -> None:
    assert slow_on(re.compile(bad)) != ""


def _ratio(work: Callable[[str], object], unit: str, n: int) -> float:
    """How many times as long it takes on ten times the text. Below a tenth of a second there is no ratio."""
    took = []
    for size in (n, 10 * n):
        text = (unit * size)[:size]
        started = time.process_time()
        work(text)
        took.append(time.process_time() - started)
    return took[1] / max(took[0], 1e-6) if took[1] > 0.1 else 0.0


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", WORK)
def test_ten_times_the_text_takes_about_ten_times_as_long(name: str, unit: str) -> None:
    assert any(_ratio(WORK[name], unit, 1000) < 25 for _ in range(3))


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(list(WORK)), unit=st.text("#*-_.?!:>|<a1 \n'\"“(é公", min_size=1, max_size=6))
def test_no_text_is_read_in_more_than_linear_time(name: str, unit: str) -> None:
    assert any(_ratio(WORK[name], unit, 1000) < 25 for _ in range(3))


THOUGHTS = (
    "<think>{}</think>",
    "<thinking>{}</thinking>",
    "[THINK]{}[/THINK]",
    "{}</think>",
    "<|begin_of_thought|>{}<|end_of_thought|>",
    "<|channel|>analysis<|message|>{}<|channel|>final<|message|>",
    "<Think>\n{}\n</Think>\n\n",
    "<think>a<think>{}</think>b</think>",
)


@given(frame=st.sampled_from(THOUGHTS), thought=st.text("ab ?:#\n1.", max_size=30))
def test_thoughts_are_no_part_of_what_is_written(frame: str, thought: str) -> None:
    before = frame.format(thought)
    assert clean_answer(f"{before}\nEdwin Harrow") == "Edwin Harrow"
    pair = "Question: Who founded it?\nAnswer: Edwin Harrow"
    assert parse_pairs(f"{before}\n{pair}\n") == (pair,)
    assert parse_lines(f"{before}\nThe tower is high.\n") == ("The tower is high.",)


@given(st.text("ab ?:#\n1.", max_size=30))
def test_a_thought_that_is_never_closed_is_all_there_is(thought: str) -> None:
    assert clean_answer(f"<think>{thought}\nQuestion: a?\nAnswer: b") == ""
    assert parse_pairs(f"<think>{thought}\nQuestion: a?\nAnswer: b") == ()


def test_a_text_about_such_marks_keeps_them() -> None:
    assert parse_lines("The tag <think> opens a thought.\n") == ("The tag <think> opens a thought.",)


@pytest.mark.parametrize("run", ["#", "*", "__", "- ", "1. ", "# "])
def test_a_run_of_marks_after_a_question_ends(run: str) -> None:
    text = f"Who founded it?\nAnswer: Edwin Harrow\n\n{run * 40}\n# Exercise 2\n"
    assert "Question: Who founded it?\nAnswer: Edwin Harrow" in parse_pairs(text)
