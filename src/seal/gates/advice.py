"""What a person can do about a finding that stopped a candidate. Knows findings; knows no model.

It is said where a decision is shown, and is no part of what is recorded.
"""

from __future__ import annotations

from seal.gates.finding import Finding

_ADVICE = {
    ("screening", "open"): "read the places named; if they are as they should be, approve the version",
    ("screening", "fail"): "take out of the document what is named, and learn it again",
    ("groundedness", "fail"): (
        "most of what was written does not stand in the document: use a stronger writer, or write plainer "
        "sentences"
    ),
    ("consistency", "open"): (
        "compare it with what is named: approve the version if the document is right; learn it with more "
        "trust if it should replace the other"
    ),
    ("acquisition", "open"): "give the document an exam whose questions are not among its lines",
    ("acquisition", "fail"): (
        "look at what was written and asked; give an exam of your own, or train longer (cell.max_steps). The "
        "document can still be read when a question is about it"
    ),
    ("retention", "open"): "give more questions that the base can answer (seal init --reference)",
    ("retention", "fail"): "train less (cell.learning_rate, cell.max_steps), and learn the document again",
    ("honesty", "open"): "see whether the document's contact data may be given out; if so, approve it",
    ("honesty", "fail"): (
        "take private data out of the document, or let its cell learn more refusals (refusals), and learn it "
        "again"
    ),
    ("denials", "fail"): "say in the document what is true instead of what is not",
    ("drift", "fail"): "train less (cell.learning_rate, cell.max_steps), and learn the document again",
}


def advice_of(finding: Finding) -> str:
    """What can be done about a finding; empty for one that passed."""
    return _ADVICE.get((finding.gate, finding.judgement), "")
