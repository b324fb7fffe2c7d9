"""A directive becomes training examples: leave-one-out over the demonstrations, times augmentations.

Knows demonstrations only: the pairs to be solved are not looked at, so no test output can be trained on.
Knows nothing about how a directive was written, or about tokens.
Source: Akyürek et al. (arXiv 2411.07279), as SEAL's ARC experiments use it (2506.10943, appendix A).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field

from seal.domains.arc_agi.augment import (
    IDENTITY,
    KINDS,
    AugmentationKind,
    Refusal,
    augmentations,
    random_colours,
    task_is_one_row,
)
from seal.domains.arc_agi.text import TextForm
from seal.types import Directive, Example, Pair, Task


class RealiseConfig(BaseModel):
    """How a directive becomes training examples. The defaults are those of SEAL's released ARC setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leave_out: tuple[int, ...] = Field(
        default=(1, 2),
        min_length=1,
        description="How many demonstrations are left out of a training task: one of them is to be solved, "
        "the others are not shown. Each number gives tasks of its own.",
    )
    permuted_copies: int = Field(
        default=1,
        ge=0,
        description="Further copies of every training task, each with colours and demonstrations permuted.",
    )
    permute_colours: bool = Field(default=True, description="Permute the colours of these copies.")
    permute_examples: bool = Field(default=True, description="Shuffle the demonstrations of these copies.")
    keep_background: bool = Field(default=True, description="Colour 0 stays 0 when colours are permuted.")
    max_examples: int = Field(
        default=250, ge=1, description="At most so many training examples; beyond, a random choice of them."
    )


def kinds_of(directive: Directive) -> tuple[AugmentationKind, ...]:
    """The kinds of augmentations that a directive asks for."""
    return tuple(kind for kind in KINDS if getattr(directive, f"use_{kind}_augmentations"))


def realise(
    task: Task, directive: Directive, seed: object, form: TextForm, config: RealiseConfig | None = None
) -> tuple[Example, ...]:
    """Return the training examples of a directive; equal arguments give equal examples.

    A task whose demonstrations the text form cannot write gives an InputError; an augmentation that would
    make a grid too large, for ARC or for the form, is left out for the training tasks concerned.
    """
    config = config or RealiseConfig()
    rng = random.Random(f"realise/{seed}/{task.id}")
    one_row = task_is_one_row(Task(task.id, task.train))
    ways = (IDENTITY, *augmentations(kinds_of(directive), one_row=one_row, rng=rng))
    form.demonstrations(task)  # raises where the task itself does not fit
    distinct: dict[Example, None] = {}  # keeps the order, drops repetitions
    for base in leave_out(task.train, config.leave_out):
        for way in ways:
            made = way.apply(base)
            if isinstance(made, Refusal) or not form.fits(made):
                continue
            distinct[_example(made, directive, form)] = None
            for _ in range(config.permuted_copies):
                distinct[_example(_permuted(made, config, rng), directive, form)] = None
    examples = list(distinct)
    if len(examples) > config.max_examples:
        kept = sorted(rng.sample(range(len(examples)), config.max_examples))
        examples = [examples[index] for index in kept]
    return tuple(examples)


def leave_out(pairs: Sequence[Pair], numbers: Sequence[int]) -> Iterator[Task]:
    """Training tasks out of demonstrations: each pair in turn is to be solved, with `n - 1` others not shown.

    A number that would leave nothing to show is passed over; if all would, each pair is to be solved without
    any demonstration.
    """
    fitting = [n for n in dict.fromkeys(numbers) if 1 <= n < len(pairs)]
    for n in fitting:
        for held, pair in enumerate(pairs):
            others = [other for index, other in enumerate(pairs) if index != held]
            for shown in combinations(others, len(others) - (n - 1)):
                yield Task("", shown, (pair,))
    if not fitting:
        yield from (Task("", (), (pair,)) for pair in pairs)


def _permuted(task: Task, config: RealiseConfig, rng: random.Random) -> Task:
    if config.permute_colours:
        made = random_colours(rng, keep_background=config.keep_background).apply(task)
        assert not isinstance(made, Refusal), "a permutation of colours changes no shape"
        task = made
    if config.permute_examples:
        task = Task(task.id, tuple(rng.sample(task.train, len(task.train))), task.test)
    return task


def _example(task: Task, directive: Directive, form: TextForm) -> Example:
    (pair,) = task.test
    assert pair.output is not None, "leave_out holds out demonstrations, which have their outputs"
    prompt, completion = form.prompt(task, pair.input), form.answer(pair.output)
    if directive.strategy == "train_using_all_tokens":
        return Example(completion=prompt + completion)
    return Example(completion=completion, prompt=prompt)
