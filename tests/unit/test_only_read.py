"""Which documents are read instead, when their cells are refused."""

from __future__ import annotations

import pytest

from seal.gates import Decision, Finding, about_document
from seal.learner.only_read import cell_alone


def finding(gate: str, about: str = "all", judgement: str = "fail") -> Finding:
    return Finding(gate, about, judgement, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stopped", "read"),
    [
        ([finding("acquisition")], True),
        ([finding("honesty", "private questions are declined, against the frozen base")], True),
        ([finding("honesty", about_document("a" * 64))], False),
        ([finding("honesty"), finding("screening", about_document("a" * 64))], False),
        ([finding("drift", about_document("a" * 64)), finding("denials")], True),
        ([finding("consistency", about_document("a" * 64), "open")], False),
        ([], False),
    ],
)
def test_only_what_judges_the_cell_leaves_a_document_to_be_read(stopped: list[Finding], read: bool) -> None:
    """Private data that a document would give out, or what it says, is no fault of its cell."""
    decision = Decision("rejected", "", (finding("retention", judgement="pass"), *stopped))
    assert cell_alone(decision) is read
    assert not cell_alone(Decision("held", "", tuple(stopped)))
