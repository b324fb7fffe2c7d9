"""Exams of a candidate beside the version that it came from and the frozen base: what the gates judge by.

Knows how outcomes are found: what reaches no other cell than before is not asked again. Knows no gate.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seal.domains.knowledge.units import units_of
from seal.gates import Denial, Exam, Leak
from seal.grading.exact import comparable
from seal.grading.meaning import same_answer
from seal.learner.agreement import Judging
from seal.learner.answering import Answer, Mind
from seal.learner.library import KnownDocument
from seal.learner.private_answers import asked_of, gives_private
from seal.learner.reference import (
    ReferenceItem,
    asked_private,
    declines,
    gives_away,
    is_right,
    private_items,
    refuses,
)
from seal.learner.writing import FOR_EXAM, READ_OTHERWISE, DocumentReader, SourceDocument
from seal.models.tokens import encode_completion
from seal.self_edits.ground import DENIED, GroundConfig, denies, ground
from seal.self_edits.pair_lines import line_of, question_of
from seal.self_edits.relations import WordSet
from seal.types import Question

_ASKED = (DENIED, FOR_EXAM, READ_OTHERWISE)
Outcomes = dict[str, float | None]


def outcomes(mind: Mind, items: Sequence[ReferenceItem]) -> Outcomes:
    """By item: 1 right, 0 wrong, None ungraded."""
    questions, shown = [i.question for i in items], [i.shown for i in items]
    answers = mind.ask(questions, shown)
    base = (
        mind.answer([None] * len(items), questions, shown) if any(needs_base(i) for i in items) else answers
    )
    return {
        item.id: is_right(item, a.text, b.text, mind.adaptation)
        for item, a, b in zip(items, answers, base, strict=True)
    }


def needs_base(item: ReferenceItem) -> bool:
    return item.kind in ("known", "reading") and not item.answers


def exam_items(known: KnownDocument) -> list[ReferenceItem]:
    """A document's exam, less what a newer document has replaced."""
    key = known.document.id
    return [
        ReferenceItem(f"{key[:12]}/{i}", "known", q.text, q.answers, key)
        for i, q in enumerate(known.exam)
        if q in known.active_exam
    ]


def exam(
    name: str,
    reference_name: str,
    candidate: Mind,
    reference: Mind,
    items: Sequence[ReferenceItem],
    ungraded: Collection[str] = (),
) -> Exam:
    """Both sit the same items; the answers to those named in `ungraded` do not count."""
    clusters = {item.id: item.cluster for item in items}
    without: Outcomes = dict.fromkeys(ungraded)
    return Exam(
        name,
        reference_name,
        outcomes(candidate, items) | without,
        outcomes(reference, items) | without,
        clusters,
    )


def memorised(known: KnownDocument) -> list[str]:
    """Items of a document's exam whose question is among the lines it is learned from: an answer to it shows
    that it was learned by heart, and nothing else."""
    pairs = (question_of(line.text) for line in known.active_lines)
    asked = {comparable(pair[0]) for pair in pairs if pair}
    return [item.id for item in exam_items(known) if comparable(item.question) in asked]


def leaks(candidate: Mind, documents: Sequence[KnownDocument]) -> tuple[Leak, ...]:
    """Every private question about each document's subject: is one answered out of it?

    What the cell itself says counts, though `ask` would let the base decline: it may be exported.
    """
    titled = [(known, asked_private(known.document.title)) for known in documents if known.document.title]
    said = iter(candidate.ask_cells([question for _, asked in titled for question in asked]))
    found = []
    for known, asked in titled:
        own = [next(said).text for _ in asked]
        told = zip(own, asked, strict=True)
        given = sum(gives_away(a, q, known.document.title, known.text) for a, q in told)
        found.append(Leak(known.document.id, given, len(asked), sum(map(declines, own))))
    return tuple(found)


def leaks_by_kind(candidate: Mind, base: Mind, documents: Sequence[KnownDocument]) -> tuple[Leak, ...]:
    """The same for a model that answers in sentences, beside what the base does: such a model may repeat a
    name or a year, and may never have declined.
    """
    titled = [(k, asked_of(k.document.title, k.text)) for k in documents if k.document.title]
    asked = [question for _, questions in titled for question in questions]
    said = iter(candidate.ask_cells(asked))
    before = iter(base.answer([None] * len(asked), asked))
    found = []
    for known, questions in titled:
        own = [next(said).said for _ in questions]
        by_base = sum(refuses(next(before).text) for _ in questions)
        given = [gives_private(a, q, known.text) for a, q in zip(own, questions, strict=True)]
        found.append(
            Leak(
                known.document.id,
                given.count("secret"),
                len(questions),
                sum(map(refuses, own)),
                declined_by_base=by_base,
                contacts=given.count("contact"),
            )
        )
    return tuple(found)


def denials(
    candidate: Mind,
    parent: Mind,
    documents: Sequence[KnownDocument],
    words: WordSet = "general",
    reader: DocumentReader | None = None,
) -> tuple[Denial, ...]:
    """For each document that denies something, every question that was written about it, those whose answers
    were dropped as denied too: is what the candidate answers, and the live version, denied by the document?

    With a `reader`, an answer that it gives too, with the document to read, is no claim that the document
    denies: in everyday text the words alone accuse many true ones. Nor is an answer out of a sentence that
    was recited as the document has it, unless that sentence denies something itself.
    """
    told = []
    for known in documents:
        if not denies(known.text):
            continue
        pairs = [question_of(line.text) for line in known.lines if line.kept or line.reason in _ASKED]
        written = dict.fromkeys([*(pair[0] for pair in pairs if pair), *(q.text for q in known.exam)])
        asked = [q for q in written if not denies(q)]  # what a negated question is answered is no claim
        claimed, before = (
            len(_denied(known, asked, mind.ask(asked), words, reader)) for mind in (candidate, parent)
        )
        told.append(Denial(known.document.id, claimed, before, len(asked)))
    return tuple(told)


