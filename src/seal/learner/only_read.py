"""A document of which nothing but the cell was refused: it is live without one, to be read when it is asked
about.

Knows which gates judge the cell alone, and how such a document sits its exam. Knows nothing about how answers
are chosen (answer_ways.py) or versions recorded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from seal.gates import Decision, Finding, of_a_document
from seal.learner.answer_ways import Answerer
from seal.learner.answering import Mind
from seal.learner.measuring import Outcomes, exam_items
from seal.learner.parts import Parts
from seal.learner.reference import ReferenceItem, is_right
from seal.learner.releases import Candidate
from seal.learner.writing import SourceDocument

_OF_THE_CELL: Final = ("acquisition", "retention", "denials", "drift")


def cell_alone(decision: Decision) -> bool:
    """Whether a candidate was rejected for its cell only: nothing that it says is doubted, or private."""
    stopped = [finding for finding in decision.findings if finding.judgement != "pass"]
    return decision.outcome == "rejected" and bool(stopped) and all(map(_of_the_cell, stopped))


def _of_the_cell(finding: Finding) -> bool:
    """A cell may answer what the base declines; what is private in the document itself is judged for each
    document."""
    return finding.gate in _OF_THE_CELL or (finding.gate == "honesty" and not of_a_document(finding))


def to_be_read(parts: Parts, parent: Mind, candidate: Candidate) -> Candidate:
    """The same document with a cell that changes nothing, and its exam sat by reading."""
    known = replace(candidate.known, read_only=True)
    source = SourceDocument(candidate.id, known.document.compiled_title, known.text)
    adapter = parts.compiler.blank(source, rank=1)
    cell = parts.library.cell_of(known, f"new/{candidate.id}/read", adapter)
    items = [item for item in exam_items(known) if item.id in candidate.exam.candidate]
    read = _outcomes_by_reading(parts, parent.with_cells({candidate.id: cell}), items)
    own = replace(candidate.exam, candidate=read, by_reading=True)
    own = replace(own, candidate_likelihoods={}, reference_likelihoods={}, facts={})
    return replace(candidate, known=known, cell=cell, exam=own)


def _outcomes_by_reading(parts: Parts, mind: Mind, items: list[ReferenceItem]) -> Outcomes:
    answers = Answerer(mind, parts.skills, parts.config.ways).ask([i.question for i in items], "reading")
    return {
        item.id: is_right(item, answer.text, "", mind.adaptation)
        for item, answer in zip(items, answers, strict=True)
    }
