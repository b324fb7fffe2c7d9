"""Decoder layers taken whole, by native code: the same as the general way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GraniteConfig, LlamaConfig, MistralConfig

from seal.models.logits import weighted_losses
from seal.models.packed import Batch, text_lengths
from seal.training import Adapter, AdapterBank, block, native, train, trainer
from seal.training.block import can_fuse, fused
from seal.training.head import head_losses
from seal.types import TrainingPlan
from toys import distance, mixed_plans, toy_model, toy_plan, toy_tokenizer

TOLERANCE = 1e-4
pytestmark = pytest.mark.skipif(native.library() is None, reason="there is no C++ compiler")
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


def gradients(model: Any, rows: list[list[int]], *, whole: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of `rows`, which belong to slots 0 and 2 in turn, and the gradients of the bank."""
    with AdapterBank(model, n_slots=4, rank=3) as bank:
        draw = torch.Generator().manual_seed(0)
        bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.3)
        bank.scales.copy_(torch.tensor([0.5, 1.0, 2.0, 1.0]))
        batch = Batch.of(rows, pad=0, packed=True, device=bank.device)
        shares = batch.rows_of([2 * (2 * i // len(rows)) for i in range(len(rows))])
        with bank.route(list(shares), list(shares.values())), batch.attention(model), torch.enable_grad():
            with fused(model, bank) if whole else nullcontext():
                logits = model(**batch.inputs(), use_cache=False).logits
            logits.square().sum().backward()
        assert bank.gradients is not None
        return logits.detach(), bank.gradients.clone()


@pytest.mark.parametrize("lengths", [[1], [5, 64, 1, 65], [130, 3, 200], [7] * 40])
@pytest.mark.parametrize(
    "config", ["llama", "qwen2", LlamaConfig(**SMALL, mlp_bias=True, attention_bias=True)]
)
def test_texts_of_any_length(config: Any, lengths: list[int]) -> None:
    model = toy_model(config) if isinstance(config, str) else AutoModelForCausalLM.from_config(config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module.bias is not None:
            torch.nn.init.normal_(module.bias, generator=torch.Generator().manual_seed(1))
    rows = [[(i * 31 + j * j * 7) % 384 for j in range(n)] for i, n in enumerate(lengths)]
    for one, other in zip(*(gradients(model, rows, whole=whole) for whole in (True, False)), strict=True):
        assert (one - other).norm() < TOLERANCE * other.norm()


@pytest.mark.parametrize(("n", "n_words"), [(0, 5), (1, 384), (700, 384), (40, 20_000)])
def test_losses_without_a_table(n: int, n_words: int) -> None:
    draw = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(32, n_words, bias=False)
    torch.nn.init.normal_(head.weight, generator=draw)
    states = torch.randn(n, 32, generator=draw, requires_grad=True)
    targets, weights = torch.randint(n_words, (n,), generator=draw), torch.rand(n, generator=draw)
    upstream = torch.rand(n, generator=draw)
    found = []
    for losses in (
        head_losses(states, head, targets, weights),
        weighted_losses(head(states), targets, weights),
    ):
        [gradient] = torch.autograd.grad((losses * upstream).sum(), states)
        found.append((losses, gradient))
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm()


FAULTS = {
    "turned the other way": ("turn(b, *pass, wide, -1);", "turn(b, *pass, wide, 1);"),
    "unscaled": ("c < bank.rank; c++) row[c] *= by;", "c < bank.rank; c++) row[c] *= 1;"),
    "every word wrong": ("row[target] -= weight;", ""),
    "another adapter's": ("pass.slots[i] * bank.n_parameters", "pass.slots[0] * bank.n_parameters"),
    "what comes later": ("const int64_t own = first + i + 1;", "const int64_t own = seen;"),
    "another head's": ("(block.n_q + head / group) * width);", "(block.n_q + 0 * group) * width);"),
    "added to the last": ("const float beta = pass.fresh ? 0 : 1;", "const float beta = 1;"),
    "no gradient of the norm": ("beside[c] + grad[c] * by + x[c] * along", "beside[c] + grad[c]"),
    "a sum without its greatest": ("= top + std::log(sum)", "= std::log(sum)"),
}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Native code with a fault in it."""
    right, wrong = FAULTS[request.param]
    sources = [native.SOURCE, *native.SOURCE.parent.glob("*.h")]
    assert sum(path.read_text().count(right) for path in sources) == 1
    for path in sources:
        (tmp_path / path.name).write_text(path.read_text().replace(right, wrong))
    monkeypatch.setattr(native, "SOURCE", tmp_path / native.SOURCE.name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native.library.cache_clear()
    yield request.param
    native.library.cache_clear()


def one_text(patch: pytest.MonkeyPatch) -> None:
    lengths = text_lengths
    patch.setattr(block, "text_lengths", lambda: [sum(lengths())])


def test_a_planted_fault_changes_what_is_learned(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plans = toy_model(), [toy_plan(i) for i in range(3)]
    monkeypatch.setattr(trainer, "can_fuse", lambda _model: True)
    found = train(model, toy_tokenizer(), plans)
    expected = by_modules(model, plans)
    assert max(distance(a, b) for a, b in zip(found, expected, strict=True)) > 10 * TOLERANCE


def test_texts_that_see_each_other_change_what_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    model, plans = toy_model(), [toy_plan(i) for i in range(3)]
    assert can_fuse(model)
    expected = by_modules(model, plans)
    one_text(monkeypatch)
    found = train(model, toy_tokenizer(), plans)
    assert max(distance(a, b) for a, b in zip(found, expected, strict=True)) > 10 * TOLERANCE
    assert not can_fuse(toy_model())


def test_a_model_that_computes_something_else_is_found_out(fault: str) -> None:
    shows_later = fault in ("added to the last", "every word wrong")  # a trial has one pass, and no loss
    assert can_fuse(toy_model()) == shows_later


@pytest.mark.parametrize("variable", [("SEAL_NATIVE", "0"), ("CXX", "false"), ("CXX", "no-such-compiler")])
def test_without_native_code_layers_go_by_modules(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, plans = toy_model(), [toy_plan(0)]
    expected = by_modules(model, plans)
    monkeypatch.setenv(*variable)
    native.library.cache_clear()
    assert native.library() is None
    assert torch.equal(parts(train(toy_model(), toy_tokenizer(), plans)[0]), parts(expected[0]))
    native.library.cache_clear()


def parts(adapter: Adapter) -> torch.Tensor:
    return torch.cat([factor.flatten() for pair in adapter.factors.values() for factor in pair])


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    native.library.cache_clear()
    assert native.library() is None
    native.library.cache_clear()


@pytest.mark.parametrize(
    ("config", "whole"),
    [
        (LlamaConfig(**SMALL, mlp_bias=True, attention_bias=True), True),
        (LlamaConfig(**SMALL, hidden_act="gelu"), False),
        (MistralConfig(**SMALL, sliding_window=None), True),
        (MistralConfig(**SMALL, sliding_window=8), False),
        (GraniteConfig(**SMALL), True),
        (GraniteConfig(**SMALL, logits_scaling=2.0), False),
    ],
)
def test_which_models_are_taken_whole(config: Any, whole: bool) -> None:
    assert can_fuse(AutoModelForCausalLM.from_config(config).eval()) == whole


@pytest.mark.parametrize("kind", ["qwen3", "gemma2", "gpt2"])
def test_layers_with_other_parts_go_by_modules(kind: str) -> None:
    assert not can_fuse(toy_model(kind))
