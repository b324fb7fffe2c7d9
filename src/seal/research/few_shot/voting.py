"""Held-out figures on tasks: what the adapted model answers, and what transformed copies vote for.

One training serves both. Knows nothing about how a directive came to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seal.domains.arc_agi import ArcAgi, Augmentation, grade_grid, views, vote
from seal.engine.adapt import Adaptation, Trial
from seal.errors import InputError
from seal.grading.statistics import summarise
from seal.research.evaluate import Evaluation
from seal.research.methods import VOTING
from seal.types import Context, Graded, Grid, Question, Score, Task


@dataclass(frozen=True)
class Views:
    """An exam whose questions are the copies of a task, `n` a test pair, the unchanged one first."""

    context: Context
    ways: tuple[tuple[Augmentation, ...], ...]
    copies: tuple[tuple[Task, ...], ...]
    outputs: tuple[Grid | None, ...]

    @classmethod
    def of(cls, context: Context, task: Task, domain: ArcAgi, n: int, seed: int) -> Views:
        questions: list[Question] = []
        ways: list[tuple[Augmentation, ...]] = []
        copies: list[tuple[Task, ...]] = []
        for index, pair in enumerate(task.test):
            made = [
                (way, copy)
                for way, copy in views(Task(task.id, task.train, (pair,)), n, seed=seed)
                if domain.form.fits(copy)
            ]
            for view, (_, copy) in enumerate(made):
                [asked] = domain.context(copy).questions
                questions.append(replace(asked, id=f"{task.id}/{index}/{view}"))
            ways.append(tuple(way for way, _ in made))
            copies.append(tuple(copy for _, copy in made))
        exam, outputs = replace(context, questions=tuple(questions)), tuple(p.output for p in task.test)
        return cls(exam, tuple(ways), tuple(copies), outputs)

    def split(self, score: Score, domain: ArcAgi) -> tuple[Score, Score]:
        """The score of the unchanged copies, and that of what the copies voted for."""
        first: list[Graded] = []
        voted: list[Graded] = []
        at = 0
        for ways, output in zip(self.ways, self.outputs, strict=True):
            own = score.answers[at : at + len(ways)]
            at += len(ways)
            first.append(own[0])
            if own[0].outcome == "ungraded":  # the adapter failed: nobody was asked
                voted.append(own[0])
                continue
            winner = vote(ways, [read_grid(domain, graded.answer) for graded in own]).winner
            voted.append(graded_winner(winner, output, own[0].question, own[0].gold, domain))
        return (
            replace(summarise(first, score.context_id), notes=score.notes),
            replace(summarise(voted, score.context_id), notes=score.notes),
        )


@dataclass(frozen=True)
class TaskEvaluation(Evaluation):
    """Examines methods on held-out tasks. Every method is in the folder twice: by the answer to the task as
    it is, and, as `<method>_voting`, by the vote of its copies."""

    tasks: Mapping[str, Task] = field(default_factory=dict)

    def untrained(self, method: str, *, open_book: bool = False) -> None:
        """The model as it is, demonstrations in its context."""
        if not self.is_done(method):
            exams = self._views()
            asked: list[tuple[Context, Context | None]] = [(exam.context, None) for exam in exams]
            self._record_both(method, exams, self.adaptation.examine(asked, stage=f"evaluating {method}"))

    def _learn(self, method: str, trials: Sequence[Trial], model: Any) -> None:
        exams = self._views()
        asked = [replace(t, context=exam.context) for t, exam in zip(trials, exams, strict=True)]
        stage = f"evaluating {method}"
        scores = self.adaptation.learn_and_examine(asked, answers=True, model=model, stage=stage)
        self._record_both(method, exams, scores)

    def _views(self) -> list[Views]:
        domain, config = self._domain, self.folder.config
        return [
            Views.of(context, self.tasks[context.id], domain, config.few_shot.votes, config.seed)
            for context in self.contexts
        ]

    def _record_both(self, method: str, exams: Sequence[Views], scores: Sequence[Score]) -> None:
        both = [exam.split(score, self._domain) for exam, score in zip(exams, scores, strict=True)]
        self.record(f"{method}{VOTING}", [voted for _, voted in both])
        self.record(method, [plain for plain, _ in both])  # last: a method is done once it is there

    @property
    def _domain(self) -> ArcAgi:
        return arc_domain(self.adaptation)


def arc_domain(adaptation: Adaptation) -> ArcAgi:
    """The domain of an adaptation to grid tasks."""
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    return domain


def graded_winner(
    winner: Grid | None, output: Grid | None, question: str, gold: tuple[str, ...], domain: ArcAgi
) -> Graded:
    """What copies agree on, graded against the solution if that is known."""
    outcome, reason = grade_grid(winner, output)
    answer = "" if winner is None else domain.form.grid.write(winner)
    value = None if outcome == "ungraded" else float(outcome == "right")
    return Graded(question, gold, answer, outcome, value, reason)


def read_grid(domain: ArcAgi, answer: str) -> Grid | None:
    """The grid in an answer; None if it is none."""
    try:
        return domain.form.read_answer(answer)
    except InputError:
        return None
