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
from seal.types import Example, Hyperparameters, Objective, Preference, TrainingPlan


@dataclass(frozen=True)
class TokenizedExample:
    """Token ids, and the loss weight of each as a target: 0 on the prompt and on the first token. `distil`:
    the targets are a teacher's distributions (see `Example`).

    With an objective the weights only mark the targets; `weight` is the example's, `reference` and `anchor`
    have a log-probability for each target, and `now` is what each counts in the step that is taken. The
    rival of an example is one too, and comes right after it: its objective is None.
    """

    input_ids: tuple[int, ...]
    weights: tuple[float, ...]
    distil: bool = False
    objective: Objective | None = None
    weight: float = 1.0
    reference: tuple[float, ...] = ()
    anchor: tuple[float, ...] = ()
    now: tuple[float, ...] = ()

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """The places of the tokens that bear loss."""
        return tuple(place for place, weight in enumerate(self.weights) if weight)

    @property
    def steered(self) -> bool:
        """Whether what its targets count has to be found out at every step."""
        return bool(self.reference)

    @property
    def target_weights(self) -> Sequence[float]:
        """What each target counts."""
        return self.now if self.steered else [self.weights[place] for place in self.targets]

    @cached_property
    def total_weight(self) -> float:
        """Its part of the mean over a step: of its tokens, by what they count; of pairs, one each."""
        if isinstance(self.objective, Preference):
            return abs(self.weight)
        if self.steered:
            return float(len(self.targets)) if self.objective else 0.0
        return math.fsum(map(abs, self.weights))


@dataclass(frozen=True)
class TokenizedPlan:
    """What is trained: `steps` lists the examples of every optimiser step, over all epochs."""

    plan: TrainingPlan
    examples: tuple[TokenizedExample, ...]
    steps: tuple[tuple[int, ...], ...]

    def n_steps(self, share: float) -> int:
        """How many steps are this share of all, from the first."""
        return math.ceil(share * len(self.steps))

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
    """Tokenises a plan and lays out its steps. The rival of an example comes right after it.

    `max_length` is the model's context in tokens, `rows` how many tokens it has embeddings for. `steps`
    replaces the grouping that epochs, batch size and shuffling give. `faithful_length` pads every example to
    that many tokens with loss on the padding: the released SEAL code's fault, for comparison only.

    Raises InputError naming the plan and the example, for one that is longer than the context, that has
    no token to learn, or no weight; whose log-probabilities are not one a token; and for a token that the
    model does not have.
    """
    _validate(plan)
    examples: list[TokenizedExample] = []
    places: list[tuple[int, ...]] = []  # of an example of the plan: its own, and its rival's
    for i, example in enumerate(plan.examples):
        where = f"example {i} of plan {plan.id!r}"
        texts = [_tokenize(example, tokenizer, where=where, append_eos=append_eos)]
        if example.rival is not None:
            rival = Example(example.rival.completion, example.prompt, reference=example.rival.reference)
            where_rival = f"the rival of {where}"
            texts.append(_tokenize(rival, tokenizer, where=where_rival, append_eos=append_eos))
        for tokens in texts:
            if faithful_length is not None:
                pad = pad_id(tokenizer, rows or sys.maxsize)
                tokens = _pad_with_loss(tokens, example.weight, faithful_length, pad)
            if max_length is not None and len(tokens.input_ids) > max_length:
                raise InputError(
                    f"{where} has {len(tokens.input_ids)} tokens, the model's context {max_length}",
                    "split the text into shorter examples",
                )
            examples.append(tokens)
        places.append(tuple(range(len(examples) - len(texts), len(examples))))
    if rows is not None:
        check_ids(tokenizer, [tokens.input_ids for tokens in examples], rows)
    laid_out = steps
    if laid_out is None:
        lengths = [sum(len(examples[place].input_ids) for place in own) for own in places]
        laid_out = epoch_steps(plan.hyperparameters, lengths, plan.seed)
    flat = tuple(tuple(place for i in step for place in places[i]) for step in laid_out)
    return TokenizedPlan(plan, tuple(examples), flat)


def _tokenize(example: Example, tokenizer: Any, *, where: str, append_eos: bool) -> TokenizedExample:
    _check(example, where)
    prompt, completion = encode_pair(tokenizer, example.prompt, example.completion, append_eos=append_eos)
    weight = 1.0 if example.reference else example.weight
    weights = [0.0] * len(prompt) + [weight] * len(completion)
    weights[:1] = [0.0]
    if not any(weights):
        raise InputError(f"{where} has no token to learn: {example.completion!r}", "leave out empty examples")
    tokens = TokenizedExample(
        (*prompt, *completion),
        tuple(weights),
        example.distil,
        example.objective,
        example.weight,
        example.reference,
        example.anchor,
    )
    for logs in filter(None, (example.reference, example.anchor)):
        if len(logs) != len(tokens.targets):
            raise InputError(
                f"{where} has {len(tokens.targets)} tokens to learn and {len(logs)} log-probabilities",
                "give one for each token of the completion, its end included",
            )
    return tokens


def _check(example: Example, where: str) -> None:
    if not example.weight or not math.isfinite(example.weight):
        raise InputError(f"{where} has weight {example.weight}", "leave out what is not to be learned")
    if example.weight < 0 and (example.distil or isinstance(example.objective, Preference)):
        raise InputError(
            f"{where} has weight {example.weight}", "only the likelihood of a text can count negatively"
        )
    if (example.objective is not None and not example.reference) or (
        isinstance(example.objective, Preference) != (example.rival is not None)
    ):
        raise InputError(
            f"{where} lacks what its objective compares it with",
            "give the reference that every objective needs, and a rival with a Preference",
        )


def _pad_with_loss(tokens: TokenizedExample, weight: float, length: int, pad: int) -> TokenizedExample:
    """Padded or cut to `length`; the first token still cannot be a target. Raises InputError for an example
    with an objective, which knows nothing of padding."""
    if tokens.steered:
        raise InputError("an example with an objective cannot be padded", "leave faithful_length out")
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

    def add(self, example: TokenizedExample, start: int, slot: int, weights: Sequence[float]) -> None:
        """The targets of an example that begins at `start`, and what each counts."""
        self.positions += [start - 1 + t for t in example.targets]
        self.ids += [example.input_ids[t] for t in example.targets]
        self.weights += weights
        self.owners += [slot] * len(example.targets)

    def __add__(self, other: Targets) -> Targets:
        return Targets(
            self.positions + other.positions,
            self.ids + other.ids,
            self.weights + other.weights,
            self.owners + other.owners,
        )
