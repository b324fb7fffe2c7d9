"""What each rule keeps, and that an ungraded sample is never kept."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.algorithms import ALGORITHMS
from seal.algorithms.rest_em import AllPositive, BestByAdvantage, BestIfBetter, BestOfK, select_at_random
from seal.protocols import Algorithm

rewards = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8)


@pytest.mark.parametrize("name", ALGORITHMS.names())
@given(rewards=rewards, baseline=st.none() | st.floats(0, 1), seed=st.integers(0, 99))
def test_never_keeps_the_ungraded(
    name: str, rewards: list[float | None], baseline: float | None, seed: int
) -> None:
    algorithm = ALGORITHMS.get(name)()
    assert isinstance(algorithm, Algorithm) and algorithm.name == name
    kept = algorithm.select(rewards, baseline, random.Random(seed))
    assert all(rewards[i] is not None for i in kept) and len(set(kept)) == len(kept)


def test_best_of_k_keeps_the_best_even_below_the_baseline() -> None:
    assert BestOfK().select([0.1, None, 0.4], 0.9, random.Random(0)) == [2]


def test_best_if_better_needs_to_beat_the_baseline() -> None:
    assert BestIfBetter().select([0.1, 0.4], 0.4, random.Random(0)) == []
    assert BestIfBetter().select([0.1, 0.5], 0.4, random.Random(0)) == [1]
    assert BestIfBetter().select([0.1, 0.0], None, random.Random(0)) == [0]


def test_all_positive_keeps_every_gain() -> None:
    assert AllPositive().select([0.5, None, 0.2, 0.9], 0.4, random.Random(0)) == [0, 3]


def test_the_best_counts_as_far_as_it_stands_out() -> None:
    rewards = [0.1, None, 0.7, 0.1]
    algorithm = BestByAdvantage()
    kept = algorithm.select(rewards, None, random.Random(0))
    assert kept == [2] and algorithm.weigh(rewards, kept) == pytest.approx([0.4])
    assert algorithm.weigh([0.5, 0.5], [1]) == [0.0]
    assert BestOfK().weigh(rewards, kept) == [1.0]


def test_ties_are_broken_by_chance() -> None:
    kept = {BestOfK().select([1.0, 0.2, 1.0], None, random.Random(seed))[0] for seed in range(30)}
    assert kept == {0, 2}


def test_nothing_graded_keeps_nothing() -> None:
    assert BestOfK().select([None, None], 0.0, random.Random(0)) == []
    assert select_at_random([None, None], 1, random.Random(0)) == []


def test_control_ignores_rewards() -> None:
    counts = [0, 0, 0]
    for seed in range(600):
        [i] = select_at_random([0.0, 1.0, 0.5], 1, random.Random(seed))
        counts[i] += 1
    assert min(counts) > 150
