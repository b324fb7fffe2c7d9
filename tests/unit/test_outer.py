"""The outer loop without a model: what it samples, rewards, keeps and learns from, and how it resumes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seal.engine.adapt import Trial
from seal.engine.work import Work, WorkAmount
from seal.engine.work_chunks import CHUNK_TRIALS
from seal.errors import TrainingError
from seal.research.config import RunConfig, parse_config
from seal.research.outer import Kept, OuterLoop, contexts_of_round, n_contexts
from seal.research.planning import work_of_rounds
from seal.research.records import Arm, DecisionRecord
from seal.research.run_folder import RoundFolder, RunFolder
from seal.seeds import derive_seed
from seal.types import Context, Graded, Score, SelfEdit, TrainingPlan

SAMPLES = 4
N = 3


def config(
    *, fresh: bool = False, rounds: int = 2, samples: int = SAMPLES, seeds: int = 1, **outer: Any
) -> RunConfig:
    return parse_config(
        {
            "seed": 5,
            "data": {"n_train": N, "fresh": fresh},
            "self_edit": {"samples": samples},
            "inner": {"seeds": seeds},
            "outer": {"rounds": rounds, "algorithm": "best_of_k", **outer},
        },
        where="test",
    )


def contexts(n: int) -> list[Context]:
    return [Context(str(i), f"title {i}", "text") for i in range(n)]


def text_of(policy: str, seed: object, context: str, i: int) -> str:
    return f"{policy} wrote sample {i} about {context}, seed {seed}"


class Format:
    name = "plain"

    def parse(self, context: Context, text: str, *, truncated: bool = False) -> SelfEdit:
        return SelfEdit(context.id, self.name, text, tuple(text.splitlines()), truncated)


class FakeAdaptation:
    """Writes what `text_of` says, and rewards a self-edit by `reward`. The policies are strings. After
    `patience` calls it is stopped, as by Ctrl-C."""

    model = "base"
    cluster = None
    format = Format()

    def __init__(self, config: RunConfig, reward: Any = None, *, patience: int = 10**6) -> None:
        self.config, self.work, self.patience = config, Work(), patience
        self.reward = reward or (lambda trial: float(stable(trial.self_edit.text, 100)) / 100)
        self.trials: list[Trial] = []
        self.written_by: list[tuple[str, object, list[str]]] = []

    def writing_prompt(self, context: Context) -> str:
        return f"Write about {context.id}."

    def write(
        self, contexts: Sequence[Context], n: int, *, seed: object, model: str, stage: str
    ) -> list[list[SelfEdit]]:
        self._step()
        self.written_by.append((model, seed, [c.id for c in contexts]))
        return [[self.format.parse(c, text_of(model, seed, c.id, i)) for i in range(n)] for c in contexts]

    def learn_and_examine(self, trials: Sequence[Trial], **_: Any) -> list[Score]:
        self._step()
        self.trials += trials
        return [score_of(trial, self.reward(trial)) for trial in trials]

    def _step(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise KeyboardInterrupt


class FakePolicies:
    """A fine-tuned policy is named after its plan, and kept as a text file."""

    def __init__(self, *, patience: int = 10**6) -> None:
        self.plans: list[TrainingPlan] = []
        self.patience = patience

    def fine_tuned(self, policy: str, plan: TrainingPlan, stage: str) -> tuple[str, float]:
        self._step()
        self.plans.append(plan)
        return f"policy after {plan.id}", 0.5

    def save(self, policy: str, place: RoundFolder) -> None:
        self._step()
        place.policy.mkdir(parents=True)
        (place.policy / "policy").write_text(policy)

    def load(self, place: RoundFolder) -> str:
        return (place.policy / "policy").read_text()

    def _step(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise KeyboardInterrupt


def stable(text: str, n: int) -> int:
    """A number below `n` that follows from the text."""
    return random.Random(text).randrange(n)


def score_of(trial: Trial, reward: float | None) -> Score:
    outcome = "ungraded" if reward is None else "right"
    reason = "the loss was not finite" if reward is None else ""
    graded = Graded("q", ("a",), "a", outcome, reward, reason)
    return Score(trial.context.id, (graded,), reward, float(reward is not None), reward)


def loop(
    tmp_path: Path,
    config: RunConfig,
    arm: Arm = "seal",
    *,
    adaptation: FakeAdaptation | None = None,
    policies: FakePolicies | None = None,
) -> OuterLoop:
    own: Any = adaptation or FakeAdaptation(config)
    trainer: Any = policies or FakePolicies()
    folder = RunFolder.open(tmp_path, config)
    return OuterLoop(own, folder, contexts(n_contexts(config)), arm, trainer)


def decisions(folder: Path, config: RunConfig, arm: Arm, round: int) -> list[DecisionRecord]:
    found = RunFolder(folder, config).round(arm, round).decisions
    assert found is not None
    return found


# --- which contexts a round has -------------------------------------------------------------------------


def test_rounds_share_their_contexts_unless_they_are_fresh() -> None:
    shared, fresh = config(rounds=3), config(fresh=True, rounds=3)
    assert n_contexts(shared) == N and n_contexts(fresh) == 3 * N
    some = contexts(3 * N)
    assert all(list(contexts_of_round(shared, some, r)) == some for r in (1, 2, 3))
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


@pytest.mark.parametrize("algorithm", ["best_of_k", "best_by_advantage", "all_positive", "best_if_better"])
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
        assert all(decision.rewards[i] is not None for i in decision.kept)
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


@pytest.mark.parametrize("algorithm", ["best_of_k", "best_if_better"])
@pytest.mark.parametrize("arms", [("seal",), ("seal", "random_selection")])
def test_the_work_that_is_planned_is_the_work_that_is_done(
    algorithm: str, arms: tuple[Arm, ...], tmp_path: Path
) -> None:
    settings = config(algorithm=algorithm, seeds=2)
    adaptation = FakeAdaptation(settings)
    for arm in arms:
        list(loop(tmp_path, settings, arm, adaptation=adaptation).policies())
    n_written = sum(len(own) * SAMPLES for _, _, own in adaptation.written_by)
    planned = work_of_rounds(settings, N, control=len(arms) == 2)
    assert planned == WorkAmount(n_written, len(adaptation.trials))


# --- the update -----------------------------------------------------------------------------------------


def kept(*weights: float, text: str = "a line") -> list[Kept]:
    return [
        Kept(c, SelfEdit(c.id, "plain", text, (text,)), w)
        for c, w in zip(contexts(len(weights)), weights, strict=True)
    ]


def test_an_update_learns_the_writing_with_weights_of_mean_one(tmp_path: Path) -> None:
    policies = FakePolicies()
    one = loop(tmp_path, config(), policies=policies)
    assert one.update(1, "base", kept(0.3, 0.0, 0.1)) == "policy after seal/1"
    [plan] = policies.plans
    assert [e.weight for e in plan.examples] == pytest.approx([2.25, 0.75])  # no weight, no example
    assert [e.prompt for e in plan.examples] == ["Write about 0.", "Write about 2."]
    one.update(2, "base", kept(0.0, 0.0))
    assert [e.weight for e in policies.plans[1].examples] == [1.0, 1.0]  # where none stands out, all do
    updates = RunFolder(tmp_path, config()).policy_updates()
    assert [(u.arm, u.round, u.examples, u.loss) for u in updates] == [
        ("seal", 1, 2, 0.5),
        ("seal", 2, 2, 0.5),
    ]


@pytest.mark.parametrize("nothing", [[], kept(1.0, 1.0, text=" \n")])
def test_an_update_without_anything_written_is_an_error(nothing: list[Kept], tmp_path: Path) -> None:
    policies = FakePolicies()
    with pytest.raises(TrainingError, match="every kept self-edit is empty"):
        loop(tmp_path, config(), policies=policies).update(1, "base", nothing)
    assert policies.plans == []


# --- a run that is stopped ------------------------------------------------------------------------------


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a run but metrics.jsonl, which holds times."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "metrics.jsonl"
    }


def whole_run(folder: Path, settings: RunConfig) -> dict[str, bytes]:
    for arm in ("seal", "random_selection"):
        list(loop(folder, settings, arm).policies())
    return files(folder)


@pytest.mark.parametrize("algorithm", ["best_of_k", "best_if_better"])
def test_a_run_stopped_before_any_step_goes_on_to_the_same_files(algorithm: str, tmp_path: Path) -> None:
    """Every call of the model and of the policies' trainer is one at which the run is stopped once. With 48
    samples a context, a round is written and scored in two chunks."""
    settings = config(algorithm=algorithm, samples=48)
    assert N * 48 > CHUNK_TRIALS
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
    assert finished_at == {"model": 10 if algorithm == "best_of_k" else 12, "policies": 8}
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
