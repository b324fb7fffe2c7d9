"""Group relative policy optimisation (Shao et al., DeepSeekMath, arXiv 2402.03300).

Knows rewards as numbers, nothing about how the policy is trained.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from seal.protocols import Algorithm
from seal.types import ClippedRatio, Lesson


class Grpo(Algorithm):
    """Every sample counts by its reward, standardised within its context (section 4.1.2), and a token no
    longer once its ratio to the policy that wrote it has gone far enough. Tokens count alike, whichever text
    they are of (arXiv 2503.14476)."""

    name = "grpo"

    class Config(BaseModel):
        """Group relative policy optimisation."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        clip: float = Field(
            default=0.2, gt=0, description="How far a token's ratio to the policy that wrote it may count."
        )
        kl: float = Field(default=0.0, ge=0, description="Weight of the divergence from `anchor`.")
        anchor: Literal["before", "base"] = Field(
            default="before", description="What `kl` holds the policy to: that before the round, or the base."
        )

    def __init__(self, config: Config | None = None) -> None:
        config = config or self.Config()
        self.objective = ClippedRatio(config.clip, config.kl)
        self.anchor = config.anchor

    def lesson(self, rewards: Sequence[float | None], baseline: float | None, rng: random.Random) -> Lesson:
        graded = {i: r for i, r in enumerate(rewards) if r is not None}
        spread = statistics.pstdev(graded.values()) if graded else 0.0
        if not spread:
            return Lesson()
        middle = statistics.fmean(graded.values())
        return Lesson({i: (r - middle) / spread for i, r in graded.items() if r != middle})
