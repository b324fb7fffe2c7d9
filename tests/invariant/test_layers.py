"""Decoder layers taken whole, by native code: the same as the general way."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GraniteConfig, LlamaConfig, MistralConfig

from seal.models import native
from seal.models.logits import weighted_losses
from seal.models.packed import Batch, texts_in_flight
from seal.models.packed_attention import TextGroup
from seal.models.prefixes import SharedPrefix
from seal.training import Adapter, AdapterBank, block, train, trainer
from seal.training.block import can_fuse, fused
from seal.training.head import head_losses
from seal.types import TrainingPlan
from toys import distance, mixed_plans, most_are_slow, threads, toy_model, toy_plan, toy_tokenizer

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
KINDS = ["llama", "qwen2", "qwen3", "gemma3"]
UPPER = ("layers.1.self_attn.q_proj", "layers.1.mlp.down_proj")


def uneven(model: Any) -> Any:
    """The model with biases and norms that change something; as they are made they do not."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter += torch.randn(parameter.shape, generator=draw).mul(0.3).to(parameter.dtype)
    return model


def by_modules(model: Any, plans: list[TrainingPlan]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "can_fuse", lambda _model: False)
        return train(model, toy_tokenizer(), plans)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("targets", ["all-linear", ("k_proj", "o_proj", "up_proj"), UPPER])
@pytest.mark.parametrize("max_tokens", [None, 24])
def test_whole_layers(kind: str, targets: Any, max_tokens: int | None) -> None:
    model = uneven(toy_model(kind))
    assert can_fuse(model)
    plans = [replace(p, hyperparameters=replace(p.hyperparameters, targets=targets)) for p in mixed_plans()]
    found = train(model, toy_tokenizer(), plans, max_tokens=max_tokens)
    for one, other in zip(found, by_modules(model, plans), strict=True):
        assert distance(one, other) < TOLERANCE


