"""What a contender offers. Knows nothing about any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from seal.bench.inner_loop.workload import TrainingTask


@dataclass(frozen=True)
class TrainingTime:
    """How long training took. `scaled_from_steps` above 0: so many steps of each task were timed."""

    seconds: float
    scaled_from_steps: int = 0


class Contender(Protocol):
    """`at_once`: its cost per task depends on how many it is given; otherwise it takes one at a time."""

    name: str
    at_once: bool

    def learn(self, tasks: Sequence[TrainingTask]) -> TrainingTime:
        """Trains a fresh adapter for each task."""
        ...

    def examine(self, tasks: Sequence[TrainingTask]) -> tuple[float, list[list[str]]]:
        """(seconds, the answers to each task's questions), with the adapters that were learned last."""
        ...


@dataclass(frozen=True)
class Done:
    """How long training and exams of tasks took, and the answers to each task's questions."""

    train_s: float
    exam_s: float
    answers: list[list[str]]
    scaled_from_steps: int = 0


def do(contender: Contender, tasks: Sequence[TrainingTask]) -> Done:
    """All of the work on `tasks`: at once, or one after the other."""
    train_s = exam_s = 0.0
    answers: list[list[str]] = []
    scaled = 0
    for own in ([tasks] if contender.at_once else [[task] for task in tasks]) if tasks else []:
        learned = contender.learn(own)
        seconds, written = contender.examine(own)
        train_s, exam_s, scaled = train_s + learned.seconds, exam_s + seconds, learned.scaled_from_steps
        answers += written
    return Done(train_s, exam_s, answers, scaled)
