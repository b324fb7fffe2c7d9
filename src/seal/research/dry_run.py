"""What a run would do, before it does it: `--dry-run`. Writes nothing and downloads nothing.

Contexts, questions, adapters and the tokens of passages are counted. What a model will write cannot be known,
so self-edits are assumed to take half of their limit. Time comes from timing a little of the real work on the
real model here, where it is here and fits in memory; otherwise it is said that it cannot be told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from seal.config import TrainConfig
from seal.engine.adapt import Adaptation
from seal.engine.memory import (
    activation_bytes_a_token,
    adapter_bytes,
    free_bytes,
    slots_that_fit,
    weight_bytes,
)
from seal.engine.parts import build_domain, build_format, pick_device
from seal.engine.start import Watch, start
from seal.errors import InputFileError
from seal.models.context import context_tokens
from seal.models.dtypes import dtype_of
from seal.models.generate import generate
from seal.models.load import model_folder
from seal.models.tokens import encode_prompt
from seal.research import examine as examination
from seal.research.config import RunConfig
from seal.research.few_shot.experiment import HAND_MADE
from seal.research.outer import contexts_of_round
from seal.research.planning import work_of_methods
from seal.research.train import arms_of, planned_work, training_contexts
from seal.self_edits.arc_grammar import DirectiveSpace, render
from seal.training import train
from seal.training.passes import MAX_TOKENS
from seal.types import Context, Example, SelfEdit, TrainingPlan

_ASSUMED_SHARE = 0.5
_ASSUMED_LINE_TOKENS = 20
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class PlanLine:
    """One line of the plan: what, how much, and how that is known."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Amount:
    """What a run does, in numbers. Tokens are what goes through the model."""

    n_contexts: int
    n_questions: int
    n_self_edits: int
    n_adapters: int
    n_answers: int
    passage_tokens: int
    written_tokens: int
    steps: int
    trained_tokens: int
    policy_tokens: int


def plan_training(config: RunConfig, watch: Watch) -> list[PlanLine]:
    """The plan of `seal train`. Raises SealError for everything that the run itself would refuse."""
    contexts = training_contexts(config, watch)
    model = _Model.find(config, contexts, watch, open_book=False, writes=True)
    work = planned_work(config, contexts)
    answers = 0 if config.outer.reward != "accuracy" else work.train / len(contexts)
    amount = _amount(config, contexts, model, work.write, work.train, answers)
    return _lines(config, amount, model, policies=config.outer.rounds * len(arms_of(config)))


def plan_evaluation(config: RunConfig, methods: Sequence[str], watch: Watch) -> list[PlanLine]:
    """The plan of `seal eval`. Raises SealError for everything that the run itself would refuse."""
    contexts = examination.evaluation_source(config, methods, watch).contexts
    model = _Model.find(
        config, contexts, watch, open_book="open_book" in methods, writes="self_edit" in methods
    )
    work = work_of_methods(config, methods, len(contexts))
    amount = _amount(config, contexts, model, work.write, work.train, len(methods))
    return _lines(config, replace(amount, policy_tokens=0), model, policies=0)


@dataclass(frozen=True)
class _Model:
    """The model as far as it is here: loaded, or only its shape (on torch's "meta" device), or neither."""

    adaptation: Adaptation | None
    shape: Any | None
    why_not_loaded: str

    @classmethod
    def find(
        cls, config: RunConfig, contexts: Sequence[Context], watch: Watch, *, open_book: bool, writes: bool
    ) -> _Model:
        source = _local(model_folder(config.model.name))
        if source is None:
            return cls(None, None, f"{config.model.name} is not on this machine")
        shape = _shape(source, config)
        needed, free = weight_bytes(shape), free_bytes(torch.device("cpu"))
        if needed > 0.9 * free:
            return cls(None, shape, f"its weights take {size(needed)} and {size(free)} are free here")
        return cls(start(config, contexts, watch, open_book=open_book, writes=writes), shape, "")

    def tokens(self, text: str) -> int:
        if self.adaptation is None:
            return math.ceil(len(text) / _CHARACTERS_A_TOKEN)
        return len(encode_prompt(self.adaptation.tokenizer, text))


def _local(source: str) -> str | None:
    """The model's folder on this machine; None for a hub name that was never fetched."""
    if Path(source).is_dir():
        return source
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(source, "config.json")
    return str(Path(cached).parent) if isinstance(cached, str) else None


def _shape(source: str, config: RunConfig) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    kind = dtype_of(config.model.dtype, torch.device(pick_device(config.model.device)))
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source), dtype=kind)
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"{source} holds no readable model: {str(error).splitlines()[0]}",
            "Give a Hugging Face model folder.",
        ) from error