def gradients(
    model: Any, rows: list[list[int]], *, whole: bool, shared_tokens: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The last states of `rows`, which belong to slots 1 and 3 in turn, and the gradients of the bank."""
    half = (len(rows) + 1) // 2
    owners = [1 if i < half else 3 for i in range(len(rows))]
    members = [part for part in (range(half), range(half, len(rows))) if part]
    prefixes = [SharedPrefix(tuple(part), shared_tokens if len(part) > 1 else 0) for part in members]
    draw = torch.Generator().manual_seed(0)
    with AdapterBank(model, n_slots=4, rank=3) as bank:
        bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.3)
        bank.scales.copy_(torch.tensor([0.5, 1.0, 1.0, 2.0]))
        batch = Batch.of(
            rows, pad=0, packed=True, device=bank.device, prefixes=prefixes if shared_tokens else ()
        )
        shares = batch.rows_of(owners)
        with bank.route(list(shares), list(shares.values())), batch.attention(model), torch.enable_grad():
            with fused(model, bank) if whole else nullcontext():
                states = model.get_decoder()(**batch.inputs(), use_cache=False).last_hidden_state
            states.backward(torch.randn(states.shape, generator=draw).to(states.dtype))
        assert bank.gradients is not None
        return states.detach().float(), bank.gradients.clone()


def same(model: Any, rows: list[list[int]], tolerance: float, shared_tokens: int = 0) -> bool:
    """Whether the general way and native code say the same of these texts."""
    found = [gradients(model, rows, whole=whole, shared_tokens=shared_tokens) for whole in (True, False)]
    return all((one - other).norm() < tolerance * other.norm() for one, other in zip(*found, strict=True))


def texts(lengths: list[int], shared_tokens: int = 0) -> list[list[int]]:
    return [
        [(j * j * 7 if j < shared_tokens else i * 31 + j * j * 7) % 384 for j in range(n)]
        for i, n in enumerate(lengths)
    ]


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("lengths", [[1], [5, 64, 1, 65], [130, 3, 200], [7] * 40])
@pytest.mark.parametrize("config", [*KINDS, LlamaConfig(**SMALL, mlp_bias=True, attention_bias=True)])
def test_texts_of_any_length(config: Any, lengths: list[int], n_threads: int) -> None:
    model = toy_model(config) if isinstance(config, str) else AutoModelForCausalLM.from_config(config).eval()
    with threads(n_threads):
        assert same(uneven(model), texts(lengths), TOLERANCE)


@pytest.mark.parametrize("lengths", [[20, 33, 25, 90, 19, 17], [200, 150, 180]])
@pytest.mark.parametrize("shared_tokens", [1, 16])
@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_texts_that_begin_alike(kind: str, lengths: list[int], shared_tokens: int) -> None:
    assert same(uneven(toy_model(kind)), texts(lengths, shared_tokens), TOLERANCE, shared_tokens)


@pytest.mark.parametrize("shared_tokens", [0, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_within_its_rounding(kind: str, shared_tokens: int) -> None:
    """Beside fp32, native code in bf16 is no further off than the general way in bf16."""
    rows = texts([40, 75, 13, 60, 200, 31], shared_tokens)
    model = uneven(toy_model(kind)).to(torch.bfloat16)
    exact = gradients(copy.deepcopy(model).float(), rows, whole=False, shared_tokens=shared_tokens)
    assert can_fuse(model)
    for i, one in enumerate(exact):
        native_off, general_off = (
            (gradients(model, rows, whole=whole, shared_tokens=shared_tokens)[i] - one).norm()
            for whole in (True, False)
        )
        assert 0 < native_off <= 1.1 * general_off


@pytest.mark.parametrize("shared_tokens", [0, 12])
@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_bfloat16_is_the_same_whatever_the_number_of_threads(kind: str, shared_tokens: int) -> None:
    model = uneven(toy_model(kind)).to(torch.bfloat16)
    rows = texts([40, 75, 13, 60, 200, 31] * 2, shared_tokens)  # more than one part's rows
    alone = gradients(model, rows, whole=True, shared_tokens=shared_tokens)
    for n in (2, 3):
        with threads(n):
            several = gradients(model, rows, whole=True, shared_tokens=shared_tokens)
        assert all(map(torch.equal, alone, several))


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
    "turned the other way": (
        "return turn(block, pass, rows, turning, into, -1);",
        "return turn(block, pass, rows, turning, into, 1);",
    ),
    "unscaled": ("put(from[c] * by, to[c]);", "put(from[c], to[c]);"),
    "every word wrong": ("row[target] -= weight;", ""),
    "another adapter's": ("to - from, pass.slots[i]);", "to - from, pass.slots[0]);"),
    "what comes later": ("own = all - q.n + i + 1;", "own = all;"),
    "another head's": ("square.head / (block.n_q / block.n_kv))", "0)"),
    "added to the last": ("const float beta = pass.fresh ? 0 : 1;", "const float beta = 1;"),
    "no gradient of the norm": ("grad[c] * by + wide(x[c]) * along", "grad[c]"),
    "a sum without its greatest": ("= top + std::log(sum)", "= std::log(sum)"),
}


OTHER_FAULTS = {
    "heads without the gradient of their norm": (
        "norm_backward<T>(block.query_norm, block.n_q, width, grad, nullptr, raw, inverse, to);",
        "for (int64_t c = 0; c < queries; c++) put(grad[c], to[c]);",
    ),
    "what is added without the gradient of its norm": ("put(made.at[i], kept.at[i]);", "put(1, kept.at[i]);"),
    "a gate as steep as another": ("return slope + 3 * cube * x * x;", "return slope;"),
    "weights that are not shifted": ("(wide(weight[c]) + shift), y[c]", "wide(weight[c]), y[c]"),
}


@pytest.fixture
def fault(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Native code with a fault in it, built once for all tests that want it."""
    right, wrong = (FAULTS | OTHER_FAULTS | SHARED_FAULTS)[request.param]
    sources = [native.SOURCE, *native.SOURCE.parent.glob("*.h")]
    folder = tmp_path_factory.getbasetemp().parent / request.param.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    assert sum(path.read_text().count(right) for path in sources) == 1
    for path in sources:
        beside = folder / f"{path.name}.{os.getpid()}"  # other processes do the same
        beside.write_text(path.read_text().replace(right, wrong))
        beside.replace(folder / path.name)
    monkeypatch.setattr(native, "SOURCE", folder / native.SOURCE.name)
    monkeypatch.setattr(
        native, "_FLAGS", [flag for flag in native._FLAGS if flag != "-O3"]
    )  # built in half the time
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    native.library.cache_clear()
    yield request.param
    native.library.cache_clear()


def one_text(patch: pytest.MonkeyPatch) -> None:
    groups = texts_in_flight
    patch.setattr(
        block, "texts_in_flight", lambda: [TextGroup(0, (sum(group.n_tokens for group in groups()),))]
    )


SHARED_FAULTS = {
    "shared keys learn nothing": (
        "if (q.n_ahead) multiply<T>(q.n_ahead, width, q.n, a",
        "if (!q.n) multiply<T>(1, 1, 1, a",
    ),
    "shared values unread": (
        "if (q.n_ahead) multiply<T>(q.n, width, q.n_ahead, a",
        "if (!q.n) multiply<T>(1, 1, 1, a",
    ),
    "the next group's": (
        "at = std::accumulate(lengths, lengths + pass.texts[i], at + pass.prefixes[i]);",
        "at += 1;",
    ),
}


@pytest.mark.parametrize("fault", most_are_slow(FAULTS), indirect=True)
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


@pytest.mark.parametrize("fault", most_are_slow(SHARED_FAULTS, 1), indirect=True)
def test_a_planted_fault_in_what_is_shared_changes_gradients(fault: str) -> None:
    shared_tokens = 12
    assert not same(
        toy_model(), texts([20, 33, 25, 90, 19, 17], shared_tokens), 10 * TOLERANCE, shared_tokens
    )


@pytest.mark.parametrize("fault", most_are_slow(FAULTS), indirect=True)
def test_a_model_that_computes_something_else_is_found_out(fault: str) -> None:
    shows_later = fault in ("added to the last", "every word wrong")  # a trial has one pass, and no loss
    assert can_fuse(toy_model()) == shows_later


@pytest.mark.parametrize("fault", most_are_slow(OTHER_FAULTS, 1), indirect=True)
def test_what_gemma_has_besides_is_found_out_too(fault: str) -> None:
    assert not can_fuse(toy_model("gemma3"))


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
        (LlamaConfig(**SMALL, hidden_act="gelu_pytorch_tanh"), True),
        (MistralConfig(**SMALL, sliding_window=None), True),
        (MistralConfig(**SMALL, sliding_window=8), False),
        (GraniteConfig(**SMALL), True),
        (GraniteConfig(**SMALL, logits_scaling=2.0), False),
    ],
)
def test_which_models_are_taken_whole(config: Any, whole: bool) -> None:
    assert can_fuse(AutoModelForCausalLM.from_config(config).eval()) == whole


@pytest.mark.parametrize("kind", ["gemma2", "gpt2"])
def test_layers_with_other_parts_go_by_modules(kind: str) -> None:
    assert not can_fuse(toy_model(kind))
