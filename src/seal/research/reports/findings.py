"""What a run's records say: verdicts with their intervals, rewards, what the self-edits became.

Pure functions from the records of a run folder to numbers and sentences. Knows nothing about pages or
pictures, and nothing about how the records came to be. Whatever a run does not have (a control, gold
statements, a second round, graded answers) is left out and never guessed.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seal.domains.knowledge import KnowledgeConfig
from seal.errors import InputError
from seal.grading.exact import comparable
from seal.grading.statistics import cluster_means, mean, mean_ci, paired_difference
from seal.research.config import RunConfig
from seal.research.methods import Examined, find_method, voting_suffix
from seal.research.records import DecisionRecord, DifferenceRow, EvaluationRecord, Results, accuracies
from seal.types import Estimate, SelfEdit

Side = Literal["above", "below", "open", "unknown"]
MEASURES = (
    ("lines", "lines", "number"),
    ("characters", "characters", "number"),
    ("repeated", "share of lines that repeat an earlier one", "share"),
    ("facts", "share of gold answers whose text appears in the lines", "share"),
    ("telling", "share of lines that contain a gold answer", "share"),
    ("empty", "share of self-edits without a usable line", "share"),
)
"""What is measured of every self-edit: key, wording, kind. A line that contains a gold answer may still state
it of the wrong thing, and one without may be true: whether a line is true is not measured."""


def long_label(name: str, on: Examined, config: RunConfig) -> str:
    """A method in words that a reader of the picture alone understands."""
    method = find_method(name)
    label = method.label(on) if method else None
    if method is None or label is None:
        return name
    beside = "passage + " if config.table(KnowledgeConfig).include_passage else ""
    words = label.long.format(
        rounds=counted_rounds(method.round or config.outer.rounds),
        steps="same steps" if config.inner.max_steps else "same settings",
        edit=f"{beside}self-edit",
        statements=f"{beside}true statements",
    )
    return words + voting_suffix(name)


def counted_rounds(n: int) -> str:
    return f"{n} round{'' if n == 1 else 's'}"


def percent(value: float | None) -> str:
    """0.4071 → "40.7 %"; "n/a" for None and nan."""
    return "n/a" if value is None or math.isnan(value) else f"{number(100 * value)}\u00a0%"


def points(value: float | None) -> str:
    """A difference of two shares, in percentage points with its sign."""
    if value is None or math.isnan(value):
        return "n/a"
    text = _signless_zero(100 * value, 1)
    return text.replace("-", "\u2212") if text.startswith("-") else (f"+{text}" if float(text) else text)


def number(value: float | None, digits: int = 1) -> str:
    if value is None or math.isnan(value):
        return "n/a"
    return _signless_zero(value, digits).replace("-", "\u2212")


def _signless_zero(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not float(text) else text


def verdict(ci95: Sequence[float] | None) -> Side:
    """Where an interval lies: wholly above 0, wholly below it, around it, or nowhere (no interval)."""
    if ci95 is None or any(math.isnan(bound) for bound in ci95):
        return "unknown"
    low, high = ci95
    return "above" if low > 0 else "below" if high < 0 else "open"


@dataclass(frozen=True)
class ExamWords:
    """How sentences speak of an exam: what one exam is about (`unit`), and what the model did in it (`did`,
    with the share for {})."""

    on: Examined
    unit: str
    did: str

    def count(self, n: int) -> str:
        return f"{n} held-out {self.unit}{'' if n == 1 else 's'}"


PASSAGES = ExamWords("passages", "passage", "answered {} of the questions")


def headline(results: Results, config: RunConfig) -> list[str]:
    """What the run shows, in sentences that hold whichever way the figures fall. The first is the finding."""
    differences = {(d["a"], d["b"]): d for d in results["differences"]}
    sentences = effect_of_rl(results, config, PASSAGES)
    if difference := differences.get(("self_edit", "passage")):
        same = "at the same number of steps " if config.inner.max_steps else ""
        wordings = {
            "above": "Training on the model's own self-edits taught more than training on the passage alone",
            "below": "Training on the model's own self-edits taught less than training on the passage alone",
            "open": "It was not shown that self-edits teach more or less than the passage alone",
            "unknown": "Whether self-edits teach more than the passage alone cannot be told",
        }
        measured = f"before RL, {same}the difference is {with_interval(difference, PASSAGES)}"
        sentences.append(f"{wordings[verdict(difference['ci95'])]}: {measured}.")
    return sentences or [nothing_compared(results, config, PASSAGES)]


def nothing_compared(results: Results, config: RunConfig, exam: ExamWords) -> str:
    """What there is to say of a run without any pair of methods to compare."""
    if not results["methods"]:
        return f"This run held no exam on other {exam.unit}s, so it shows nothing about accuracy."
    graded = [(r["accuracy"], r["name"]) for r in results["methods"] if r["accuracy"] is not None]
    accuracy, name = max(graded, key=lambda one: one[0], default=(None, ""))
    if accuracy is None:
        return "No answer could be graded, so this run shows nothing."
    return (
        "This run has no pair of methods to compare. The highest accuracy is "
        f"{percent(accuracy)}, by: {long_label(name, exam.on, config)}."
    )


def effect_of_rl(results: Results, config: RunConfig, exam: ExamWords) -> list[str]:
    """After RL against before, and against the control; nothing where that was not measured."""
    rows = {row["name"]: row for row in results["methods"]}
    differences = {(d["a"], d["b"]): d for d in results["differences"]}
    difference = differences.get(("seal", "self_edit"))
    if difference is None:
        return []
    after, before = percent(rows["seal"]["accuracy"]), percent(rows["self_edit"]["accuracy"])
    wordings = {
        "above": "Reinforcement learning made the self-edits better",
        "below": "Reinforcement learning made the self-edits worse",
        "open": "This run did not show that reinforcement learning makes the self-edits better",
        "unknown": "This run cannot show whether reinforcement learning makes the self-edits better",
    }
    return [
        f"{wordings[verdict(difference['ci95'])]}: on {exam.count(rows['seal']['n_contexts'])} the model "
        f"{exam.did.format(after)} after {counted_rounds(config.outer.rounds)} of it and {before} before, a "
        f"difference of {with_interval(difference, exam)}.",
        _about_control(differences.get(("seal", "random_selection")), exam),
    ]


def _about_control(difference: DifferenceRow | None, exam: ExamWords) -> str:
    if difference is None:
        return (
            "There is no control in this run, so the effect of the reward cannot be told from that of "
            "fine-tuning on one's own samples."
        )
    wordings = {
        "above": "The reward made a difference",
        "below": "Selecting by the reward did worse than chance",
        "open": "It was not shown that the reward makes a difference",
        "unknown": "Whether the reward makes a difference cannot be told",
    }
    return (
        f"{wordings[verdict(difference['ci95'])]}: against the control, fine-tuned on as many samples chosen "
        f"by chance, the difference is {with_interval(difference, exam)}."
    )


def with_interval(difference: DifferenceRow, exam: ExamWords) -> str:
    """A difference in words."""
    ci95, text = difference["ci95"], f"{points(difference['mean'])} percentage points"
    state = verdict(ci95)
    if ci95 is None or state == "unknown":
        return f"{text}, without an interval because one {exam.unit} alone bears none"
    low, high = ci95
    around = ", which includes 0" if state == "open" else ""
    return f"{text} (95\u00a0% interval {points(low)} to {points(high)}{around})"


def gap_share(
    method: Mapping[Any, float | None],
    lower: Mapping[Any, float | None],
    upper: Mapping[Any, float | None],
    *,
    seed: int,
    clusters: Callable[[Any], Hashable] | None = None,
    n_resamples: int = 10_000,
) -> Estimate | None:
    """Which share of the way from `lower` to `upper` the method went: a ratio of means, bootstrapped over
    contexts. Keys as for `paired_difference`. None where no context has all three, or where the gap itself
    is not above 0 in every resample, since a ratio then means nothing."""
    whole = [
        k for k in method.keys() & lower.keys() & upper.keys() if None not in (method[k], lower[k], upper[k])
    ]
    columns = [cluster_means({k: m[k] for k in whole}, clusters) for m in (method, lower, upper)]
    if len(columns[0]) < 2:
        return None
    keys = sorted(columns[0], key=str)
    data_C3 = np.asarray([[column[key] for column in columns] for key in keys])
    n = len(keys)
    rng = np.random.default_rng(seed)
    draws = [
        rng.multinomial(n, np.full(n, 1 / n), size=min(500, n_resamples)) @ data_C3
        for _ in range(max(1, n_resamples // 500))
    ]
    sums = np.concatenate([data_C3.sum(axis=0, keepdims=True), *draws])
    gain, gap = sums[:, 0] - sums[:, 1], sums[:, 2] - sums[:, 1]
    if gap.min() <= 1e-9:
        return None
    low, high = np.quantile(gain[1:] / gap[1:], [0.025, 0.975])
    return Estimate(float(gain[0] / gap[0]), float(low), float(high), n)


@dataclass(frozen=True)
class RoundRewards:
    """The rewards of one round's samples. `control` is the mean reward of what the control chose, known only
    where both arms chose from the same samples, as in round 1."""

    round: int
    values: tuple[float, ...]
    kept: tuple[float, ...]
    n_kept: int
    n_ungraded: int
    mean: float | None
    mean_kept: float | None
    control: float | None
    within_sd: float | None
    between_sd: float | None


def round_rewards(
    round: int,
    decisions: Sequence[DecisionRecord],
    control: Sequence[DecisionRecord] | None,
    *,
    n_joined: int = 0,
) -> RoundRewards:
    """Summary of decisions.json. In the first round both arms have the same samples, but for the last
    `n_joined` of each passage. `within_sd` is the typical spread of the samples of one passage (root of the
    mean variance), `between_sd` the standard deviation of the passages' mean rewards."""
    graded = [[r for r in d.rewards if r is not None] for d in decisions]
    values = [r for own in graded for r in own]
    kept = [r for d in decisions for i in d.favoured if (r := d.rewards[i]) is not None]
    shared = {
        (d.context, i): reward
        for d in decisions
        for i, reward in enumerate(d.rewards[: len(d.rewards) - n_joined])
        if round == 1
    }
    chosen = [shared.get((d.context, i), d.rewards[i]) for d in control or () for i in d.favoured]
    variances = [statistics.variance(own) for own in graded if len(own) > 1]
    means = [statistics.fmean(own) for own in graded if own]
    return RoundRewards(
        round,
        tuple(values),
        tuple(kept),
        sum(len(d.favoured) for d in decisions),
        sum(len(d.rewards) - len(d.left) for d in decisions) - len(values),
        mean(values),
        mean(kept),
        mean(chosen),
        math.sqrt(statistics.fmean(variances)) if variances else None,
        statistics.stdev(means) if len(means) > 1 else None,
    )


