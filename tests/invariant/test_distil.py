"""Examples whose target is a teacher's distribution: the loss, its gradient, and what is learned of it."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from seal.errors import InputError
from seal.models.logits import weighted_divergences
from seal.training import merge, train
from seal.types import Example, TrainingPlan
from toys import distance, mixed_plans, toy_model, toy_plan, toy_tokenizer

TOLERANCE = 1e-4


def other(kind: str = "llama") -> Any:
    """The toy model after it has learned something."""
    model = toy_model(kind)
    merge(model, train(model, toy_tokenizer(), [toy_plan(0, epochs=6)])[0])
    return model


def kept(plan: TrainingPlan) -> TrainingPlan:
    """The plan with some texts beside its own that are to go on as the teacher has them."""
    texts = (Example("the lamp is out", "where ", distil=True), Example("no more of it", distil=True))
    return replace(plan, examples=(*plan.examples, *texts))


def test_the_loss_and_its_gradient_are_those_of_the_kl_divergence() -> None:
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 11, generator=draw, requires_grad=True)
    expected = torch.log_softmax(torch.randn(6, 11, generator=draw), -1)
    weights = torch.tensor([1.0, 0.0, 2.0, 0.5, 0.1, 1.0])
    own = weighted_divergences(logits, expected, weights)
    [gradient] = torch.autograd.grad(own.sum(), logits)
    losses = F.kl_div(torch.log_softmax(logits, -1), expected, reduction="none", log_target=True).sum(1)
    [wanted] = torch.autograd.grad((losses * weights).sum(), logits)
    assert torch.allclose(own, losses * weights, atol=1e-6)
    assert torch.allclose(gradient, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "max_tokens"),
    [
        ("llama", None),
        ("gpt2", 24),
        *(
            pytest.param(kind, n, marks=pytest.mark.slow)
            for kind, n in (("llama", 24), ("qwen2", None), ("qwen2", 24), ("gpt2", None))
        ),
    ],
)
def test_together_as_alone(kind: str, max_tokens: int | None) -> None:
    # A base that is its own teacher has no gradient but rounding, which the optimiser makes steps of.
    model, teacher = toy_model(kind), other(kind)
    for i, plan in enumerate(mixed_plans()):
        # AdamW makes whole steps of gradients that are nearly zero, whichever sign rounding gives them: one
        # seed in twelve ends 4e-3 apart. What leaks from one plan into another changes every seed.
        found = []
        for seed in range(3):
            plans = [replace(p, seed=p.seed + 1000 * seed) for p in mixed_plans()]
            plans[i] = kept(plans[i])
            [alone] = train(model, toy_tokenizer(), [plans[i]], teacher=teacher)
            together = train(model, toy_tokenizer(), plans, max_tokens=max_tokens, teacher=teacher)
            found.append(distance(together[i], alone))
        assert median(found) < TOLERANCE, plan.id


def test_the_base_is_its_own_teacher() -> None:
    plan = replace(toy_plan(0, epochs=1), examples=(Example("the lamp is out", distil=True),))
    [own] = train(toy_model(), toy_tokenizer(), [plan])
    [of_another] = train(toy_model(), toy_tokenizer(), [plan], teacher=other())
    assert abs(own.losses[0]) < 1e-6 and of_another.losses[0] > 1e-3


def divergence(model: Any, teacher: Any, text: str) -> float:
    ids = torch.tensor([toy_tokenizer()(text)["input_ids"]])
    with torch.inference_mode():
        own, wanted = (torch.log_softmax(m(input_ids=ids).logits[0], -1) for m in (model, teacher))
    return float(F.kl_div(own, wanted, reduction="none", log_target=True).sum(1).mean())


def test_a_model_goes_back_to_its_teacher() -> None:
    """What a merged model has lost it learns from the one before, and only from that."""
    before, changed = toy_model(), other()
    text = "the lamp is out"
    plan = replace(
        toy_plan(1, epochs=40, batch_size=0, learning_rate=1e-2), examples=(Example(text, distil=True),)
    )
    lost = divergence(changed, before, text)
    [adapter] = train(changed, toy_tokenizer(), [plan], teacher=before)
    merge(changed, adapter)
    assert lost > 1e-3 and divergence(changed, before, text) < 0.2 * lost
    assert adapter.losses[0] == pytest.approx(lost, rel=0.5)


def test_a_teacher_of_other_words_is_refused() -> None:
    teacher = toy_model()
    teacher.resize_token_embeddings(400)
    with pytest.raises(InputError, match="vocabulary of 400"):
        train(toy_model(), toy_tokenizer(), [toy_plan(0)], teacher=teacher)
