"""Where a document contradicts what is known: another document, or what the base is sure of.

Knows how a contradiction is found: both answer the same question, each from its own text. Pairs of documents
are compared by themselves, so that what one retires of the other does not depend on a third: forgetting one
leaves what a learner would have that never saw it. Knows nothing about what is done about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seal.gates import Conflict
from seal.grading.exact import comparable
from seal.learner.agreement import Judging, agree, differ, names_all
from seal.learner.answering import Answer, Mind
from seal.learner.compiling import Compiler
from seal.learner.library import KnownDocument
from seal.learner.reference import gives_nothing, refuses
from seal.learner.writing import FOR_EXAM, SourceDocument
from seal.models.tokens import encode_completion
from seal.registry import Line
from seal.retention import CellRouter
from seal.retention.spelling import bare, content, is_numeral, words_of
from seal.self_edits.pair_lines import question_of
from seal.types import Question


@dataclass(frozen=True)
class Retirement:
    """What `newer` replaces of `older`: the positions of its lines."""

    older: str
    newer: str
    positions: tuple[int, ...]
    contradicted: int
    questions: int


def pairs_of(lines: Sequence[Line], exam: Sequence[Question]) -> list[tuple[str, str]]:
    """Every question with its answer that a document gives, those kept for its exam too."""
    told = [pair for line in lines if line.kept and (pair := question_of(line.text))]
    return list(dict.fromkeys([*told, *((q.text, q.answers[0]) for q in exam)]))


def retirements(
    compiler: Compiler, newer: KnownDocument, others: Sequence[KnownDocument]
) -> list[Retirement]:
    """What a document replaces of earlier ones, `others`, about the same subject.

    A line of the older is replaced if it gives the answer that the older's own text gives to a question which
    the newer answers otherwise. The question has to name what it is about: "Where is the company based?" may
    be asked of any company.
    """
    pairs = pairs_of(newer.lines, newer.exam)
    if not pairs:
        return []
    found = []
    for older in others:
        key = older.document.id
        if older.document.sequence >= newer.document.sequence:
            continue
        router = CellRouter([older.entry()], compiler.config.router)
        asked = [
            (q, a)
            for q, a in pairs
            if any(found.named for found in router.route(q)) and _may_mean(q, older, newer)
        ]
        source = SourceDocument(key, older.document.compiled_title, older.text)
        read = compiler.reader.read(source, [q for q, _ in asked])
        said = list(zip(asked, read, strict=True))
        meant = compiler.config.judging == "meaning"
        gone = _gone_by_meaning(older, said) if meant else _gone(older, said)
        # A value that the newer document repeats is not contradicted by it.
        gone -= {comparable(a) for _, a in pairs}
        # Those kept for the exam too: what is asked there must not be held against the newer answer.
        positions = [
            i
            for i, line in enumerate(older.lines)
            if (line.kept or line.reason == FOR_EXAM) and _gives(line.text, gone)
        ]
        if positions:
            n_facts = len({comparable(answer) for _, answer in asked})
            found.append(Retirement(key, newer.document.id, tuple(positions), len(gone), n_facts))
    return found


def _may_mean(question: str, older: KnownDocument, newer: KnownDocument) -> bool:
    """Whether a question of the newer document that names the older one in part may mean it.

    "When was Salt Kettle released?" of a document about Salt Kettle 10 does not mean Salt Kettle 1.0, nor
    does "What does the Lumora cost?" of one about the Lumora Pro mean the Lumora Go.
    """
    named, own, asked = (
        set(content([bare(word.norm) for word in words_of(text)]))
        for text in (older.document.compiled_title, newer.document.compiled_title, question)
    )
    lacking = named - own - asked
    return not lacking or not (named & own or any(not word.isalpha() or is_numeral(word) for word in lacking))


def _gone(older: KnownDocument, said: Sequence[tuple[tuple[str, str], str]]) -> set[str]:
    """The older document's answers that the newer one gives otherwise. `said`: each of the newer one's
    questions with its answer, and what the older one's text answers."""
    own = _given(older)
    return {comparable(s) for (_, a), s in said if comparable(s) in own and not agree("", s, a)}


def _gone_by_meaning(older: KnownDocument, said: Sequence[tuple[tuple[str, str], str]]) -> set[str]:
    """The same for models that answer in sentences, and read with less care: the answers must plainly differ,
    and a line of the older document has to give the one that was read, to a question about the same names, or
    out of a sentence with the same names."""
    told = [(*pair, line.sentence) for line in older.lines if line.kept and (pair := question_of(line.text))]
    told += [(question.text, question.answers[0], "") for question in older.exam]
    gone: set[str] = set()
    for (question, answer), text in said:
        if not differ(question, text, answer, "meaning"):
            continue
        named = f"{older.document.title} "
        gone |= {
            comparable(a)
            for q, a, sentence in told
            if agree(question, text, a, "meaning") and names_all(question, f"{named}{q} {sentence}")
        }
    return gone


def against_base(newer: KnownDocument, base: Mind, sure: float, judging: Judging = "words") -> Conflict:
    """The document's facts beside what the frozen base answers: the same, otherwise, and otherwise for sure.

    `sure`: the probability from which on the base counts as sure, of an answer as a whole; of a model that
    answers in sentences, of a token in the mean: a whole sentence is never probable. What holds for most of
    the questions about a fact holds for it.
    """
    pairs = pairs_of(newer.lines, newer.exam)
    answers = base.answer([None] * len(pairs), [q for q, _ in pairs])
    facts: dict[str, list[tuple[bool, bool, bool]]] = {}
    for (question, gold), said in zip(pairs, answers, strict=True):
        same = agree(question, said.text, gold, judging)
        other = bool(said.text) and differ(question, said.text, gold, judging) and not _nothing(said, judging)
        certain = other and certainty(said, base, judging) >= sure
        facts.setdefault(comparable(gold), []).append((certain, same, other))
    contradicted, confirmed, otherwise = (
        sum(2 * sum(vote[i] for vote in votes) > len(votes) for votes in facts.values()) for i in range(3)
    )
    return Conflict(
        newer.document.id,
        "base",
        contradicted,
        len(facts),
        confirmed=confirmed,
        otherwise=otherwise,
        unasked=unasked(newer),
    )


def unasked(known: KnownDocument) -> int:
    """How many statements of a document give no answer to any of its questions: facts that nobody compares
    with what is known already."""
    answers = _given(known)
    lines = (line.text for line in known.lines if line.kept and question_of(line.text) is None)
    return sum(not _gives(line, answers) for line in lines)


def _given(known: KnownDocument) -> set[str]:
    """The answers that a document's question-and-answer lines and exam give."""
    return {comparable(a) for _, a in pairs_of(known.lines, known.exam)}


def _nothing(said: Answer, judging: Judging) -> bool:
    return gives_nothing(said.text) or (judging == "meaning" and refuses(said.text))


def certainty(said: Answer, base: Mind, judging: Judging) -> float:
    """How sure the base is of its answer: as a whole, or of a token in the mean."""
    if judging == "words" or not said.probability:
        return said.probability
    adaptation = base.adaptation
    answer = adaptation.answer_lead + said.said
    n_tokens = len(encode_completion(adaptation.tokenizer, answer, append_eos=False))
    return said.probability ** (1 / max(1, n_tokens))


def _gives(line: str, answers: set[str]) -> bool:
    pair = question_of(line)
    if pair is not None:
        return comparable(pair[1]) in answers
    return any(f" {answer} " in f" {comparable(line)} " for answer in answers if answer)
