"""The outer loop's choice, by name: which scored self-edits the policy learns from.

A new algorithm is one file and one line here.
"""

from typing import Final

from seal.algorithms import rest_em
from seal.plugins import Registry
from seal.protocols import Algorithm

ALGORITHMS: Final[Registry[type[Algorithm]]] = Registry("algorithm", "seal.algorithms")
ALGORITHMS.register("best_of_k", rest_em.BestOfK)
ALGORITHMS.register("best_by_advantage", rest_em.BestByAdvantage)
ALGORITHMS.register("all_positive", rest_em.AllPositive)
ALGORITHMS.register("best_if_better", rest_em.BestIfBetter)

__all__ = ["ALGORITHMS"]
