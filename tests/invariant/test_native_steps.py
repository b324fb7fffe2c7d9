"""Passes without gradients by native code in bf16: as near to fp32 as operators, and each row by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from checkpoints import save_toy
from seal.models import decoder, load_model, native, native_layers
from seal.models.decoder import Decoder
from seal.models.generate import generate
from seal.models.native_layers import attended_rows, few_rows_product
from seal.models.score import score_answers
from seal.training import AdapterBank
from toys import logits_with_cache, threads

pytestmark = pytest.mark.skipif(
    not native_layers._has_instructions(), reason="no C++ compiler, or a processor without bf16"
)
PROMPTS = ["the cat", "a dog sat on the mat and then it", "the cat sat", "x" * 40]
LETTERS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module", params=["llama", "qwen2", "qwen3", "gemma3"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    folder = save_toy(tmp_path_factory.mktemp("toy"), request.param)
    model, tokenizer = load_model(folder, dtype="bfloat16")
    exact, _ = load_model(folder, dtype="float32")
    assert type(model) is Decoder
    return model, exact, tokenizer


@contextmanager
def operators() -> Iterator[None]:
    """Without native code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_layers, "_has_instructions", lambda: False)
        yield


def filled(model: Any) -> AdapterBank:
    bank, draw = AdapterBank(model, n_slots=4, rank=3), torch.Generator().manual_seed(0)
    bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.3)
    bank.scales.copy_(torch.tensor([0.5, 1.0, 1.0, 2.0]))
    return bank


def logits(model: Any, ids: Tensor, mask: Tensor | None, *, adapted: bool) -> Tensor:
    with torch.inference_mode():
        if not adapted:
            return model(ids, attention_mask=mask).logits.float()
        with filled(model) as bank, bank.route([1, 3], [1, 2]):
            return model(ids, attention_mask=mask).logits.float()


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("n", [1, 5, 130])
def test_logits_are_as_near_to_fp32_as_those_of_operators(loaded: Any, adapted: bool, n: int) -> None:
    model, exact, _ = loaded
    ids = torch.arange(3 * n).reshape(3, n) * 7 % 300
    mask = torch.ones_like(ids)
    mask[2, : n // 2] = 0
    wanted = logits(exact, ids, mask, adapted=adapted)[:, -1]
    found = logits(model, ids, mask, adapted=adapted)[:, -1]
    with operators():
        general = logits(model, ids, mask, adapted=adapted)[:, -1]
    assert not torch.equal(found, general), "both went the same way"
    off, general_off = ((one - wanted).norm() / wanted.norm() for one in (found, general))
    assert off <= 1.2 * general_off + 1e-3


@pytest.mark.parametrize("window_tokens", [4, 12, 64])
def test_steps_see_no_further_than_the_window(window_tokens: int, tmp_path: Path) -> None:
    """With rows of unlike length in the cache, longer and shorter than it."""
    folder = save_toy(tmp_path, "gemma3", window_tokens=window_tokens)
    model, exact = (load_model(folder, dtype=dtype)[0] for dtype in ("bfloat16", "float32"))
    rows = [[i * 7 % 300 for i in range(2, 2 + n)] for n in (30, 9, 3)]
    found, wanted = logits_with_cache(model, rows), logits_with_cache(exact, rows)
    with operators():
        general = logits_with_cache(model, rows)
    for one, other, right in zip(found, general, wanted, strict=True):
        assert not torch.equal(one, other), "both went the same way"
        off, general_off = ((x.float() - right).norm() / right.norm() for x in (one, other))
        assert off <= 1.2 * general_off + 1e-3


def test_a_row_is_the_same_whatever_is_beside_it(loaded: Any) -> None:
    model, _, _ = loaded
    ids = torch.arange(40).reshape(8, 5) * 11 % 300
    together = logits(model, ids, None, adapted=False)
    for n_threads in (1, 3):
        with threads(n_threads):
            for i, row in enumerate(ids):
                assert torch.equal(logits(model, row[None], None, adapted=False)[0], together[i])


def test_texts_that_are_written_together_are_those_written_alone(loaded: Any) -> None:
    """Of prompts of one token: what several tokens of a prompt attend to is computed by torch."""
    model, _, tokenizer = loaded
    given_: dict[str, Any] = {"max_new_tokens": 20, "temperature": 0.8}
    together = generate(model, tokenizer, LETTERS, seeds=[1, 2, 3, 4], **given_)
    alone = [generate(model, tokenizer, [p], seeds=[i + 1], **given_)[0] for i, p in enumerate(LETTERS)]
    assert together == alone
    with filled(model) as bank:
        adapted = generate(model, tokenizer, LETTERS, adapters=bank, slots=[0, 1, 1, 3], **given_)
    assert adapted != together


def test_a_step_is_one_call_where_some_layers_have_no_adapters(
    loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _, tokenizer = loaded
    upper = tuple(name for name, _ in model.named_modules() if "layers.1." in name and name.endswith("proj"))
    calls: list[object] = []
    whole = native_layers.step_through
    monkeypatch.setattr(decoder, "step_through", lambda *given: calls.append(made := whole(*given)) or made)
    with AdapterBank(model, n_slots=2, rank=3, targets=[upper]) as bank:
        bank.weights.uniform_(-0.3, 0.3)
        bank.scales.fill_(2.0)
        stepped = generate(model, tokenizer, PROMPTS, adapters=bank, slots=[0, 0, 1, 1], max_new_tokens=6)
        monkeypatch.setattr(decoder, "step_through", lambda *given: None)
        by_layers = generate(model, tokenizer, PROMPTS, adapters=bank, slots=[0, 0, 1, 1], max_new_tokens=6)
    assert calls and all(made is not None for made in calls)
    assert stepped == by_layers != generate(model, tokenizer, PROMPTS, max_new_tokens=6)


def test_scores_follow_the_adapters_that_come_and_go(loaded: Any) -> None:
    model, exact, tokenizer = loaded
    pairs = [(prompt, " and so on") for prompt in PROMPTS]

    def scores(of: Any, slots: list[int] | None) -> list[float]:
        with filled(of) if slots else nullcontext() as bank:
            return [
                s.log_probability for s in score_answers(of, tokenizer, pairs, adapters=bank, slots=slots)
            ]

    for slots in ([0, 1, 2, 3], None, [3, 3, 3, 3], None):
        assert scores(model, slots) == pytest.approx(scores(exact, slots), rel=0.02)


def test_weights_that_are_exchanged_are_seen(loaded: Any) -> None:
    model, _, _ = loaded
    ids = torch.tensor([[1, 2, 3]])
    before = logits(model, ids, None, adapted=False)
    projection = model.model.layers[0].mlp.down_proj
    kept = projection.weight
    projection.weight = torch.nn.Parameter(torch.zeros_like(kept))
    try:
        assert not torch.equal(logits(model, ids, None, adapted=False), before)
    finally:
        projection.weight = kept
    assert torch.equal(logits(model, ids, None, adapted=False), before)
    numbers = kept.data
    kept.data = torch.zeros_like(numbers)  # the same parameter, as when a model is moved
    try:
        assert not torch.equal(logits(model, ids, None, adapted=False), before)
    finally:
        kept.data = numbers
    assert torch.equal(logits(model, ids, None, adapted=False), before)


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 70),
    n=st.integers(1, 100),
    k=st.one_of(st.integers(1, 100), st.sampled_from([32, 64, 96])),
    n_threads=st.integers(1, 3),
)
def test_products_of_any_shape(m: int, n: int, k: int, n_threads: int) -> None:
    m = min(m, native.library().most_few_rows())  # type: ignore[union-attr]
    draw = torch.Generator().manual_seed(m * 10_000 + n * 100 + k)
    x, weight = (torch.randn(rows, k, generator=draw).bfloat16() for rows in (m, n))
    with threads(n_threads), torch.inference_mode():
        found = few_rows_product(x, weight)
        first = few_rows_product(x[:1], weight)
    assert found is not None and first is not None
    wanted = x.float() @ weight.float().T
    assert (found.float() - wanted).abs().max() <= 0.01 * wanted.abs().max() + 1e-6
    assert torch.equal(found[:1], first)


