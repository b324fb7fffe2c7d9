"""ReST-EM (arXiv 2312.06585): sample, score, keep the good ones, fine-tune on them, repeat.

Knows rewards as numbers. Knows nothing about how they were measured or how the policy is trained. A reward
of None is ungraded: the machinery failed, so the sample is neither good nor bad and is never kept.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


class _Equal:
    """All kept self-edits count the same."""

    def weigh(self, rewards: Sequence[float | None], kept: Sequence[int]) -> list[float]:
        return [1.0] * len(kept)


@dataclass(frozen=True)
class BestOfK(_Equal):
    """Keep the best self-edit of each context, as SEAL does (arXiv 2506.10943, section 3.1), even where it is
    worse than no self-edit. Ties are broken by chance, so that the order of sampling favours none."""

    name = "best_of_k"
    uses_baseline = False

    def select(
        self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random
    ) -> list[int]:
        """Indices of the kept self-edits among `rewards`; none if no sample was graded."""
        graded = [r for r in rewards if r is not None]
        return [rng.choice([i for i, r in enumerate(rewards) if r == max(graded)])] if graded else []


@dataclass(frozen=True)
class BestByAdvantage(BestOfK):
    """Keep the best self-edit of each context, and give it the more weight the further it is above the mean
    of its group, which is the baseline of GRPO (arXiv 2402.03300): where all samples do equally well, which
    one is best is chance."""

    name = "best_by_advantage"

    def weigh(self, rewards: Sequence[float | None], kept: Sequence[int]) -> list[float]:
        graded = [r for r in rewards if r is not None]
        return [max(0.0, (rewards[i] or 0.0) - sum(graded) / len(graded)) for i in kept]


@dataclass(frozen=True)
class BestIfBetter(BestOfK):
    """Keep the best self-edit of each context only where it beats `baseline`, the score without one."""

    name = "best_if_better"
    uses_baseline = True

    def select(
        self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random
    ) -> list[int]:
        kept = super().select(rewards, baseline, rng)
        return [i for i in kept if baseline is None or (rewards[i] or 0.0) > baseline]


@dataclass(frozen=True)
class AllPositive(_Equal):
    """Keep every self-edit that beats `baseline`: the binary reward of the paper's equation for ReST-EM."""

    name = "all_positive"
    uses_baseline = True

    def select(
        self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random
    ) -> list[int]:
        floor = 0.0 if baseline is None else baseline
        return [i for i, r in enumerate(rewards) if r is not None and r > floor]


def select_at_random(rewards: Sequence[float | None], n: int, rng: random.Random) -> list[int]:
    """The control for every algorithm: as many self-edits of a context as it kept, chosen by chance."""
    graded = [i for i, r in enumerate(rewards) if r is not None]
    return sorted(rng.sample(graded, min(n, len(graded))))
