"""Corrections: a right answer that somebody gives becomes a document of its own.

Knows how a question and its answer are said in plain sentences, and which corrections wait for a person:
those of an author who may not teach, and those that contradict another author's. What is taken goes the way
of every document: screening, exam, gates. Feedback itself trains nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from seal.domains.knowledge.screen import screen
from seal.grading.exact import comparable
from seal.learner.agreement import agree
from seal.learner.documents import Text
from seal.learner.parts import Parts
from seal.learner.queue import Queue
from seal.learner.recognising import recognised
from seal.registry import Feedback
from seal.registry.feedback import CORRECTIONS
from seal.text import sentences
from seal.types import Question

_SHORT_WORDS = 14
_SUBJECT = r"((?:the|a|an|this|that|his|her|its|their|our|my) .+|[A-Z0-9].*|\S+['’]s .+)"
_WHAT_IS = re.compile(rf"(?i:what|who) (is|are|was|were) {_SUBJECT}")
_WHERE_IS = re.compile(rf"(?i:where) (is|are|was|were) {_SUBJECT}")
_WHO_DID = re.compile(
    r"who (?!(?:is|are|was|were|am|be|did|do|does|has|have|had|can|could|will|would|shall|should|may|might"
    r"|must)\b)([a-z]+) (.+)",
    re.I,
)
_WHEN_WAS = re.compile(
    r"when (was|were) (.+) (\w+ed|born|built|made|held|won|written|sold|begun|sunk|found|lost|set|taken)",
    re.I,
)
_OPEN_END = re.compile(r"\b(?:by|for|from|with|of|to|at|in|on|about|called|named|like|located|born)\Z", re.I)
_NAMES = re.compile(r"(?<!\A)\b[^\W\d_a-z][\w'’-]*(?: (?:of |the |de |von )?[^\W\d_a-z][\w'’-]*| \d[\w.]*)*")


@dataclass(frozen=True)
class FeedbackTaken:
    """Feedback as it is recorded, and the job in which a correction is studied, if there is one."""

    feedback: Feedback
    job: int | None = None


def statement(question: str, answer: str) -> str:
    """A question and its answer as plain sentences; of an answer that is sentences already, these."""
    asked, said = " ".join(question.split()).rstrip("?？ "), " ".join(answer.split())
    if len(said.split()) > _SHORT_WORDS or len(sentences(said)) > 1:
        return answer.strip()
    said = said.rstrip(".")
    if (found := _WHEN_WAS.fullmatch(asked)) and re.fullmatch(r"(?:in |on |at )?.*\d.*", said):
        told = (
            said
            if re.match(r"(?:in|on|at|before|after|about|around)\b", said, re.I)
            else f"{_at(said)} {said}"
        )
        return _sentence(f"{found[2]} {found[1]} {found[3]} {told}")
    for pattern in (_WHAT_IS, _WHERE_IS):
        if (found := pattern.fullmatch(asked)) and not _OPEN_END.search(found[2]):
            return _sentence(f"{found[2]} {found[1]} {said}")
    if found := _WHO_DID.fullmatch(asked):
        return _sentence(f"{said} {found[1]} {found[2]}")
    return f'The answer to the question "{asked}?" is: {said}.'


def _at(date: str) -> str:
    return "in" if re.fullmatch(r"(?:[A-Za-z]+ )?\d{3,4}", date) else "on"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def document_of(parts: Parts, correction: Feedback) -> Text:
    """A correction as a document. It is examined by the very question, unless its answer is long: then by
    what the writer asks about it."""
    text = statement(correction.question, correction.value)
    short = len(correction.value.split()) <= _SHORT_WORDS
    questions = (Question(correction.question, (correction.value.strip().rstrip("."),)),) if short else ()
    return Text(text, _title(parts, correction), correction.trust, questions)


def _title(parts: Parts, correction: Feedback) -> str:
    """That of the document that is corrected, or else what the question names, or else the question."""
    if correction.answer is not None:
        source = parts.workspace.answer(correction.answer).source
        if source is not None and (title := parts.workspace.document(source).title):
            return title
    named = max(_NAMES.findall(correction.question), key=len, default="")
    return named or correction.question.strip()


def take(parts: Parts, queue: Queue, correction: Feedback, *, actor: str | None = None) -> FeedbackTaken:
    """Makes a correction that is held a document, and puts its study into the queue, all at once; one that
    screening refuses is refused."""
    workspace = parts.workspace
    given = document_of(parts, correction)
    refused = [f for f in screen(given.title, given.text, parts.config.screen) if f.action == "reject"]
    if refused:
        why = f"screening: {refused[0].reason}"
        return FeedbackTaken(workspace.settle_feedback(correction.id, "refused", reason=why, actor=actor))
    [text] = recognised(workspace, [given], None)
    live = workspace.alias()
    if live is not None and text.document in live.documents:
        settled = workspace.settle_feedback(
            correction.id, "taken", document=text.document, reason="it is known already", actor=actor
        )
        return FeedbackTaken(settled)
    with workspace.transaction():
        job, [document] = queue.put([text], actor=actor)
        settled = workspace.settle_feedback(correction.id, "taken", document=document, actor=actor)
    return FeedbackTaken(settled, job.id)


def receive(
    parts: Parts, queue: Queue, given: Feedback, *, teaches: bool, actor: str | None
) -> FeedbackTaken:
    """What becomes of feedback that was just recorded: a correction is taken, refused, or stays held."""
    if given.kind not in CORRECTIONS:
        return FeedbackTaken(given)
    why = "" if teaches else "its author may not teach: a person decides"
    why = why or _contradicted(parts, given)
    if why:
        return FeedbackTaken(parts.workspace.settle_feedback(given.id, "held", reason=why, actor=actor))
    return take(parts, queue, given, actor=actor)


def _contradicted(parts: Parts, given: Feedback) -> str:
    """Why a correction is to be held beside those of others to the same question; empty if it is not."""
    asked = comparable(given.question)
    for other in parts.workspace.all_feedback():
        if other.kind not in CORRECTIONS or other.erased or other.state not in ("taken", "held"):
            continue
        if other.author == given.author or comparable(other.question) != asked:
            continue
        if not agree(given.question, given.value, other.value, parts.config.judging):
            return f"{other.id}, by another author, answers the same question otherwise"
    return ""
