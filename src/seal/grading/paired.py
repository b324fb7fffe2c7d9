"""Two models on the same items: was something gained, and is it shown that little was lost?

Knows items as right (1), wrong (0) or ungraded (None). Knows nothing about what is decided by it. Items that
both get right, or both wrong, say nothing about a difference; what counts are those gained and those lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seal.errors import InputError


@dataclass(frozen=True)
class PairedOutcomes:
    """Items that both models were graded on: `gained` are right with the candidate only, `lost` with the
    reference only. `n_ungraded` were not graded in one of the two, and are not among the `n`."""

    n: int
    gained: int
    lost: int
    n_ungraded: int = 0

    @property
    def difference(self) -> float:
        """The candidate's accuracy less the reference's; nan without items."""
        return (self.gained - self.lost) / self.n if self.n else math.nan

    @property
    def coverage(self) -> float:
        """The share of the items that could be compared; 0 without any."""
        total = self.n + self.n_ungraded
        return self.n / total if total else 0.0


def compare(candidate: Mapping[str, float | None], reference: Mapping[str, float | None]) -> PairedOutcomes:
    """Pair two models' outcomes by item.

    Raises InputError unless both sat the same items, or if a value is neither 0, 1 nor None.
    """
    if candidate.keys() != reference.keys():
        odd = sorted(candidate.keys() ^ reference.keys())
        raise InputError(
            f"{len(odd)} items were sat by one of the two only, for instance {odd[0]!r}.",
            "Examine both on the same items.",
        )
    pairs = [(candidate[key], reference[key]) for key in candidate]
    graded = [(a, b) for a, b in pairs if a is not None and b is not None]
    if any(value not in (0, 1) for pair in graded for value in pair):
        raise InputError(
            "an outcome is neither 0 nor 1.", "Pass 1 for right, 0 for wrong, None for ungraded."
        )
    gained = sum(a > b for a, b in graded)
    lost = sum(a < b for a, b in graded)
    return PairedOutcomes(len(graded), gained, lost, len(pairs) - len(graded))


def gain_p_value(outcomes: PairedOutcomes) -> float:
    """How likely as many gains among the changed items were if gains and losses came equally often.

    One-sided exact McNemar test (McNemar 1947): 8 gains and no loss give 0.004. 1 if nothing changed.
    """
    from scipy import stats  # here and below: it takes half a second, and asking needs no test

    changed = outcomes.gained + outcomes.lost
    return float(stats.binomtest(outcomes.gained, changed, alternative="greater").pvalue) if changed else 1.0


def loss_p_value(outcomes: PairedOutcomes) -> float:
    """The same for as many losses: 5 losses and no gain give 0.031."""
    return gain_p_value(PairedOutcomes(outcomes.n, outcomes.lost, outcomes.gained))


def rise_p_value(rises: Sequence[float]) -> float:
    """How likely rises as large were if each were as often a fall: the one-sided signed-rank test (Wilcoxon
    1945), exact without ties. Five that all rise give 0.031. 1 if nothing changed."""
    from scipy import stats

    changed = [rise for rise in rises if rise]
    if not changed:
        return 1.0
    outcome: Any = stats.wilcoxon(changed, alternative="greater")  # which scipy types as a bare tuple
    return float(outcome.pvalue)


def design_effect(
    candidate: Mapping[str, float | None],
    reference: Mapping[str, float | None],
    clusters: Mapping[str, str],
) -> float:
    """By how many times the variance of the difference exceeds that of independent items, estimated from how
    changes gather in clusters (Kish 1965); 1 or more. 6 if documents of six items change as a whole."""
    gathered: dict[str, list[float]] = {}
    for key, value in candidate.items():
        other = reference.get(key)
        if value is not None and other is not None:
            gathered.setdefault(clusters.get(key, key), []).append(value - other)
    values = [value for own in gathered.values() for value in own]
    if len(gathered) < 2:
        return 1.0
    mean = sum(values) / len(values)
    alone = sum((value - mean) ** 2 for value in values)
    together = sum(sum(value - mean for value in own) ** 2 for own in gathered.values())
    return max(1.0, together / alone * len(gathered) / (len(gathered) - 1)) if alone else 1.0


def lower_bound(outcomes: PairedOutcomes, *, level: float = 0.95, effect: float = 1.0) -> float:
    """The difference that the candidate's accuracy exceeds, by the one-sided score interval for paired
    proportions (Tango, Statistics in Medicine 17, 1998). It holds for few items and for none lost: with 60
    items and no change it is −4.3 points. With a design effect the items count for so many times fewer. −1
    without items."""
    from scipy import optimize, stats

    n, gained, lost = (count / effect for count in (outcomes.n, outcomes.gained, outcomes.lost))
    if not 0.5 < level < 1:
        raise InputError(f"the level {level} is not between 0.5 and 1.", "Pass 0.95 for 95 %.")
    if n == 0:
        return -1.0
    z = float(stats.norm.ppf(level))

    def score(delta: float) -> float:
        b = -gained - lost + (2 * n - gained + lost) * delta
        c = -lost * delta * (1 - delta)
        rare = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
        variance = n * (2 * rare + delta * (1 - delta))
        return (gained - lost - n * delta) / math.sqrt(variance) if variance > 0 else math.inf

    low, high = -1 + 1e-9, outcomes.difference - 1e-12
    if score(low) <= z:
        return -1.0
    bound: Any = optimize.brentq(lambda delta: score(delta) - z, low, high)
    return float(bound)


def items_needed(margin: float, *, discordance: float, power: float = 0.8, level: float = 0.95) -> int:
    """How many items show with this power that an unchanged candidate loses less than `margin`, when so many
    of the items change by chance, half of them each way: 1,546 for 2 points at 10 %.

    Raises InputError if a number is not between 0 and 1.
    """
    from scipy import stats

    if not all(0 < value < 1 for value in (margin, discordance, power, level)):
        raise InputError("margin, discordance, power and level lie between 0 and 1.", "Pass shares.")
    z = float(stats.norm.ppf(level) + stats.norm.ppf(power))
    return math.ceil(z * z * discordance / margin**2)
