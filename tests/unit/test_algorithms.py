"""What each algorithm makes of rewards, and that an ungraded sample is never part of a lesson."""

from __future__ import annotations

import random
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.algorithms import ALGORITHMS
from seal.algorithms.chance import by_chance
from seal.algorithms.dpo import Dpo
from seal.algorithms.grpo import Grpo
from seal.algorithms.rest_em import AllPositive, BestByAdvantage, BestIfBetter, BestOfK
from seal.algorithms.rloo import Rloo
from seal.protocols import Algorithm
from seal.types import ClippedRatio, Lesson, Preference

rewards = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8)


def lesson(algorithm: Algorithm, rewards: list[float | None], baseline: float | None = None) -> Lesson:
    return algorithm.lesson(rewards, baseline, random.Random(0))


@pytest.mark.parametrize("name", ALGORITHMS.names())
@given(rewards=rewards, baseline=st.none() | st.floats(0, 1), seed=st.integers(0, 99))
def test_never_learns_from_the_ungraded(
    name: str, rewards: list[float | None], baseline: float | None, seed: int
) -> None:
    algorithm = ALGORITHMS.get(name)()
    assert isinstance(algorithm, Algorithm) and algorithm.name == name
    told = algorithm.lesson(rewards, baseline, random.Random(seed))
    assert all(rewards[i] is not None for i in told.samples)
    assert all(rewards[i] > rewards[j] for i, j in told.pairs)  # type: ignore[operator]
    assert bool(told.pairs) <= isinstance(algorithm.objective, Preference)


def test_best_of_k_keeps_the_best_even_below_the_baseline() -> None:
    assert lesson(BestOfK(), [0.1, None, 0.4], 0.9) == Lesson({2: 1.0})


def test_best_if_better_needs_to_beat_the_baseline() -> None:
    assert lesson(BestIfBetter(), [0.1, 0.4], 0.4) == Lesson()
    assert lesson(BestIfBetter(), [0.1, 0.5], 0.4) == Lesson({1: 1.0})
    assert lesson(BestIfBetter(), [0.1, 0.0]) == Lesson({0: 1.0})


def test_all_positive_keeps_every_gain() -> None:
    assert lesson(AllPositive(), [0.5, None, 0.2, 0.9], 0.4) == Lesson({0: 1.0, 3: 1.0})


def test_the_best_counts_as_far_as_it_stands_out() -> None:
    assert lesson(BestByAdvantage(), [0.1, None, 0.7, 0.1]).weights == {2: pytest.approx(0.4)}
    assert set(lesson(BestByAdvantage(), [0.5, 0.5]).weights.values()) == {0.0}


def test_ties_are_broken_by_chance() -> None:
    kept = {
        i for seed in range(30) for i in BestOfK().lesson([1.0, 0.2, 1.0], None, random.Random(seed)).weights
    }
    assert kept == {0, 2}
    pairs = {Dpo().lesson([1.0, 1.0, 0.0], None, random.Random(seed)).pairs for seed in range(30)}
    assert pairs == {((0, 2),), ((1, 2),)}


def test_leave_one_out_compares_with_the_mean_of_the_others() -> None:
    found = lesson(Rloo(), [0.2, None, 0.8, 0.5]).weights
    assert found == {0: pytest.approx(0.2 - 0.65), 2: pytest.approx(0.8 - 0.35)}  # 0.5 is their mean
    assert lesson(Rloo(), [0.4, None]) == Lesson() == lesson(Rloo(), [0.5, 0.5, 0.5])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda r: statistics.pstdev(r) > 1e-6))
def test_group_relative_advantages_are_standard_scores(rewards: list[float]) -> None:
    found = lesson(Grpo(), list(rewards)).weights
    scores = [found.get(i, 0.0) for i in range(len(rewards))]
    assert statistics.fmean(scores) == pytest.approx(0, abs=1e-6)
    assert statistics.pstdev(scores) == pytest.approx(1)
    assert all(
        (a < b) <= (x < y) for a, x in zip(rewards, scores) for b, y in zip(rewards, scores) if b - a > 1e-9
    )


def test_pairs_go_from_the_outside_to_the_middle() -> None:
    assert lesson(Dpo(Dpo.Config(pairs=2)), [0.3, 0.9, None, 0.1, 0.5, 0.6]).pairs == ((1, 3), (5, 0))
    assert len(lesson(Dpo(Dpo.Config(pairs=9)), [0.3, 0.9, 0.1, 0.5, 0.6]).pairs) == 2
    assert lesson(Dpo(), [0.5, 0.5]) == Lesson()


def test_settings_become_objectives() -> None:
    assert Grpo(Grpo.Config(clip=0.1, kl=0.5, anchor="base")).objective == ClippedRatio(0.1, 0.5)
    assert Grpo(Grpo.Config(anchor="base")).anchor == "base" and Grpo().anchor == "before"
    assert Dpo(Dpo.Config(beta=0.7)).objective == Preference(0.7)


def test_nothing_graded_teaches_nothing() -> None:
    for name in ALGORITHMS.names():
        assert lesson(ALGORITHMS.get(name)(), [None, None], 0.0).samples == []


@given(
    st.dictionaries(st.integers(0, 9), st.floats(-2, 2), max_size=6),
    st.lists(st.permutations(range(10)).map(lambda p: (p[0], p[1])), max_size=4),
    st.integers(0, 99),
)
def test_the_control_has_the_same_lesson_about_other_samples(
    weights: dict[int, float], pairs: list[tuple[int, int]], seed: int
) -> None:
    own = Lesson(weights, tuple(pairs))
    drawn = by_chance(own, 10, random.Random(seed))
    assert sorted(drawn.weights.values()) == sorted(weights.values())
    assert len(drawn.samples) == len(own.samples) and len(drawn.pairs) == len(pairs)
    assert all(0 <= i < 10 for i in drawn.samples) and all(i != j for i, j in drawn.pairs)
    # A sample that stands in several pairs still does.
    assert Counter(Counter(i for i, _ in pairs).values()) == Counter(
        Counter(i for i, _ in drawn.pairs).values()
    )


def test_what_the_control_draws_is_chance() -> None:
    counts = Counter(
        i for seed in range(600) for i in by_chance(Lesson({1: 1.0}), 3, random.Random(seed)).weights
    )
    assert min(counts[i] for i in range(3)) > 150
    signs = {by_chance(Lesson({0: 1.0, 1: -1.0}), 2, random.Random(seed)).weights[0] for seed in range(30)}
    assert signs == {1.0, -1.0}  # which of them counts negatively is chance too
