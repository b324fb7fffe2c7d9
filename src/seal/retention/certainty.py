"""How sure one may be that some passage that was found holds the answer.

Knows what speaks for a passage. Knows nothing about texts or documents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from seal.retention.search import Evidence, PassageMatch


@dataclass(frozen=True)
class _Coefficients:
    """Of a logistic regression on the evidence for the best passage."""

    constant: float
    coverage: float
    rare_words: float
    lead: float
    unknown_name: float
    meaning: float = 0.0


# Fitted by benchmarks/passages.py --fit on development data alone: questions whose document is there or was
# taken out, and general questions, of everyday documents and of SQuAD passages, whole and in runs of eight.
_WORDS = _Coefficients(constant=-4.06, coverage=2.83, rare_words=1.18, lead=0.29, unknown_name=-1.51)
_WORDS_AND_MEANING = _Coefficients(
    constant=-5.25, coverage=2.28, rare_words=0.73, lead=1.47, unknown_name=-1.63, meaning=4.43
)


_INFORMED = 8.0, 3.0
"""Information in nats at which a passage is as likely as not of a document that answers, and in which the
odds grow e-fold. Of 100 development questions SmolLM2-135M sends 97 to a document and a model of 0.5 billion
weights 95, of the general ones 1.6 and 0.4 %; where the document was taken out, 18 and 19 of 100."""


def confidence(matches: Sequence[PassageMatch]) -> float:
    """The probability that some of the `matches` of a question, best first, is of a document that answers
    it."""
    return probability(matches[0].evidence) if matches else 0.0


def probability(evidence: Evidence) -> float:
    if evidence.information is not None:
        even, scale = _INFORMED
        return _logistic((evidence.information - even) / scale)
    fitted = _WORDS if evidence.meaning is None else _WORDS_AND_MEANING
    constant, *weights = astuple(fitted)
    return _logistic(constant + sum(w * x for w, x in zip(weights, features(evidence), strict=True)))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, logit)))


def features(evidence: Evidence) -> tuple[float, ...]:
    """The evidence as numbers, in the order of the coefficients."""
    return (
        evidence.coverage,
        evidence.rare_words,
        evidence.lead,
        float(evidence.unknown_name),
        evidence.meaning or 0.0,
    )
