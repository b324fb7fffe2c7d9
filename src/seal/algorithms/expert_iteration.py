"""Expert iteration (Anthony et al., arXiv 1705.08439) with a buffer of all rounds.

Knows rewards as numbers, nothing about how the policy is trained.
"""

from __future__ import annotations

from seal.algorithms.rest_em import BestOfK


class ExpertIteration(BestOfK):
    """Keep the best self-edit of each context, and train anew from the base on those of all rounds so far: a
    later round adds to what is learned instead of replacing it, and no rounding of a policy piles up."""

    name = "expert_iteration"
    all_rounds = True
