"""How likely a version finds the gold answers of an exam, beside other answers of their kind.

A cell that learned nothing but to answer briefly makes every short answer likelier; what shows that a fact
was learned is that its answer gains on others to the same question. Of a cell that recites each answer is
scored after the sentence that the cell recites of itself. Knows nothing about gates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import islice

from seal.gates import AnswerLikelihood, Exam
from seal.grading.exact import comparable
from seal.grading.paired import compare, gain_p_value
from seal.learner.agreement import agree
from seal.learner.answering import Mind
from seal.learner.reference import ReferenceItem
from seal.types import Question

N_OTHERS = 3
_NAME = re.compile(r"(?<=[\w,;] )[^\W\d_a-z][\w'’-]*\w(?: [^\W\d_a-z][\w'’-]*\w)*")
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")


def with_likelihoods(
    made: Exam, candidate: Mind, reference: Mind, items: Sequence[ReferenceItem], text: str, alpha: float
) -> Exam:
    """An exam with likelihoods, if its outcomes alone do not show at `alpha` that something was learned.
    `text` is the document's: other answers are taken out of it."""
    if gain_p_value(compare(made.candidate, made.reference)) <= alpha:
        return made
    asked = [i for i in items if i.answers and made.candidate.get(i.id) is not None]
    others = {item.id: others_of(item, items, text) for item in asked}
    asked = [item for item in asked if others[item.id]]
    numbers: dict[str, int] = {}
    return replace(
        made,
        candidate_likelihoods=likelihoods(candidate, asked, others),
        reference_likelihoods=likelihoods(reference, asked, others),
        facts={i.id: numbers.setdefault(comparable(i.answers[0]), len(numbers)) for i in asked},
    )


def likelihoods(
    mind: Mind, items: Sequence[ReferenceItem], others: Mapping[str, Sequence[str]]
) -> dict[str, AnswerLikelihood]:
    """By item, as the version serves the question: by the cell that it reaches, or the base. What a sentence
    that is recited first takes of the likelihood is the same for all answers to a question."""
    given = mind.ask_cells([item.question for item in items])
    pairs: list[tuple[str, str]] = []
    owners: list[str | None] = []
    adaptation = mind.adaptation
    for item, own in zip(items, given, strict=True):
        prompt = adaptation.exam_prompt(None, Question(mind.worded(item.question, own.document), ()))
        for answer in (item.answers[0], *others[item.id]):
            pairs.append((prompt, adaptation.answer_lead + replace(own, text=answer).said))
            owners.append(own.document)
    nats = iter(_log_probabilities(mind, owners, pairs))
    return {
        item.id: AnswerLikelihood(next(nats), tuple(next(nats) for _ in others[item.id])) for item in items
    }


def _log_probabilities(
    mind: Mind, owners: Sequence[str | None], pairs: Sequence[tuple[str, str]]
) -> list[float]:
    by_cell = [i for i, owner in enumerate(owners) if owner is not None]
    by_base = [i for i, owner in enumerate(owners) if owner is None]
    logs: dict[int, float] = {}
    if by_cell:
        named = [owner for owner in owners if owner is not None]
        logs |= dict(zip(by_cell, mind.log_probabilities(named, [pairs[i] for i in by_cell]), strict=True))
    if by_base:
        scores = mind.speaks.scores([pairs[i] for i in by_base])
        logs |= {i: s.log_probability for i, s in zip(by_base, scores, strict=True)}
    return [logs[i] for i in range(len(owners))]


def others_of(
    item: ReferenceItem, items: Sequence[ReferenceItem], text: str, n: int = N_OTHERS
) -> tuple[str, ...]:
    """Other answers to a question: those of the exam's other questions, then names or numbers that stand in
    the document, then answers to general questions. All are numbers if the gold one is, or none."""
    gold = item.answers[0]
    of_exam = [other.answers[0] for other in items if other.answers and other.id != item.id]
    in_text = [*_NAME.findall(text), *_NUMBER.findall(text)]
    there = [a for a in dict.fromkeys([*of_exam, *in_text]) if a not in item.question]
    alike = (a for a in [*there, *_general()] if _numeric(a) == _numeric(gold))
    return tuple(islice((a for a in alike if _another(item, a)), n))  # no more are compared than it takes


def _another(item: ReferenceItem, answer: str) -> bool:
    return not any(agree(item.question, gold, answer, "meaning") for gold in item.answers) and not any(
        comparable(answer) in comparable(gold) for gold in item.answers
    )


def _numeric(answer: str) -> bool:
    return any(map(str.isdigit, answer))


@cache
def _general() -> tuple[str, ...]:
    text = (files("seal.learner") / "general.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if "\t" in line and not line.startswith("#")]
    return tuple(dict.fromkeys(answers.split("|")[0] for _, answers in rows))
