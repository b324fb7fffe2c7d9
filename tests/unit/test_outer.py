"""The outer loop without a model: what it samples, rewards, keeps and learns from, and how it resumes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loops import (
    SAMPLES,
    FakeAdaptation,
    FakePolicies,
    N,
    config,
    contexts,
    decisions,
    files,
    logs_of,
    loop,
    stable,
    text_of,
)
from seal.algorithms import ALGORITHMS
from seal.engine.adapt import Trial
from seal.engine.work import WorkAmount
from seal.errors import TrainingError
from seal.research.config import RunConfig, parse_config
from seal.research.outer import contexts_of_round, n_contexts
from seal.research.planning import work_of_rounds
from seal.research.records import Arm
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.types import ClippedRatio

# --- which contexts a round has -------------------------------------------------------------------------


def test_rounds_share_their_contexts_unless_they_are_fresh() -> None:
    shared, fresh = config(rounds=3), config(fresh=True, rounds=3)
    assert n_contexts(shared) == N and n_contexts(fresh) == 3 * N
    some = contexts(3 * N)
    assert all(list(contexts_of_round(shared, some[:N], r)) == some[:N] for r in (1, 2, 3))
    parts = [contexts_of_round(fresh, some, r) for r in (1, 2, 3)]
    assert [c.id for part in parts for c in part] == [c.id for c in some]
    assert {len(part) for part in parts} == {N}


def test_fewer_passages_than_asked_for_are_shared_out_evenly() -> None:
    parts = [contexts_of_round(config(fresh=True, rounds=3), contexts(7), r) for r in (1, 2, 3)]
    assert [[c.id for c in part] for part in parts] == [["0", "1"], ["2", "3"], ["4", "5"]]


def test_without_rounds_the_contexts_are_one_part() -> None:
    none = config(fresh=True, rounds=0)
    some = contexts(n_contexts(none))
    assert len(some) == N and list(contexts_of_round(none, some, 1)) == some


# --- a round, step by step ------------------------------------------------------------------------------


def test_every_round_writes_by_the_policy_of_the_round_before(tmp_path: Path) -> None:
    adaptation = FakeAdaptation(config())
    got = list(loop(tmp_path, config(), adaptation=adaptation).policies())
    assert got == [(1, "policy after seal/1"), (2, "policy after seal/2")]
    assert [(model, seed) for model, seed, _ in adaptation.written_by] == [
        ("base", "5/rounds/1"),
        ("policy after seal/1", "5/rounds/2"),
    ]


def test_the_seeds_are_those_that_are_documented(tmp_path: Path) -> None:
    """Each trains with a seed of its context, sample and seed number; the same in every round and arm."""
    settings = config(seeds=2)
    adaptation, policies = FakeAdaptation(settings), FakePolicies()
    list(loop(tmp_path, settings, adaptation=adaptation, policies=policies).policies())
    a_round = [
        derive_seed(5, "inner", str(c), i, s) for c in range(N) for i in range(SAMPLES) for s in range(2)
    ]
    assert [trial.seed for trial in adaptation.trials] == a_round * 2
    assert [plan.seed for plan in policies.plans] == [derive_seed(5, "update", r) for r in (1, 2)]
    assert len(set(a_round)) == len(a_round)


def test_the_best_of_each_context_is_kept_and_the_control_keeps_as_many(tmp_path: Path) -> None:
    both = config()
    for arm in ("seal", "random_selection"):
        list(loop(tmp_path, both, arm).policies())
    for round in (1, 2):
        rewarded, control = (decisions(tmp_path, both, arm, round) for arm in ("seal", "random_selection"))
        for treated, chance in zip(rewarded, control, strict=True):
            assert treated.rewards[treated.kept[0]] == max(r for r in treated.rewards if r is not None)
            assert len(treated.kept) == len(chance.kept) == 1 and treated.weights == chance.weights
            assert chance.rewards == [None] * SAMPLES and chance.baseline is None


def test_the_control_takes_over_the_weights_too(tmp_path: Path) -> None:
    weighted = config(algorithm="best_by_advantage", rounds=1)
    for arm in ("seal", "random_selection"):
        list(loop(tmp_path, weighted, arm).policies())
    treated, control = (decisions(tmp_path, weighted, arm, 1) for arm in ("seal", "random_selection"))
    weights = [d.weights for d in treated]
    assert weights == [d.weights for d in control] and len({w for [w] in weights}) == N


def test_what_chance_chooses_follows_from_the_run_s_seed_the_arm_and_the_round(tmp_path: Path) -> None:
    for arm in ("seal", "random_selection"):
        list(loop(tmp_path, config(), arm).policies())
    for round in (1, 2):
        rng = random.Random(derive_seed(5, "select", "random_selection", round))
        chosen = [rng.sample(range(SAMPLES), 1) for _ in range(N)]
        assert [d.kept for d in decisions(tmp_path, config(), "random_selection", round)] == chosen


def test_in_the_first_round_the_control_chooses_among_the_same_samples(tmp_path: Path) -> None:
    list(loop(tmp_path, config()).policies())
    adaptation, policies = FakeAdaptation(config()), FakePolicies()
    list(loop(tmp_path, config(), "random_selection", adaptation=adaptation, policies=policies).policies())
    assert [(model, seed) for model, seed, _ in adaptation.written_by] == [
        ("policy after random_selection/1", "5/rounds/2/random_selection")
    ]
    assert adaptation.trials == []  # what is chosen by chance needs no reward
    first = {e.completion for e in policies.plans[0].examples}
    assert first <= {text_of("base", "5/rounds/1", str(c), i) for c in range(N) for i in range(SAMPLES)}


@pytest.mark.parametrize("algorithm", ALGORITHMS.names())
def test_what_was_not_graded_is_never_kept(algorithm: str, tmp_path: Path) -> None:
    """Half of the samples fail, those with the most to gain among them."""

    def reward(trial: Trial) -> float | None:
        i = stable(trial.self_edit.text, SAMPLES) if trial.self_edit.text else 0
        return None if trial.self_edit.text and i % 2 else 0.1 * i

    settings = config(algorithm=algorithm, rounds=1)
    list(loop(tmp_path, settings, adaptation=FakeAdaptation(settings, reward)).policies())
    ungraded = 0
    for decision in decisions(tmp_path, settings, "seal", 1):
        ungraded += decision.rewards.count(None)
        assert all(decision.rewards[i] is not None for i in decision.lesson.samples)
    assert ungraded > 0
    scores = RunFolder(tmp_path, settings).round("seal", 1).scores.read()
    assert {s.reason for s in scores if s.accuracy is None} == {"the loss was not finite"}


def test_a_reward_is_the_mean_of_the_seeds_that_could_be_graded(tmp_path: Path) -> None:
    settings = config(rounds=1, seeds=3)
    by_seed = {derive_seed(5, "inner", str(c), i, s): s for c in range(N) for i in range(4) for s in range(3)}
    rewards = {0: 0.2, 1: None, 2: 0.6}
    adaptation = FakeAdaptation(settings, lambda trial: rewards[by_seed[trial.seed]])
    list(loop(tmp_path, settings, adaptation=adaptation).policies())
    for decision in decisions(tmp_path, settings, "seal", 1):
        assert decision.rewards == [pytest.approx(0.4)] * SAMPLES


@pytest.mark.parametrize(
    ("algorithm", "kept", "examined"),
    [("best_of_k", [3], N * SAMPLES), ("best_if_better", [3], N * SAMPLES + N),
     ("all_positive", [2, 3], N * SAMPLES + N)],
)  # fmt: skip
def test_a_threshold_is_the_reward_without_a_self_edit(
    algorithm: str, kept: list[int], examined: int, tmp_path: Path
) -> None:
    """Samples 0 to 3 have rewards 0.0 to 0.6; the passage alone has 0.2, which sample 1 only reaches."""

    def reward(trial: Trial) -> float:
        return 0.2 * int(trial.self_edit.text.split("sample ")[1][0]) if trial.self_edit.text else 0.2

    settings = config(algorithm=algorithm, rounds=1)
    adaptation = FakeAdaptation(settings, reward)
    list(loop(tmp_path, settings, adaptation=adaptation).policies())
    baseline = None if algorithm == "best_of_k" else 0.2
    for decision in decisions(tmp_path, settings, "seal", 1):
        assert (decision.kept, decision.baseline) == (kept, baseline)
    assert len(adaptation.trials) == examined


def test_a_context_where_nothing_beats_the_baseline_keeps_nothing_in_either_arm(tmp_path: Path) -> None:
    def reward(trial: Trial) -> float:
        better = trial.self_edit.text and trial.context.id == "1"
        return 0.9 if better else 0.5

    settings = config(algorithm="best_if_better", rounds=1)
    for arm in ("seal", "random_selection"):
        list(loop(tmp_path, settings, arm, adaptation=FakeAdaptation(settings, reward)).policies())
        assert [len(d.kept) for d in decisions(tmp_path, settings, arm, 1)] == [0, 1, 0]


def test_a_round_that_keeps_nothing_is_an_error_with_its_decisions_on_record(tmp_path: Path) -> None:
    settings = config(algorithm="best_if_better", rounds=1)
    nothing = loop(tmp_path, settings, adaptation=FakeAdaptation(settings, lambda trial: 0.5))
    with pytest.raises(TrainingError, match="no self-edit was kept"):
        list(nothing.policies())
    assert [d.kept for d in decisions(tmp_path, settings, "seal", 1)] == [[]] * N
    with pytest.raises(TrainingError, match="no self-edit was kept"):
        list(loop(tmp_path, settings, adaptation=FakeAdaptation(settings, lambda _: None)).policies())


@pytest.mark.parametrize("checks", [0, 5])
@pytest.mark.parametrize("algorithm", ["best_of_k", "best_if_better"])
@pytest.mark.parametrize("arms", [("seal",), ("seal", "random_selection")])
def test_the_work_that_is_planned_is_the_work_that_is_done(
    algorithm: str, arms: tuple[Arm, ...], checks: int, tmp_path: Path
) -> None:
    settings = config(algorithm=algorithm, seeds=2, check_contexts=checks)
    adaptation = FakeAdaptation(settings)
    for arm in arms:
        list(loop(tmp_path, settings, arm, adaptation=adaptation).policies())
    n_written = sum(
        len(own) * n for (_, _, own), n in zip(adaptation.written_by, adaptation.n_each, strict=True)
    )
    planned = work_of_rounds(settings, N, control=len(arms) == 2)
    assert planned == WorkAmount(n_written, len(adaptation.trials))


# --- the update -----------------------------------------------------------------------------------------


def test_an_update_learns_what_was_decided(tmp_path: Path) -> None:
    """Texts, prompts and the mean weight are those of the decisions; the record says how many there were."""
    policies, settings = FakePolicies(), config(algorithm="best_by_advantage")
    list(loop(tmp_path, settings, policies=policies).policies())
    for round, plan in enumerate(policies.plans, 1):
        told = decisions(tmp_path, settings, "seal", round)
        total = sum(w for d in told for w in d.weights)
        assert [e.prompt for e in plan.examples] == [f"Write about {d.context}." for d in told]
        assert [e.weight for e in plan.examples] == pytest.approx(
            [N * w / total for d in told for w in d.weights]
        )
        assert [f"sample {d.kept[0]} about {d.context}" in e.completion
                for d, e in zip(told, plan.examples, strict=True)] == [True] * N  # fmt: skip
    updates = RunFolder(tmp_path, settings).policy_updates()
    assert [(u.arm, u.round, u.examples, u.loss) for u in updates] == [
        ("seal", 1, N, 0.5),
        ("seal", 2, N, 0.5),
    ]


def test_an_update_without_anything_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loops.text_of", lambda *_: " \n")
    policies = FakePolicies()
    with pytest.raises(TrainingError, match="every kept self-edit is empty"):
        list(loop(tmp_path, config(), policies=policies).policies())
    assert policies.plans == []


@pytest.mark.parametrize("algorithm", ["rloo", "grpo", "dpo"])
def test_an_objective_is_told_what_the_writer_thought(algorithm: str, tmp_path: Path) -> None:
    """In the second round that is the policy after the first, and in each arm its own."""
    policies, settings = FakePolicies(), config(algorithm=algorithm)
    for arm in ("seal", "random_selection"):
        list(loop(tmp_path, settings, arm, policies=policies).policies())
    writers = ["base", "policy after seal/1", "base", "policy after random_selection/1"]
    for plan, writer in zip(policies.plans, writers, strict=True):
        for example in plan.examples:
            assert example.reference == logs_of(writer, example.completion) and not example.anchor
            assert f"{writer} wrote" in example.completion
            assert (example.rival is None) == (algorithm != "dpo")
            if example.rival is not None:
                assert example.rival.reference == logs_of(writer, example.rival.completion)
    negative = [sum(e.weight < 0 for e in plan.examples) for plan in policies.plans]
    assert negative[0] == negative[2] and negative[1] == negative[3]  # the control has the same lessons
    assert all(negative) == (algorithm != "dpo")


def test_a_policy_can_be_held_to_the_base(tmp_path: Path) -> None:
    settings = parse_config(
        {**config(algorithm="grpo").model_dump(mode="json", exclude_none=True),
         "grpo": {"kl": 0.1, "anchor": "base"}}, where="test"
    )  # fmt: skip
    policies = FakePolicies()
    list(loop(tmp_path, settings, policies=policies).policies())
    first, second = policies.plans
    assert all(e.objective == ClippedRatio(0.2, 0.1) for e in (*first.examples, *second.examples))
    assert all(not e.anchor for e in first.examples)  # it is the base that wrote
    assert all(e.anchor == logs_of("base", e.completion) != e.reference for e in second.examples)


def test_expert_iteration_learns_all_rounds_anew_from_the_base(tmp_path: Path) -> None:
    policies, settings = FakePolicies(), config(algorithm="expert_iteration", rounds=3, fresh=True)
    list(loop(tmp_path, settings, policies=policies).policies())
    assert policies.learners == ["base"] * 3
    assert [len(plan.examples) for plan in policies.plans] == [N, 2 * N, 3 * N]
    texts = [{e.completion for e in plan.examples} for plan in policies.plans]
    assert texts[0] < texts[1] < texts[2]


# --- a run that is stopped ------------------------------------------------------------------------------


def whole_run(folder: Path, settings: RunConfig) -> dict[str, bytes]:
    for arm in ("seal", "random_selection"):
        list(loop(folder, settings, arm).policies())
    return files(folder)


@pytest.mark.parametrize("algorithm", ["best_of_k", "best_if_better", "expert_iteration", "dpo"])
def test_a_run_stopped_before_any_step_goes_on_to_the_same_files(algorithm: str, tmp_path: Path) -> None:
    """Every call of the model and of the policies' trainer is one at which the run is stopped once. With 48
    samples a context, a round is written and scored in two chunks."""
    settings = config(algorithm=algorithm, samples=48)
    assert settings.inner.chunk_trials < N * 48
    undisturbed = whole_run(tmp_path / "undisturbed", settings)
    stopped, finished_at = 0, {"model": 0, "policies": 0}
    for what in finished_at:
        for patience in range(100):
            folder = tmp_path / f"{what}-{patience}"
            adaptation = FakeAdaptation(settings, patience=patience if what == "model" else 10**6)
            policies = FakePolicies(patience=patience if what == "policies" else 10**6)
            try:
                for arm in ("seal", "random_selection"):
                    list(loop(folder, settings, arm, adaptation=adaptation, policies=policies).policies())
            except KeyboardInterrupt:
                stopped += 1
                assert whole_run(folder, settings) == undisturbed
            else:
                finished_at[what] = patience
                break
    # Two rounds of two chunks to write and two to score, with or without baselines, and the second round of
    # the control to write; four updates, each of them saved.
    assert finished_at == {"model": 12 if algorithm == "best_if_better" else 10, "policies": 8}
    assert stopped == sum(finished_at.values())


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    whole_run(tmp_path, config())
    adaptation, policies = FakeAdaptation(config(), patience=0), FakePolicies(patience=0)
    again = loop(tmp_path, config(), adaptation=adaptation, policies=policies)
    assert [policy for _, policy in again.policies()] == ["policy after seal/1", "policy after seal/2"]


def test_half_of_a_chunk_on_record_is_completed_and_not_replaced(tmp_path: Path) -> None:
    """A chunk is done as a whole, since what it gives depends on what is in it; only what lacks is added."""
    whole_run(tmp_path, config(rounds=1))
    before = files(tmp_path)
    place = RunFolder(tmp_path, config(rounds=1)).round("seal", 1)
    for lines in (place.self_edits, place.scores):
        whole = lines.path.read_bytes().splitlines(keepends=True)
        lines.path.write_bytes(b"".join(whole[:5]) + whole[5][:7])
    (place.policy / "policy").unlink()
    place.policy.rmdir()
    adaptation = FakeAdaptation(config(rounds=1))
    list(loop(tmp_path, config(rounds=1), adaptation=adaptation).policies())
    assert files(tmp_path) == before
    assert len(adaptation.trials) == N * SAMPLES
