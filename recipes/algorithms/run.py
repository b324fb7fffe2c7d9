"""Compares the algorithms of the outer loop at equal inner trainings, each with its control by chance.

    python -m recipes.algorithms.run --out runs/algorithms --seeds 100 101 --rounds 2

For each seed the base's samples of the first round are written and scored once, and every algorithm begins
with these. Then each goes its own way, in both arms; after every round the writer is examined on development
passages. Checks of policies are off, so that the curves show what each round did. A run that was stopped goes
on when the command is typed again. Writes `results.json`, `table.md` and `curves.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seal.engine.start import Silent, start
from seal.errors import SealError, TrainingError
from seal.files import write_beside
from seal.grading.statistics import cluster_means, mean_ci, paired_difference
from seal.research.config import RunConfig, builtin_config
from seal.research.data import load_source
from seal.research.evaluate import Evaluation
from seal.research.outer import OuterLoop, n_contexts
from seal.research.records import Arm, EvaluationRecord
from seal.research.run_folder import RunFolder
from seal.types import Estimate

COMMAND = "recipes.algorithms.run"
SETTINGS = Path(__file__).with_name("algorithms.toml")
BEFORE, SHARED = "self_edit", "shared"
ARMS: tuple[Arm, ...] = ("seal", "random_selection")
Key = tuple[int, str]
"""A seed and a context."""


@dataclass(frozen=True)
class Comparison:
    """What is compared, and at which size."""

    out: Path
    seeds: tuple[int, ...]
    rounds: int
    algorithms: Mapping[str, Mapping[str, Any]]
    passages: int
    changes: Mapping[str, Any]

    def config(self, name: str, seed: int) -> RunConfig:
        """The demo's, at this size, with what `algorithms.toml` says about an algorithm."""
        own = _flat(self.algorithms.get(name, {}))
        size = {
            "seed": seed,
            "data.evaluation": "microworld/dev",
            "data.n_evaluation": self.passages,
            "outer.rounds": self.rounds,
            "outer.joined": 0,
            "outer.check_contexts": 0,
        }
        return builtin_config("seal.research", "demo.toml", size | dict(self.changes) | own)

    def folder(self, name: str, seed: int) -> RunFolder:
        return RunFolder.open(self.out / f"seed-{seed}" / name, self.config(name, seed), command=COMMAND)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a table and those in it, by their names with dots."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def compare(comparison: Comparison, tell: Callable[[str], None]) -> None:
    """Run or resume all of it."""
    for seed in comparison.seeds:
        config = comparison.config(SHARED, seed)
        training = load_source(config, config.data.train, n_contexts(config), reward=True).contexts
        held_out = load_source(config, config.data.evaluation, config.data.n_evaluation).contexts
        adaptation = start(config, training + held_out, Silent())
        shared = comparison.folder(SHARED, seed)
        loop = OuterLoop(adaptation, shared, training, "seal")
        samples = loop.sample(1, adaptation.model)
        loop.rewards(1, adaptation.model, [one for own in samples for one in own])
        Evaluation(adaptation, shared, held_out).written(BEFORE, adaptation.model)
        tell(f"seed {seed}: the base's samples are scored")
        for name in comparison.algorithms:
            folder = comparison.folder(name, seed)
            _begin_alike(shared, folder)
            evaluation = Evaluation(adaptation, folder, held_out)
            try:
                for arm in ARMS:
                    for round, policy in OuterLoop(adaptation, folder, training, arm).policies():
                        evaluation.written(f"{arm}_{round}", policy)
                        tell(f"seed {seed}: {name}, {arm}, round {round}")
            except TrainingError as error:
                tell(f"seed {seed}: {name} stopped: {error}")


def _begin_alike(shared: RunFolder, folder: RunFolder) -> None:
    """The first round's samples, of which an algorithm has those that it writes, and their rewards, unless it
    measures them in its own way."""
    outer, source, target = folder.config.outer, shared.round("seal", 1), folder.round("seal", 1)
    written = folder.config.self_edit.samples - outer.joined
    alike = outer.reward == shared.config.outer.reward and not outer.racing.stops
    pairs = [(source.self_edits, target.self_edits), *([(source.scores, target.scores)] if alike else [])]
    for one, other in pairs:
        if not other.path.exists():
            stored = shared.records(one.name)
            folder.rewrite(other.name, [record for record in stored if record["sample"] < written])


