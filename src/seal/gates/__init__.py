"""May a new version go live? Pure functions from what was measured to a decision with its reasons.

A gate is a function here and a line in `GATES`. `decide` asks all of them. Knows nothing about models,
exams or where versions are kept.
"""

from seal.gates.acquiring import FEWEST_TO_TEST
from seal.gates.decide import Decision, decide, passed
from seal.gates.finding import Finding, GateConfig, about_document, of_a_document
from seal.gates.power import power_of, what_it_shows
from seal.gates.report import AnswerLikelihood, Concern, Conflict, Denial, Exam, Leak, Perplexity, Report
from seal.gates.rules import GATES

__all__ = [
    "FEWEST_TO_TEST",
    "GATES",
    "AnswerLikelihood",
    "Concern",
    "Conflict",
    "Decision",
    "Denial",
    "Exam",
    "Finding",
    "GateConfig",
    "Leak",
    "Perplexity",
    "Report",
    "about_document",
    "decide",
    "of_a_document",
    "passed",
    "power_of",
    "what_it_shows",
]
