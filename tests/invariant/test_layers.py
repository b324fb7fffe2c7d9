"""Decoder layers taken whole, and states kept below the first that learns: the same as the general way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

from seal.models import trunk
from seal.models.packed import packs, text_lengths
from seal.models.trunk import Trunk
from seal.training import block, train, trainer
from seal.training.block import can_fuse
from seal.types import TrainingPlan
from toys import distance, mixed_plans, toy_model, toy_plan, toy_tokenizer

TOLERANCE = 1e-4
SMALL: dict[str, Any] = {
    "vocab_size": 384,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.15,
}
UPPER = ("layers.1.self_attn.q_proj", "layers.1.mlp.down_proj")


def by_modules(model: Any, plans: list[TrainingPlan]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "can_fuse", lambda _model: False)
        return train(model, toy_tokenizer(), plans)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
@pytest.mark.parametrize("targets", ["all-linear", ("k_proj", "o_proj", "up_proj"), UPPER])
@pytest.mark.parametrize("max_tokens", [None, 24])
def test_whole_layers(kind: str, targets: Any, max_tokens: int | None) -> None:
    model = toy_model(kind)
    assert can_fuse(model)
    plans = [replace(p, hyperparameters=replace(p.hyperparameters, targets=targets)) for p in mixed_plans()]
    found = train(model, toy_tokenizer(), plans, max_tokens=max_tokens)
    for one, other in zip(found, by_modules(model, plans), strict=True):
        assert distance(one, other) < TOLERANCE


def turned_the_other_way(patch: pytest.MonkeyPatch) -> None:
    turned = block._Pass._turned
    patch.setattr(block._Pass, "_turned", lambda self, raw, way: turned(self, raw, 1))


def unscaled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(block.Hidden, "scale", lambda self, scales: None)


def one_text(patch: pytest.MonkeyPatch) -> None:
    lengths = text_lengths
    patch.setattr(block, "text_lengths", lambda: [sum(lengths())])


def added_to_the_last(patch: pytest.MonkeyPatch) -> None:
    made = block.Share.__init__

    def planted(self, *given) -> None:
        made(self, *given)
        self.fresh = False

    patch.setattr(block.Share, "__init__", planted)


def norm_without_its_own_gradient(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(block, "_norm_backward", lambda grad, beside, *_: beside + grad)


FAULTS = [turned_the_other_way, unscaled, one_text, added_to_the_last, norm_without_its_own_gradient]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_changes_what_is_learned(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plans = toy_model(), [toy_plan(i) for i in range(3)]
    assert can_fuse(model)
    expected = by_modules(model, plans)
    fault(monkeypatch)
    found = train(model, toy_tokenizer(), plans)
    assert max(distance(a, b) for a, b in zip(found, expected, strict=True)) > 10 * TOLERANCE


@pytest.mark.parametrize("fault", [f for f in FAULTS if f is not added_to_the_last])
def test_a_model_that_computes_something_else_is_found_out(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    assert not can_fuse(toy_model())


@pytest.mark.parametrize(
    ("config", "whole"),
    [
        (LlamaConfig(**SMALL, mlp_bias=True, attention_bias=True), True),
        (LlamaConfig(**SMALL, hidden_act="gelu"), False),
        (MistralConfig(**SMALL, sliding_window=None), True),
        (MistralConfig(**SMALL, sliding_window=8), False),
    ],
)
def test_which_models_are_taken_whole(config: Any, whole: bool) -> None:
    assert can_fuse(AutoModelForCausalLM.from_config(config).eval()) == whole


@pytest.mark.parametrize("kind", ["qwen3", "gemma2", "gpt2"])
def test_layers_with_other_parts_go_by_modules(kind: str) -> None:
    assert not can_fuse(toy_model(kind))


def learning(model: Any, *names: str) -> set[torch.nn.Module]:
    return {model.get_submodule(name) for name in names}


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma2"])
@pytest.mark.parametrize("packed", [True, False])
def test_states_below_are_kept(kind: str, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model(kind)
    monkeypatch.setattr(trainer, "packs", lambda model: packed and packs(model))
    plans = [toy_plan(i, targets=UPPER, epochs=9) for i in range(3)]
    train(model, toy_tokenizer(), plans[:1])  # trials that are made once a model
    ran: list[int] = []
    handle = model.model.layers[0].self_attn.register_forward_hook(lambda *_: ran.append(1))
    kept = train(model, toy_tokenizer(), plans)
    n_kept = len(ran)
    monkeypatch.setattr(Trunk, "below", lambda *_, **__: None)
    anew = train(model, toy_tokenizer(), plans)
    handle.remove()
    assert n_kept < len(ran) - n_kept
    for one, other in zip(kept, anew, strict=True):
        assert distance(one, other) < TOLERANCE


def test_what_is_below_nothing() -> None:
    model = toy_model()
    first, second = "model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj"
    assert Trunk.below(model, learning(model, first, second), packed=True) is None
    assert Trunk.below(model, learning(model, second, "lm_head"), packed=True) is None
    found = Trunk.below(model, learning(model, second), packed=True)
    assert found is not None and found.depth == 1
    assert Trunk.below(toy_model("gpt2"), set(), packed=True) is None


def test_wrong_states_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model()
    states = trunk.Trunk.states
    monkeypatch.setattr(trunk.Trunk, "states", lambda self, *a, **k: [2 * s for s in states(self, *a, **k)])
    assert Trunk.below(model, learning(model, "model.layers.1.mlp.up_proj"), packed=True) is None
