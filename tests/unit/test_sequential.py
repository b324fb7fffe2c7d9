"""The sequential test: its error rate holds whenever one stops looking, and votes count once."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seal.errors import InputError
from seal.grading.sequential import SequentialTest, log_evidence
from seal.learner.rollout_evidence import RolloutConfig, evidence_of
from seal.registry import Comparison, Thumb
from seal.registry.records import Better, RolloutSide

COUNTS = st.integers(0, 300)
SHARES = st.floats(0.02, 0.98)


@given(wins=COUNTS, losses=COUNTS, at_most=SHARES, true=st.floats(0, 1))
@example(wins=0, losses=268, at_most=0.9375, true=0.5)  # so few wins are too improbable for a float
@example(wins=30, losses=3000, at_most=0.5, true=1.0)
def test_the_evidence_is_a_supermartingale_under_the_claim(
    wins: int, losses: int, at_most: float, true: float
) -> None:
    """So that Ville's inequality holds: whatever the true probability below the claimed one, the next outcome
    does not raise the evidence on average."""
    p = true * at_most
    now = log_evidence(wins, losses, at_most)
    won, lost = log_evidence(wins + 1, losses, at_most), log_evidence(wins, losses + 1, at_most)
    assert p * math.exp(won - now) + (1 - p) * math.exp(lost - now) <= 1 + 1e-9


@given(at_most=SHARES)
def test_nothing_seen_is_no_evidence(at_most: float) -> None:
    assert log_evidence(0, 0, at_most) == pytest.approx(0, abs=1e-9)


def test_a_probability_is_between_0_and_1() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        log_evidence(1, 1, 0.0)


def decided(test: SequentialTest, p: float, n: int, seed: int) -> tuple[str | None, int]:
    """What is decided by looking after each of n outcomes that are wins with probability p, and when."""
    rng, wins = random.Random(seed), 0
    for i in range(1, n + 1):
        wins += rng.random() < p
        if (verdict := test.verdict(wins, i - wins)) is not None:
            return verdict, i
    return None, n


def test_the_error_rates_hold_when_one_looks_after_every_outcome() -> None:
    test = SequentialTest(error_rate=0.1, margin=0.1)
    at_the_margin = [decided(test, 0.4, 60, seed)[0] for seed in range(200)]
    equal = [decided(test, 0.5, 60, 1000 + seed)[0] for seed in range(200)]
    # 10 % of 200 are 20; more than 31 would be seen with a probability below 1 %
    assert at_the_margin.count("promote") <= 31 and equal.count("revert") <= 31
    better = [decided(test, 0.9, 60, 2000 + seed) for seed in range(50)]
    worse = [decided(test, 0.05, 60, 3000 + seed) for seed in range(50)]
    assert all(verdict == "promote" for verdict, _ in better)
    assert all(verdict == "revert" for verdict, _ in worse)
    assert sorted(n for _, n in better)[25] <= 15 and sorted(n for _, n in worse)[25] <= 10


def thumbs(side: RolloutSide, said: str, author: str = "", talk: str = "") -> list[Thumb]:
    """Each of "+-" is a thumb, of an author and in a conversation of its own unless these are named."""
    return [Thumb(side, author or f"a{n}", talk or f"t{side}{n}", one == "+") for n, one in enumerate(said)]


def seen(*given: Thumb, judged: list[Comparison] | None = None, **config: float) -> tuple[int, int]:
    found = evidence_of(RolloutConfig.model_validate(config), given, judged or [])
    return found.wins, found.losses


def difference(number: int, question: str, better: Better | None) -> Comparison:
    return Comparison(number, 1, "", "live", None, question, "a", "b", False, better, "exam")


def test_thumbs_are_paired_so_that_more_callers_on_one_side_favour_neither() -> None:
    few, many = thumbs("candidate", "+-+"), thumbs("live", "--+" + "-" * 50)
    assert seen(*few, *many) == (1, 0)  # the first pair differs, the others are alike
    assert seen(*many) == (0, 0)


def test_who_votes_often_counts_so_often_and_a_conversation_once() -> None:
    live = thumbs("live", "-" * 30)
    assert seen(*thumbs("candidate", "+" * 30, author="x"), *live, per_author=4) == (4, 0)
    assert seen(*thumbs("candidate", "+" * 30, author="x", talk="same"), *live) == (1, 0)


def test_a_question_that_is_asked_again_and_again_is_one_outcome() -> None:
    again = [difference(n, "Who is it?", "candidate") for n in range(40)]
    others = [
        difference(50, "And when?", "live"),
        difference(51, "Why?", "neither"),
        difference(52, "?", None),
    ]
    assert seen(judged=[*again, *others]) == (1, 1)
