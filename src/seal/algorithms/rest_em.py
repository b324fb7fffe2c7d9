"""ReST-EM (arXiv 2312.06585): sample, score, keep the good ones, fine-tune on them, repeat.

Knows rewards as numbers. Knows nothing about how they were measured or how the policy is trained.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from seal.protocols import Algorithm
from seal.types import Lesson


class BestOfK(Algorithm):
    """Keep the best self-edit of each context, as SEAL does (arXiv 2506.10943, section 3.1), even where it is
    worse than no self-edit. Ties are broken by chance, so that the order of sampling favours none."""

    name = "best_of_k"
    best_alone = True

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        graded = [r for r in rewards if r is not None]
        if not graded:
            return Lesson()
        return Lesson({rng.choice([i for i, r in enumerate(rewards) if r == max(graded)]): 1.0})


class BestByAdvantage(BestOfK):
    """Keep the best self-edit of each context, and give it the more weight the further it is above the mean
    of its group, which is the baseline of GRPO (arXiv 2402.03300): where all samples do equally well, which
    one is best is chance."""

    name = "best_by_advantage"

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        graded = [r for r in rewards if r is not None]
        best = super().lesson(rewards, baseline, rng).weights
        return Lesson({i: max(0.0, (rewards[i] or 0.0) - sum(graded) / len(graded)) for i in best})


class BestIfBetter(BestOfK):
    """Keep the best self-edit of each context only where it beats `baseline`, the score without one."""

    name = "best_if_better"
    uses_baseline = True

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        best = super().lesson(rewards, baseline, rng).weights
        return Lesson({i: w for i, w in best.items() if baseline is None or (rewards[i] or 0.0) > baseline})


class AllPositive(Algorithm):
    """Keep every self-edit that beats `baseline`: the binary reward of the paper's equation for ReST-EM."""

    name = "all_positive"
    uses_baseline = True

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        floor = 0.0 if baseline is None else baseline
        return Lesson({i: 1.0 for i, r in enumerate(rewards) if r is not None and r > floor})