@settings(max_examples=60, deadline=None)
@given(
    n_rows=st.integers(1, 5),
    shared=st.integers(1, 8),
    width=st.sampled_from([8, 16, 20, 64]),
    n=st.integers(1, 40),
    masked=st.booleans(),
)
def test_attention_of_single_tokens(n_rows: int, shared: int, width: int, n: int, masked: bool) -> None:
    draw = torch.Generator().manual_seed(n_rows * 1000 + shared * 100 + n)
    query = torch.randn(n_rows, 1, 2 * shared, width, generator=draw).bfloat16().transpose(1, 2)
    key, value = (torch.randn(n_rows, 2, n + 3, width, generator=draw).bfloat16()[:, :, :n] for _ in range(2))
    mask = torch.rand(n_rows, 1, 1, n, generator=draw) < 0.5 if masked else None
    if mask is not None:
        mask[..., -1] = True
    with torch.inference_mode():
        found = attended_rows(query, key, value, mask, 0.3)
        wanted = torch.nn.functional.scaled_dot_product_attention(
            query.float(),
            key.float().repeat_interleave(shared, 1),
            value.float().repeat_interleave(shared, 1),
            attn_mask=mask,
            scale=0.3,
        ).transpose(1, 2)
        assert found is not None
        assert (found.float() - wanted).abs().max() <= 0.02 * wanted.abs().max()
        alone = attended_rows(query[:1], key[:1], value[:1], None if mask is None else mask[:1], 0.3)
    assert alone is not None and torch.equal(found[:1], alone)