def _amount(
    config: RunConfig,
    contexts: Sequence[Context],
    model: _Model,
    n_self_edits: int,
    n_adapters: int,
    exams_a_context: float,
) -> Amount:
    """Everything counted that can be, with self-edits of the assumed length."""
    edit = _edit_tokens(config, model) if n_self_edits else 0.0
    shown = [model.tokens(f"{c.title}\n{c.text}" if c.title else c.text) for c in contexts]
    mean_shown = sum(shown) / len(contexts)
    if build_domain(config).few_shot:
        steps, trained = _one_task(config, contexts, model)
    else:
        steps, trained = _one_passage(config, contexts, model, edit)
    kept = len(contexts_of_round(config, contexts, 1)) * config.outer.rounds * len(arms_of(config))
    n_questions = sum(len(c.questions) for c in contexts)
    return Amount(
        n_contexts=len(contexts),
        n_questions=n_questions,
        n_self_edits=n_self_edits,
        n_adapters=n_adapters,
        n_answers=round(exams_a_context * n_questions),
        passage_tokens=sum(shown),
        written_tokens=round(n_self_edits * edit),
        steps=n_adapters * steps,
        trained_tokens=round(n_adapters * trained),
        policy_tokens=round(kept * config.outer.epochs * (mean_shown + edit)),
    )


def _one_passage(
    config: RunConfig, contexts: Sequence[Context], model: _Model, edit: float
) -> tuple[int, float]:
    """Steps and tokens of an adapter that learns a self-edit of `edit` tokens: what the domain makes of as
    many blank lines as it has, and these tokens on top."""
    domain = build_domain(config)
    blank = ("",) * math.ceil(edit / _ASSUMED_LINE_TOKENS)
    realised = [domain.examples(c, SelfEdit(c.id, config.self_edit.format, "", blank)) for c in contexts]
    n_examples = max(map(len, realised))
    tokens = edit + _mean_tokens(model, realised)
    if padded := config.inner.as_released.faithful_length:
        tokens = n_examples * padded
    return _training(config.inner, n_examples, tokens)


def _one_task(config: RunConfig, contexts: Sequence[Context], model: _Model) -> tuple[int, float]:
    """The same for a few-shot task: the hand-made directive's examples, the mean of the epochs there are."""
    domain, format, space = build_domain(config), build_format(config), config.table(DirectiveSpace)
    realised = [domain.examples(c, format.parse(c, render(HAND_MADE))) for c in contexts]
    mean_epochs = round(sum(space.num_train_epochs) / len(space.num_train_epochs))
    inner = config.inner.model_copy(update={"epochs": mean_epochs})
    return _training(inner, max(map(len, realised)), _mean_tokens(model, realised))


def _mean_tokens(model: _Model, realised: Sequence[Sequence[Example]]) -> float:
    """The tokens of a context's examples, in the mean over contexts."""
    return sum(model.tokens(e.prompt + e.completion) for own in realised for e in own) / len(realised)


def _edit_tokens(config: RunConfig, model: _Model) -> float:
    limit = model.adaptation.edit_tokens if model.adaptation else config.self_edit.max_new_tokens
    return _ASSUMED_SHARE * limit


def _training(config: TrainConfig, n_examples: int, tokens: float) -> tuple[int, float]:
    """Optimiser steps of one adapter, and the tokens in them."""
    if config.batch_tokens:
        steps_an_epoch = math.ceil(tokens / config.batch_tokens)
    else:
        steps_an_epoch = math.ceil(n_examples / (config.batch_size or n_examples or 1))
    steps = config.max_steps or config.epochs * max(1, steps_an_epoch)
    return steps, tokens * steps / max(1, steps_an_epoch)


def _lines(config: RunConfig, amount: Amount, model: _Model, *, policies: int) -> list[PlanLine]:
    tokenised = "tokenised" if model.adaptation else f"{_CHARACTERS_A_TOKEN} characters taken as a token"
    assumed = f"self-edits assumed at half of their limit, {_edit_tokens(config, model):.0f} tokens"
    domain = build_domain(config)
    if domain.few_shot:
        assumed = "directives assumed as a person would write them, with the mean number of epochs"
    lines = [
        PlanLine("model", config.model.name, model.why_not_loaded),
        PlanLine(f"{domain.unit}s", str(amount.n_contexts), f"with {amount.n_questions} questions"),
        PlanLine(
            "tokens shown" if domain.few_shot else f"{domain.unit} tokens",
            f"{amount.passage_tokens:,}",
            tokenised,
        ),
        PlanLine("self-edits to write", f"{amount.n_self_edits:,}", ""),
        PlanLine("adapters to train", f"{amount.n_adapters:,}", ""),
        PlanLine(
            "answers to grade",
            f"{amount.n_answers:,}",
            "" if amount.n_answers else "the reward is likelihood",
        ),
        PlanLine("policies to train", str(policies), "") if policies else None,
        PlanLine("optimiser steps", f"{amount.steps:,}", assumed if not config.inner.max_steps else "as set"),
        PlanLine("training tokens", f"{amount.trained_tokens + amount.policy_tokens:,}", assumed),
        PlanLine("tokens to write", f"{amount.written_tokens:,}", assumed),
    ]
    return [line for line in lines if line] + _memory(config, model) + [_time(config, amount, model)]


