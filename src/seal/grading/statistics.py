"""Means with intervals, paired differences, agreement, coverage. Knows nothing about how answers are graded.

Contexts are the independent units: the questions of one context, and the same context under several seeds,
are not. So every interval resamples contexts. It says what other contexts would give with the same runs, not
what other training seeds would give. Intervals are percentile bootstrap intervals (Efron and Tibshirani 1993,
chapter 13); BCa is not used because it has no value where all contexts agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from seal.errors import InputError
from seal.types import Estimate, Graded, Score

K = TypeVar("K", bound=Hashable)

_BATCH_NUMBERS = 2_000_000
"""Resampled numbers held at once: bounds the memory of a bootstrap to some 50 MB."""


def mean(values: Iterable[float | None]) -> float | None:
    """The plain mean of what is not None (not graded); None if nothing is left."""
    graded = [value for value in values if value is not None]
    return sum(graded) / len(graded) if graded else None


def mean_ci(
    values: Iterable[float | None], *, seed: int, n_resamples: int = 10_000, level: float = 0.95
) -> Estimate:
    """The mean of one value a context, with its percentile bootstrap interval over contexts.

    None (not graded) is left out and not counted in `n`. Where all values are equal, so are `low`, `high` and
    `mean`. One value alone bears no interval: `low` and `high` are then nan, and no comparison
    with them holds. For a mean over several seeds, pass `cluster_means(...).values()`.

    Raises InputError if no value is left, if one is not finite, or if `level` is not in (0, 1).
    """
    # Sorted, so that the interval depends on the values and the seed alone, not on the order they come in.
    data_C = np.asarray(sorted(value for value in values if value is not None), dtype=np.float64)
    if not data_C.size:
        raise InputError("no values to take a mean of", "At least one context must have been graded.")
    if not np.isfinite(data_C).all():
        raise InputError("a value is not finite", "Pass None for what was not measured.")
    if not 0 < level < 1:
        raise InputError(f"the level {level} is not between 0 and 1", "Pass 0.95 for a 95 % interval.")
    average = math.fsum(data_C) / data_C.size
    if data_C.size == 1:
        return Estimate(average, math.nan, math.nan, 1)
    if (data_C == data_C[0]).all():
        return Estimate(float(data_C[0]), float(data_C[0]), float(data_C[0]), data_C.size)
    low, high = _percentile_interval((data_C,), np.mean, seed=seed, n_resamples=n_resamples, level=level)
    return Estimate(average, low, high, data_C.size)


def cluster_means(
    values: Mapping[K, float | None], clusters: Callable[[K], Hashable] | None = None
) -> dict[Hashable, float]:
    """The mean of each cluster's values, so that each context counts once however many seeds it was run with.

    `clusters` gives a key's cluster: for keys (seed, context id), `lambda key: key[1]`. Without it each key
    is its own. None is left out; a cluster with nothing else is absent.
    """
    gathered: dict[Hashable, list[float]] = {}
    for key, value in values.items():
        if value is not None:
            gathered.setdefault(clusters(key) if clusters else key, []).append(value)
    return {key: math.fsum(own) / len(own) for key, own in gathered.items()}


def paired_difference(
    a: Mapping[K, float | None],
    b: Mapping[K, float | None],
    *,
    seed: int,
    clusters: Callable[[K], Hashable] | None = None,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Estimate:
    """The mean of a − b over the keys that both have, with its bootstrap interval over contexts.

    Keys are context ids or, to pool several seeds, pairs such as (seed, context id) with `clusters` giving
    the context: differences are taken key by key, averaged within each context, and contexts are resampled.
    Keys that only one has, or that are None in either, are left out; `n` counts the contexts that remain.

    Raises InputError if nothing remains, and as `mean_ci` does.
    """
    differences: dict[K, float | None] = {}
    for key in a.keys() & b.keys():
        one, other = a[key], b[key]
        differences[key] = None if one is None or other is None else one - other
    means = cluster_means(differences, clusters)
    if not means:
        raise InputError("no context was graded in both", "Examine both on the same contexts.")
    return mean_ci(means.values(), seed=seed, n_resamples=n_resamples, level=level)


def agreement(
    verdicts: Sequence[bool],
    reference: Sequence[bool],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """How well a grader's verdicts agree with others': the share of equal ones, and Cohen's κ (1960).

    `clusters[i]` names what verdict i belongs to, such as its question; clusters are resampled. κ is 0 where
    both only ever give one and the same verdict, since then no agreement beyond chance can be seen. With one
    cluster `low` and `high` are nan.

    Raises InputError if the lengths differ or there is nothing.
    """
    n = len(verdicts)
    if not n or n != len(reference) or (clusters is not None and n != len(clusters)):
        raise InputError("verdicts, reference and clusters must be as many, and at least one")
    index_B = _codes(clusters if clusters is not None else range(n))
    cell_B = 2 * np.asarray(verdicts, dtype=np.int64) + np.asarray(reference, dtype=np.int64)
    n_clusters = int(index_B.max()) + 1
    tables_C4 = np.bincount(4 * index_B + cell_B, minlength=4 * n_clusters).reshape(n_clusters, 4)
    points = tuple(tables_C4.T.astype(np.float64))
    estimates = []
    for statistic in (_share_equal, _kappa):
        low, high = math.nan, math.nan
        if n_clusters > 1:
            low, high = _percentile_interval(
                points, statistic, seed=seed, n_resamples=n_resamples, level=level
            )
        estimates.append(Estimate(float(statistic(*points)), low, high, n_clusters))
    return estimates[0], estimates[1]


def coverage(graded: Iterable[Graded]) -> float:
    """The share of the answers that could be graded, in [0, 1]; 0 where there are no answers."""
    is_graded = [one.outcome != "ungraded" for one in graded]
    return sum(is_graded) / len(is_graded) if is_graded else 0.0


def summarise(graded: Sequence[Graded], context_id: str, likelihood: float | None = None) -> Score:
    """The score of one exam: the share of right answers among the graded ones, and the coverage.

    `likelihood` is a mean probability in [0, 1]. Raises InputError if it is not.
    """
    if likelihood is not None and not 0 <= likelihood <= 1:
        raise InputError(f"the likelihood {likelihood} of context {context_id!r} is not a probability")
    right = [one.outcome == "right" for one in graded if one.outcome != "ungraded"]
    accuracy = sum(right) / len(right) if right else None
    return Score(context_id, tuple(graded), accuracy, coverage(graded), likelihood)


def _codes(labels: Iterable[Hashable]) -> np.ndarray[Any, np.dtype[np.int64]]:
    numbers: dict[Hashable, int] = {}
    return np.asarray([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)


def _share_equal(ww: Any, wr: Any, rw: Any, rr: Any, *, axis: int = -1) -> Any:
    """Of counts of (verdict, reference) pairs, w for wrong and r for right, summed over `axis`."""
    ww, wr, rw, rr = (np.sum(counts, axis=axis) for counts in (ww, wr, rw, rr))
    return (ww + rr) / (ww + wr + rw + rr)


def _kappa(ww: Any, wr: Any, rw: Any, rr: Any, *, axis: int = -1) -> Any:
    observed = _share_equal(ww, wr, rw, rr, axis=axis)
    ww, wr, rw, rr = (np.sum(counts, axis=axis) for counts in (ww, wr, rw, rr))
    n = ww + wr + rw + rr
    by_chance = ((ww + wr) * (ww + rw) + (rw + rr) * (wr + rr)) / n**2
    defined = by_chance < 1
    return np.where(defined, (observed - by_chance) / np.where(defined, 1 - by_chance, 1.0), 0.0)


def _percentile_interval(
    samples: tuple[Any, ...], statistic: Callable[..., Any], *, seed: int, n_resamples: int, level: float
) -> tuple[float, float]:
    from scipy import stats  # half a second to import, and most commands report no interval

    result = stats.bootstrap(
        samples,
        statistic,
        paired=len(samples) > 1,
        vectorized=True,
        n_resamples=n_resamples,
        batch=max(1, _BATCH_NUMBERS // (len(samples) * len(samples[0]))),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
