"""All gates together: a candidate goes live, is held for a person, or is rejected.

Knows findings and how much the learner may do without a person. Knows nothing about where versions are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seal.gates.finding import Finding, GateConfig
from seal.gates.report import Report
from seal.gates.rules import GATES

Autonomy = Literal["auto", "ask", "canary"]
Disposition = Literal["live", "held", "rejected"]


@dataclass(frozen=True)
class Decision:
    """What becomes of a candidate, and all findings. `reason` is one sentence."""

    outcome: Disposition
    reason: str
    findings: tuple[Finding, ...]


def decide(report: Report, config: GateConfig | None = None, *, autonomy: Autonomy = "auto") -> Decision:
    """Ask every gate. One failure rejects the candidate; a finding that stays open holds it for a person.

    With the autonomy "auto", a candidate that passed everything goes live; with "ask" it is held for a
    person, and with "canary" until it was tried beside the live version.
    """
    if report.failed:
        return Decision("rejected", f"the candidate could not be made: {report.failed}", ())
    config = config or GateConfig()
    findings = tuple(finding for gate in GATES for finding in gate(report, config))
    failed = [f for f in findings if f.judgement == "fail"]
    still_open = [f for f in findings if f.judgement == "open"]
    if failed:
        return Decision("rejected", _summary(failed[0], len(failed) - 1), findings)
    if not any(f.gate == "acquisition" for f in findings):
        return Decision("rejected", "no exam shows that anything was learned", findings)
    if not any(f.gate == "retention" for f in findings):
        return Decision("held", "nothing was measured of what was known before", findings)
    if still_open:
        return Decision("held", _summary(still_open[0], len(still_open) - 1), findings)
    if autonomy != "auto":
        return Decision("held", f"all gates passed; the autonomy is {autonomy!r}", findings)
    return Decision("live", f"all {len(findings)} findings of the gates passed", findings)


def passed(decision: Decision) -> bool:
    """Whether a candidate passed everything, be it held since the autonomy wants it so."""
    about = {finding.gate for finding in decision.findings}
    return {"acquisition", "retention"} <= about and all(f.judgement == "pass" for f in decision.findings)


def _summary(finding: Finding, more: int) -> str:
    others = f" (and {more} more)" if more else ""
    return f"{finding.gate}: {finding.about}: {finding.reason}{others}"
