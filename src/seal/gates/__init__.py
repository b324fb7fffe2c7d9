"""May a new version go live? Pure functions from what was measured to a decision with its reasons.

A gate is a function here and a line in `GATES`. `decide` asks all of them. Knows nothing about models,
exams or where versions are kept.
"""

from seal.gates.decide import Decision, decide
from seal.gates.report import Concern, Conflict, Denial, Exam, Leak, Report
from seal.gates.rules import GATES, Finding, GateConfig

__all__ = [
    "GATES",
    "Concern",
    "Conflict",
    "Decision",
    "Denial",
    "Exam",
    "Finding",
    "GateConfig",
    "Leak",
    "Report",
    "decide",
]