def figures(comparison: Comparison) -> dict[str, Any]:
    """Accuracies and paired differences over all seeds, as far as the folders have them."""
    before: dict[Key, float | None] = {}
    records: dict[str, dict[str, dict[Key, float | None]]] = {name: {} for name in comparison.algorithms}
    for seed in comparison.seeds:
        before |= _by_method(comparison.folder(SHARED, seed).evaluation.read(), seed).get(BEFORE, {})
        for name in comparison.algorithms:
            read = comparison.folder(name, seed).evaluation.read()
            for method, own in _by_method(read, seed).items():
                records[name].setdefault(method, {}).update(own)
    config = comparison.config(SHARED, comparison.seeds[0])
    told: dict[str, Any] = {
        "seeds": list(comparison.seeds),
        "trainings_a_round": config.data.n_train * config.self_edit.samples * config.inner.seeds,
        "before": _told(_mean(before)),
        "rounds": [],
    }
    for name, methods in records.items():
        for round in range(1, comparison.rounds + 1):
            own, control = (methods.get(f"{arm}_{round}", {}) for arm in ARMS)
            earlier = methods.get(f"seal_{round - 1}", {}) if round > 1 else before
            if not own:
                continue
            row = {"algorithm": name, "round": round, "seal": _told(_mean(own))}
            row["seeds"] = sorted({seed for seed, _ in own})
            row["seal_less_before"] = _told(_difference(own, before))
            row["seal_less_round_before"] = _told(_difference(own, earlier))
            if control:
                row["control"] = _told(_mean(control))
                row["seal_less_control"] = _told(_difference(own, control))
            told["rounds"].append(row)
    return told


def _by_method(records: Sequence[EvaluationRecord], seed: int) -> dict[str, dict[Key, float | None]]:
    found: dict[str, dict[Key, float | None]] = {}
    for record in records:
        found.setdefault(record.method, {})[seed, record.context] = record.accuracy
    return found


def _mean(values: Mapping[Key, float | None]) -> Estimate:
    return mean_ci(cluster_means(values, _context).values(), seed=0)


def _difference(a: Mapping[Key, float | None], b: Mapping[Key, float | None]) -> Estimate:
    return paired_difference(a, b, seed=0, clusters=_context)


def _context(key: Key) -> str:
    return key[1]


def _told(estimate: Estimate) -> dict[str, float]:
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high, "passages": estimate.n}


def table(told: Mapping[str, Any]) -> str:
    """The figures as Markdown, in percent and percentage points."""
    lines = [
        f"Seeds {', '.join(map(str, told['seeds']))}; {told['before']['passages']} passages; before RL "
        f"{_range(told['before'])}; {told['trainings_a_round']} inner trainings a round.",
        "",
        "| algorithm | round | seeds | accuracy | by chance | − by chance | − before RL | − round before |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for row in told["rounds"]:
        cells = [row["algorithm"], str(row["round"]), ", ".join(map(str, row["seeds"])), _range(row["seal"])]
        for key in ("control", "seal_less_control", "seal_less_before", "seal_less_round_before"):
            cells.append(_range(row[key], signed=key.startswith("seal_less")) if key in row else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _range(told: Mapping[str, float], *, signed: bool = False) -> str:
    mean, low, high = (100 * told[key] for key in ("mean", "low", "high"))
    return f"{mean:{'+' if signed else ''}.1f} [{low:.1f}, {high:.1f}]"


def picture(told: Mapping[str, Any], path: Path) -> None:
    """Learning curves: accuracy against the number of inner trainings, controls dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for i, name in enumerate(dict.fromkeys(row["algorithm"] for row in told["rounds"])):
        rows = [row for row in told["rounds"] if row["algorithm"] == name]
        for key, style in (("seal", "-"), ("control", "--")):
            own = [row for row in rows if key in row]
            at = [0, *(row["round"] * told["trainings_a_round"] for row in own)]
            heights = [100 * told["before"]["mean"], *(100 * row[key]["mean"] for row in own)]
            label = name if key == "seal" else None
            axes.plot(at, heights, style, marker="o", color=f"C{i}", label=label, alpha=1 if label else 0.5)
    axes.set_xlabel("inner trainings")
    axes.set_ylabel("right answers about new passages, %")
    axes.set_title("Learning curves; dashed: the same lessons about samples drawn by chance", fontsize=10)
    axes.legend(frameon=False)
    figure.savefig(path, format="png", dpi=150)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    parser.add_argument("--out", type=Path, required=True, help="the folder of all runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--algorithms", nargs="+", choices=sorted(known), default=list(known))
    parser.add_argument("--passages", type=int, default=60, help="development passages of each seed")
    parser.add_argument("--contexts", type=int, default=36, help="training passages a round")
    parser.add_argument("--samples", type=int, default=10, help="self-edits of each")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: as many as pay")
    parser.add_argument("--threads", type=int, default=0, help="of this process; 0: torch's own number")
    parser.add_argument("--only-table", action="store_true", help="tell what is there, and run nothing")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    changes = {
        "data.n_train": given.contexts,
        "self_edit.samples": given.samples,
        "inner.workers": given.workers,
    }
    algorithms = {name: known[name] for name in given.algorithms}
    comparison = Comparison(given.out, tuple(given.seeds), given.rounds, algorithms, given.passages, changes)
    try:
        if not given.only_table:
            compare(comparison, lambda told: print(told, file=sys.stderr, flush=True))
        told = figures(comparison)
        text, stored = table(told), json.dumps(told, indent=1) + "\n"
        write_beside(given.out / "results.json", lambda beside: beside.write_text(stored, encoding="utf-8"))
        write_beside(given.out / "table.md", lambda beside: beside.write_text(text, encoding="utf-8"))
        write_beside(given.out / "curves.png", lambda beside: picture(told, beside))
    except SealError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
