"""What a stream gave, as rows of a table and as Markdown over several seeds. Knows nothing about how it
was run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seal.grading.statistics import mean_ci
from seal.types import Estimate


def after_of(results: Mapping[str, Any], name: str) -> list[list[bool]]:
    """The exams right after each document: the learner's own for cells, none where all is learned at once."""
    return results["learner"]["after"] if name == "cells" else results["strategies"][name]["after"]


def seconds_of(results: Mapping[str, Any], name: str) -> list[float]:
    return results["learner"]["seconds"] if name == "cells" else results["strategies"][name]["seconds"]


def accuracy(exams: Sequence[Sequence[bool]]) -> Estimate | None:
    """The mean over documents, with its 95 % interval; None without any."""
    return mean_ci([sum(right) / len(right) for right in exams], seed=0) if exams else None


def retention_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """One row a strategy: fits into 80 columns."""
    rows = []
    for name, figures in results["strategies"].items():
        after, end = accuracy(after_of(results, name)), accuracy(figures["end"])
        seconds = seconds_of(results, name)
        reference = figures["reference"]
        rows.append(
            [
                name,
                "–" if after is None else f"{100 * after.mean:.1f}",
                told(end),
                *(
                    f"{100 * reference[kind][0]:.0f} → {100 * reference[kind][1]:.0f}"
                    for kind in ("known", "reading")
                ),
                f"{sum(seconds) / len(seconds):.2f}",
                f"{figures['size_bytes'] / 1e6:.1f}",
            ]
        )
    return rows


def told(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    return f"{100 * estimate.mean:.1f} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


_POOLED = (
    "strategy", "just after", "at the end", "known world", "reading", "declines", "says it does not know",
    "s a document", "MB", "tokens a question", "s a question",
)  # fmt: skip


def pooled(runs: Sequence[Mapping[str, Any]]) -> str:
    """Several seeds' streams as Markdown tables: every document is one unit. A strategy that not all of them
    have is told with the seeds that do."""
    rows = [list(_POOLED), ["---", *["---:"] * (len(_POOLED) - 1)]]
    names = list(dict.fromkeys(name for run in runs for name in run["strategies"]))
    for name in names:
        having = [run for run in runs if name in run["strategies"]]
        own = [run["strategies"][name] for run in having]
        seconds = [s for run in having for s in seconds_of(run, name)]
        kinds = ("known", "reading", "private", "unmet")
        size, tokens, asked = (
            sum(figures[key] for figures in own) / len(own)
            for key in ("size_bytes", "prompt_tokens", "seconds_a_question")
        )
        rows.append(
            [
                _named(name, runs),
                told(accuracy([e for run in having for e in after_of(run, name)])),
                told(accuracy([e for figures in own for e in figures["end"]])),
                *(f"{_points(own, kind, 0)} → {_points(own, kind, 1)}" for kind in kinds),
                f"{sum(seconds) / len(seconds):.2f}",
                f"{size / 1e6:.2f}",
                f"{tokens:.0f}",
                f"{asked:.3f}",
            ]
        )
    return "\n".join([*_markdown(rows), "", *_markdown(_ways(runs, names))])


def _ways(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    """Accuracy by the way in which a question is asked."""
    ways = list(runs[0]["strategies"][names[0]]["ways"])
    counts = [sum(run["strategies"][names[0]]["ways"][way][1] for run in runs) for way in ways]
    heads = ["strategy", *(f"{way} ({n})" for way, n in zip(ways, counts, strict=True))]
    rows = [heads, ["---", *["---:"] * len(ways)]]
    for name in names:
        having = [run["strategies"][name]["ways"] for run in runs if name in run["strategies"]]
        own = [[ways_of[way] for ways_of in having] for way in ways]
        right = [(sum(share * n for share, n in of_seed), sum(n for _, n in of_seed)) for of_seed in own]
        rows.append([_named(name, runs), *(f"{100 * r / n:.1f}" if n else "–" for r, n in right)])
    return rows


def _named(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    seeds = [str(run["settings"]["seed"]) for run in runs if name in run["strategies"]]
    only = f" (seed {', '.join(seeds)})" if len(seeds) < len(runs) else ""
    return f"`{name}`{only}"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in rows]


def _points(own: Sequence[Mapping[str, Any]], kind: str, place: int) -> str:
    return f"{100 * sum(figures['reference'][kind][place] for figures in own) / len(own):.1f}"
