"""Pools runs of several seeds of `seal demo` or `seal demo arc`: methods and paired differences.

    python recipes/pool.py RUN_DIR... [--picture PATH] [--json PATH]

Writes Markdown to stdout. A passage, or a task, is the independent unit: where several seeds have the same,
its figures are averaged before they are resampled. So the intervals say what others would give; three seeds
are too few for an interval over seeds, and each seed's figures are listed instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal.engine.parts import build_domain
from seal.errors import InputError, SealError
from seal.files import write_beside
from seal.grading.statistics import cluster_means, mean_ci, paired_difference
from seal.research import demo
from seal.research.config import RunConfig, load_config
from seal.research.few_shot import experiment as few_shot
from seal.research.methods import VOTING, Examined, short_label
from seal.research.reports import plots
from seal.research.reports.findings import gap_share, long_label, number, percent, points
from seal.research.run_folder import RunFolder

Key = tuple[int, str]
BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Wording:
    """What differs between the experiments: their pairs, and how methods and units are called."""

    on: Examined
    pairs: Sequence[tuple[str, str]]
    unit: str
    asked: str
    title: str

    @classmethod
    def of(cls, config: RunConfig) -> Wording:
        if build_domain(config).few_shot:
            title = "How many new few-shot tasks the model solves"
            return cls("tasks", few_shot.PAIRS, "task", "test grid", title)
        title = "How well the model answers questions about a new passage"
        return cls("passages", demo.PAIRS, "passage", "question", title)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Pool the demo's runs of several seeds.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR", help="--out of a finished seal demo")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="also draw accuracy by method (PNG)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the figures as JSON")
    options = parser.parse_args(arguments)
    try:
        config, pooled = pool(options.runs)
        if options.json:
            text = json.dumps(pooled, indent=2, allow_nan=False) + "\n"
            write_beside(options.json, lambda beside: beside.write_text(text, encoding="utf-8"))
        if options.picture:
            figure = picture(config, pooled)
            write_beside(options.picture, lambda beside: plots.as_png(figure, beside))
    except SealError as error:
        print(f"pool.py: {error}", file=sys.stderr)
        return 2
    print(markdown(config, pooled), end="")
    return 0


def pool(folders: Sequence[Path]) -> tuple[RunConfig, dict[str, Any]]:
    """The figures of all runs together. Raises InputError if they differ in more than their seeds."""
    accuracies: dict[str, dict[Key, float | None]] = {}
    outcomes: dict[str, list[str]] = {}
    configs: dict[int, RunConfig] = {}
    by_seed: dict[int, dict[str, float | None]] = {}
    hashes: set[str] = set()
    for folder in folders:
        config = load_config(folder / "config.toml")
        run = RunFolder(folder, config)
        results = run.results()
        if results is None:
            raise InputError(f"{folder}: the run is not finished", "Run it again with the same --out.")
        if config.seed in configs:
            raise InputError(f"{folder}: a second run with seed {config.seed}", "Give each seed once.")
        configs[config.seed] = config
        hashes.add(results["model"]["sha256"])
        by_seed[config.seed] = {row["name"]: row["accuracy"] for row in results["methods"]}
        for exam in run.evaluation.read():
            accuracies.setdefault(exam.method, {})[config.seed, exam.context] = exam.accuracy
            outcomes.setdefault(exam.method, []).extend(answer.outcome for answer in exam.answers)
    settings = {config.model_copy(update={"seed": 0}).model_dump_json() for config in configs.values()}
    if len(settings) > 1 or len(hashes) > 1:
        raise InputError(
            "these runs differ in more than their seeds",
            "Compare their config.toml and results.json (model).",
        )
    first = configs[min(configs)]
    pairs = Wording.of(first).pairs
    order = list(next(iter(by_seed.values())))
    names = [*order, *sorted(accuracies.keys() - set(order))]
    pooled = {
        "seeds": sorted(configs),
        "methods": [_method(name, accuracies[name], outcomes[name]) for name in names],
        "differences": [difference for a, b in pairs if (difference := _difference(accuracies, a, b))],
        "shares_of_gap": [
            difference for name in ("random_selection", "seal") if (difference := _share(accuracies, name))
        ],
        "by_seed": {str(seed): by_seed[seed] for seed in sorted(by_seed)},
    }
    return first, pooled


def _context(key: Key) -> str:
    return key[1]


def _method(name: str, values: Mapping[Key, float | None], outcomes: Sequence[str]) -> dict[str, Any]:
    means = cluster_means(values, _context)
    row: dict[str, Any] = {"name": name, "accuracy": None, "ci95": None}
    if means:
        estimate = mean_ci(means.values(), seed=BOOTSTRAP_SEED)
        row |= {"accuracy": estimate.mean, "ci95": _bounds(estimate.low, estimate.high)}
    graded = len(outcomes) - outcomes.count("ungraded")
    coverage = graded / len(outcomes) if outcomes else 0.0
    contexts = {context for _, context in values}
    return row | {"n_contexts": len(contexts), "n_questions": len(outcomes), "coverage": coverage}


def _difference(
    accuracies: Mapping[str, Mapping[Key, float | None]], a: str, b: str
) -> dict[str, Any] | None:
    if a not in accuracies or b not in accuracies:
        return None
    try:
        difference = paired_difference(accuracies[a], accuracies[b], seed=BOOTSTRAP_SEED, clusters=_context)
    except InputError:  # nothing was graded in both
        return None
    return {
        "a": a,
        "b": b,
        "mean": difference.mean,
        "ci95": _bounds(difference.low, difference.high),
        "n": difference.n,
    }


def _share(accuracies: Mapping[str, Mapping[Key, float | None]], name: str) -> dict[str, Any] | None:
    if not {name, "self_edit", "gold"} <= accuracies.keys():
        return None
    lower, upper = accuracies["self_edit"], accuracies["gold"]
    share = gap_share(accuracies[name], lower, upper, seed=BOOTSTRAP_SEED, clusters=_context)
    return share and {"name": name, "mean": share.mean, "ci95": [share.low, share.high], "n": share.n}


def _bounds(low: float, high: float) -> list[float] | None:
    return None if low != low else [low, high]


def markdown(config: RunConfig, pooled: Mapping[str, Any]) -> str:
    """The tables, as a README shows them."""
    seeds, words = pooled["seeds"], Wording.of(config)
    lines = [
        f"Seeds {', '.join(map(str, seeds))}; accuracy with its 95 % interval over {words.unit}s.",
        "",
        f"| method | accuracy | 95 % interval | {words.unit}s | {words.asked}s | graded | {_seeds(seeds)} |",
        "|---" + "|---:" * (5 + len(seeds)) + "|",
    ]
    for row in pooled["methods"]:
        own = " | ".join(_plain(percent(pooled["by_seed"][str(s)].get(row["name"]))) for s in seeds)
        interval = " to ".join(percent(v) for v in row["ci95"]) if row["ci95"] else "n/a"
        cells = [
            percent(row["accuracy"]),
            interval,
            row["n_contexts"],
            row["n_questions"],
            percent(row["coverage"]),
        ]
        lines.append(
            f"| {long_label(row['name'], words.on, config)} | {' | '.join(map(_plain, cells))} | {own} |"
        )
    lines += [
        "",
        f"| difference, paired by {words.unit} | percentage points | 95 % interval |",
        "|---|---:|---:|",
    ]
    for row in pooled["differences"]:
        interval = " to ".join(points(v) for v in row["ci95"]) if row["ci95"] else "n/a"
        name = " − ".join(short_label(row[one], words.on) for one in ("a", "b"))
        lines.append(f"| {name} | {points(row['mean'])} | {interval} |")
    lines.append("")
    for row in pooled["shares_of_gap"]:
        low, high = (number(100 * v, 0) for v in row["ci95"])
        who = "RL" if row["name"] == "seal" else "The control"
        share = f"{number(100 * row['mean'], 0)} % [{low}, {high}]"
        lines.append(f"{who} closed {share} of the gap between self-edits before RL and true statements.")
    return "\n".join(lines) + "\n"


def _seeds(seeds: Sequence[int]) -> str:
    return " | ".join(f"seed {seed}" for seed in seeds)


def _plain(cell: Any) -> str:
    return str(cell).replace("\u00a0", " ")


def picture(config: RunConfig, pooled: Mapping[str, Any]) -> Any:
    """Accuracy by method over all seeds, in the style of a run's own results.png."""
    words = Wording.of(config)
    rows = [row for row in pooled["methods"] if not row["name"].endswith(VOTING)]
    voting = {r["name"].removesuffix(VOTING): r for r in pooled["methods"] if r["name"].endswith(VOTING)}
    n_contexts, n_questions = max(r["n_contexts"] for r in rows), max(r["n_questions"] for r in rows)
    seeds = ", ".join(map(str, pooled["seeds"]))
    subtitle = (
        f"{n_contexts} held-out {words.unit}s, {n_questions} {words.asked}s, seeds {seeds} pooled; "
        f"bars: 95\u00a0% intervals over {words.unit}s" + ("; hollow: vote of copies" if voting else "")
    )
    labels = {row["name"]: long_label(row["name"], words.on, config) for row in rows}
    axis = {"axis": "test grids solved"} if voting else {}
    return plots.accuracy_figure(
        rows, labels, beside=voting or None, title=words.title, subtitle=subtitle, **axis
    )


if __name__ == "__main__":
    sys.exit(main())
