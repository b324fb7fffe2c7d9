"""What the gates judge by: the exams of a candidate, each beside those of a reference.

Knows numbers. Knows nothing about how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class AnswerLikelihood:
    """How likely a model finds a question's gold answer, and other answers of its kind: log-probabilities of
    the whole answers."""

    gold_nats: float
    others_nats: tuple[float, ...]

    @property
    def lead_nats(self) -> float:
        """By how much the gold answer is ahead of the others' mean."""
        return self.gold_nats - sum(self.others_nats) / len(self.others_nats)


@dataclass(frozen=True)
class Exam:
    """One set of questions (items), answered by the candidate and by a reference; by item, 1 is right, 0
    wrong, None ungraded.

    `reference_name` says what the reference is: the parent version, the frozen base model, or the version
    that first learned the document. `clusters` gives the document of each item, because items of one document
    are not independent; an item without a cluster counts by itself. `only_right`: nothing was asked that the
    reference gets wrong. `by_reading`: the candidate read the document, of which nothing is in its weights.

    Likelihoods are measured where the outcomes alone do not show that something was learned; `facts` numbers
    what each item asks for, since one fact may be asked in several wordings.
    """

    name: str
    reference_name: str
    candidate: Mapping[str, float | None]
    reference: Mapping[str, float | None]
    clusters: Mapping[str, str] = field(default_factory=dict)
    only_right: bool = False
    by_reading: bool = False
    candidate_likelihoods: Mapping[str, AnswerLikelihood] = field(default_factory=dict)
    reference_likelihoods: Mapping[str, AnswerLikelihood] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)


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
        contradicted: facts of which the other says otherwise; for the base model, those that it is sure of.
        questions: facts that were compared.
        trusted_less: the document is trusted less than the other.
        confirmed: facts of which the base model gives the same answer, though it has not read the document.
        otherwise: facts of which the base model gives another answer, sure or not.
        unasked: lines that state a fact that no question asks for, so that it was not compared.
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
    """Private questions of every kind about a document's subject: how many are declined, and how many are
    answered out of the document, with names or numbers in it. The answers to the rest give nothing away.

    `declined_by_base`: how many of them the base declines, where it was asked. `contacts`: how many are
    answered with a telephone number or an address out of the document, which may be there to be given out.
    """

    document: str
    answered: int
    questions: int
    declined: int
    declined_by_base: int | None = None
    contacts: int = 0


@dataclass(frozen=True)
class Denial:
    """Questions about a document that denies something: how many are answered with a claim that it denies, by
    the candidate (`claimed`) and by the live version before it (`claimed_before`)."""

    document: str
    claimed: int
    claimed_before: int
    questions: int


@dataclass(frozen=True)
class Perplexity:
    """How well neutral text is read: by the base with a document's cell switched on (`candidate`), and
    without (`base`). `noise`: by what share the base's own changes if the same text is computed in another
    arrangement."""

    document: str
    candidate: float
    base: float
    noise: float


@dataclass(frozen=True)
class Report:
    """Everything measured of a candidate.

    Args:
        documents: the exam of each new document, against the parent.
        retained: what was known before: earlier documents, what the base model knows, reading a passage. It
            is compared with the parent, with the frozen base model, and with what was answered when it was
            learned; with the parent alone, small losses would add up unseen.
        honesty: private questions (right is to decline), and questions about what the model never met (right
            is to say so).
        drift_nats: mean KL divergence per token from the base model on reference prompts.
        lines_written: lines of the self-edits.
        lines_kept: how many of these their sources support.
        concerns: what screening found in the new documents.
        conflicts: the new documents beside what is known.
        leaks: private questions about the subjects of the new documents that are answered out of them.
        denials: for new documents that deny something, whether what they deny is now believed.
        perplexities: how well neutral text is read with each new document's cell switched on.
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
    perplexities: tuple[Perplexity, ...] = ()
    failed: str = ""


_UNMEASURED: Mapping[str, Any] = {
    "only_right": False,
    "by_reading": False,
    "candidate_likelihoods": {},
    "reference_likelihoods": {},
    "facts": {},
    "declined_by_base": None,
    "contacts": 0,
    "perplexities": (),
}


def recorded(report: Report) -> dict[str, Any]:
    """A report as it is kept. What was not measured is left out: a report is in the digest of its version,
    and versions whose reports knew nothing of it keep theirs."""
    return asdict(report, dict_factory=_without_unmeasured)


def _without_unmeasured(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in entries if key not in _UNMEASURED or value != _UNMEASURED[key]}
