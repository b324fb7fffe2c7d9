"""recipes/demo_arc: whether a choice depends on the family of a task, and what it would give."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.demo_arc import conditioning
from recipes.demo_arc.information import (
    best_option,
    dependence_on_family,
    dependence_on_task,
    gain_of_conditioning,
    gain_of_each_task,
    mutual_information,
)
from recipes.real_documents.records import Records
from seal.research.few_shot.experiment import HAND_MADE, arc_config

FAMILIES: dict[Any, Any] = {task: task % 6 for task in range(36)}


def chosen(rng: random.Random, of: Any, n: int = 8) -> dict[Any, list[int]]:
    """Choices among four; with probability `of(task)` the one that the task's family wants."""
    return {
        task: [family % 4 if rng.random() < of(task) else rng.randrange(4) for _ in range(n)]
        for task, family in FAMILIES.items()
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_information_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    told = mutual_information(pairs)
    assert -1e-9 <= told <= 2 + 1e-9
    assert told == pytest.approx(mutual_information([(b, a) for a, b in pairs]))
    assert mutual_information([(a, a) for a, _ in pairs]) >= told - 1e-9


def test_a_choice_that_ignores_the_task_is_told_from_one_that_does_not() -> None:
    rng = random.Random(0)
    blind = [
        dependence_on_family(chosen(rng, lambda _: 0.0), FAMILIES, seed=0, n_permutations=200)
        for _ in range(20)
    ]
    assert abs(sum(one.bits for one in blind) / 20) < 0.01  # the bias is taken out
    assert blind[0].chance_bits > 0.02  # and it was there
    assert sum(one.p_value <= 0.05 for one in blind) <= 4
    some = dependence_on_family(chosen(rng, lambda _: 0.4), FAMILIES, seed=0, n_permutations=200)
    assert some.p_value < 0.01 and 0.05 < some.bits < 0.6
    all_of_it = dependence_on_family(chosen(rng, lambda _: 1.0), FAMILIES, seed=0, n_permutations=200)
    assert all_of_it.bits > 1.4 and all_of_it.at_most_bits == pytest.approx(
        -2 / 3 * math.log2(1 / 3) - 1 / 3 * math.log2(1 / 6)
    )


def test_a_choice_of_the_single_task_is_no_choice_of_its_family() -> None:
    """Each task has its own way, whatever its family: that is found for the task, and not for the family,
    where samples that were exchanged one by one would find it."""
    rng = random.Random(1)
    own = {task: [rng.randrange(4)] * 8 for task in FAMILIES}
    assert dependence_on_task(own, seed=0, n_permutations=200).p_value < 0.01
    found = [
        dependence_on_family(
            {t: [rng.randrange(4)] * 8 for t in FAMILIES}, FAMILIES, seed=0, n_permutations=200
        )
        for _ in range(20)
    ]
    assert sum(one.p_value <= 0.05 for one in found) <= 4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_gain_is_of_tasks_that_did_not_choose(seed: int, depends: bool) -> None:
    rng = random.Random(seed)
    rewards: dict[Any, float] = {
        (option, task): rng.gauss(0.5 * (depends and option == family % 3), 0.3)
        for option in range(5)
        for task, family in FAMILIES.items()
    }
    fixed, by_family, gain = gain_of_conditioning(rewards, FAMILIES, seed=0)
    assert gain.mean == pytest.approx(by_family.mean - fixed.mean)
    best = max(sum(rewards[o, t] for t in FAMILIES) / len(FAMILIES) for o in range(5))
    assert fixed.mean <= best + 1e-9  # never what only whoever had seen the task could have


def test_where_families_want_other_options_conditioning_gains_and_else_not() -> None:
    rng = random.Random(2)

    def rewards(worth: float) -> dict[Any, float]:
        return {
            (o, t): 0.3 * (o == 1) + worth * (o == f % 3) + rng.gauss(0, 0.05)
            for o in range(5)
            for t, f in FAMILIES.items()
        }

    _, _, gain = gain_of_conditioning(rewards(0.6), FAMILIES, seed=0)
    assert gain.low > 0.1 and gain.mean == pytest.approx(0.2, abs=0.05)
    _, _, nothing = gain_of_conditioning(rewards(0.0), FAMILIES, seed=0)
    assert nothing.high < 0.05 and nothing.mean <= 0.01
    tasks = list(FAMILIES)
    lucky = gain_of_each_task(rewards(0.0), rewards(0.0), tasks, seed=0)
    assert abs(lucky.mean) < 0.03  # the luck of a training is no gain
    assert gain_of_each_task(rewards(0.6), rewards(0.6), tasks, seed=0).low > 0.1
    assert best_option(rewards(0.0), tasks) == 1


def test_the_table_of_records_whole_or_in_part(tmp_path: Path) -> None:
    """A policy that writes its family's rate, and one that writes any; rewards of the family's own rate."""
    asked = conditioning.asked_tasks(arc_config(), "rl", 3)
    families = sorted(set(asked.families.values()), key=str)
    assert len(families) == 6 and len(asked.contexts) == 18
    assert [c.id for c in conditioning.asked_tasks(arc_config(), "rl", 2).contexts] == [
        context.id for at, context in enumerate(asked.contexts) if at % 3 < 2
    ]
    choices, rewards = Records(tmp_path / "choices.jsonl"), Records(tmp_path / "rewards.jsonl")
    assert conditioning.table(conditioning.figures(asked, choices, rewards)) == ""
    rng = random.Random(0)
    for context in asked.contexts:
        at = families.index(asked.families[context.id])
        own = conditioning.RATES[at % 3]
        for policy, rates in (("fits", (own,)), ("any", conditioning.RATES)):
            made = [replace(HAND_MADE, learning_rate=rng.choice(rates)) for _ in range(8)]
            told = {
                "policy": policy,
                "task": context.id,
                "directives": [asdict(one) for one in made] + [None],
            }
            choices.add(told)
        scored = [
            {"directive": asdict(one), "likelihood": float(one.learning_rate == own), "accuracy": None}
            for one in conditioning.grid()
        ]
        rewards.add({"task": context.id, "seed": 0, "rewards": scored})
    told = conditioning.figures(asked, choices, Records(tmp_path / "rewards.jsonl"))
    fits, any_rate = told["policies"]
    assert fits["fields"]["learning_rate"]["family"]["bits"] > 1
    assert fits["fields"]["strategy"]["family"]["bits"] == 0
    assert any_rate["fields"]["learning_rate"]["family"]["p_value"] > 0.05
    oracle = told["oracle"]["likelihood"]
    assert oracle["by_family"]["mean"] == 1 and oracle["fixed"]["mean"] <= 1 / 3 + 1e-9
    assert (
        oracle["families"][families[0]]["0.001, 2"] == 1 and told["oracle"]["accuracy"]["gain"]["mean"] == 0
    )
    text = conditioning.table(told)
    assert "**fits**, 18 tasks" in text and "best of each family 100.0 [100.0, 100.0]" in text
