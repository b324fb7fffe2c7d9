"""The algorithms of the outer loop, by name: what the policy learns from scored self-edits.

A new algorithm is one file and one line here.
"""

from typing import Final

from seal.algorithms import dpo, expert_iteration, grpo, rest_em, rloo
from seal.plugins import Registry
from seal.protocols import Algorithm

ALGORITHMS: Final[Registry[type[Algorithm]]] = Registry("algorithm", "seal.algorithms")
ALGORITHMS.register("best_of_k", rest_em.BestOfK)
ALGORITHMS.register("best_by_advantage", rest_em.BestByAdvantage)
ALGORITHMS.register("all_positive", rest_em.AllPositive)
ALGORITHMS.register("best_if_better", rest_em.BestIfBetter)
ALGORITHMS.register("expert_iteration", expert_iteration.ExpertIteration)
ALGORITHMS.register("rloo", rloo.Rloo)
ALGORITHMS.register("grpo", grpo.Grpo)
ALGORITHMS.register("dpo", dpo.Dpo)

__all__ = ["ALGORITHMS"]
