"""REINFORCE with a leave-one-out baseline (Ahmadian et al., arXiv 2402.14740).

Knows rewards as numbers, nothing about how the policy is trained.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from seal.protocols import Algorithm
from seal.types import ClippedRatio, Lesson


class Rloo(Algorithm):
    """Every sample counts by how far its reward is above the mean of the others of its context, an estimate
    without bias of what the policy gradient needs. Contexts whose samples differ more count more."""

    name = "rloo"

    class Config(BaseModel):
        """REINFORCE with a leave-one-out baseline."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        clip: float = Field(
            default=0.2, gt=0, description="How far a token's ratio to the policy that wrote it may count."
        )

    def __init__(self, config: Config | None = None) -> None:
        config = config or self.Config()
        self.objective = ClippedRatio(clip=config.clip)

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        graded = {i: r for i, r in enumerate(rewards) if r is not None}
        n, total = len(graded), sum(graded.values())
        if n < 2:
            return Lesson()
        above = {i: r - (total - r) / (n - 1) for i, r in graded.items()}
        return Lesson({i: a for i, a in above.items() if a})
