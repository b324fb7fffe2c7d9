"""Grids as text: every representation reads back what it writes, and says why another text is no grid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc import grids, needs_real_tasks, one_rows, pair, real_tasks, tasks
from seal.domains.arc_agi.text import TEXT_FORMS, Padded, TextForm, text_form
from seal.errors import ConfigError, InputError, SealError
from seal.types import Grid, Task

FORMS = st.sampled_from(sorted(TEXT_FORMS))
GRID = ((0, 1, 2), (3, 0, 9))
PIECES = st.sampled_from(
    ["0", "1", "9", " ", "\n", "[", "]", "[[", "]]", ".", ">", "10", "-1", "٣", "a", "\n\n"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows", "0 1 2\n3 0 9"),
        ("numpy", "[[0 1 2]\n [3 0 9]]"),
        ("compact", "012\n309"),
        ("padded", "012" + "." * 27 + "\n309" + "." * 27),
    ],
)
def test_as_documented(name: str, text: str) -> None:
    assert TEXT_FORMS[name].grid.name == name
    assert TEXT_FORMS[name].grid.write(GRID) == text and TEXT_FORMS[name].grid.read(text) == GRID


@given(FORMS, grids((1, 12), (1, 30)))
def test_round_trip_of_grids(name: str, grid: Grid) -> None:
    form = TEXT_FORMS[name].grid
    assert form.fits(grid) and form.read(form.write(grid)) == grid


@given(FORMS, TEXTS)
def test_any_text_is_a_grid_or_says_why_not(name: str, text: str) -> None:
    form = TEXT_FORMS[name].grid
    try:
        grid = form.read(text)
    except InputError as error:
        assert "the text is no grid: " in error.message and error.hint
    else:
        assert form.write(grid) == text


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("rows", "", "it is empty"),
        ("rows", "0 1\n2", "row 1 has 1 cells, and row 0 has 2"),
        ("rows", "0 1\n\n2 3", "row 1 is empty"),
        ("rows", "0 10", "row 0, cell 1 is '10', not a digit"),
        ("rows", "0  1", "row 0, cell 1 is '', not a digit"),
        ("compact", "01x", "row 0, cell 2 is 'x'"),
        ("compact", "٣", "cell 0 is '٣'"),
        ("compact", "0" * 34, "1 x 34 cells"),
        ("compact", "\n".join(["01"] * 31), "31 x 2 cells, and a side has 1 to 30"),
        ("numpy", "[[0 1]\n[2 3]]", "row 1 does not begin with ' ['"),
        ("numpy", "[]", "row 0 does not begin with '[['"),
        ("padded", "012", "row 0 has 3 characters, not 30"),
        ("padded", "0.2" + "." * 27, "row 0, cell 1 is '.'"),
        ("padded", ".12" + "." * 27, "row 0, cell 0 is '.'"),
        ("padded", "." * 30, "row 0 is empty"),
    ],
)
def test_why_a_text_is_no_grid(name: str, text: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        TEXT_FORMS[name].grid.read(text)
    assert why in str(caught.value) and f"as {name} writes it" in caught.value.hint


@given(st.sampled_from(["rows", "numpy", "compact", "padded"]), tasks())
def test_round_trip_of_demonstrations(name: str, task: Task) -> None:
    form = text_form(name)
    assert form.read_demonstrations(form.demonstrations(task)) == task.train
    first = task.test[0]
    assert first.output is not None
    whole = form.demonstrations(Task("", (*task.train, first)))
    assert whole == form.prompt(task, first.input) + form.answer(first.output)
    assert form.read_answer(form.answer(first.output) + form.question(first.input)) == first.output


@given(FORMS, TEXTS)
def test_any_text_is_demonstrations_or_an_error(name: str, text: str) -> None:
    form = TEXT_FORMS[name]
    try:
        pairs = form.read_demonstrations(text)
    except InputError as error:
        assert error.message.startswith("demonstration [")
    else:
        assert form.demonstrations(Task("", pairs)) == text


@given(st.lists(one_rows((1, 12)), min_size=2, max_size=2), st.integers(12, 33))
def test_padding_keeps_the_distance_from_input_to_output_cell(rows: list[Grid], columns: int) -> None:
    form = text_form("padded", columns=columns)
    before, after = rows
    text = form.pair(pair([list(before[0])], [list(after[0])]))
    distance = columns + len(form.before_output)
    n = min(len(before[0]), len(after[0]))
    for index, cell in enumerate(after[0][:n]):
        assert text[index + distance] == str(cell) and text[index] == str(before[0][index])


def test_a_grid_too_wide_for_the_padding_is_refused() -> None:
    form = Padded(4)
    assert not form.fits(((0,) * 5,))
    with pytest.raises(InputError, match="5 columns does not fit 4"):
        form.write(((0,) * 5,))


@pytest.mark.parametrize(
    "make", [lambda: Padded(0), lambda: Padded(99), lambda: Padded(pad="1"), lambda: Padded(pad="")]
)
def test_impossible_padding(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]


def test_unknown_form() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'compact'"):
        text_form("compct")


def test_a_pair_without_output_is_not_written() -> None:
    with pytest.raises(SealError, match="without its output"):
        TextForm(Padded()).pair(pair([[1]]))


@needs_real_tasks
def test_real_tasks_round_trip() -> None:
    for task in real_tasks():
        for name in TEXT_FORMS:
            form = text_form(name, columns=33)
            assert form.read_demonstrations(form.demonstrations(task)) == task.train