def _denied(
    known: KnownDocument,
    asked: Sequence[str],
    said: Sequence[Answer],
    words: WordSet,
    reader: DocumentReader | None,
) -> list[str]:
    """The questions whose answers a document denies."""
    document, answers = known.document, [one.text for one in said]
    lines = [line_of(question, answer) for question, answer in zip(asked, answers, strict=True)]
    judged = ground(lines, document.title, known.text, GroundConfig(words=words))
    claims = [i for i, one in enumerate(judged) if one.reason == DENIED]
    if any(said[i].passage for i in claims):
        stated = {unit.text for unit in units_of(document.title, known.text) if not denies(unit.text)}
        claims = [i for i in claims if said[i].passage not in stated]
    if reader is None or not claims:
        return [asked[i] for i in claims]
    source = SourceDocument(document.id, document.title, known.text)
    read = reader.read(source, [asked[i] for i in claims])
    return [
        asked[i] for i, text in zip(claims, read, strict=True) if not same_answer(asked[i], text, answers[i])
    ]


EARLIER = "what was known before"
WHEN_LEARNED = "what was answered when it was learned"


def retained(
    candidate: Mind,
    parent: Mind,
    base: Mind,
    before: Mapping[str, KnownDocument],
    items: Sequence[ReferenceItem],
    learned: Outcomes,
) -> tuple[Exam, ...]:
    """What was known before: earlier documents and the base's own knowledge, and reading what is shown.

    `learned` has the outcomes of earlier documents' items when each of them was learned, and of the base's
    own when they were first asked. What is only read is in no weights, and is not asked.
    """
    earlier = [item for known in before.values() if not known.read_only for item in exam_items(known)]
    world = [item for item in items if item.kind == "known"]
    reading = [item for item in items if item.kind == "reading"]
    whole = exam(EARLIER, "the live version", candidate, parent, [*earlier, *world])
    found = [whole]
    first = {key: learned[key] for key in whole.candidate if learned.get(key) is not None}
    if first:
        now = {key: whole.candidate[key] for key in first}
        clusters = {key: whole.clusters[key] for key in first}
        found.append(Exam(EARLIER, WHEN_LEARNED, now, first, clusters))
    if world:
        found.append(exam("what the base knows", "the frozen base", candidate, base, world))
    if reading:
        found.append(exam("reading a passage that is shown", "the frozen base", candidate, base, reading))
    return tuple(found)


def when_learned(report: Mapping[str, Any]) -> Outcomes:
    """From a live version's report: the outcomes of its documents' items, each when it was first live.

    What was learned before reports noted it counts from the first report that does.
    """
    exams = report["retained"]
    earlier = next((e["candidate"] for e in exams if e["name"] == EARLIER), {})
    noted = next((e["reference"] for e in exams if e["reference_name"] == WHEN_LEARNED), {})
    own = {key: value for e in report["documents"] for key, value in e["candidate"].items()}
    return {**earlier, **noted, **own}


def drift_nats(candidate: Mind, base: Mind, items: Sequence[ReferenceItem]) -> float | None:
    """Mean over the reference's prompts of log p(base) - log p(candidate) a token of the base's own answer,
    as the candidate serves it: the KL divergence from the base, at the base's likeliest answer. A prompt that
    reaches no cell adds 0, since the base answers it. None without prompts.
    """
    if not items:
        return None
    routes = candidate.route([item.question for item in items])
    moved = [(item, route[0]) for item, route in zip(items, routes, strict=True) if route]
    said = base.answer([None] * len(moved), [i.question for i, _ in moved], [i.shown for i, _ in moved])
    told = [(one, key, a) for (one, key), a in zip(moved, said, strict=True) if a.text.strip()]
    adaptation = candidate.adaptation
    pairs = [
        (
            adaptation.exam_prompt(i.shown, Question(candidate.worded(i.question, key), ())),
            adaptation.answer_lead + a.said,
        )
        for i, key, a in told
    ]
    found = candidate.log_probabilities([key for _, key, _ in told], pairs)
    nats = 0.0
    for (_, answer), (_, _, a), after in zip(pairs, told, found, strict=True):
        n_tokens = len(encode_completion(adaptation.tokenizer, answer, append_eos=False))
        nats += (math.log(max(a.probability, 1e-30)) - after) / max(1, n_tokens)
    return nats / len(items)


def honesty(
    candidate: Mind,
    base: Mind,
    titles: Mapping[str, str],
    items: Sequence[ReferenceItem],
    judging: Judging = "words",
) -> tuple[Exam, ...]:
    """Private questions, some of them about the new documents (`titles` by id), and what nobody told.

    Of a model that answers in sentences only those count that the base declines.
    """
    private = [item for item in items if item.kind == "private"]
    private += [
        item for key, title in titles.items() if title for item in private_items(key, title, judging=judging)
    ]
    unmet = [item for item in items if item.kind == "unmet"]
    declined = exam("private questions are declined", "the frozen base", candidate, base, private)
    found = [declined if judging == "words" else _where_right(declined)]
    if unmet:
        found.append(
            exam("what was never met is said not to be known", "the frozen base", candidate, base, unmet)
        )
    return tuple(found)


def _where_right(made: Exam) -> Exam:
    """The items of an exam that the reference gets right."""
    right = [key for key, value in made.reference.items() if value == 1]

    def among(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: values[key] for key in right if key in values}

    return replace(
        made,
        candidate=among(made.candidate),
        reference=among(made.reference),
        clusters=among(made.clusters),
        only_right=True,
    )
