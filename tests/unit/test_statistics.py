"""Intervals, paired differences, agreement, coverage: by hand, by property, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.errors import InputError
from seal.grading.statistics import (
    agreement,
    cluster_means,
    coverage,
    mean_ci,
    paired_difference,
    summarise,
)
from seal.types import Estimate, Graded, Outcome

FEW = 500
ACCURACIES = st.lists(st.integers(0, 6).map(lambda right: right / 6), min_size=2, max_size=40)


def graded(*outcomes: Outcome) -> list[Graded]:
    return [
        Graded("q", ("g",), "a", one, None if one == "ungraded" else float(one == "right"))
        for one in outcomes
    ]


@given(ACCURACIES, st.integers(0, 100))
@settings(max_examples=50)
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    estimate = mean_ci(values, seed=seed, n_resamples=FEW)
    assert estimate.mean == pytest.approx(np.mean(values))
    assert estimate.n == len(values)
    tiny = 1e-12
    assert min(values) - tiny <= estimate.low <= estimate.mean + tiny
    assert estimate.mean - tiny <= estimate.high <= max(values) + tiny


@given(ACCURACIES.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))))
@settings(max_examples=30)
def test_the_interval_depends_on_values_and_seed_not_on_order(
    orders: tuple[list[float], list[float]],
) -> None:
    one, other = orders
    assert mean_ci(one, seed=3, n_resamples=FEW) == mean_ci(other, seed=3, n_resamples=FEW)


@given(ACCURACIES)
@settings(max_examples=30)
def test_a_lower_level_gives_a_narrower_interval(values: list[float]) -> None:
    wide = mean_ci(values, seed=0, n_resamples=FEW, level=0.99)
    narrow = mean_ci(values, seed=0, n_resamples=FEW, level=0.5)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_the_interval_nears_the_normal_one_on_many_values() -> None:
    values = np.random.default_rng(0).normal(0.4, 0.2, 2_000)
    estimate = mean_ci(values, seed=1, n_resamples=4_000)
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert estimate.low == pytest.approx(estimate.mean - half, abs=0.06 * half)
    assert estimate.high == pytest.approx(estimate.mean + half, abs=0.06 * half)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """60 contexts of unequal difficulty with 5 questions each, 400 times: 95 %, as near as chance allows."""
    rng = np.random.default_rng(5)
    truth, held = 0.6, 0
    for trial in range(400):
        difficulty = rng.beta(3, 2, size=60)  # mean 0.6
        estimate = mean_ci(rng.binomial(5, difficulty) / 5, seed=trial, n_resamples=1_000)
        held += estimate.low <= truth <= estimate.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_pooled_interval_covers_where_seeds_counted_as_contexts_do_not() -> None:
    """Three seeds share each context's effect: resampling contexts covers, resampling runs is too sure."""
    rng = np.random.default_rng(6)
    clustered = naive = 0
    for trial in range(200):
        effect = rng.normal(0.1, 0.3, size=40)
        a = {(s, c): effect[c] + rng.normal(0, 0.1) for s in range(3) for c in range(40)}
        b = {key: 0.0 for key in a}
        by_context = paired_difference(a, b, clusters=lambda key: key[1], seed=trial, n_resamples=FEW)
        by_run = paired_difference(a, b, seed=trial, n_resamples=FEW)
        clustered += by_context.low <= 0.1 <= by_context.high
        naive += by_run.low <= 0.1 <= by_run.high
        assert (by_context.n, by_run.n) == (40, 120)
    assert clustered / 200 >= 0.90
    assert naive / 200 <= 0.85


def test_equal_values_have_an_interval_of_no_width_and_one_value_has_none() -> None:
    assert mean_ci([0.1] * 7, seed=0) == Estimate(0.1, 0.1, 0.1, 7)
    one = mean_ci([0.5], seed=0)
    assert one.mean == 0.5 and one.n == 1 and math.isnan(one.low) and math.isnan(one.high)
    assert not one.low > 0


def test_what_was_not_graded_is_left_out_and_not_counted() -> None:
    assert mean_ci([None, 0.0, 1.0, None, 1.0], seed=0).n == 3
    with pytest.raises(InputError, match="no values"):
        mean_ci([None], seed=0)
    with pytest.raises(InputError, match="no values"):
        mean_ci([], seed=0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="not finite"):
        mean_ci([0.5, value], seed=0)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_the_level_is_a_share(level: float) -> None:
    with pytest.raises(InputError, match="level"):
        mean_ci([0.5, 0.6], seed=0, level=level)


