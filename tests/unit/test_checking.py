"""No round may be worse than the one before: which policies are taken over, and what is recorded of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from loops import FakeAdaptation, FakePolicies, N, config, contexts, files, loop, stable
from seal.engine.adapt import Trial
from seal.research.config import RunConfig
from seal.research.outer import checked_contexts, contexts_of_round, n_contexts
from seal.research.records import Arm, CheckRecord
from seal.research.run_folder import RunFolder
from seal.research.train import round_table

CHECKS = 12


def checked(rounds: int = 3, error: float = 0.15) -> RunConfig:
    return config(rounds=rounds, fresh=True, check_contexts=CHECKS, check_error=error)


def worth(**gains: float) -> Callable[[Trial], float]:
    """What a self-edit earns: by which policy wrote it, and chance. `after_1` is what the policy after round
    1 adds to the base's 0.4."""

    def reward(trial: Trial) -> float:
        text = trial.self_edit.text
        writer = text.split(" wrote ")[0].replace("policy after ", "").replace("/", "_")
        return 0.4 + gains.get(writer, 0.0) + 0.02 * random.Random(text).random()

    return reward


def run(
    folder: Path, settings: RunConfig, reward: Callable[[Trial], float], arm: Arm = "seal"
) -> tuple[list[str], list[CheckRecord]]:
    """The policies after each round, and the checks."""
    adaptation = FakeAdaptation(settings, reward)
    policies = [policy for _, policy in loop(folder, settings, arm, adaptation=adaptation).policies()]
    checks = [RunFolder(folder, settings).round(arm, r).check for r in range(1, settings.outer.rounds + 1)]
    return policies, [check for check in checks if check is not None]


def test_the_contexts_of_the_checks_train_nothing(tmp_path: Path) -> None:
    settings = checked()
    some = contexts(n_contexts(settings))
    kept = {c.id for c in checked_contexts(settings, some)}
    trained = {c.id for r in (1, 2, 3) for c in contexts_of_round(settings, some, r)}
    assert len(kept) == CHECKS and len(trained) == 3 * N and not kept & trained
    policies = FakePolicies()
    list(loop(tmp_path, settings, policies=policies).policies())
    assert policies.plans
    prompts = {e.prompt for plan in policies.plans for e in plan.examples}
    assert not prompts & {f"Write about {one}." for one in kept}


def test_a_policy_that_is_not_better_is_not_taken_over(tmp_path: Path) -> None:
    policies, checks = run(tmp_path, checked(), worth(seal_1=0.2, seal_2=-0.1, seal_3=0.4))
    assert policies == ["policy after seal/1", "policy after seal/1", "policy after seal/3"]
    assert [(c.taken, c.standing) for c in checks] == [(True, 1), (False, 1), (True, 3)]
    assert [c.before for c in checks] == pytest.approx([0.41, 0.61, 0.61], abs=0.01)
    assert [c.proposed for c in checks] == pytest.approx([0.61, 0.31, 0.81], abs=0.01)
    assert all(c.error == pytest.approx(0.05) and c.contexts == CHECKS for c in checks)  # 0.15 over 3 rounds
    rows = round_table(RunFolder(tmp_path, checked()), ["seal"])
    assert [row.get("taken") for row in rows] == [True, False, True]


def test_what_stays_writes_the_next_round(tmp_path: Path) -> None:
    settings = checked()
    adaptation = FakeAdaptation(settings, worth(seal_1=-0.2, seal_2=0.3))
    list(loop(tmp_path, settings, adaptation=adaptation).policies())
    wrote = {str(seed): model for model, seed, _ in adaptation.written_by if "check" not in str(seed)}
    assert wrote == {"5/rounds/1": "base", "5/rounds/2": "base", "5/rounds/3": "policy after seal/2"}


def test_equal_policies_are_taken_over_no_more_often_than_the_error_allows(tmp_path: Path) -> None:
    """60 rounds in which nothing is learned, at an error of 20 %."""

    def noise(trial: Trial) -> float:
        return random.Random(trial.self_edit.text + str(trial.seed)).random()

    taken = 0
    for seed in range(60):
        settings = checked(rounds=1, error=0.2).model_copy(update={"seed": seed})
        taken += run(tmp_path / str(seed), settings, noise)[1][0].taken
    assert 3 <= taken <= 23


def test_both_arms_are_checked_alike_and_share_what_the_base_wrote(tmp_path: Path) -> None:
    settings = checked(rounds=2)
    run(tmp_path, settings, worth(seal_1=0.2))
    policies, checks = run(tmp_path, settings, worth(random_selection_2=0.2), "random_selection")
    assert policies == ["base", "policy after random_selection/2"]
    assert [c.taken for c in checks] == [False, True]
    base = RunFolder(tmp_path, settings).round("seal", 0)
    assert len(base.check_self_edits.read()) == len(base.check_scores.read()) == CHECKS


def test_without_contexts_for_checks_every_policy_is_taken_over(tmp_path: Path) -> None:
    policies, checks = run(tmp_path, config(), worth(seal_1=-0.3, seal_2=-0.3))
    assert policies == ["policy after seal/1", "policy after seal/2"] and not checks
    assert not (tmp_path / "rounds/0").exists()
    assert all("taken" not in row for row in round_table(RunFolder(tmp_path, config()), ["seal"]))


def test_what_cannot_be_graded_is_not_taken_over(tmp_path: Path) -> None:
    def reward(trial: Trial) -> float | None:
        return None if "policy after" in trial.self_edit.text else float(stable(trial.self_edit.text, 9))

    settings = checked(rounds=1)
    adaptation = FakeAdaptation(settings, reward)
    assert [p for _, p in loop(tmp_path, settings, adaptation=adaptation).policies()] == ["base"]
    check = RunFolder(tmp_path, settings).round("seal", 1).check
    assert check is not None and not check.taken and check.contexts == 0 and check.proposed is None


@pytest.mark.parametrize("patience", range(0, 17, 2))
def test_a_run_stopped_in_a_check_goes_on_to_the_same_files(patience: int, tmp_path: Path) -> None:
    settings, reward = checked(), worth(seal_1=0.2, seal_2=-0.1, seal_3=0.4)
    run(tmp_path / "whole", settings, reward)
    adaptation = FakeAdaptation(settings, reward, patience=patience)
    try:
        list(loop(tmp_path / "cut", settings, adaptation=adaptation).policies())
    except KeyboardInterrupt:
        run(tmp_path / "cut", settings, reward)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
