"""A training plan as token ids and steps. Knows nothing about models, adapters or optimisers."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from seal.errors import InputError
from seal.models.tokens import check_ids, encode_pair, pad_id
from seal.training.bank import stream
from seal.types import Example, Hyperparameters, TrainingPlan


@dataclass(frozen=True)
class TokenizedExample:
    """Token ids, and the loss weight of each as a target: 0 on the prompt and on the first token. `distil`:
    the targets are a teacher's distributions (see `Example`)."""

    input_ids: tuple[int, ...]
    weights: tuple[float, ...]
    distil: bool = False

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """The places of the tokens that bear loss."""
        return tuple(place for place, weight in enumerate(self.weights) if weight)

    @cached_property
    def total_weight(self) -> float:
        return math.fsum(self.weights)


@dataclass(frozen=True)
class TokenizedPlan:
    """What is trained: `steps` lists the examples of every optimiser step, over all epochs."""

    plan: TrainingPlan
    examples: tuple[TokenizedExample, ...]
    steps: tuple[tuple[int, ...], ...]

    @property
    def n_tokens(self) -> int:
        """Tokens that go through the model in all steps together."""
        return sum(len(self.examples[i].input_ids) for step in self.steps for i in step)


def tokenize_plan(
    plan: TrainingPlan,
    tokenizer: Any,
    *,
    max_length: int | None,
    rows: int | None = None,
    append_eos: bool = True,
    faithful_length: int | None = None,
    steps: Sequence[Sequence[int]] | None = None,
) -> TokenizedPlan:
    """Tokenises a plan and lays out its steps.

    `max_length` is the model's context in tokens, `rows` how many tokens it has embeddings for. `steps`
    replaces the grouping that epochs, batch size and shuffling give. `faithful_length` pads every example to
    that many tokens with loss on the padding: the released SEAL code's fault, for comparison only.

    Raises InputError naming the plan and the example, for one that is longer than the context, that has
    no token to learn, or whose weight is not positive; and for a token that the model does not have.
    """
    _validate(plan)
    examples = []
    for i, example in enumerate(plan.examples):
        where = f"example {i} of plan {plan.id!r}"
        tokens = _tokenize(example, tokenizer, where=where, append_eos=append_eos)
        if faithful_length is not None:
            tokens = _pad_with_loss(
                tokens, example.weight, faithful_length, pad_id(tokenizer, rows or sys.maxsize)
            )
        if max_length is not None and len(tokens.input_ids) > max_length:
            raise InputError(
                f"{where} has {len(tokens.input_ids)} tokens, the model's context {max_length}",
                "split the text into shorter examples",
            )
        examples.append(tokens)
    if rows is not None:
        check_ids(tokenizer, [tokens.input_ids for tokens in examples], rows)
    laid_out = steps
    if laid_out is None:
        lengths = [len(example.input_ids) for example in examples]
        laid_out = epoch_steps(plan.hyperparameters, lengths, plan.seed)
    return TokenizedPlan(plan, tuple(examples), tuple(tuple(step) for step in laid_out))


def _tokenize(example: Example, tokenizer: Any, *, where: str, append_eos: bool) -> TokenizedExample:
    if not (example.weight > 0 and math.isfinite(example.weight)):
        raise InputError(
            f"{where} has weight {example.weight}", "weights are positive: leave out what is not learned"
        )
    prompt, completion = encode_pair(tokenizer, example.prompt, example.completion, append_eos=append_eos)
    weights = [0.0] * len(prompt) + [example.weight] * len(completion)
    weights[:1] = [0.0]
    if not any(weights):
        raise InputError(f"{where} has no token to learn: {example.completion!r}", "leave out empty examples")
    return TokenizedExample((*prompt, *completion), tuple(weights), example.distil)


def _pad_with_loss(tokens: TokenizedExample, weight: float, length: int, pad: int) -> TokenizedExample:
    """Padded or cut to `length`; the first token still cannot be a target."""
    ids = (*tokens.input_ids, *[pad] * length)[:length]
    weights = (*tokens.weights, *[weight] * length)[:length]
    return TokenizedExample(ids, weights, tokens.distil)


def epoch_steps(
    hyperparameters: Hyperparameters, lengths_tokens: Sequence[int], seed: int
) -> list[list[int]]:
    """The examples of every step: each epoch is shuffled anew by the seed.

    `batch_size` 0 takes all examples; `batch_tokens` above 0 lets examples of like length share a step up
    to that many tokens (a longer one has a step to itself). `max_steps` above 0 sets the number of steps.
    """
    generator = stream(seed, "order")
    steps: list[list[int]] = []
    for _ in itertools.count() if hyperparameters.max_steps else range(hyperparameters.epochs):
        order = list(range(len(lengths_tokens)))
        if hyperparameters.shuffle:
            order = torch.randperm(len(order), generator=generator).tolist()
        if hyperparameters.batch_tokens:
            groups = _groups(order, lengths_tokens, hyperparameters.batch_tokens)
            turns = (
                torch.randperm(len(groups), generator=generator).tolist() if hyperparameters.shuffle else None
            )
            steps += groups if turns is None else [groups[i] for i in turns]
        else:
            size = hyperparameters.batch_size or len(order)
            steps += [order[at : at + size] for at in range(0, len(order), size)]
        if 0 < hyperparameters.max_steps <= len(steps):
            return steps[: hyperparameters.max_steps]
    return steps


def _groups(order: list[int], lengths_tokens: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Examples of like length together, each group within `most_tokens` unless it is one example."""
    groups: list[list[int]] = []
    filled = most_tokens
    for i in sorted(order, key=lambda i: -lengths_tokens[i]):
        if not groups or filled + lengths_tokens[i] > most_tokens:
            groups.append([])
            filled = 0
        groups[-1].append(i)
        filled += lengths_tokens[i]
    return groups


def _validate(plan: TrainingPlan) -> None:
    h = plan.hyperparameters
    rules = {
        "rank of at least 1": h.rank >= 1,
        "epochs of at least 0": h.epochs >= 0,
        "batch_size, batch_tokens and max_steps of at least 0": min(h.batch_size, h.batch_tokens, h.max_steps)
        >= 0,
        "dropout in [0, 1)": 0 <= h.dropout < 1,
        "a finite learning_rate of at least 0": h.learning_rate >= 0 and math.isfinite(h.learning_rate),
        'schedule "constant", "linear" or "cosine"': h.schedule in ("constant", "linear", "cosine"),
        "max_grad_norm of at least 0": h.max_grad_norm >= 0,
        "at least one example": bool(plan.examples),
    }
    for rule, holds in rules.items():
        if not holds:
            raise InputError(f"plan {plan.id!r} needs {rule}", f"it has {h}")


@dataclass
class Targets:
    """Where in a pass which token is to be predicted, how much that counts, and for which slot."""

    positions: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    def add(self, example: TokenizedExample, start: int, slot: int, share: float) -> None:
        self.positions += [start - 1 + t for t in example.targets]
        self.ids += [example.input_ids[t] for t in example.targets]
        self.weights += [example.weights[t] * share for t in example.targets]
        self.owners += [slot] * len(example.targets)

    def __add__(self, other: Targets) -> Targets:
        return Targets(
            self.positions + other.positions,
            self.ids + other.ids,
            self.weights + other.weights,
            self.owners + other.owners,
        )