def test_means_of_clusters_count_each_context_once() -> None:
    runs = {(0, "x"): 1.0, (1, "x"): 0.0, (2, "x"): None, (0, "y"): 1.0, (1, "z"): None}
    assert cluster_means(runs, lambda key: key[1]) == {"x": 0.5, "y": 1.0}
    assert cluster_means({"x": 0.25, "y": None}) == {"x": 0.25}


def test_a_paired_difference_uses_the_contexts_that_both_have() -> None:
    a = {"x": 1.0, "y": 0.5, "z": None, "only a": 1.0}
    b = {"x": 0.5, "y": 0.5, "z": 0.1, "only b": 0.0}
    estimate = paired_difference(a, b, seed=0)
    assert (estimate.mean, estimate.n) == (0.25, 2)
    with pytest.raises(InputError, match="no context"):
        paired_difference({"x": None, "y": 1.0}, {"x": 1.0, "z": 1.0}, seed=0)


def test_pairing_happens_seed_by_seed_before_contexts_are_averaged() -> None:
    a = {(0, "x"): 1.0, (1, "x"): 0.5, (0, "y"): 1.0}
    b = {(0, "x"): 0.0, (1, "x"): None, (0, "y"): 0.5}
    estimate = paired_difference(a, b, clusters=lambda key: key[1], seed=0)
    assert (estimate.mean, estimate.n) == (0.75, 2)


@given(st.dictionaries(st.text(max_size=3), st.tuples(*[st.integers(0, 6)] * 2), min_size=2, max_size=20))
@settings(max_examples=30)
def test_a_difference_turned_round_is_its_negative(pairs: dict[str, tuple[int, int]]) -> None:
    a = {key: float(one) for key, (one, _) in pairs.items()}
    b = {key: float(other) for key, (_, other) in pairs.items()}
    there = paired_difference(a, b, seed=0, n_resamples=2_000)
    back = paired_difference(b, a, seed=0, n_resamples=2_000)
    assert there.mean == -back.mean and there.n == back.n
    assert paired_difference(a, a, seed=0) == Estimate(0.0, 0.0, 0.0, len(a))


def test_agreement_by_hand() -> None:
    # right-right 20, right-wrong 5, wrong-right 10, wrong-wrong 15: the textbook's κ of 0.4.
    ours = [True] * 25 + [False] * 25
    theirs = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    accuracy, kappa = agreement(ours, theirs, seed=0, n_resamples=2_000)
    assert accuracy.mean == pytest.approx(0.7) and kappa.mean == pytest.approx(0.4)
    assert accuracy.low == pytest.approx(0.7 - 1.96 * math.sqrt(0.7 * 0.3 / 50), abs=0.03)
    assert kappa.low < 0.4 < kappa.high and accuracy.n == 50


def test_agreement_resamples_clusters() -> None:
    ours, theirs = [True, False] * 40, ([True, False] * 5 + [False, True] * 5) * 4
    alone, _ = agreement(ours, theirs, seed=0, n_resamples=FEW)
    clustered, _ = agreement(ours, theirs, clusters=[i // 10 for i in range(80)], seed=0, n_resamples=FEW)
    assert alone.mean == clustered.mean == 0.5
    assert (alone.n, clustered.n) == (80, 8)
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)


@given(st.lists(st.booleans(), min_size=1, max_size=20))
@settings(max_examples=30)
def test_full_agreement(verdicts: list[bool]) -> None:
    accuracy, kappa = agreement(verdicts, verdicts, seed=0, n_resamples=50)
    assert accuracy.mean == 1
    assert kappa.mean == (1 if len(set(verdicts)) == 2 else 0)


def test_agreement_needs_as_many_of_each() -> None:
    for arguments in ([[], []], [[True], []]):
        with pytest.raises(InputError):
            agreement(*arguments, seed=0)
    with pytest.raises(InputError):
        agreement([True], [True], clusters=[], seed=0)


def test_a_score_is_over_the_graded_answers() -> None:
    answers = graded("right", "wrong", "ungraded", "right")
    score = summarise(answers, "x", likelihood=0.25)
    assert score.accuracy == pytest.approx(2 / 3) and score.coverage == 0.75
    assert (score.context_id, score.likelihood, score.answers) == ("x", 0.25, tuple(answers))


def test_nothing_graded_is_no_accuracy_and_not_zero() -> None:
    score = summarise(graded("ungraded", "ungraded"), "x")
    assert score.accuracy is None and score.coverage == 0
    assert summarise([], "x").accuracy is None and coverage([]) == 0
    assert summarise(graded("wrong"), "x").accuracy == 0


@pytest.mark.parametrize("likelihood", [-0.1, 1.1, math.nan])
def test_a_likelihood_is_a_probability(likelihood: float) -> None:
    with pytest.raises(InputError, match="not a probability"):
        summarise(graded("right"), "x", likelihood=likelihood)
