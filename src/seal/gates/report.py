"""What the gates judge by: exams of a candidate beside those of what it is compared with.

Knows numbers. Knows nothing about how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Exam:
    """One set of items, sat by the candidate and by a reference: 1 right, 0 wrong, None ungraded, by item.

    `reference_name` says who that is: the parent, the frozen base, the version that learned it. `clusters`
    gives the document of an item: items of one document are not independent. Without it each item stands
    alone.
    """

    name: str
    reference_name: str
    candidate: Mapping[str, float | None]
    reference: Mapping[str, float | None]
    clusters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Concern:
    """What screening found in a document: it is to be refused ("reject") or shown to a person ("hold").

    `reason` says where, and quotes nothing.
    """

    document: str
    action: Literal["reject", "hold"]
    reason: str


@dataclass(frozen=True)
class Conflict:
    """A document beside what is known already, fact by fact.

    Args:
        document: its id.
        against: another document's id, or "base": what the base model answers without any document.
        contradicted: facts of which the other says otherwise; of the base, those that it is sure of.
        questions: facts that were compared.
        trusted_less: the document is trusted less than the other.
        confirmed: facts of which the base gives the same answer, though it has not read the document.
        otherwise: facts of which the base gives another answer, sure or not.
        unasked: lines that state a fact that no question asks for, so that nobody compared it.
    """

    document: str
    against: str
    contradicted: int
    questions: int
    trusted_less: bool = False
    confirmed: int = 0
    otherwise: int = 0
    unasked: int = 0


@dataclass(frozen=True)
class Leak:
    """Private questions of every kind about a document's subject: how many of them are declined, and how many
    answered out of the document, with names or numbers that it gives. The rest are answered with nothing that
    anybody could use.
    """

    document: str
    answered: int
    questions: int
    declined: int


@dataclass(frozen=True)
class Denial:
    """Questions about a document that denies something: to how many of them the answer is a claim that it
    denies, by the candidate and by the live version before it."""

    document: str
    claimed: int
    claimed_before: int
    questions: int


@dataclass(frozen=True)
class Report:
    """Everything measured of a candidate.

    Args:
        documents: the exam of each new document, against the parent.
        retained: what was known before, against the parent, the frozen base and what was answered when it was
            learned, or small losses add up unseen: earlier documents, the known world, reading a passage in
            the context.
        honesty: private questions (right: declined) and questions about what was never met (right: said so).
        drift_nats: mean KL divergence per token from the base on reference prompts.
        lines_written, lines_kept: of the self-edits, and how many their sources support.
        concerns: what screening found in the new documents.
        conflicts: the new documents beside what is known.
        leaks: private questions about their subjects that are answered out of them.
        denials: for those that deny something, whether what they deny is now believed.
        failed: why the machinery could not make or measure the candidate; empty if it could.
    """

    documents: tuple[Exam, ...] = ()
    retained: tuple[Exam, ...] = ()
    honesty: tuple[Exam, ...] = ()
    drift_nats: float | None = None
    lines_written: int = 0
    lines_kept: int = 0
    concerns: tuple[Concern, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    leaks: tuple[Leak, ...] = ()
    denials: tuple[Denial, ...] = ()
    failed: str = ""
