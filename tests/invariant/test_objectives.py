"""Examples that are learned by how their likelihood changes: against the formulas, written out with PEFT and
autograd; together as alone; and what becomes likelier by it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from seal.bench.inner_loop.peft_loop import PeftLoop
from seal.errors import InputError
from seal.models import score_answers
from seal.training import merge, tokenize_plan, train
from seal.types import ClippedRatio, Example, Hyperparameters, Preference, Rival, TrainingPlan
from toys import distance, mixed_plans, toy_model, toy_tokenizer

TOLERANCE = 1e-4
PROMPT = "Petra Lund "
TEXTS = ("was born in Ostrava", "founded the mill", "is older than the bridge", "lies on the river")
WEIGHTS = (1.0, -0.7, 0.4, -1.5)
Loss = Callable[[list[Tensor]], Tensor]
"""The loss of a step, of the log-probabilities of each of its texts, one after another."""


def logs(model: Any, text: str) -> tuple[float, ...]:
    [score] = score_answers(model, toy_tokenizer(), [(PROMPT, text)], append_eos=True)
    return score.token_logs


def off(logs: tuple[float, ...], by: float) -> tuple[float, ...]:
    """What another model might have thought: each token a little more or less likely."""
    return tuple(one + by * (-1) ** i * (0.2 + 0.1 * (i % 3)) for i, one in enumerate(logs))


def plan(*examples: Example, **hyperparameters: Any) -> TrainingPlan:
    given = {"rank": 4, "alpha": 8.0, "learning_rate": 5e-3, "epochs": 6, "batch_size": 0, "shuffle": False}
    return TrainingPlan("p", examples, Hyperparameters(**(given | hyperparameters)), seed=3)


def weighted(model: Any, objective: ClippedRatio, by: float = 0.0) -> list[Example]:
    return [
        Example(text, PROMPT, weight, objective=objective, reference=off(logs(model, text), by))
        for text, weight in zip(TEXTS, WEIGHTS, strict=True)
    ]


def paired(model: Any, beta: float = 0.3) -> list[Example]:
    a, b, c, d = TEXTS
    objective = Preference(beta)
    return [
        Example(x, PROMPT, w, objective=objective, reference=logs(model, x), rival=Rival(y, logs(model, y)))
        for x, y, w in ((a, b, 1.0), (c, d, 0.5))
    ]


class ByHand(PeftLoop):
    """The same texts through PEFT, one by one, with a loss that is written out here."""

    def learn(self, model: Any, plan: TrainingPlan, loss_of: Loss) -> tuple[Any, list[float]]:
        work = tokenize_plan(plan, toy_tokenizer(), max_length=None)
        [untrained] = train(model, toy_tokenizer(), [replace(work, steps=())])
        self._reset(untrained.factors)
        optimizer = torch.optim.AdamW(self.trained, lr=plan.hyperparameters.learning_rate, weight_decay=0.0)
        losses = []
        for _ in work.steps:
            told = [self._logs(e.input_ids, e.targets) for e in work.examples]
            loss = loss_of(told)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        return self.adapter(plan.id, losses), losses

    def _logs(self, ids: tuple[int, ...], targets: tuple[int, ...]) -> Tensor:
        table = torch.log_softmax(self.wrapped(input_ids=torch.tensor([ids])).logits[0], -1)
        return torch.stack([table[place - 1, ids[place]] for place in targets])


def surrogate(examples: list[Example], clip: float, kl: float) -> Loss:
    """The mean over all tokens of -min(r A, clip(r) A) + kl (p_anchor / p - log(p_anchor / p) - 1)."""

    def loss_of(told: list[Tensor]) -> Tensor:
        total, n = torch.tensor(0.0), 0
        for example, own in zip(examples, told, strict=True):
            anchors = example.anchor or example.reference
            for now, before, anchor in zip(own, example.reference, anchors, strict=True):
                r = torch.exp(now - before)
                held = torch.clamp(r, 1 - clip, 1 + clip)
                x = math.exp(anchor) / torch.exp(now)
                gain = torch.minimum(r * example.weight, held * example.weight)
                total = total - gain + kl * (x - torch.log(x) - 1)
                n += 1
        return total / n

    return loss_of


def dpo(examples: list[Example], beta: float) -> Loss:
    """The weighted mean over pairs of -log sigmoid(beta (change of the better one - change of the other))."""

    def loss_of(told: list[Tensor]) -> Tensor:
        parts = []
        for i, example in enumerate(examples):
            assert example.rival is not None
            better = told[2 * i].sum() - sum(example.reference)
            worse = told[2 * i + 1].sum() - sum(example.rival.reference)
            parts.append(-example.weight * torch.log(1 / (1 + torch.exp(-beta * (better - worse)))))
        return torch.stack(parts).sum() / sum(example.weight for example in examples)

    return loss_of


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize(
    ("by", "clip", "kl"), [(0.0, 0.2, 0.0), (0.6, 0.2, 0.0), (0.6, 0.2, 0.5), (0.0, 0.05, 2.0)]
)
def test_the_clipped_ratio_is_its_formula(kind: str, by: float, clip: float, kl: float) -> None:
    model = toy_model(kind)
    examples = weighted(model, ClippedRatio(clip, kl), by)
    if kl == 0.5:  # held to yet another model
        examples = [replace(e, anchor=off(e.reference, -1.0)) for e in examples]
    [ours] = train(model, toy_tokenizer(), [plan(*examples)])
    hand = ByHand(model, plan(*examples).hyperparameters)
    theirs, losses = hand.learn(model, plan(*examples), surrogate(examples, clip, kl))
    assert distance(ours, theirs) < TOLERANCE
    assert ours.losses == pytest.approx(losses, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_pair_is_learned_as_in_dpo(kind: str) -> None:
    model = toy_model(kind)
    examples = paired(model)
    [ours] = train(model, toy_tokenizer(), [plan(*examples)])
    theirs, losses = ByHand(model, plan().hyperparameters).learn(model, plan(*examples), dpo(examples, 0.3))
    assert distance(ours, theirs) < TOLERANCE
    assert ours.losses == pytest.approx(losses, rel=1e-4)
    assert ours.losses[0] == pytest.approx(math.log(2), abs=1e-4)  # nothing has changed yet


def test_on_policy_the_step_is_that_of_weighted_examples() -> None:
    """Where the model is still the one that wrote, the ratio's gradient is the policy gradient: that of plain
    examples with these weights."""
    model = toy_model()
    once = {"epochs": 1, "max_grad_norm": 0.0}
    examples = [replace(e, weight=math.copysign(1.0, e.weight)) for e in weighted(model, ClippedRatio())]
    steered = plan(*examples, **once)
    plain = plan(*(replace(e, objective=None, reference=()) for e in steered.examples), **once)
    a, b = train(model, toy_tokenizer(), [steered, plain])
    assert distance(a, b) < TOLERANCE


@pytest.mark.parametrize("max_tokens", [None, 24])
def test_together_as_alone(max_tokens: int | None) -> None:
    """Beside plans of every kind, with and without objectives; steps of more than one pass among them."""
    model = toy_model()
    plans = [
        *mixed_plans(),
        plan(*weighted(model, ClippedRatio(0.1, 0.3), 0.4), batch_size=3),
        plan(*paired(model), Example("the mill", PROMPT), batch_size=2, shuffle=True),
        plan(*weighted(model, ClippedRatio()), dropout=0.2, rank=2),
        plan(*paired(model, 1.0), batch_tokens=30, shuffle=True),
    ]
    plans = [replace(p, id=str(i)) for i, p in enumerate(plans)]
    together = train(model, toy_tokenizer(), plans, max_tokens=max_tokens, max_slots=6)
    for one, own in zip(together, plans, strict=True):
        [alone] = train(model, toy_tokenizer(), [own])
        assert distance(one, alone) < TOLERANCE, own.id
        assert one.losses == pytest.approx(alone.losses, rel=1e-4, abs=1e-6)


def change(model: Any, plan: TrainingPlan) -> list[float]:
    """By how much the likelihood of each text of TEXTS grows, in nats."""
    before = [sum(logs(model, text)) for text in TEXTS]
    [adapter] = train(model, toy_tokenizer(), [plan])
    learned = toy_model()
    merge(learned, adapter)
    return [sum(logs(learned, text)) - b for text, b in zip(TEXTS, before, strict=True)]


def test_what_counts_negatively_becomes_unlikelier() -> None:
    model = toy_model()
    for objective in (None, ClippedRatio(), ClippedRatio(kl=0.1)):
        examples = weighted(model, objective or ClippedRatio())
        if objective is None:
            examples = [replace(e, objective=None, reference=()) for e in examples]
        grown = change(model, plan(*examples))
        assert [g > 0 for g in grown] == [w > 0 for w in WEIGHTS]
    better, worse, *_ = change(model, plan(*paired(model)))
    assert better > worse


def test_a_clip_and_a_divergence_hold_a_policy_near() -> None:
    model = toy_model()
    far, clipped, held = (
        max(map(abs, change(model, plan(*weighted(model, objective), epochs=20))))
        for objective in (ClippedRatio(clip=100.0), ClippedRatio(clip=0.1), ClippedRatio(clip=100.0, kl=10.0))
    )
    assert clipped < 0.8 * far and held < 0.8 * far


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (Example("a mill", PROMPT, objective=ClippedRatio()), "lacks what its objective"),
        (Example("a mill", PROMPT, objective=ClippedRatio(), reference=(-1.0,)), "1 log-probabilities"),
        (Example("a", PROMPT, objective=Preference(), reference=(-1.0, -1.0)), "lacks what its objective"),
        (Example("a mill", PROMPT, weight=-1.0, distil=True), "weight -1.0"),
        (Example("a mill", PROMPT, weight=float("inf")), "weight inf"),
    ],
)
def test_an_example_that_cannot_be_compared(bad: Example, says: str) -> None:
    with pytest.raises(InputError, match=says):
        tokenize_plan(plan(bad), toy_tokenizer(), max_length=None)
