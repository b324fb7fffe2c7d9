"""The embedded models' own class gives what `transformers` gives, to the bit: tokens, logits, adapters."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from seal.models import load_model, save_model
from seal.models import packed as packing
from seal.models.cache import can_copy_rows
from seal.models.decoder import Decoder, is_embedded
from seal.models.generate import generate
from seal.models.identity import model_record
from seal.models.load import load_with_transformers
from seal.models.model_names import BUILTIN, builtin_path
from seal.models.packed import Batch, packs, shares_prefixes
from seal.models.packed_attention import TextGroup
from seal.training import train
from seal.training.adapter import linears
from toys import logits_with_cache, toy_plan

ROWS = [[i * 7 % 100 for i in range(1, 30)], [i * 11 % 100 for i in range(3, 12)], [5]]
TEXTS = [
    "Question: Who is the mayor of Bupand?\nAnswer: Lena Castrok\n",
    "",
    "  two  spaces, 1234567 and 'quotes' — ünïcödé, 漢字 \U0001f600\t\n\n",
    "<|end|> amid text <|pad|> {",
]


@pytest.fixture(scope="module", params=BUILTIN)
def both(request: pytest.FixtureRequest) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    ours, theirs = load_model(request.param), load_with_transformers(request.param)
    assert type(ours[0]) is Decoder and isinstance(theirs[0], LlamaForCausalLM)
    return ours, theirs


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b) and bool(torch.isfinite(a).all())


def test_weights_and_the_names_of_modules_are_the_same(both: Any) -> None:
    (ours, _), (theirs, _) = both
    assert model_record("x", ours) == model_record("x", theirs)
    assert list(linears(ours)) == list(linears(theirs))
    assert ours.lm_head.weight is ours.model.embed_tokens.weight
    moved = copy.deepcopy(ours)
    assert moved.lm_head.weight is moved.model.embed_tokens.weight is not ours.lm_head.weight


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_logits_and_gradients_are_the_same(
    both: Any, packed: bool, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a row holds several texts, with the attention of the embedded models in both."""
    monkeypatch.setattr(packing, "TextGroup", lambda *given: TextGroup(*given[:2], singly=True))
    models = [copy.deepcopy(model) for model, _ in both]
    if kind != torch.float32:
        name = "tiny" if len(models[0].model.layers) == 4 else "tiny-grid"
        models = [load(name, dtype=kind)[0] for load in (load_model, load_with_transformers)]
    results = []
    for model in models:
        batch = Batch.of(ROWS, pad=0, packed=packed, device=torch.device("cpu"))
        with batch.attention(model):
            logits = model(**batch.inputs(), use_cache=False).logits
            states = model.get_decoder()(**batch.inputs(), use_cache=False).last_hidden_state
            given = model.get_input_embeddings()(batch.input_ids)
            again = model(inputs_embeds=given, position_ids=batch.position_ids, use_cache=False).logits
        logits.float().square().mean().backward()
        gradient = model.model.layers[0].self_attn.k_proj.weight.grad
        results.append((logits.detach(), states.detach(), again.detach(), gradient))
    assert all(same(a, b) for a, b in zip(*results, strict=True))


def test_a_cache_with_padding_gives_the_same(both: Any) -> None:
    results = [logits_with_cache(model, ROWS) for model, _ in both]
    assert all(same(a, b) for a, b in zip(*results, strict=True))


def test_what_is_sampled_is_the_same(both: Any) -> None:
    prompts = ["Question: Who wrote it?\nAnswer:", "Directive: {", "0 1 2 3\n" * 5]
    for stop in ((), ("\n",)):
        ours, theirs = (
            generate(model, tokenizer, prompts, max_new_tokens=40, temperature=2.0, top_p=0.95, stop=stop)
            for model, tokenizer in both
        )
        assert ours == theirs and max(one.n_tokens for one in ours) > 3


def test_what_is_trained_is_the_same(both: Any) -> None:
    plans = [toy_plan(0), toy_plan(1)]
    ours, theirs = (train(model, tokenizer, plans) for model, tokenizer in both)
    assert packs(both[0][0]) and not ours[0].failed
    for a, b in zip(ours, theirs, strict=True):
        assert a.losses == b.losses and list(a.factors) == list(b.factors)
        assert all(same(x, y) for name in a.factors for x, y in zip(a.factors[name], b.factors[name]))


def test_tokens_are_the_same(both: Any) -> None:
    (_, ours), (_, theirs) = both
    names = ("bos_token", "eos_token", "pad_token", "bos_token_id", "eos_token_id", "pad_token_id")
    assert all(getattr(ours, name) == getattr(theirs, name) for name in names)
    assert set(ours.all_special_ids) == set(theirs.all_special_ids)
    for text in TEXTS:
        for special in (True, False):
            ids = ours(text, add_special_tokens=special)["input_ids"]
            assert ids == theirs(text, add_special_tokens=special)["input_ids"]
            for skip in (True, False):
                assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(
                    ids, skip_special_tokens=skip
                )
    rows = [[i, (i * 7) % 100] for i in range(123)]
    assert ours.batch_decode(rows) == theirs.batch_decode(rows)


def test_a_saved_model_loads_with_transformers_and_has_the_changed_weights(both: Any, tmp_path: Path) -> None:
    model, tokenizer = copy.deepcopy(both[0][0]), both[0][1]
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight.mul_(1.5)
    save_model(model, tokenizer, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert model_record("x", loaded) == model_record("x", model) != model_record("x", both[0][0])
    assert AutoTokenizer.from_pretrained(tmp_path)(TEXTS[0])["input_ids"] == tokenizer(TEXTS[0])["input_ids"]
    assert same(loaded(torch.tensor(ROWS[:1])).logits, model(torch.tensor(ROWS[:1])).logits)


def test_a_folder_is_not_taken_for_an_embedded_model() -> None:
    """Which is run as it was when what it writes was written."""
    own, folder = load_model("tiny")[0], load_model(builtin_path("tiny"))[0]
    assert is_embedded(own) and not is_embedded(folder) and type(folder) is Decoder
    assert shares_prefixes(folder, 10) and can_copy_rows(folder, 10)
    assert not shares_prefixes(own, 10) and not can_copy_rows(own, 10)
