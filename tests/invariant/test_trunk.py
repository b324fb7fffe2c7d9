"""States kept below the first layer that learns: the same as computed anew."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seal.models import trunk
from seal.models.packed import packs
from seal.models.trunk import Trunk
from seal.training import passes, train
from toys import distance, toy_model, toy_plan, toy_tokenizer

TOLERANCE = 1e-4
UPPER = ("layers.1.self_attn.q_proj", "layers.1.mlp.down_proj")


def learning(model: Any, *names: str) -> set[torch.nn.Module]:
    return {model.get_submodule(name) for name in names}


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma2"])
@pytest.mark.parametrize("packed", [True, False])
def test_states_below_are_kept(kind: str, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model(kind)
    monkeypatch.setattr(passes, "packs", lambda model, *_: packed and packs(model))
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
