"""When has enough been seen to decide between two models, if one looks after every outcome?

Knows outcomes as wins of the candidate and losses, of items where exactly one of the two was right. Knows
nothing about what is decided. The test is a mixture of likelihood ratios (Wald 1947; Robbins, Annals of
Mathematical Statistics 41, 1970), an e-process: its value may be looked at, and the test ended, at any time
(Ville 1939; Johari, Koomen, Pekelis and Walsh, Operations Research 70, 2022; Ramdas, Grünwald, Vovk and
Shafer, Statistical Science 38, 2023). Items that both get right, or both wrong, say nothing about a
difference, as in McNemar's test (paired.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from seal.errors import InputError

Verdict = Literal["promote", "revert"]

_LEAST_LOG: Final = -600.0  # floats end at exp(-745)
_EPSILON: Final = 1e-17


def log_evidence(wins: int, losses: int, at_most: float) -> float:
    """The logarithm of the evidence against "the candidate wins with a probability of `at_most`, or less".

    The likelihood of these outcomes, averaged over all higher probabilities of a win alike, over that at
    `at_most`. If the claim holds, the evidence ever reaches 1/α with a probability of α or less, however
    often one looks: 20 with 5 %. 0 without outcomes.

    Raises InputError unless 0 < at_most < 1.
    """
    if not 0 < at_most < 1:
        raise InputError(f"the probability {at_most} is not between 0 and 1", "Pass 0.5 for a coin's.")
    from scipy import special, stats  # here: it takes half a second, and most commands need no test

    above = float(stats.beta.logsf(at_most, wins + 1, losses + 1))
    if above < _LEAST_LOG:
        return _log_evidence_of_few_wins(wins, losses, at_most)
    averaged = float(special.betaln(wins + 1, losses + 1)) + above - math.log1p(-at_most)
    return averaged - wins * math.log(at_most) - losses * math.log1p(-at_most)


def _log_evidence_of_few_wins(wins: int, losses: int, at_most: float) -> float:
    """The same where so few wins are so improbable that a float does not hold it: by the series of the
    incomplete beta function (DLMF 8.17.8), whose terms fall from the first one on."""
    term = total = 1.0
    n = 0
    while term > _EPSILON * total:
        term *= (1 - at_most) * (losses + wins + 2 + n) / (losses + 2 + n)
        total += term
        n += 1
    return math.log(at_most) - math.log(losses + 1) + math.log(total)


@dataclass(frozen=True)
class SequentialTest:
    """The plan by which a candidate is promoted or reverted; it has to stand before the first outcome.

    A candidate that wins with a probability of 1/2 - `margin` or less is promoted with a probability of
    `error_rate` at most; one that wins in half of the outcomes or more is reverted with that probability at
    most.
    """

    error_rate: float = 0.05
    margin: float = 0.1

    @property
    def threshold(self) -> float:
        """The logarithm of the evidence that decides."""
        return -math.log(self.error_rate)

    def for_it(self, wins: int, losses: int) -> float:
        """The logarithm of the evidence that the candidate is not worse by more than the margin."""
        return log_evidence(wins, losses, 0.5 - self.margin)

    def against_it(self, wins: int, losses: int) -> float:
        """The logarithm of the evidence that the candidate is worse."""
        return log_evidence(losses, wins, 0.5)

    def verdict(self, wins: int, losses: int) -> Verdict | None:
        """What these outcomes decide; None: go on. What is worse for sure is reverted, be it by little."""
        if self.against_it(wins, losses) >= self.threshold:
            return "revert"
        return "promote" if self.for_it(wins, losses) >= self.threshold else None
