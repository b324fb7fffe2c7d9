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
from seal.learner.answering import Answer, Mind
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.registry import Line, Version
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
    """An answer with where it is from. Without `document` it is the base model's own.

    `lines` are those of the self-edit that give the answer, `sentence` is the document's. `with_source` and
    `without_source` are the answer's probability with the document's cell, and with the version as it would
    be without it; `evidence_nats` is the logarithm of their ratio.
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

    @property
    def evidence_nats(self) -> float | None:
        if self.without_source is None:
            return None
        return math.log(max(self.probability, 1e-12) / max(self.without_source, 1e-12))

    @property
    def verdict(self) -> Literal["document", "base", "weak"]:
        """ "weak": with the document taken out the answer is as likely, so that it may not be from there."""
        if self.document is None:
            return "base"
        evidence = self.evidence_nats
        return "document" if evidence is not None and evidence > math.log(2) and self.lines else "weak"


def explain(parts: Parts, questions: Sequence[str], version: Version | None) -> list[Why]:
    """For each question the version's answer, and why it is that."""
    return explain_answers(parts, parts.mind(version).ask(list(questions)), version)


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
        return Why(answer.question, answer.text, name, answer.probability)
    source = known[answer.document]
    lines = lines_for(answer.question, answer.text, source.active_lines)
    older = [known[key] for key in answer.candidates if key in known and known[key].retired]
    like = [answer.question, *(line.text for line in lines)]
    return Why(
        question=answer.question,
        answer=answer.text,
        version=name,
        probability=answer.probability,
        document=source.document.id,
        title=source.document.title,
        learned_at=source.document.learned_at,
        sentence=answer.passage or (lines[0].sentence if lines else ""),
        lines=tuple(line.text for line in lines),
        without_source=without,
        superseded=tuple(one for other in older for one in _superseded(like, other)),
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
