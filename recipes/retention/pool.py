"""Pools runs of `seal bench retention` of several seeds.

    python recipes/retention/pool.py RUN_DIR... [--json PATH]

Writes Markdown to stdout. A document is the independent unit; the intervals say what other documents would
give.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy import stats

from seal.bench.retention.tables import accuracy, pooled, told
from seal.errors import InputError, SealError
from seal.files import write_beside
from seal.grading.statistics import mean_ci

_RECENT = 10


def learner_rows(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What the learner did, as name and figure."""
    own = [run["learner"] for run in runs]
    outcomes = {key: sum(one[key] for one in own) for key in ("live", "held", "rejected")}
    after = [e for one in own for e in one["after"]]
    end = [e for run in runs for e in run["strategies"]["cells"]["end"]]
    alone = [e for one in own for e in one["alone"]]
    first = [s for one in own for s in one["seconds"][:_RECENT]]
    last = [s for one in own for s in one["seconds"][-_RECENT:]]
    after_mean, end_mean, alone_mean = (_mean([_share(e) for e in exams]) for exams in (after, end, alone))
    pairs = [
        (right / count, _share(e))
        for one in own
        for (_, right, count), e in zip(one["own_exam"], one["after"], strict=True)
        if count
    ]
    bias = mean_ci([a - b for a, b in pairs], seed=0)
    correlation: Any = stats.spearmanr([a for a, _ in pairs], [b for _, b in pairs])
    why = [one["why"] for one in own]
    answers = sum(w["answers"] for w in why)
    return [
        (
            "documents: live, held, rejected",
            f"{outcomes['live']}, {outcomes['held']}, {outcomes['rejected']} of {len(after)}",
        ),
        ("true exam just after learning, all documents", told(accuracy(after))),
        ("at the end", told(accuracy(end))),
        ("at the end, as a share of just after", f"{100 * end_mean / after_mean:.1f} %"),
        ("each document's own cell, whatever the router says, at the end", told(accuracy(alone))),
        ("just after, as a share of that", f"{100 * after_mean / alone_mean:.1f} %"),
        (
            f"seconds a document, gates included: first {_RECENT}, last {_RECENT}",
            f"{_mean(first):.2f}, {_mean(last):.2f}",
        ),
        ("self-written exam less the true one, points", told(bias)),
        (
            "rank correlation of the two over documents (Spearman)",
            f"{correlation.statistic:.2f}, {len(pairs)} documents",
        ),
        (
            "`why` names the document that says it, of right answers",
            f"{_pooled(why, 'document'):.1f} % of {answers}",
        ),
        ("the sentence that it shows holds the answer", f"{_pooled(why, 'sentence'):.1f} %"),
        (
            "the answer falls to half its probability or less without the document",
            f"{_pooled(why, 'evidence'):.1f} %",
        ),
        (
            "`why` names no document for what the base knows",
            f"{100 * _mean([w['known_world_base'] for w in why]):.1f} %",
        ),
    ]


def matrix(run: Mapping[str, Any], name: str) -> list[str]:
    """Accuracy on each of the first documents (columns) after each of them (rows), as published."""
    rows = run["strategies"][name]["matrix"]
    lines = [
        "| after | " + " | ".join(map(str, range(1, len(rows) + 1))) + " |",
        "|---|" + "---:|" * len(rows),
    ]
    for n, row in enumerate(rows, start=1):
        cells = [f"{100 * value:.0f}" for value in row] + [""] * (len(rows) - len(row))
        lines.append(f"| {n} | " + " | ".join(cells) + " |")
    return lines


def _pooled(why: Sequence[Mapping[str, Any]], key: str) -> float:
    return 100 * sum(w[key] * w["answers"] for w in why) / max(1, sum(w["answers"] for w in why))


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR")
    parser.add_argument("--json", type=Path, help="also write the runs' results into one file")
    args = parser.parse_args()
    runs = []
    for folder in args.runs:
        path = folder / "results.json"
        if not path.is_file():
            raise InputError(f"{folder} has no results.json", "Let `seal bench retention` end first.")
        runs.append(json.loads(path.read_text(encoding="utf-8")))
    seeds = ", ".join(str(run["settings"]["seed"]) for run in runs)
    print(f"Seeds {seeds}, {runs[0]['settings']['documents']} documents each.\n")
    print("| the learner | |\n|---|---:|")
    for name, figure in learner_rows(runs):
        print(f"| {name} | {figure} |")
    print(f"\n{pooled(runs)}")
    for name in ("sequential", "replay"):
        having = [run for run in runs if name in run["strategies"]]
        for run in having[:1]:
            seed = run["settings"]["seed"]
            print(f"\nThe first documents by `{name}`, seed {seed}, accuracy in percent:\n")
            print("\n".join(matrix(run, name)))
    if args.json:
        write_beside(args.json, lambda path: path.write_text(json.dumps(runs) + "\n", encoding="utf-8"))


if __name__ == "__main__":
    try:
        main()
    except SealError as error:
        raise SystemExit(f"error: {error.message}\n  {error.hint}") from None
