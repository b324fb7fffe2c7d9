"""The work of the benchmark: self-edits and exams of random token ids, the same for every contender.

What is computed does not depend on which tokens they are, only on how many. Knows nothing about models.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seal.training import TokenizedPlan, tokenize_plan
from seal.types import Example, Hyperparameters, TrainingPlan

PUBLISHED = Hyperparameters()
"""The defaults of Hyperparameters are those of SEAL (arXiv 2506.10943)."""
FIRST_ID = 2  # the ids below stand for the end of a text and for padding


@dataclass(frozen=True)
class Load:
    """The size of one self-edit and of its exam. The defaults are the published setting's.

    Lengths are uniform between both ends, one from each of as many equal strata, so that self-edits differ
    in their examples and hardly in their size: a contender is timed on two of them, another on all.
    Answers have a fixed length, so that all contenders write equally much.
    """

    n_examples: int = 12
    example_tokens: tuple[int, int] = (20, 60)
    n_questions: int = 5
    question_tokens: tuple[int, int] = (15, 30)
    answer_tokens: int = 16
    padded_tokens: int = 2048
    hyperparameters: Hyperparameters = PUBLISHED


QUICK = Load(
    n_examples=3,
    example_tokens=(8, 16),
    n_questions=2,
    question_tokens=(4, 8),
    answer_tokens=4,
    padded_tokens=128,
    hyperparameters=Hyperparameters(epochs=2),
)


@dataclass(frozen=True)
class TrainingTask:
    """One self-edit to learn, and the questions asked afterwards, all as texts of an IdTokenizer."""

    plan: TokenizedPlan
    questions: tuple[str, ...]


class IdTokenizer:
    """A tokenizer whose texts are token ids as words: "17 4 256". It has no EOS: no answer ends early."""

    bos_token_id = eos_token_id = None
    pad_token_id = FIRST_ID - 1
    padding_side = "left"

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        # A word that is no number is some id too: choose_threads trains on words.
        return {"input_ids": [int(word) if word.isdigit() else FIRST_ID + len(word) for word in text.split()]}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return " ".join(map(str, ids))

    def batch_decode(self, rows: Sequence[Sequence[int]], **_: Any) -> list[str]:
        return [self.decode(row) for row in rows]


def make_tasks(n: int, load: Load, *, vocabulary: int, seed: int) -> list[TrainingTask]:
    """`n` tasks; the i-th depends on the seed and on i only, so that fewer tasks are the first of more."""
    return [_task(i, load, vocabulary, seed) for i in range(n)]


def _task(i: int, load: Load, vocabulary: int, seed: int) -> TrainingTask:
    draw = random.Random(f"{seed}/{i}")

    def texts(n: int, bounds: tuple[int, int]) -> list[str]:
        low, high = bounds
        lengths = [int(low + (high + 1 - low) * (stratum + draw.random()) / n) for stratum in range(n)]
        draw.shuffle(lengths)
        return [" ".join(str(draw.randrange(FIRST_ID, vocabulary)) for _ in range(k)) for k in lengths]

    examples = tuple(map(Example, texts(load.n_examples, load.example_tokens)))
    plan = TrainingPlan(f"self-edit-{i}", examples, load.hyperparameters, draw.getrandbits(31))
    questions = tuple(texts(load.n_questions, load.question_tokens))
    return TrainingTask(tokenize_plan(plan, IdTokenizer(), max_length=None, append_eos=False), questions)


def question_ids(task: TrainingTask) -> list[list[int]]:
    """The questions' token ids."""
    return [IdTokenizer()(question)["input_ids"] for question in task.questions]
