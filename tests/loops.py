"""The outer loop without a model: an adaptation, policies and contexts that are made up of texts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seal.engine.adapt import Trial
from seal.engine.work import Work
from seal.research.config import RunConfig, parse_config
from seal.research.outer import OuterLoop, n_contexts
from seal.research.records import Arm, DecisionRecord
from seal.research.run_folder import RoundFolder, RunFolder
from seal.training import Adapter
from seal.types import Context, Example, Graded, Hyperparameters, Score, SelfEdit, TrainingPlan

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
    joins = True

    def joined(self, context: Context, first: SelfEdit, second: SelfEdit, fits: Any) -> SelfEdit | None:
        new = [line for line in second.lines if line not in first.lines]
        return self.parse(context, "\n".join([*first.lines, *new])) if new else None

    def parse(self, context: Context, text: str, *, truncated: bool = False) -> SelfEdit:
        return SelfEdit(context.id, self.name, text, tuple(text.splitlines()), truncated)


class FakeAdaptation:
    """Writes what `text_of` says, and rewards a self-edit by `reward`. The policies are strings. After
    `patience` calls it is stopped, as by Ctrl-C."""

    model = "base"
    cluster = None
    endpoint = None
    format = Format()

    def __init__(self, config: RunConfig, reward: Any = None, *, patience: int = 10**6) -> None:
        self.config, self.work, self.patience = config, Work(), patience
        self.reward = reward or (lambda trial: float(stable(trial.self_edit.text, 100)) / 100)
        self.trials: list[Trial] = []
        self.written_by: list[tuple[str, object, list[str]]] = []
        self.n_each: list[int] = []
        self.stints: list[tuple[int, list[int], float]] = []

    def writing_prompt(self, context: Context) -> str:
        return f"Write about {context.id}."

    def write(
        self, contexts: Sequence[Context], n: int, *, seed: object, model: str, stage: str
    ) -> list[list[SelfEdit]]:
        self._step()
        self.written_by.append((model, seed, [c.id for c in contexts]))
        self.n_each.append(n)
        return [[self.format.parse(c, text_of(model, seed, c.id, i)) for i in range(n)] for c in contexts]

    def train(
        self, trials: Sequence[Trial], learner: Any, *, stage: str, begun: Sequence[Any], until: float
    ) -> list[tuple[Adapter, tuple[str, ...]]]:
        """Its adapters have as many losses as percent were trained."""
        self._step()
        before = [len(one.losses) if one else 0 for one in begun]
        self.stints.append((len(trials), before, until))
        losses = (0.0,) * round(100 * until)
        return [(Adapter(str(t.seed), Hyperparameters(), {}, losses), ()) for t in trials]

    def sit(self, trials: Sequence[Trial], trained: Any, *, answers: bool, learner: Any) -> list[Score]:
        self.trials += [t for t, (a, _) in zip(trials, trained, strict=True) if len(a.losses) == 100]
        return [score_of(trial, self.reward(trial)) for trial in trials]

    def share(self, items: Sequence[Any], cost: Any, act: Any, here: Any) -> Any:
        return here(items)

    @property
    def workers(self) -> FakeAdaptation:
        return self

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
        self.learners: list[str] = []
        self.patience = patience

    def fine_tuned(self, policy: str, plan: TrainingPlan, stage: str) -> tuple[str, float]:
        self._step()
        self.plans.append(plan)
        self.learners.append(policy)
        return f"policy after {plan.id}", 0.5

    def log_probabilities(self, policy: str, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        return [logs_of(policy, example.completion) for example in examples]

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


def logs_of(policy: str, text: str) -> tuple[float, ...]:
    return (-float(len(policy)), -float(len(text)))


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


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a run but metrics.jsonl, which holds times."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "metrics.jsonl"
    }
