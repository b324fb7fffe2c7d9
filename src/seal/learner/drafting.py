"""From a document to lines and an exam with a real model: every sentence and row gets its questions.

    write    a model with its skills on, or one behind an endpoint, writes questions with answers about each
             unit, several times
    check    form, exact checks of numbers and names, then the answer is read again, the text in view
    choose   for each unit the likeliest answers in different wordings; a share of them is the exam

Units are written about again where too little is left. Knows nothing about training or gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seal.domains.knowledge.units import Unit
from seal.engine.adapt import Progress, no_progress
from seal.grading.meaning import contains_answer, same_answer
from seal.learner.endpoint_writer import EndpointWriter, ShownUnit
from seal.learner.passage_support import ShownLine, unlikely
from seal.learner.practice import reading_prompt, shown, writing_prompt, written_pairs
from seal.learner.room import units_that_fit
from seal.learner.settings import UnitsConfig
from seal.learner.skills import Skills
from seal.learner.writing import FOR_EXAM, READ_OTHERWISE, SourceDocument
from seal.registry import Line
from seal.seeds import derive_seed
from seal.self_edits.exact_checks import unsupported
from seal.self_edits.name_spelling import mended_names
from seal.self_edits.pair_lines import line_of
from seal.text import wording
from seal.types import Question

NO_QUESTION, NO_ANSWER = "it is no question", "it has no answer"
IN_QUESTION = "the question gives the answer"
NOT_STATED = "its sentence does not state the answer"
READ_NOWHERE = "read again, the document does not answer it"
UNSURE = "read again, the answer is improbable"
UNLIKELY = "its sentence makes it no likelier than false lines"
AMBIGUOUS = "the document has several answers to it"
ENOUGH = "enough is asked about its sentence"
_ENDS = ("?", "？", "؟", "।", ";")
_MOST_ANSWER_WORDS = 24


@dataclass
class _Draft:
    """A question with its answer about a unit, and what became of it."""

    unit: int
    question: str
    answer: str
    reason: str = ""
    probability: float = 0.0


@dataclass
class Drafter:
    """Writes about documents, and chooses what is learned and what is examined. Without an endpoint it is the
    model with its skills that writes; what was written it reads again in any case."""

    config: UnitsConfig
    skills: Skills
    seed: int
    endpoint: EndpointWriter | None = None
    on_progress: Progress = field(default=no_progress)

    def draft(self, source: SourceDocument) -> tuple[tuple[Line, ...], tuple[Question, ...]]:
        """The lines, each kept or dropped for a reason, and the exam. Raises EndpointError."""
        units = units_that_fit(self.skills.base, source.title, source.text)
        drafts = [one for at, unit in enumerate(units) for one in _of_row(at, unit, source.title)]
        with self.skills.on():
            for attempt in range(self.config.attempts):
                lacking = _lacking(units, drafts, min(self.config.per_unit, 2) if attempt else 1)
                if not lacking:
                    break
                fresh = self._write(source, units, lacking, attempt)
                fresh = _new(fresh, drafts)
                self._check(source, units, fresh)
                drafts += fresh
        _drop_ambiguous(drafts)
        self._choose(drafts)
        exam = self._exam(drafts)
        lines = [_line(one, units[one.unit]) for one in drafts]
        statements = [Line(unit.text, True, "", unit.text) for unit in units]
        return (*statements, *lines), exam

    def _write(
        self, source: SourceDocument, units: Sequence[Unit], about: Sequence[int], attempt: int
    ) -> list[_Draft]:
        asked = [(at, n) for at in about for n in range(self.config.samples)]
        told = [
            ShownUnit(source.title, units[at].heading, _before(units, at), units[at].text) for at, _ in asked
        ]
        if self.endpoint is None:
            seeds = [derive_seed("unit", self.seed, source.id, at, attempt, n) for at, n in asked]
            written = self._by_skills(told, seeds)
        else:
            written = self.endpoint.write(told, again=attempt > 0, on_progress=self._told_of_writing)
        return [
            _Draft(at, mended_names(question, source.all_text), mended_names(answer, source.all_text))
            for (at, _), pairs in zip(asked, written, strict=True)
            for question, answer in pairs
        ]

    def _by_skills(self, told: Sequence[ShownUnit], seeds: Sequence[int]) -> list[list[tuple[str, str]]]:
        written = self.skills.write(
            [writing_prompt(*one) for one in told],
            seeds=seeds,
            temperature=self.config.temperature,
            top_p=self.config.top_p,
            max_new_tokens=self.config.max_new_tokens,
            on_progress=self._told_of_writing,
        )
        return [written_pairs(one.text, truncated=one.truncated) for one in written]

    def _told_of_writing(self, done: int, n: int) -> None:
        self.on_progress("writing", done, n)

    def _check(self, source: SourceDocument, units: Sequence[Unit], drafts: Sequence[_Draft]) -> None:
        """Gives each draft that is not to be learned its reason."""
        for one in drafts:
            one.reason = _fault(one, source, units)
        sound = [one for one in drafts if not one.reason]
        prompts = [reading_prompt(source.title, _window(units, one.unit), one.question) for one in sound]
        read = self.skills.read(prompts, lambda done, n: self.on_progress("reading again", done, n))
        for one, answer in zip(sound, read, strict=True):
            one.probability = answer.probability
            if not answer.text:
                one.reason = READ_NOWHERE
            elif not same_answer(one.question, one.answer, answer.text):
                one.reason = READ_OTHERWISE
            elif answer.probability < self.config.min_probability:
                one.reason = UNSURE
        self._doubt(source, units, [one for one in sound if not one.reason])

    def _doubt(self, source: SourceDocument, units: Sequence[Unit], drafts: Sequence[_Draft]) -> None:
        """Drops what is no likelier than the same drafts with a name or number exchanged."""
        if self.config.false_kept == 1:
            return
        lines = [
            ShownLine(source.title, _window(units, one.unit), line_of(one.question, one.answer))
            for one in drafts
        ]
        texts = [unit.text for unit in units]
        doubted = unlikely(self.skills, lines, texts, self.config.false_kept, self.seed)
        for one, is_doubted in zip(drafts, doubted, strict=True):
            one.reason = UNLIKELY if is_doubted else ""

    def _choose(self, drafts: Sequence[_Draft]) -> None:
        """Of each unit the likeliest, but one of each answer before a second wording of any."""
        by_unit: dict[int, list[_Draft]] = {}
        for one in drafts:
            if not one.reason:
                by_unit.setdefault(one.unit, []).append(one)
        for own in by_unit.values():
            own.sort(key=lambda one: -one.probability)
            turns = [sum(_same(one, other) for other in own[:n]) for n, one in enumerate(own)]
            order = sorted(range(len(own)), key=lambda n: turns[n])
            for n in order[self.config.per_unit :]:
                own[n].reason = ENOUGH

    def _exam(self, drafts: Sequence[_Draft]) -> tuple[Question, ...]:
        """Wordings that are not learned, of facts that others ask for: those left over, and if these are too
        few, some that would be learned. If even so an exam is too short to show anything, it asks for facts
        of which only the sentence tells; never more than a quarter of what would be learned."""
        left = [one for one in drafts if one.reason == ENOUGH]
        learned = [one for one in drafts if not one.reason and one.probability < 1]
        most, quarter = self.config.max_questions, len(learned) // 4
        wanted = min(most, max(self.config.enough, quarter))
        pools = ((left, True, most), (learned, True, wanted), (learned, False, min(wanted, quarter)))
        exam: list[_Draft] = []
        for pool, asked_twice, most in pools:
            for one in sorted(pool, key=lambda one: -one.probability):
                told = any(not o.reason and o is not one and _same(o, one) for o in drafts)
                new = one.reason != FOR_EXAM
                if len(exam) < most and new and told >= asked_twice and not any(_same(o, one) for o in exam):
                    one.reason = FOR_EXAM
                    exam.append(one)
        return tuple(Question(one.question, (one.answer,)) for one in exam)


def _same(one: _Draft, other: _Draft) -> bool:
    """Whether two drafts ask for one fact."""
    return one.unit == other.unit and same_answer(one.question, one.answer, other.answer)


def _of_row(at: int, unit: Unit, title: str) -> list[_Draft]:
    """A question for each cell of a row, named by the row's first cell and the cell's heading: a writer often
    forgets to say which row it means."""
    if unit.kind != "row":
        return []
    cells = [cell.partition(": ")[::2] for cell in unit.text.split("; ")]
    (_, subject), *others = cells
    return [
        _Draft(at, f"{title}, {subject}: {heading}?", value, probability=1.0)
        for heading, value in others
        if subject and heading and value
    ]


def _line(draft: _Draft, unit: Unit) -> Line:
    return Line(line_of(draft.question, draft.answer), not draft.reason, draft.reason, unit.text)


def _lacking(units: Sequence[Unit], drafts: Sequence[_Draft], wanted: int) -> list[int]:
    """The units about which fewer lines than wanted are sound."""
    return [
        at for at in range(len(units)) if sum(one.unit == at and not one.reason for one in drafts) < wanted
    ]


def _new(fresh: Sequence[_Draft], drafts: Sequence[_Draft]) -> list[_Draft]:
    """What was not written before, in the same words."""
    said = {(wording(one.question), wording(one.answer)) for one in drafts}
    new = []
    for one in fresh:
        key = (wording(one.question), wording(one.answer))
        if key not in said:
            said.add(key)
            new.append(one)
    return new


def _fault(draft: _Draft, source: SourceDocument, units: Sequence[Unit]) -> str:
    """What is wrong with a draft that can be seen without a model; empty if nothing is."""
    question, answer = draft.question, draft.answer
    if not question.endswith(_ENDS) or len(question) < 6:
        return NO_QUESTION
    if not any(map(str.isalnum, answer)) or len(answer.split()) > _MOST_ANSWER_WORDS:
        return NO_ANSWER
    if wording(answer) in wording(question) and len(wording(answer)) > 1:
        return IN_QUESTION
    context = _window(units, draft.unit)
    wrong = unsupported(line_of(question, answer), context, source.title)
    if wrong:
        return wrong
    if not contains_answer(f"{source.title}\n{context}", answer):
        return NOT_STATED
    return ""


def _before(units: Sequence[Unit], at: int) -> str:
    """The sentence before a unit, where it is of the same section and no row."""
    if at == 0 or units[at].kind == "row" or units[at - 1].heading != units[at].heading:
        return ""
    return units[at - 1].text


def _window(units: Sequence[Unit], at: int) -> str:
    """A unit with those beside it, as a reader is shown them."""
    near = units[max(0, at - 1) : at + 2]
    return shown([(unit.heading, unit.text) for unit in near])


def _drop_ambiguous(drafts: Sequence[_Draft]) -> None:
    """Questions to which units of one document have different answers: what is asked is not made plain."""
    by_question: dict[str, list[_Draft]] = {}
    for one in drafts:
        if not one.reason:
            by_question.setdefault(wording(one.question), []).append(one)
    for same in by_question.values():
        first = same[0]
        if not all(same_answer(first.question, first.answer, other.answer) for other in same):
            for one in same:
                one.reason = AMBIGUOUS
