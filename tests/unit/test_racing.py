"""Races: trainings that are left and taken up again, who goes on, and the outer loop with them."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loops import FakeAdaptation, N, config, contexts, decisions, files, loop
from seal.engine.adapt import Trial
from seal.engine.racing import Race, RaceRules, race
from seal.errors import ConfigError
from seal.research.config import check_names, parse_config
from seal.research.reports.findings import round_rewards
from seal.research.run_folder import RunFolder
from seal.research.train import round_table
from seal.training import train
from seal.types import SelfEdit
from toys import toy_model, toy_plan, toy_tokenizer

STOPS = {"stops": [0.25, 0.5], "keep": 0.4}


@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_a_training_that_was_left_goes_on_as_if_it_had_not_been(schedule: str) -> None:
    """Of four plans two leave after a part; the others end with the very weights of an undivided training."""
    model, tokenizer = toy_model(), toy_tokenizer()
    plans = [toy_plan(i, epochs=5, schedule=schedule, rank=rank) for i, rank in enumerate((4, 2, 4, 2))]
    whole = train(model, tokenizer, plans)
    part = train(model, tokenizer, plans, until=0.3)
    assert [len(one.losses) for one in part] == [math.ceil(0.3 * len(one.losses)) for one in whole]
    assert all(one.moments for one in part)
    going = [1, 2]
    rest = train(model, tokenizer, [plans[i] for i in going], begun=[part[i] for i in going])
    for i, one in zip(going, rest, strict=True):
        assert one.moments is None and len(one.losses) == len(whole[i].losses)
        assert one.losses == pytest.approx(whole[i].losses, rel=1e-4)
        for name, factors in one.factors.items():
            for mine, theirs in zip(factors, whole[i].factors[name], strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    again = train(model, tokenizer, plans[:1], begun=whole[:1])  # nothing is left to do
    assert again[0].losses == whole[0].losses and again[0].moments is None


def trial(entrant: int, seed: int = 0) -> Trial:
    [context] = contexts(1)
    return Trial(context, SelfEdit(context.id, "plain", str(entrant), (str(entrant),)), seed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=4),
    st.integers(1, 3),
    st.sampled_from([(), (0.5,), (0.25, 0.5)]),
    st.sampled_from([0.2, 0.4, 0.7]),
)
def test_the_best_of_each_race_finishes_and_as_many_as_the_rules_say(
    worths: list[list[int | None]], n_each: int, stops: tuple[float, ...], keep: float
) -> None:
    """With an exam that says the same at every stop. Who leaves has no reward, and the reason."""
    rules, worth = RaceRules(stops, keep), dict[tuple[str, int], int | None]()
    races = []
    for at, own in enumerate(worths):
        trials = [trial(i, seed=100 * at + s) for i in range(len(own)) for s in range(n_each)]
        worth |= {(t.self_edit.text, t.seed): own[i // n_each] for i, t in enumerate(trials)}
        races.append(Race(tuple(trials), n_each))
    adaptation: Any = FakeAdaptation(config(), lambda t: worth[t.self_edit.text, t.seed])
    for own, one, scores in zip(worths, races, race(adaptation, races, rules, answers=False), strict=True):
        assert len(scores) == len(one.trials)
        left = [s.answers[0].reason.startswith("left the race") if s.answers else False for s in scores]
        finished = [s.likelihood is not None for s in scores]
        graded = [value for value in own if value is not None]
        n = len(own)
        for _ in stops:
            n = min(len(graded), rules.n_kept(n))
        if not stops:
            n = len(graded)
        assert sum(finished) == n * n_each and (not graded or any(finished))
        if graded and stops:
            best = own.index(max(graded))
            assert all(finished[best * n_each : (best + 1) * n_each])
        assert not any(a and b for a, b in zip(left, finished, strict=True))


def test_what_is_trained_at_each_stop(tmp_path: Path) -> None:
    """Ten samples, of which four and then two go on, each from where it was left: 45 % of the steps."""
    raced = config(rounds=1, samples=10, racing=STOPS)
    adaptation = FakeAdaptation(raced)
    list(loop(tmp_path, raced, adaptation=adaptation).policies())
    assert adaptation.stints == [
        (10 * N, [0] * 10 * N, 0.25), (4 * N, [25] * 4 * N, 0.5), (2 * N, [50] * 2 * N, 1.0),
    ]  # fmt: skip
    whole = config(rounds=1, samples=10)
    list(loop(tmp_path / "whole", whole).policies())
    both = decisions(tmp_path, raced, "seal", 1), decisions(tmp_path / "whole", whole, "seal", 1)
    for mine, theirs in zip(*both, strict=True):
        assert (
            mine.kept == theirs.kept and mine.rewards.count(None) == len(mine.left) == 8 and not theirs.left
        )
        assert all(a in (None, b) for a, b in zip(mine.rewards, theirs.rewards, strict=True))
    left = [s.reason for s in RunFolder(tmp_path, raced).round("seal", 1).scores.read() if s.reason]
    assert sum("after 25%" in reason for reason in left) == 6 * N
    assert sum("after 50%" in reason for reason in left) == 2 * N
    [row] = round_table(RunFolder(tmp_path, raced), ("seal",))
    assert (row["n_ungraded"], row["n_failed_adapters"]) == (0, 0)
    found = round_rewards(1, decisions(tmp_path, raced, "seal", 1), None)
    assert found.n_ungraded == 0 and len(found.values) == 2 * N


def test_a_raced_run_that_was_stopped_goes_on_to_the_same_files(tmp_path: Path) -> None:
    """Stopped before every call. A chunk has whole races: with 40 samples two of three contexts."""
    raced = config(samples=40, racing=STOPS, joined=2)

    def run(folder: Path, patience: int = 10**6) -> dict[str, bytes]:
        adaptation = FakeAdaptation(raced, patience=patience)
        for arm in ("seal", "random_selection"):
            list(loop(folder, raced, arm, adaptation=adaptation).policies())
        return files(folder)

    undisturbed = run(tmp_path / "undisturbed")
    for patience in range(100):
        try:
            run(tmp_path / str(patience), patience)
        except KeyboardInterrupt:
            assert run(tmp_path / str(patience)) == undisturbed
        else:
            assert patience > 15
            return
    pytest.fail("the run never came to its end")


@pytest.mark.parametrize(("outer", "says"), [
    ({"algorithm": "grpo", "racing": STOPS}, "learns from all samples"),
    ({"racing": {"stops": [0.5, 0.25]}}, "must rise"),
    ({"racing": {"stops": [1.0]}}, "less than 1"),
])  # fmt: skip
def test_what_cannot_be_raced_is_said_before_any_work(outer: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_names(parse_config({"outer": outer}, where="test"))


def test_the_winner_is_whom_a_whole_training_would_choose_most_of_the_time() -> None:
    """With noise at the stops of a third of what samples differ by, which is more than was measured."""
    rng, rules, n, same = random.Random(0), RaceRules((0.25, 0.5), 0.4), 200, 0
    for _ in range(n):
        true = {str(i): rng.gauss(0, 1) for i in range(10)}
        adaptation: Any = FakeAdaptation(config())

        def reward(t: Trial, true: dict[str, float] = true, adaptation: Any = adaptation) -> float:
            ended = adaptation.stints[-1][2] == 1.0
            return true[t.self_edit.text] + (0.0 if ended else rng.gauss(0, 0.33))

        adaptation.reward = reward
        [scores] = race(adaptation, [Race(tuple(trial(i) for i in range(10)))], rules, answers=False)
        known = {i: s.likelihood for i, s in enumerate(scores) if s.likelihood is not None}
        same += max(known, key=lambda i: known[i]) == max(range(10), key=lambda i: true[str(i)])
    assert same > 0.8 * n
