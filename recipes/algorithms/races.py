"""What a race among the samples of a context costs and chooses, beside training all of them to their end.

    python -m recipes.algorithms.races RUN_DIR --contexts 12

RUN_DIR is a run of the outer loop whose first round is scored. The adapter of each sample is trained once
more, left at every stop, examined there, and taken up again; and once to its end with another seed, which
says how far the inner loop's own noise goes. From these rewards any race can be told without running it: its
share of the training's tokens, how often it ends with the sample that whole trainings choose, and which part
of the gain of choosing the best it keeps, judged by the other seed. What was measured stays in
RUN_DIR/races.jsonl.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scipy import stats

from recipes.algorithms.first_round import FirstRound, command
from seal.engine.adapt import Adaptation, Trial
from seal.engine.racing import RaceRules
from seal.grading.statistics import mean_ci
from seal.research.samples import Sample
from seal.seeds import derive_seed
from seal.training import Adapter, tokenize_plan
from seal.types import Estimate

MEASURED = "races.jsonl"
STOPS = (0.125, 0.25, 0.5)
RACES = tuple(
    RaceRules(stops, keep)
    for stops, keep in [((0.25,), 0.2), ((0.5,), 0.2), ((0.25, 0.5), 0.4), ((0.125, 0.25, 0.5), 0.5),
                        ((0.125, 0.25), 0.4)]
)  # fmt: skip


def measure(path: Path, n: int) -> list[dict[str, Any]]:
    """The rewards at every stop of the first round's samples of `n` contexts, where the folder lacks them."""
    round = FirstRound.of(path, n)
    return round.measured(MEASURED, partial(_rewards, round.adaptation))


def _rewards(adaptation: Adaptation, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Of each sample its reward at each stop, at the end, and at the end by another seed; and the tokens that
    were trained up to there."""
    first, other = (_trials(adaptation, samples, seed) for seed in (0, 1))
    rewards: list[dict[str, float | None]] = [{} for _ in samples]
    begun: list[Adapter | None] = [None] * len(samples)
    for share in (*STOPS, 1.0):
        trained = adaptation.train(first, begun=begun, until=share)
        begun = [adapter for adapter, _ in trained]
        sat = adaptation.sit(first, trained, answers=False, learner=adaptation.model)
        for i, score in enumerate(sat):
            rewards[i][f"{share:g}"] = score.likelihood
    again = adaptation.learn_here(other, False, adaptation.model, "")
    tokens = [_tokens(adaptation, trial) for trial in first]
    return [
        {
            "context": one.context.id,
            "sample": one.index,
            "lines": len(one.self_edit.lines),
            "rewards": rewards[i],
            "other_seed": again[i].likelihood,
            "tokens": tokens[i],
        }
        for i, one in enumerate(samples)
    ]


def _trials(adaptation: Adaptation, samples: Sequence[Sample], seed: int) -> list[Trial]:
    run = adaptation.config.seed
    return [
        Trial(one.context, one.self_edit, derive_seed(run, "inner", one.context.id, one.index, seed),
              lines_only=True)
        for one in samples
    ]  # fmt: skip


def _tokens(adaptation: Adaptation, trial: Trial) -> dict[str, int]:
    plan, _ = adaptation.plan(trial)
    work = tokenize_plan(plan, adaptation.tokenizer, max_length=None)
    return {
        f"{share:g}": sum(
            len(work.examples[i].input_ids) for step in work.steps[: work.n_steps(share)] for i in step
        )
        for share in (*STOPS, 1.0)
    }


Sampled = Sequence[Mapping[str, Any]]
"""The measured samples of one context."""


def by_context(records: Sequence[Mapping[str, Any]]) -> list[Sampled]:
    """Those that were graded at every stop and by the other seed."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if None not in (*record["rewards"].values(), record["other_seed"]):
            found.setdefault(record["context"], []).append(record)
    return [own for own in found.values() if len(own) > 2]


def raced(own: Sampled, rules: RaceRules) -> tuple[int, float]:
    """The place of the sample that a race ends with, and the share of the tokens that it takes."""
    running, tokens, before = list(range(len(own))), 0, dict.fromkeys(range(len(own)), 0)
    for share in (*rules.stops, 1.0):
        key = f"{share:g}"
        tokens += sum(own[i]["tokens"][key] - before[i] for i in running)
        before = {i: own[i]["tokens"][key] for i in running}
        running.sort(key=lambda i: (-own[i]["rewards"][key], i))
        if share < 1.0:
            running = running[: rules.n_kept(len(running))]
    return running[0], tokens / sum(one["tokens"]["1"] for one in own)


def gain(own: Sampled, chosen: int) -> float:
    """By the other seed, which chose nothing: what a sample is worth more than the mean of its context's."""
    return own[chosen]["other_seed"] - statistics.fmean(one["other_seed"] for one in own)


def best(own: Sampled, key: str = "1") -> int:
    return max(range(len(own)), key=lambda i: (own[i]["rewards"][key], -i))


def table(records: Sequence[Mapping[str, Any]]) -> str:
    every = by_context(records)
    whole = [gain(own, best(own)) for own in every]
    noise = [one["rewards"]["1"] - one["other_seed"] for own in every for one in own]
    spread = [statistics.pstdev(one["rewards"]["1"] for one in own) for own in every]
    lines = [
        f"{len(every)} contexts, {sum(map(len, every))} samples. Inner loop's noise (standard deviation "
        f"between seeds): {statistics.pstdev(noise) / 2**0.5:.3f}; between samples of a context: "
        f"{statistics.fmean(spread):.3f}.",
        "",
        "| measured at | rank correlation with the end, within a context |",
        "|---|---:|",
    ]
    for key in (*(f"{share:g}" for share in STOPS), "other_seed", "lines"):
        lines.append(f"| {key} | {_told(mean_ci([_rank(own, key) for own in every], seed=0))} |")
    lines += ["", "| race | tokens | same sample as whole trainings | share of their gain, by another seed |",
              "|---|---:|---:|---:|"]  # fmt: skip
    for rules in RACES:
        ended = [raced(own, rules) for own in every]
        same = mean_ci(
            [float(place == best(own)) for (place, _), own in zip(ended, every, strict=True)], seed=0
        )
        total = statistics.fmean(whole)
        kept = mean_ci(
            [gain(own, place) / total for (place, _), own in zip(ended, every, strict=True)], seed=0
        )
        name = f"stops {list(rules.stops)}, keep {rules.keep}"
        tokens = statistics.fmean(share for _, share in ended)
        lines.append(f"| {name} | {100 * tokens:.0f} % | {_told(same)} | {_told(kept)} |")
    return "\n".join(lines)


def _rank(own: Sampled, key: str) -> float | None:
    end = [one["rewards"]["1"] for one in own]
    there = [one[key] if key in one else one["rewards"][key] for one in own]
    if len(set(end)) < 2 or len(set(there)) < 2:
        return None
    found: Any = stats.spearmanr(end, there)
    return float(found.statistic)


def _told(estimate: Estimate) -> str:
    return f"{estimate.mean:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    return command(__doc__, arguments, 12, lambda run, n: table(measure(run, n)))


if __name__ == "__main__":
    sys.exit(main())
