"""From measurements to figures: rates, ratios by round, shares of what the machine can do. Arithmetic only.

A spread is the smallest and the largest over rounds; three rounds are too few for an interval.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seal.bench.inner_loop.memory import Need


@dataclass(frozen=True)
class Measurement:
    """One contender's work in one round: `n_self_edits` of the `adapters` asked for.

    `scaled_from_steps` above 0: so many training steps of each were timed, and `train_s` is scaled to all.
    `cores_busy` is the processor time that this process had, a second.
    """

    contender: str
    adapters: int
    round: int
    n_self_edits: int
    train_s: float
    exam_s: float
    trained_tokens: int
    written_tokens: int
    scaled_from_steps: int = 0
    cores_busy: float = 0.0
    processes: int = 1
    threads: int = 1

    @property
    def self_edits_per_s(self) -> float:
        return self.n_self_edits / (self.train_s + self.exam_s)


@dataclass(frozen=True)
class ProductTimes:
    """The matrix products of the work of `adapters` self-edits by themselves, in one round."""

    adapters: int
    round: int
    train_operations: float
    exam_operations: float
    train_s: float
    exam_s: float
    peak_operations_per_s: float


@dataclass(frozen=True)
class Peak:
    """Memory beyond the model's own, at its highest, in training and in the exam."""

    contender: str
    adapters: int
    train_bytes: int
    exam_bytes: int


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(
    measurements: Sequence[Measurement],
    products: Sequence[ProductTimes],
    peaks: Sequence[Peak],
    need: Need,
) -> dict[str, Any]:
    """All figures, and the measurements that they are from."""
    return {
        "speed": _speed(measurements, products, peaks),
        "ratios": _ratios(measurements),
        "shares": _shares(measurements, products),
        "memory": _memory(peaks, need),
        "measurements": [asdict(m) for m in measurements],
        "products": [asdict(p) for p in products],
    }


def _groups(measurements: Sequence[Measurement]) -> dict[tuple[int, str], list[Measurement]]:
    groups: dict[tuple[int, str], list[Measurement]] = {}
    for m in measurements:
        groups.setdefault((m.adapters, m.contender), []).append(m)
    return groups


def _speed(
    measurements: Sequence[Measurement],
    products: Sequence[ProductTimes],
    peaks: Sequence[Peak],
) -> list[dict[str, Any]]:
    """A row for each contender and number of adapters. Tokens are counted, not padding."""
    operations = {p.adapters: (p.train_operations + p.exam_operations) / p.adapters for p in products}
    rows = []
    for (adapters, contender), group in _groups(measurements).items():
        train_s = statistics.median(m.train_s / m.n_self_edits for m in group)
        exam_s = statistics.median(m.exam_s / m.n_self_edits for m in group)
        rate = spread([m.self_edits_per_s for m in group])
        peak = [p for p in peaks if p.contender == contender and p.adapters <= adapters][-1:]
        rows.append({
            "contender": contender,
            "adapters": adapters,
            "self_edits_per_s": rate,
            "train_s": train_s,
            "exam_s": exam_s,
            "trained_tokens_per_s": statistics.median(m.trained_tokens / m.train_s for m in group),
            "written_tokens_per_s": statistics.median(m.written_tokens / m.exam_s for m in group),
            "operations_per_s": operations[adapters] * rate["median"] if adapters in operations else None,
            "peak_train_bytes": peak[0].train_bytes if peak else None,
            "peak_exam_bytes": peak[0].exam_bytes if peak else None,
            "n_measured": group[0].n_self_edits,
            "scaled_from_steps": group[0].scaled_from_steps,
            "cores_busy": statistics.median(m.cores_busy for m in group),
            "processes": group[0].processes,
            "threads": group[0].threads,
        })  # fmt: skip
    return rows


def _ratios(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """How many times the self-edits a second of each other contender the engine makes, paired by round."""
    rates = {(m.adapters, m.contender, m.round): m.self_edits_per_s for m in measurements}
    rows = []
    for adapters, contender in _groups(measurements):
        pairs = [
            (rates[adapters, "engine", m.round], m.self_edits_per_s)
            for m in measurements
            if (m.adapters, m.contender) == (adapters, contender) and (adapters, "engine", m.round) in rates
        ]
        if contender != "engine" and pairs:
            rows.append({"adapters": adapters, "over": contender, **spread([a / b for a, b in pairs])})
    return rows


def _shares(measurements: Sequence[Measurement], products: Sequence[ProductTimes]) -> list[dict[str, Any]]:
    """What the products alone take, over what the engine takes for everything."""
    engine = {(m.adapters, m.round): m for m in measurements if m.contender == "engine"}
    rows = []
    for adapters in dict.fromkeys(p.adapters for p in products):
        pairs = [(p, engine[adapters, p.round]) for p in products if p.adapters == adapters]
        rates = [(p.train_operations + p.exam_operations) / (p.train_s + p.exam_s) for p, _ in pairs]
        used = [(p.train_operations + p.exam_operations) / (m.train_s + m.exam_s) for p, m in pairs]
        rows.append({
            "adapters": adapters,
            "operations_per_self_edit": (pairs[0][0].train_operations + pairs[0][0].exam_operations)
            / adapters,
            "of_products": spread([(p.train_s + p.exam_s) / (m.train_s + m.exam_s) for p, m in pairs]),
            "of_products_train": spread([p.train_s / m.train_s for p, m in pairs]),
            "of_products_exam": spread([p.exam_s / m.exam_s for p, m in pairs]),
            "of_peak": spread([u / p.peak_operations_per_s for u, (p, _) in zip(used, pairs, strict=True)]),
            "products_operations_per_s": spread(rates),
            "peak_operations_per_s": spread([p.peak_operations_per_s for p, _ in pairs]),
        })  # fmt: skip
    return rows


def _memory(peaks: Sequence[Peak], need: Need) -> dict[str, Any]:
    """Peaks, and the engine's memory per further adapter against what is counted."""
    own = [p for p in peaks if p.contender == "engine"]
    slope = None
    if len(own) > 1:
        a, b = own[0], own[-1]
        slope = {
            "from_adapters": a.adapters,
            "to_adapters": b.adapters,
            "measured_bytes": (b.train_bytes - a.train_bytes) / (b.adapters - a.adapters),
            "counted_bytes": need.slope(a.adapters, b.adapters),
        }
    return {"peaks": [asdict(p) for p in peaks], "per_adapter": slope, "counted": asdict(need)}
