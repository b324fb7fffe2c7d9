"""The final figures of the main experiment's settings, on seeds that were not looked at before.

    python -m recipes.algorithms.final --out runs/final --seeds 20 21 22 23 24

Each seed is `seal demo` without its references that train on the passage alone: both arms of the outer loop
with their checks, then before RL, after every round, the control and true statements on held-out passages. A
run that was stopped goes on when the command is typed again. Told are paired differences, pooled and seed by
seed. Pooled ones have two intervals: other passages with these seeds, and other seeds with their passages
(both are resampled; with five seeds that is rough). Writes `final.json` and `final.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seal.engine.start import Silent, start
from seal.errors import SealError
from seal.files import write_beside
from seal.grading.statistics import paired_difference
from seal.research.compare import examine_arms, methods_of_arms
from seal.research.config import RunConfig, builtin_config
from seal.research.data import load_source
from seal.research.evaluate import Evaluation
from seal.research.outer import n_contexts
from seal.research.records import accuracies
from seal.research.run_folder import RunFolder

COMMAND = "recipes.algorithms.final"
PAIRS = (
    ("seal", "random_selection"),
    ("seal", "self_edit"),
    ("seal", "round_1"),
    ("random_selection", "self_edit"),
    ("gold", "seal"),
)
N_RESAMPLES = 10_000
Values = Mapping[str, Mapping[str, float | None]]
"""By method and context, of one seed."""


def run_seed(out: Path, config: RunConfig) -> None:
    """Run or resume one seed."""
    folder = RunFolder.open(out / f"seed-{config.seed}", config, command=COMMAND)
    training = load_source(config, config.data.train, n_contexts(config), reward=True)
    held_out = load_source(config, config.data.evaluation, config.data.n_evaluation)
    names = ["gold", *methods_of_arms(config)]
    if all(len(own) == len(held_out.contexts) for own in _values(folder, names).values()):
        return
    adaptation = start(config, training.contexts + held_out.contexts, Silent())
    evaluation = Evaluation(adaptation, folder, held_out.contexts)
    with folder.session():
        evaluation.given("gold", held_out.gold)
        examine_arms(evaluation, training.contexts, lambda name: _tell(f"seed {config.seed}: {name}"))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _values(folder: RunFolder, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    records = folder.evaluation.read()
    return {name: accuracies(records, name) for name in names}


def figures(by_seed: Mapping[int, Values]) -> dict[str, Any]:
    """Means, paired differences and the share of the gap, of those methods that every seed has."""
    names = [name for name in next(iter(by_seed.values())) if all(own.get(name) for own in by_seed.values())]
    pairs = [(a, b) for a, b in PAIRS if a in names and b in names]
    told: dict[str, Any] = {
        "seeds": list(by_seed),
        "methods": {name: {seed: _mean(own[name]) for seed, own in by_seed.items()} for name in names},
        "differences": [_pooled(by_seed, a, b) for a, b in pairs],
    }
    if {"seal", "self_edit", "gold"} <= set(names):
        told["share_of_gap"] = _share_of_gap(by_seed)
    return told


def _mean(values: Mapping[str, float | None]) -> float:
    return float(np.mean([value for value in values.values() if value is not None]))


def _pooled(by_seed: Mapping[int, Values], a: str, b: str) -> dict[str, Any]:
    every = [{(seed, key): value for seed, own in by_seed.items() for key, value in own[name].items()}
             for name in (a, b)]  # fmt: skip
    over_passages = paired_difference(every[0], every[1], seed=0, clusters=lambda key: key[1])
    rows = [_rows(own, a, b) for own in by_seed.values()]
    low, high = _interval([row[:, 0] - row[:, 1] for row in rows], lambda means: means[:, 0])
    alone = {}
    for seed, own in by_seed.items():
        one = paired_difference(own[a], own[b], seed=0)
        alone[seed] = [one.mean, one.low, one.high]
    return {
        "a": a,
        "b": b,
        "mean": over_passages.mean,
        "ci95_passages": [over_passages.low, over_passages.high],
        "ci95_seeds_and_passages": [low, high],
        "passages": over_passages.n,
        "by_seed": alone,
    }


def _rows(own: Values, *names: str) -> Any:
    """The accuracies [passages, methods] where all are graded."""
    rows = [[own[name][context] for name in names] for context in own[names[0]]]
    return np.array([row for row in rows if None not in row], dtype=float)


def _share_of_gap(by_seed: Mapping[int, Values]) -> dict[str, Any]:
    rows = [_rows(own, "seal", "self_edit", "gold") for own in by_seed.values()]
    mean = np.concatenate(rows).mean(axis=0)

    def share(means: Any) -> Any:
        return (means[:, 0] - means[:, 1]) / (means[:, 2] - means[:, 1])

    low, high = _interval(rows, share)
    return {"mean": float(share(mean[None])[0]), "ci95_seeds_and_passages": [low, high]}


def _interval(rows: Sequence[Any], measure: Any) -> tuple[float, float]:
    """95 % of `measure` of the means [resamples, columns], seeds and each one's passages resampled. `rows`
    has those of each seed, [passages] or [passages, columns]."""
    rng = np.random.default_rng(0)
    means = np.stack([
        np.mean([_resampled(rows[i], rng) for i in rng.integers(len(rows), size=len(rows))], axis=0)
        for _ in range(N_RESAMPLES)
    ])  # fmt: skip
    low, high = np.percentile(measure(means), [2.5, 97.5])
    return float(low), float(high)


def _resampled(rows: Any, rng: np.random.Generator) -> Any:
    chosen = rows[rng.integers(len(rows), size=len(rows))].mean(axis=0)
    return np.atleast_1d(chosen)


def table(told: Mapping[str, Any]) -> str:
    """The figures as Markdown, in percent and percentage points."""
    seeds = [int(seed) for seed in told["seeds"]]
    lines = [f"| accuracy | {' | '.join(f'seed {seed}' for seed in seeds)} |", "|---|" + "---:|" * len(seeds)]
    for name, own in told["methods"].items():
        lines.append(f"| `{name}` | {' | '.join(f'{100 * own[seed]:.1f}' for seed in seeds)} |")
    head = ["difference", "pooled", "over passages", "over seeds and passages", *map(str, seeds)]
    lines += ["", f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for row in told["differences"]:
        own = [row["by_seed"][seed] for seed in seeds]
        alone = [f"{_points(mean)} {_range(low, high)}" for mean, low, high in own]
        cells = [f"`{row['a']}` − `{row['b']}`", f"**{_points(row['mean'])}**", _range(*row["ci95_passages"])]
        lines.append(f"| {' | '.join([*cells, _range(*row['ci95_seeds_and_passages']), *alone])} |")
    if "share_of_gap" in told:
        share = told["share_of_gap"]
        low, high = share["ci95_seeds_and_passages"]
        lines += ["", f"Share of the gap to `gold` that is closed: {100 * share['mean']:.0f} % "
                  f"[{100 * low:.0f}, {100 * high:.0f}]"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _range(low: float, high: float) -> str:
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder of all runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23, 24])
    parser.add_argument("--passages", type=int, default=60, help="held-out passages of each seed")
    parser.add_argument("--split", choices=["eval", "dev"], default="eval", help="dev: while developing")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: as many as pay")
    parser.add_argument("--threads", type=int, default=0, help="of this process; 0: torch's own number")
    parser.add_argument("--only-table", action="store_true", help="tell what is there, and run nothing")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    by_seed: dict[int, Values] = {}
    try:
        for seed in given.seeds:
            changes = {"seed": seed, "data.n_evaluation": given.passages, "inner.workers": given.workers}
            changes["data.evaluation"] = f"microworld/{given.split}"
            config = builtin_config("seal.research", "demo.toml", changes)
            if not given.only_table:
                run_seed(given.out, config)
            folder = RunFolder.open(given.out / f"seed-{seed}", config, command=COMMAND)
            by_seed[seed] = _values(folder, ["gold", *methods_of_arms(config)])
        by_seed = {seed: own for seed, own in by_seed.items() if all(own.values())}
        if not by_seed:
            _tell("no seed is finished yet")
            return 2
        told = figures(by_seed)
        text, stored = table(told), json.dumps(told, indent=1, allow_nan=False) + "\n"
        write_beside(given.out / "final.json", lambda beside: beside.write_text(stored, encoding="utf-8"))
        write_beside(given.out / "final.md", lambda beside: beside.write_text(text, encoding="utf-8"))
    except SealError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
