"""How well rewards without labels predict the true one, sample by sample, within a context.

    python -m recipes.algorithms.rewards RUN_DIR --contexts 12

RUN_DIR is a finished or unfinished run of the outer loop whose first round is scored, on contexts that have
exams. The adapter of each sample is trained once more, by the same seed, and measured in every way: the true
exam, the exam that the base writes itself, and the passage's own sentences; and by what needs no training,
the number of lines. Told are the rank correlation with the true reward within a context (Spearman), and how
much of what choosing the best of k gains is gained by choosing so. What was measured stays in
RUN_DIR/rewards.jsonl.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from scipy import stats

from recipes.algorithms.first_round import FirstRound, command
from seal.engine.adapt import Adaptation, Trial
from seal.engine.reciting import recited
from seal.errors import InputError
from seal.grading.statistics import mean_ci
from seal.research.samples import Sample
from seal.research.unlabelled import kept_apart, own_exams
from seal.seeds import derive_seed
from seal.training import AdapterBank
from seal.types import Estimate, Question

MEASURED = "rewards.jsonl"
TRUE, PROXIES = "true", ("own_exam", "sentences", "lines")


def measure(path: Path, n: int) -> list[dict[str, Any]]:
    """The rewards of the first round's samples of `n` contexts, measured where the folder lacks them."""
    round = FirstRound.of(path, n)
    adaptation, lines = round.adaptation, round.folder.exams
    exams = own_exams(adaptation, lines, round.contexts, seed=f"{adaptation.config.seed}/exams")
    return round.measured(MEASURED, partial(_rewards, adaptation, exams))


def _rewards(
    adaptation: Adaptation, exams: Mapping[str, Sequence[Question]], samples: Sequence[Sample]
) -> list[dict[str, Any]]:
    """All rewards of one context's samples, each trained without the passage, as the demo rewards."""
    seed, context = adaptation.config.seed, samples[0].context
    trials = [
        Trial(context, one.self_edit, derive_seed(seed, "inner", context.id, one.index, 0), lines_only=True)
        for one in samples
    ]
    adapters = [adapter for adapter, _ in adaptation.train(trials)]
    own = [replace(context, questions=kept_apart(exams[context.id], one.self_edit)) for one in samples]
    with AdapterBank.of(adaptation.model, adapters) as bank:
        examine = partial(adaptation.examine, answers=False, bank=bank)
        true = examine([(context, None) for _ in samples])
        exam = examine([(one, None) for one in own])
        same = [(context, None) for _ in samples]
        words = recited(adaptation.tokenizer, same, answers=False, bank=bank, model=adaptation.model)
    return [
        {
            "context": context.id,
            "sample": one.index,
            TRUE: true[i].likelihood,
            "own_exam": exam[i].likelihood,
            "sentences": words[i].likelihood,
            "lines": len(one.self_edit.lines),
            "questions": len(own[i].questions),
        }
        for i, one in enumerate(samples)
    ]


def correlation(records: Sequence[Mapping[str, Any]], proxy: str) -> Estimate:
    """The mean over contexts of the rank correlation of a proxy with the true reward among its samples."""
    return mean_ci([_spearman(*pairs) for pairs in _by_context(records, proxy)], seed=0)


def share_of_gain(records: Sequence[Mapping[str, Any]], proxy: str) -> Estimate:
    """What the sample that the proxy likes best earns above the mean of its context's, as a share of what the
    truly best one does; over all contexts together, since single ones may have nothing to choose."""
    gained, possible = [], []
    for truth, liked in _by_context(records, proxy):
        middle = sum(truth) / len(truth)
        best = [t for t, value in zip(truth, liked, strict=True) if value == max(liked)]
        gained.append(sum(best) / len(best) - middle)
        possible.append(max(truth) - middle)
    total = sum(possible) / len(possible)
    if not total:
        raise InputError("all samples earn the same", "Score samples that differ.")
    return mean_ci([one / total for one in gained], seed=0)


def _by_context(records: Sequence[Mapping[str, Any]], proxy: str) -> list[tuple[list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    for record in records:
        if record[TRUE] is not None and record[proxy] is not None:
            truth, liked = found.setdefault(record["context"], ([], []))
            truth.append(record[TRUE])
            liked.append(record[proxy])
    return [pairs for pairs in found.values() if len(pairs[0]) > 2]


def _spearman(truth: Sequence[float], liked: Sequence[float]) -> float | None:
    if len(set(truth)) < 2 or len(set(liked)) < 2:
        return None  # ranks that are all the same go with nothing
    found: Any = stats.spearmanr(truth, liked)
    return float(found.statistic)


def table(records: Sequence[Mapping[str, Any]]) -> str:
    contexts = {record["context"] for record in records}
    asked = [record["questions"] for record in records]
    lines = [
        f"{len(contexts)} contexts, {len(records)} samples; the own exam of a sample has "
        f"{sum(asked) / len(asked):.1f} questions (none for {asked.count(0)}).",
        "",
        "| reward | rank correlation with the true one, within a context | share of the gain of best of k |",
        "|---|---:|---:|",
    ]
    for proxy in PROXIES:
        rank, share = correlation(records, proxy), share_of_gain(records, proxy)
        lines.append(
            f"| {proxy} | {rank.mean:.2f} [{rank.low:.2f}, {rank.high:.2f}] "
            f"| {100 * share.mean:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}] |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    return command(__doc__, arguments, 36, lambda run, n: table(measure(run, n)))


if __name__ == "__main__":
    sys.exit(main())
