"""The output head by blocks of tokens: losses, gradients and adapters as from one table of logits."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
import torch
from torch import nn

from seal.models import native
from seal.models.logits import token_log_probabilities, weighted_divergences, weighted_losses
from seal.training import head as heads
from seal.training import train
from seal.training.head import Taught, blockwise_head, blockwise_losses
from seal.types import Example
from toys import VOCABULARY, distance, threads, toy_model, toy_plan, toy_tokenizer


@pytest.fixture
def blocks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_LEAST_WORDS", 2)
    monkeypatch.setattr(heads, "_BLOCK_LOGITS", 3 * VOCABULARY)


@pytest.mark.parametrize("n", [0, 1, 7, 12])
def test_losses_and_gradients_are_those_of_one_table(blocks_of_three: None, n: int) -> None:
    draw = torch.Generator().manual_seed(n)
    own, other = nn.Linear(8, VOCABULARY), nn.Linear(8, VOCABULARY, bias=False)
    states, taught = (torch.randn(12, 8, generator=draw, requires_grad=True) for _ in range(2))
    targets, weights = torch.randint(VOCABULARY, (n,), generator=draw), torch.rand(12, generator=draw)
    told = Taught(taught[n:].detach(), other)
    in_blocks = blockwise_losses(states, own, targets, weights, told)
    logits, expected = own(states), torch.log_softmax(other(told.states), -1)
    parts = [weighted_losses(logits[:n], targets, weights[:n])]
    whole = torch.cat([*parts, weighted_divergences(logits[n:], expected, weights[n:])])
    share = torch.rand(12, generator=draw)
    [gradient], [wanted] = (torch.autograd.grad((x * share).sum(), states) for x in (in_blocks, whole))
    assert torch.allclose(in_blocks, whole, atol=1e-6) and torch.allclose(gradient, wanted, atol=1e-6)
    assert wanted.abs().max() > 1e-3


@pytest.mark.skipif(native.library() is None, reason="no C++ compiler")
@pytest.mark.parametrize("n", [0, 1, 5])
def test_log_probabilities_by_native_code_are_those_of_a_table_in_fp32(n: int) -> None:
    draw = torch.Generator().manual_seed(n)
    logits = (torch.randn(n, 1001, generator=draw) * 20).bfloat16()
    targets = torch.randint(1001, (n,), generator=draw)
    found, wanted = token_log_probabilities(logits, targets), token_log_probabilities(logits.float(), targets)
    assert found.dtype == torch.float32 and found.shape == (n,)
    assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5)
    alone = [token_log_probabilities(logits[i : i + 1], targets[i : i + 1]) for i in range(n)]
    assert torch.equal(found, torch.cat([*alone, logits.new_empty(0).float()]))


@pytest.mark.skipif(native.library() is None, reason="no C++ compiler")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 7, 12])
def test_in_bf16_native_code_gives_what_a_table_in_fp32_gives(
    n: int, n_threads: int, blocks_of_three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, n_words = torch.Generator().manual_seed(n), 1000
    monkeypatch.setattr(heads, "_BLOCK_HALVES", 5 * n_words)
    own, other = (nn.Linear(8, n_words, bias=False) for _ in range(2))
    with torch.no_grad():
        for one in (own, other):
            one.weight.copy_(torch.randn(n_words, 8, generator=draw) * 2)
    halves, their = (nn.Linear(8, n_words, bias=False, dtype=torch.bfloat16) for _ in range(2))
    halves.load_state_dict(own.state_dict())
    their.load_state_dict(other.state_dict())
    states = torch.randn(12, 8, generator=draw).bfloat16().requires_grad_()
    taught = torch.randn(12, 8, generator=draw).bfloat16()
    targets, weights = torch.randint(n_words, (n,), generator=draw), torch.rand(12, generator=draw)
    with threads(n_threads):
        found = blockwise_losses(states, halves, targets, weights, Taught(taught[n:], their))
        [gradient] = torch.autograd.grad(found.sum(), states)
    logits = halves(states).float()  # rounded as they are there
    logits.retain_grad()
    expected = torch.log_softmax(their(taught[n:]).float(), -1)
    parts = [weighted_losses(logits[:n], targets, weights[:n])]
    wanted = torch.cat([*parts, weighted_divergences(logits[n:], expected, weights[n:])])
    wanted.sum().backward()
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert logits.grad is not None
    slope = logits.grad @ halves.weight.float()
    assert (gradient.float() - slope).norm() < 0.01 * slope.norm() and slope.abs().max() > 0.1


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma3"])
def test_an_adapter_is_the_same(kind: str, blocks_of_three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = []
    for seed in range(3):
        texts = (Example("the lamp is out", "where ", distil=True), Example("no more of it", distil=True))
        plan = toy_plan(seed)
        plan = replace(plan, examples=(*plan.examples, *texts))
        model = toy_model(kind)
        assert blockwise_head(model) is not None
        [in_blocks] = train(model, toy_tokenizer(), [plan], max_tokens=40)
        with monkeypatch.context() as patch:
            patch.setattr(heads, "_LEAST_WORDS", 1 << 20)
            [whole] = train(model, toy_tokenizer(), [plan], max_tokens=40)
        apart.append(distance(in_blocks, whole))
    assert median(apart) < 1e-4


def test_logits_that_are_changed_behind_the_head_are_no_plain_product(blocks_of_three: None) -> None:
    assert blockwise_head(toy_model("gemma2")) is None  # its soft caps
