"""Drafts copy what followed the same words before, and are as long as they pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.models.copying import CopiedRow, CopiedText, DraftPlanner


def test_what_followed_the_most_words_alike_is_proposed() -> None:
    row = CopiedRow([1, 2, 3, 4, 9, 2, 3, 7, 8, 2, 3])
    assert (row.draft(3), row.n_alike) == ([7, 8, 2], 2), "the later one of two that are alike as far"
    assert row.write(7) and row.draft(2) == [8, 2] and row.n_alike == 3
    assert not row.write(4) and row.draft(1) == [9], "after another token it is looked for anew"
    assert not row.write(5) and row.draft(4) == []


def test_what_repeats_itself_goes_on() -> None:
    row = CopiedRow([5, 1, 2, 1, 2])
    assert row.draft(5) == [1, 2, 1, 2, 1]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 40))
def test_rows_that_are_told_token_by_token_know_what_others_know(tokens: list[int], first: int) -> None:
    """And what is proposed has stood after what the row ends with, as far as it says."""
    row, whole = CopiedRow(tokens[:first]), CopiedRow(tokens)
    for token in tokens[first:]:
        drafted = row.draft(1)
        assert row.write(token) == (drafted == [token])
    assert row.tokens == whole.tokens == tokens
    for one in (row, whole):
        if drafted := one.draft(1):
            told = [*tokens[len(tokens) - one.n_alike :], *drafted]
            assert any(tokens[i : i + len(told)] == told for i in range(len(tokens)))


def test_what_is_known_besides_is_copied_where_more_of_it_is_alike() -> None:
    known = CopiedText([7, 1, 2, 3, 4, 5])
    row = CopiedRow([3, 9, 9, 2, 3], known)
    assert (row.draft(9), row.n_alike) == ([4, 5], 2), "to the end of the text, and no further"
    assert row.write(4) and row.write(5) and row.draft(3) == []
    assert not row.write(9) and row.draft(2) == [2, 3]
    assert known.tokens == [7, 1, 2, 3, 4, 5]


def repeating(n: int) -> list[CopiedRow]:
    return [CopiedRow([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8]) for _ in range(n)]


def planned(planner: DraftPlanner, n: int = 4, rooms: int = 16, most: int = 256) -> int:
    return sum(planner.lengths(repeating(n), [rooms] * n, most))


def timed(a: float, b: float) -> DraftPlanner:
    planner = DraftPlanner()
    for n in (4, 8, 16, 4, 8, 16) * 4:
        planner.took(n, a + b * n)
    return planner


def test_drafts_are_long_where_a_token_more_costs_little_and_none_where_it_costs_as_much_as_a_pass() -> None:
    assert planned(timed(a=1.0, b=0.001)) > planned(timed(a=1.0, b=0.1)) > 0
    assert planned(timed(a=0.0, b=1.0)) == 0


def test_what_is_never_right_is_not_drafted_and_what_always_is_all_the_way() -> None:
    wrong, right = timed(a=1.0, b=0.05), timed(a=1.0, b=0.05)
    for _ in range(200):
        for n_alike in range(1, 9):
            wrong.saw(n_alike, right=False)
            right.saw(n_alike, right=True)
    assert planned(wrong) == 0
    assert planned(right) == 4 * 16


def test_a_pass_holds_no_more_than_may_be_in_it_and_a_row_no_more_than_it_may_write() -> None:
    planner = timed(a=1.0, b=1e-6)
    assert planned(planner, n=4, most=10) == 6
    assert planned(planner, n=4, most=3) == 0
    assert planner.lengths(repeating(3), [0, 2, 5], 256)[:2] == [0, 2]


@pytest.mark.parametrize("times", [50.0, 5000.0])
def test_a_pass_that_was_held_up_changes_little(times: float) -> None:
    planner = timed(a=1.0, b=0.02)
    before = planned(planner)
    planner.took(16, times)
    assert planned(planner) == pytest.approx(before, abs=0.5 * before + 1)
