"""What models say about one document: a writer's lines about each piece of it, and a reader's answers with
the document to read.

Either can be handed in instead of a model (`Learner.open`). Knows nothing about which lines are kept, and
nothing about training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from seal.engine.adapt import Adaptation
from seal.learner.asking import prompts_of, sure_answers
from seal.learner.practice import reading_prompt
from seal.learner.settings import LearnerConfig
from seal.learner.skills import Skills
from seal.registry import Line
from seal.self_edits import FORMATS
from seal.types import Context, Question

FOR_EXAM: Final = "kept for the exam"
READ_OTHERWISE: Final = "read again, the document answers it otherwise"
"""Reasons for which a line that its document supports is not learned."""
_NONE: Final = -1.0
"""The probability of an answer that there is not."""


@dataclass(frozen=True)
class SourceDocument:
    """A document to compile. `lines` and `exam` are those that were written before, if they were."""

    id: str
    title: str
    text: str
    lines: tuple[Line, ...] = ()
    exam: tuple[Question, ...] = ()

    @property
    def all_text(self) -> str:
        """The title and the text."""
        return f"{self.title}\n{self.text}"


class DocumentWriter(Protocol):
    """Writes the lines from which a document is learned and examined."""

    def write(self, source: SourceDocument, piece: Context, attempt: int) -> Sequence[str]:
        """The lines about one piece of a document. The same arguments give the same lines: what a learner
        knows is a function of them."""
        ...


class DocumentReader(Protocol):
    """Answers questions with a document to read."""

    def read(self, source: SourceDocument, questions: Sequence[str]) -> list[str]:
        """The answers, in order; an empty text where the document gives none."""
        ...


class ModelWriter:
    """A model that writes, in each of the configured formats."""

    def __init__(self, config: LearnerConfig, model: Adaptation) -> None:
        self.config = config
        self._by_format = [replace(model, format=FORMATS.get(name)()) for name in config.writing.formats]
        self._drafts: dict[tuple[str, str, str, int], tuple[str, ...]] = {}

    def write(self, source: SourceDocument, piece: Context, attempt: int) -> list[str]:
        return [line for one in self._by_format for line in self._in_format(one, source, piece, attempt)]

    def _in_format(
        self, writer: Adaptation, source: SourceDocument, piece: Context, attempt: int
    ) -> tuple[str, ...]:
        """The lines of one format's samples; an attempt is the same however many follow it."""
        name = (source.id, piece.id, writer.format.name, attempt)
        if name not in self._drafts:
            seed = "/".join(map(str, ("learner", self.config.seed, *name)))
            edits = writer.write([piece], self.config.writing.samples, seed=seed)[0]
            self._drafts = {k: v for k, v in self._drafts.items() if k[0] == source.id}
            self._drafts[name] = tuple(line for edit in edits for line in edit.lines)
        return self._drafts[name]


class ModelReader:
    """A model that reads a document piece by piece; the answer is the one that it is surest about."""

    def __init__(self, model: Adaptation, pieces: Callable[[SourceDocument], list[Context]]) -> None:
        self.model, self.pieces = model, pieces

    def read(self, source: SourceDocument, questions: Sequence[str]) -> list[str]:
        if not questions:
            return []
        return _likeliest(self.pieces(source), len(questions), lambda piece: self._read(piece, questions))

    def _read(self, piece: Context, questions: Sequence[str]) -> list[tuple[float, str]]:
        prompts = prompts_of(self.model, questions, [piece] * len(questions))
        return [(sure, text) for text, sure in sure_answers(self.model, prompts)]


class SkilledReader:
    """A model with its skills on that reads a document piece by piece; of several answers the likeliest."""

    def __init__(self, skills: Skills, pieces: Callable[[SourceDocument], list[Context]]) -> None:
        self.skills, self.pieces = skills, pieces

    def read(self, source: SourceDocument, questions: Sequence[str]) -> list[str]:
        if not questions:
            return []
        return _likeliest(self.pieces(source), len(questions), lambda piece: self._read(piece, questions))

    def _read(self, piece: Context, questions: Sequence[str]) -> list[tuple[float, str]]:
        prompts = [reading_prompt(piece.title, piece.text, question) for question in questions]
        return [(one.probability if one.text else _NONE, one.text) for one in self.skills.read(prompts)]


def _likeliest(
    pieces: Sequence[Context], n: int, read: Callable[[Context], list[tuple[float, str]]]
) -> list[str]:
    """Of the `n` answers that are read in each piece, with their probabilities, the likeliest of all pieces;
    an empty text where no piece gives one."""
    best = [(_NONE, "")] * n
    for piece in pieces:
        best = [max(one, other) for one, other in zip(best, read(piece), strict=True)]
    return [text for _, text in best]
