"""How a learner judges what it learned: by its workspace's gates, or by others that are handed in.

Knows nothing about how a report is measured, or what is done about a decision.
"""

from __future__ import annotations

from typing import Protocol

from seal.gates import Decision, GateConfig, Report, decide
from seal.gates.acquiring import acquisition
from seal.gates.decide import Autonomy
from seal.gates.rules import consistency, groundedness, screening

_ALONE = (screening, groundedness, consistency, acquisition)


class Gates(Protocol):
    """Decides what becomes of documents."""

    def sound(self, report: Report) -> bool:
        """Whether a document, by what is known of it alone, may be released together with others."""
        ...

    def decide(self, report: Report) -> Decision:
        """What becomes of a release."""
        ...


class ConfiguredGates:
    """All gates, with a workspace's thresholds and autonomy."""

    def __init__(self, config: GateConfig, autonomy: Autonomy) -> None:
        self.config = config
        self.autonomy: Autonomy = autonomy

    def sound(self, report: Report) -> bool:
        return all(one.judgement == "pass" for gate in _ALONE for one in gate(report, self.config))

    def decide(self, report: Report) -> Decision:
        return decide(report, self.config, autonomy=self.autonomy)
