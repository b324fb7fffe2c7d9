"""Direct preference optimisation (Rafailov et al., arXiv 2305.18290) on pairs of samples by reward.

Knows rewards as numbers, nothing about how the policy is trained.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from seal.protocols import Algorithm
from seal.types import Lesson, Preference


class Dpo(Algorithm):
    """The best samples of each context are preferred to its worst: the best to the worst, the second best to
    the second worst, and so on. Pairs of equal rewards say nothing and are left out."""

    name = "dpo"

    class Config(BaseModel):
        """Direct preference optimisation."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        beta: float = Field(
            default=0.1, gt=0, description="How strongly the policy is held to that of the round before."
        )
        pairs: int = Field(default=3, ge=1, description="Pairs of samples of each context, at most.")

    def __init__(self, config: Config | None = None) -> None:
        config = config or self.Config()
        self.objective, self.n_pairs = Preference(config.beta), config.pairs

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        graded = {i: r for i, r in enumerate(rewards) if r is not None}
        shuffled = rng.sample(sorted(graded), len(graded))  # which of equal ones is paired is chance
        order = sorted(shuffled, key=lambda i: -graded[i])
        pairs = list(zip(order, reversed(order), strict=True))[: min(self.n_pairs, len(order) // 2)]
        return Lesson(pairs=tuple((i, j) for i, j in pairs if graded[i] > graded[j]))