def _memory(config: RunConfig, model: _Model) -> list[PlanLine]:
    """Bytes of weights, of the adapters trained at once with their optimiser states, and of activations."""
    if model.shape is None:
        return [PlanLine("memory", "cannot be told", model.why_not_loaded)]
    inner, loaded = config.inner, model.adaptation
    device = next(loaded.model.parameters()).device.type if loaded else "cpu"
    one = adapter_bytes(model.shape, inner.rank, inner.targets)
    slots = inner.slots or (
        slots_that_fit(loaded.model, inner.rank, inner.targets, wanted=inner.chunk_trials) if loaded else 1
    )
    activations = MAX_TOKENS.get(device, MAX_TOKENS["cpu"]) * activation_bytes_a_token(model.shape)
    policies = 2 * weight_bytes(model.shape)  # the base, and the policy of the round
    total = policies + slots * one + activations
    return [
        PlanLine(
            "memory: weights", size(policies), f"{weight_bytes(model.shape):,} bytes, for base and policy"
        ),
        PlanLine(
            "memory: adapters", size(slots * one), f"{slots} at once, with gradients and optimiser state"
        ),
        PlanLine("memory: activations", size(activations), "estimated, a pass at its longest"),
        PlanLine(
            "memory: together",
            size(total),
            f"{size(free_bytes(torch.device('cpu')))} of main memory are free",
        ),
    ]


def _time(config: RunConfig, amount: Amount, model: _Model) -> PlanLine:
    if model.adaptation is None:
        return PlanLine("time", "cannot be told", model.why_not_loaded)
    contexts = _probe_contexts(model.adaptation)
    trained, written = _train_pace(model.adaptation, contexts), _write_pace(model.adaptation, contexts)
    answer = amount.n_answers * min(8, model.adaptation.answer_tokens)
    seconds = (amount.trained_tokens + amount.policy_tokens) / trained + (
        amount.written_tokens + answer
    ) / written
    source = f"measured here: {trained:,.0f} tokens/s trained, {written:,.0f} written; a rough figure"
    return PlanLine("time", duration(seconds), source)


def _probe_contexts(adaptation: Adaptation) -> list[Context]:
    """Stand-ins of ordinary length for the timing: the pace hardly depends on what is read."""
    text = "The mill by the river was built in the year of the flood. " * 8
    limit = context_tokens(adaptation.model) or 1024
    return [Context(f"probe/{i}", "The mill", text[: limit // 4]) for i in range(8)]


def _train_pace(adaptation: Adaptation, contexts: Sequence[Context]) -> float:
    """Tokens a second in training, of the second of two short trainings."""
    hypers = replace(adaptation.config.inner.hyperparameters(), max_steps=3, batch_size=0, batch_tokens=0)
    plans = [
        TrainingPlan(c.id, (Example(f"{c.title}\n{c.text}"),), hypers, i) for i, c in enumerate(contexts)
    ]
    tokens = sum(
        3 * len(encode_prompt(adaptation.tokenizer, example.completion))
        for p in plans
        for example in p.examples
    )
    return tokens / _timed(lambda: train(adaptation.model, adaptation.tokenizer, plans))


def _write_pace(adaptation: Adaptation, contexts: Sequence[Context]) -> float:
    """Tokens a second in writing, sixteen self-edits at a time."""
    n = max(1, min(16, adaptation.edit_tokens))
    prompts = [adaptation.writing_prompt(c) or "The" for c in contexts] * 2

    def run() -> int:
        written = generate(adaptation.model, adaptation.tokenizer, prompts, max_new_tokens=n, temperature=1.0)
        return sum(one.n_tokens for one in written)

    return run() / _timed(run)


def _timed(run: Callable[[], object]) -> float:
    """The seconds of one call, after one to warm up."""
    run()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def size(n_bytes: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds as people say them, for an estimate."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
