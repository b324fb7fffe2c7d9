"""The control for every algorithm: its own lesson, about samples that are drawn by chance.

What an algorithm has over it is due to the reward, and not to training on one's own samples.
"""

from __future__ import annotations

import random

from seal.types import Lesson


def by_chance(lesson: Lesson, n_samples: int, rng: random.Random) -> Lesson:
    """The same weights and pairs, each sample of the lesson replaced by another of `n_samples`."""
    named = lesson.samples
    drawn = dict(zip(named, rng.sample(range(n_samples), len(named)), strict=True))
    weights = sorted((drawn[i], weight) for i, weight in lesson.weights.items())
    return Lesson(dict(weights), tuple((drawn[i], drawn[j]) for i, j in lesson.pairs))
