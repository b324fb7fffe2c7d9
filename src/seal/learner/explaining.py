"""Why an answer is what it is: the version, the document and its sentence, the lines that taught it, and the
evidence that they did, by taking the document out.

Knows nothing about how answers are made or printed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seal.grading.exact import comparable
from seal.grading.lexical import words
from seal.learner.answering import Answer, Mind, Way
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.registry import Line, Version
from seal.text import sentences
from seal.types import Question

_MOST_LINES = 4
_ALIKE = 0.5


@dataclass(frozen=True)
class Superseded:
    """What an older document said, and since when a newer one says otherwise."""

    document: str
    title: str
    line: str
    added_at: str


@dataclass(frozen=True)
class Why:
    """An answer with where it is from. Without `document` it is the base model's own, or there is none.

    `way` is how it came about. `lines` are those of the self-edit that give the answer, or of what was read;
    `sentence` is the document's that says it. `probability` and `without_source` are the answer's with the
    document, and with the version as it would be without it; `evidence_nats` is the logarithm of their ratio.
    """

    question: str
    answer: str
    version: str | None
    probability: float
    document: str | None = None
    title: str = ""
    learned_at: str | None = None
    sentence: str = ""
    lines: tuple[str, ...] = ()
    without_source: float | None = None
    superseded: tuple[Superseded, ...] = ()
    way: Way = "base"

    @property
    def evidence_nats(self) -> float | None:
        if self.without_source is None:
            return None
        return math.log(max(self.probability, 1e-12) / max(self.without_source, 1e-12))

    @property
    def verdict(self) -> Literal["document", "read", "base", "weak", "unknown"]:
        """ "weak": with the document taken out the answer is as likely, so that it may not be from there."""
        if self.document is None:
            return "unknown" if self.way == "unknown" else "base"
        if self.way == "reading":
            return "read"
        evidence = self.evidence_nats
        return "document" if evidence is not None and evidence > math.log(2) and self.lines else "weak"


def explain(parts: Parts, questions: Sequence[str], version: Version | None) -> list[Why]:
    """For each question the answer that the version gives, by whichever way, and why it is that."""
    return explain_answers(parts, parts.answer(version, list(questions), "auto"), version)


def explain_answers(parts: Parts, answers: Sequence[Answer], version: Version | None) -> list[Why]:
    """For each answer that a version gave, why it is that."""
    mind = parts.mind(version)
    known = parts.library.of_version(version)
    without = _without(mind, answers)
    return [_why(answer, other, known, version) for answer, other in zip(answers, without, strict=True)]


def _without(mind: Mind, answers: Sequence[Answer]) -> list[float | None]:
    """The probability of each answer in the version without the document that gave it."""
    probabilities: list[float | None] = [None] * len(answers)
    for document in dict.fromkeys(a.document for a in answers if a.document is not None):
        places = [i for i, a in enumerate(answers) if a.document == document]
        rest = mind.with_cells({}, without=[document])
        routes = rest.route([answers[i].question for i in places])
        for i, route in zip(places, routes, strict=True):
            probabilities[i] = _probability(rest, route[0] if route else None, answers[i])
    return probabilities


def _probability(mind: Mind, document: str | None, answer: Answer) -> float:
    question = mind.worded(answer.question, document)
    prompt = mind.adaptation.exam_prompt(None, Question(question, ()))
    sources = [] if document is None else [mind.cells[document].adapter_source]
    return mind.speaks.probabilities([prompt], [answer.said], sources, [0] * len(sources))[0]


def _why(
    answer: Answer, without: float | None, known: Mapping[str, KnownDocument], version: Version | None
) -> Why:
    name = None if version is None else version.id
    if answer.document is None:
        return Why(answer.question, answer.text, name, answer.probability, way=answer.way)
    source = known[answer.document]
    if answer.way == "reading":
        lines = [Line(one, sentence=one) for one in sentences(answer.passage)]
        said = lines_for(answer.question, answer.text, lines)[:1] or lines[:1]
    else:
        lines = said = lines_for(answer.question, answer.text, source.active_lines)
    older = [one for one in known.values() if one.retired]
    like = [answer.question, *(line.text for line in lines)]
    return Why(
        question=answer.question,
        answer=answer.text,
        version=name,
        probability=answer.probability,
        document=source.document.id,
        title=source.document.title,
        learned_at=source.document.learned_at,
        sentence=(answer.passage if answer.way == "weights" else "") or (said[0].sentence if said else ""),
        lines=tuple(line.text for line in lines),
        without_source=without,
        superseded=tuple(one for other in older for one in _superseded(like, other)),
        way=answer.way,
    )


def lines_for(question: str, answer: str, lines: Sequence[Line]) -> list[Line]:
    """The lines that give the answer, those first that share most with the question."""
    wanted, asked = comparable(answer), set(words(question))
    giving = [line for line in lines if wanted and f" {wanted} " in f" {comparable(line.text)} "]

    def shared(line: Line) -> float:
        own = set(words(line.text))
        return len(own & asked) / max(1, len(own | asked))

    return sorted(giving, key=lambda line: -shared(line))[:_MOST_LINES]


def _superseded(like: Sequence[str], older: KnownDocument) -> list[Superseded]:
    """What a document said before a newer one said otherwise: the line that is most like the question, or
    like a line that gives the present answer."""
    wanted = [set(words(text)) for text in like]

    def likeness(line: Line) -> float:
        own = set(words(line.text))
        return max(len(own & other) / max(1, len(own | other)) for other in wanted)

    gone = [older.lines[i] for i in older.retired]
    best = max(gone, key=likeness, default=None)
    if best is None or likeness(best) < _ALIKE:
        return []
    return [Superseded(older.document.id, older.document.title, best.text, older.document.added_at)]