def measure(edit: SelfEdit, golds: Sequence[str]) -> dict[str, float | None]:
    """The `MEASURES` of one self-edit; None where there is nothing to measure (no line, no gold answer)."""
    lines = [f" {comparable(line)} " for line in edit.lines]
    facts = [f" {comparable(gold)} " for gold in golds if gold.strip()]
    telling = [any(fact in line for fact in facts) for line in lines]
    return {
        "lines": float(len(lines)),
        "characters": float(sum(map(len, edit.lines))),
        "repeated": 1 - len(set(lines)) / len(lines) if lines else None,
        "facts": sum(any(f in line for line in lines) for f in facts) / len(facts) if facts else None,
        "telling": sum(telling) / len(lines) if lines and facts else None,
        "empty": float(not lines),
    }


@dataclass(frozen=True)
class MeasureRow:
    """One of MEASURES: its mean for each method, and how much RL changed it; None where that is not known."""

    key: str
    wording: str
    kind: str
    means: Mapping[str, Estimate | None]
    change: Estimate | None


def self_edit_table(
    edits: Mapping[str, Mapping[str, SelfEdit]], golds: Mapping[str, Sequence[str]], *, seed: int
) -> list[MeasureRow]:
    """One row a measure: its mean for each method in `edits` (method → context → self-edit), and how much RL
    changed it, paired by passage. Measures that nothing is known about are left out."""
    measured = {
        method: {c: measure(edit, golds.get(c, ())) for c, edit in own.items()}
        for method, own in edits.items()
    }
    rows = []
    for key, wording, kind in MEASURES:
        values = {m: {c: one[key] for c, one in own.items()} for m, own in measured.items()}
        means = {m: _estimate(list(own.values()), seed) for m, own in values.items()}
        if not any(means.values()):
            continue
        change = None
        if "seal" in values and "self_edit" in values:
            with contextlib.suppress(InputError):  # no passage has the measure in both
                change = paired_difference(values["seal"], values["self_edit"], seed=seed)
        rows.append(MeasureRow(key, wording, kind, means, change))
    return rows


def _estimate(values: list[float | None], seed: int) -> Estimate | None:
    return mean_ci(values, seed=seed) if any(v is not None for v in values) else None


def gains(evaluation: Sequence[EvaluationRecord], a: str, b: str) -> list[tuple[str, float]]:
    """(context, accuracy with a − with b), lowest first, ties by context, for what was graded in both."""
    with_a, with_b = accuracies(evaluation, a), accuracies(evaluation, b)
    differences = []
    for context, of_a in with_a.items():
        of_b = with_b.get(context)
        if of_a is not None and of_b is not None:
            differences.append((context, of_a - of_b))
    return sorted(differences, key=lambda pair: (pair[1], pair[0]))


def median_context(pairs: Sequence[tuple[str, float]]) -> str:
    """The context in the middle of `gains`, the lower one of two: chosen by rule and not by eye."""
    return pairs[(len(pairs) - 1) // 2][0]
