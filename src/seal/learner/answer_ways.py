"""The three ways to answer: by the weights of a cell, by reading the passage, or "I do not know".

Knows the rule by which `ask` chooses, so that an answer is never worse than reading. Knows nothing about how
cells are trained or passages found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seal.grading.meaning import contains_answer, same_answer
from seal.learner.answering import Answer, Mind
from seal.learner.practice import reading_prompt
from seal.learner.skills import ReadAnswer, Skills
from seal.learner.ways import By, WaysConfig
from seal.retention import PassageMatch

UNKNOWN = "I do not know."


@dataclass(frozen=True)
class ShownQuestion:
    """A question with what was found for it."""

    question: str
    matches: tuple[PassageMatch, ...]


@dataclass(frozen=True)
class PassageReading:
    """What was read for a question, and the passages that it was read in."""

    asked: ShownQuestion
    answer: ReadAnswer
    shown: tuple[PassageMatch, ...]

    @property
    def weight(self) -> float:
        """How likely, a passage that fits the question less counting less; 0 if it says nothing."""
        if not (self.answer.text and self.shown):
            return 0.0
        best = self.asked.matches[0].score
        return self.answer.probability * (self.shown[0].score / best if best > 0 else 1.0)


def passages_prompt(matches: Sequence[PassageMatch], question: str) -> str:
    """Asks a question that is to be read in these passages, best first; of none the text is empty."""
    title = matches[0].title if matches else ""
    return reading_prompt(title, "\n".join(dict.fromkeys(match.text for match in matches)), question)


def read_passages(
    skills: Skills,
    asked: Sequence[ShownQuestion],
    *,
    apart: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[PassageReading]:
    """What is read for each question in its passages: in all at once, or `apart`, in each by itself; of
    several answers the one that weighs most."""
    shown = [
        (i, some)
        for i, one in enumerate(asked)
        for some in ([(match,) for match in one.matches] if apart and one.matches else [one.matches])
    ]
    prompts = [passages_prompt(some, asked[i].question) for i, some in shown]
    readings: list[list[PassageReading]] = [[] for _ in asked]
    answers = skills.read(prompts, on_progress) if prompts else []
    for (i, some), answer in zip(shown, answers, strict=True):
        readings[i].append(PassageReading(asked[i], answer, some))
    return [max(own, key=lambda reading: reading.weight) for own in readings]


class Answerer:
    """Answers of one version, by any of the ways."""

    def __init__(self, mind: Mind, skills: Skills, config: WaysConfig) -> None:
        self.mind, self.skills, self.config = mind, skills, config

    def ask(self, questions: Sequence[str], by: By) -> list[Answer]:
        """Answers, in order."""
        if by == "weights":
            return self.mind.ask(questions)
        asked = self._find(questions)
        return self._read_all(asked) if by == "reading" else self._auto(asked)

    def _find(self, questions: Sequence[str]) -> list[ShownQuestion]:
        """What is to be read for each question; nothing for one that no document is about."""
        finder = self.mind.finder
        if finder is None:
            return [ShownQuestion(question, ()) for question in questions]
        found = [finder.find(question, self.config.passages) for question in questions]
        return [
            ShownQuestion(question, one.passages if one.documents else ())
            for question, one in zip(questions, found, strict=True)
        ]

    def _read_all(self, asked: Sequence[ShownQuestion]) -> list[Answer]:
        """Every question about a document is read; the base answers the others."""
        read = self._read([one for one in asked if one.matches])
        return self._told(asked, {i: self._of_reading(one) for i, one in _at(asked, read)})

    def _auto(self, asked: Sequence[ShownQuestion]) -> list[Answer]:
        """The cell where it is sure and its document says so; else what is read; else what either guesses."""
        own = self.mind.ask([one.question for one in asked])
        told = {
            i: answer
            for i, answer in enumerate(own)
            if answer.document is not None and self._believed(asked[i], answer)
        }
        rest = [one if i not in told else replace(one, matches=()) for i, one in enumerate(asked)]
        for i, reading in _at(rest, self._read([one for one in rest if one.matches])):
            told[i] = self._chosen(own[i], reading)
        for i, answer in enumerate(own):
            if i not in told and answer.document is not None:
                told[i] = self._chosen(answer, PassageReading(asked[i], ReadAnswer("", 0.0), ()))
        return self._told(asked, told)

    def _believed(self, asked: ShownQuestion, answer: Answer) -> bool:
        """Whether a cell's answer needs no reading: it is sure, and a passage that fits the question states
        it."""
        if answer.probability < self.config.sure:
            return False
        own = [m.text for m in asked.matches if m.key == answer.document]
        return any(contains_answer(text, answer.text) for text in own)

    def _chosen(self, own: Answer, reading: PassageReading) -> Answer:
        """Of two answers the one that both give; else the cell's, if it recited what its document says and is
        much likelier; else what is read."""
        asked, read = reading.asked, reading.answer
        told = own.document is not None
        recited = told and bool(own.passage) and own.stated is True
        if not read.text:
            least = self.config.guess_recited if recited else self.config.guess
            return own if told and own.probability >= least else _unknown(asked)
        if told and same_answer(asked.question, own.text, read.text):
            return own
        if recited and own.probability > self.config.surer * read.probability:
            return own
        return self._of_reading(reading)

    def _read(self, asked: Sequence[ShownQuestion]) -> list[PassageReading]:
        return read_passages(self.skills, asked, apart=self.config.apart)

    def _of_reading(self, reading: PassageReading) -> Answer:
        asked, read = reading.asked, reading.answer
        if not read.text:
            return _unknown(asked)
        source = next((m for m in reading.shown if contains_answer(m.text, read.text)), reading.shown[0])
        return Answer(
            asked.question,
            read.text,
            read.probability,
            source.key,
            tuple(dict.fromkeys(match.key for match in asked.matches)),
            True,
            "reading",
            source.text,
        )

    def _told(self, asked: Sequence[ShownQuestion], told: dict[int, Answer]) -> list[Answer]:
        """All answers in order: the base gives those that no document is asked for."""
        rest = [i for i in range(len(asked)) if i not in told]
        own = self.mind.answer([None] * len(rest), [asked[i].question for i in rest])
        told |= dict(zip(rest, own, strict=True))
        return [told[i] for i in range(len(asked))]


def _at(asked: Sequence[ShownQuestion], read: Sequence[PassageReading]) -> list[tuple[int, PassageReading]]:
    """What was read with the place of its question."""
    return list(zip([i for i, one in enumerate(asked) if one.matches], read, strict=True))


def _unknown(asked: ShownQuestion) -> Answer:
    candidates = tuple(dict.fromkeys(match.key for match in asked.matches))
    return Answer(asked.question, UNKNOWN, 0.0, None, candidates, None, "unknown")
