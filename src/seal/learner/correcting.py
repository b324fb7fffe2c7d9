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
from seal.learner.agreement import agree, names_all
from seal.learner.documents import TAUGHT, Text
from seal.learner.parts import Parts
from seal.learner.queue import Queue
from seal.learner.recognising import recognised
from seal.registry import Feedback
from seal.registry.feedback import CORRECTIONS
from seal.self_edits.pair_lines import question_of
from seal.text import sentences
from seal.types import Question

_SHORT_WORDS = 14
_MOST_WORDINGS = 8
_SUBJECT = r"((?:the|a|an|this|that|his|her|its|their|our|my) .+|[A-Z0-9].*|\S+['’]s .+)"
_WHAT_IS = re.compile(rf"(?i:what|who) (is|are|was|were) {_SUBJECT}")
_WHERE_IS = re.compile(rf"(?i:where) (is|are|was|were) {_SUBJECT}")
_WHO_DID = re.compile(
    r"who (?!(?:is|are|was|were|am|be|did|do|does|has|have|had|can|could|will|would|shall|should|may|might"
    r"|must)\b)([a-z]+) (.+)",
    re.I,
)
_PARTICIPLE = r"(\w+ed|born|built|made|held|won|written|sold|begun|sunk|found|lost|set|taken|run|led|kept)"
_WHEN_WAS = re.compile(rf"(?i:when) (was|were) (.+) {_PARTICIPLE}")
_BY_WHOM = re.compile(
    r"(?i:(by|in|at|on|from|for|with|after) (?:whom|what(?: \w+)?|which \w+)) "
    rf"(is|are|was|were) (.+) {_PARTICIPLE}"
)
_HOW_MANY = re.compile(r"(?i:how many) (\w+) (are|were) there (.+)")
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
    if (found := _WHEN_WAS.fullmatch(asked)) and re.search(r"\d", said):
        return _sentence(f"{found[2]} {found[1]} {found[3]} {_at(said)}")
    if found := _BY_WHOM.fullmatch(asked):
        return _sentence(f"{found[3]} {found[2]} {found[4]} {found[1].lower()} {said}")
    if found := _HOW_MANY.fullmatch(asked):
        return _sentence(f"There {found[2]} {said} {found[1]} {found[3]}")
    for pattern in (_WHAT_IS, _WHERE_IS):
        if (found := pattern.fullmatch(asked)) and not _OPEN_END.search(found[2]):
            return _sentence(f"{found[2]} {found[1]} {said}")
    if found := _WHO_DID.fullmatch(asked):
        return _sentence(f"{said} {found[1]} {found[2]}")
    return f'The answer to the question "{asked}?" is: {said}.'


def _at(date: str) -> str:
    """A date with the word that stands before it."""
    if re.match(r"(?:in|on|at|before|after|about|around)\b", date, re.I):
        return date
    return f"in {date}" if re.fullmatch(r"(?:[A-Za-z]{1,12} )?\d{3,4}", date) else f"on {date}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def document_of(parts: Parts, correction: Feedback) -> Text:
    """A correction as a document: the line by which the corrected answer was learned, with the right answer
    in its place, or else question and answer as sentences.

    It is examined by wordings of the question that it is not learned from (`wordings`); one with a long
    answer by what the writer asks about it.
    """
    right = correction.value.strip().rstrip(".")
    if len(right.split()) > _SHORT_WORDS:
        return Text(statement(correction.question, right), _title(parts, correction), correction.trust)
    text = _mended(parts, correction) or statement(correction.question, right)
    questions = tuple(Question(question, (right,)) for question in wordings(parts, correction)[1])
    return Text(text, _title(parts, correction), correction.trust, questions)


def wordings(parts: Parts, correction: Feedback) -> tuple[list[str], list[str]]:
    """The wordings of a correction's question that it is learned from, and those that it is examined by: of
    the corrected document's own every other one. Where there are none, the very question is the exam."""
    others = _other_wordings(parts, correction)
    return ([correction.question, *others[1::2]], others[::2]) if others else ([], [correction.question])


def _other_wordings(parts: Parts, correction: Feedback) -> list[str]:
    """Questions of the corrected document to which it gives the corrected answer, and which name nothing that
    the question does not."""
    given = None if correction.answer is None else parts.workspace.answer(correction.answer)
    if given is None or given.source is None:
        return []
    pairs = [pair for line in parts.workspace.lines(given.source) if (pair := question_of(line.text))]
    wrong, asked = comparable(given.text), comparable(correction.question)
    same = {comparable(q): q for q, a in pairs if comparable(a) == wrong and comparable(q) != asked}
    return [q for q in same.values() if names_all(q, correction.question)][:_MOST_WORDINGS]


def _mended(parts: Parts, correction: Feedback) -> str:
    """The statements that gave the corrected answer, with the right one in its place; empty if none did."""
    from seal.learner.explaining import lines_for

    given = None if correction.answer is None else parts.workspace.answer(correction.answer)
    if given is None or given.source is None or not given.text.strip():
        return ""
    stated = [
        line for line in parts.workspace.lines(given.source) if line.kept and question_of(line.text) is None
    ]
    wrong = re.compile(rf"(?<!\w){re.escape(given.text.strip().rstrip('.'))}(?!\w)", re.I)
    right, mended = correction.value.strip().rstrip("."), dict[str, None]()
    for line in lines_for(correction.question, given.text, stated):
        # Nothing else of the source may come along: it could not be forgotten with it.
        once = len(wrong.findall(line.text)) == 1
        if once and names_all(f"It {wrong.sub('', line.text)}", correction.question):
            mended[wrong.sub(lambda _: right, line.text)] = None
    return " ".join(mended)


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
        right = text.questions[0].answers if text.questions else ()
        taught = [Question(one, right) for one in wordings(parts, correction)[0] if right]
        if taught:
            workspace.record_exam(document, taught, origin=TAUGHT, actor=actor)
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
    for other in parts.workspace.all_feedback(kinds=CORRECTIONS):
        if other.erased or other.state not in ("taken", "held"):
            continue
        if other.author == given.author or comparable(other.question) != asked:
            continue
        if not agree(given.question, given.value, other.value, parts.config.judging):
            return f"{other.id}, by another author, answers the same question otherwise"
    return ""
