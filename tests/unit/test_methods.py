"""Methods by name: their words, their order, and that every place that names them knows them all."""

from __future__ import annotations

import random

import pytest

from seal.cli.eval import eval_
from seal.engine.work import WorkAmount
from seal.research.config import parse_config
from seal.research.demo import PAIRS
from seal.research.few_shot.experiment import PAIRS as TASK_PAIRS
from seal.research.few_shot.experiment import arc_config
from seal.research.methods import (
    METHODS,
    Examined,
    find_method,
    in_order,
    method_named,
    methods_in_eval,
    short_label,
    terminal_words,
)
from seal.research.planning import work_of_methods
from seal.research.reports.findings import long_label
from seal.research.reports.plots import colour_of


def test_a_round_and_a_vote_are_derived() -> None:
    third, voted = method_named("round_3"), method_named("round_3_voting")
    assert third == voted and (third.name, third.round) == ("round_3", 3)
    assert terminal_words("round_3") == "the same, after round 3 of RL"
    assert terminal_words("round_3_voting") == "the same, by voting"
    assert short_label("round_3", "passages") == "after round 3"
    assert short_label("round_3_voting", "tasks") == "after round 3, voting"
    config = parse_config({"outer": {"rounds": 4}}, where="test")
    assert long_label("round_1", "passages", config) == "passage + self-edit, after 1 round of RL"
    assert long_label("round_3", "tasks", config) == "by its own directives, after round 3 of RL"
    assert long_label("seal", "passages", config) == "passage + self-edit, after 4 rounds of RL (SEAL)"
    assert colour_of("round_3") == colour_of("seal") == colour_of("seal_voting") != colour_of("self_edit")


def test_a_name_that_is_not_known_stands_for_itself() -> None:
    config = parse_config({}, where="test")
    for name in ("mine", "round_x", "round_"):
        assert find_method(name) is None and terminal_words(name) == ""
        assert short_label(name, "passages") == long_label(name, "tasks", config) == name
    assert short_label("gold", "tasks") == "gold"  # which there is not on tasks
    assert colour_of("mine") == colour_of("base")


def test_tables_have_one_order() -> None:
    order = ["base", "open_book", "self_edit", "self_edit_voting", "round_1", "round_2", "round_2_voting",
             "round_10", "random_selection", "seal", "gold", "best_fixed", "committee",
             "another", "mine"]  # fmt: skip
    shuffled = random.Random(0).sample(order, len(order))
    assert in_order(shuffled) == order != shuffled


def test_every_method_has_words_and_a_name_of_its_own() -> None:
    names = [method.name for method in METHODS]
    assert len(names) == len(set(names)) and len({m.terminal for m in METHODS}) == len(names)
    for on in ("passages", "tasks"):
        labels = [label for m in METHODS if (label := m.label(on)) is not None]
        assert len({label.short for label in labels}) == len({label.long for label in labels}) == len(labels)
    assert all(m.passages or m.tasks for m in METHODS)
    assert not [m.name for m in METHODS if m.several and m.trained_on not in ("own", "fixed")]


@pytest.mark.parametrize(("pairs", "on"), [(PAIRS, "passages"), (TASK_PAIRS, "tasks")])
def test_what_is_compared_are_methods(pairs: tuple[tuple[str, str], ...], on: Examined) -> None:
    for name in {name for pair in pairs for name in pair}:
        assert method_named(name).label(on), name


def test_the_help_of_eval_names_its_methods() -> None:
    words = str(eval_.__annotations__["methods"])
    for on in ("passages", "tasks"):
        for name in methods_in_eval(on):
            assert name in words
        assert ",".join(methods_in_eval(on, by_default=True)) in words


def test_the_work_of_a_method() -> None:
    config = arc_config()
    tried, by = config.few_shot.choose_from, config.few_shot.choose_by
    expected = {
        "base": (0, 0), "hand_made": (0, 1), "self_edit": (1, 1), "gold": (0, 1), "round_2": (1, 1),
        "chosen": (tried, tried * by + 1), "committee": (tried, tried), "fixed_committee": (0, tried),
    }  # fmt: skip
    for name, (write, train) in expected.items():
        assert work_of_methods(config, [name], 10) == WorkAmount(10 * write, 10 * train), name
    assert work_of_methods(config, ["hand_made", "self_edit"], 10) == WorkAmount(10, 20)
