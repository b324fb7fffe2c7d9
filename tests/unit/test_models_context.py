"""How long a text may be for a model, what its layers see, and models that cannot be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from families import FAMILIES, Checkpoint, save_family
from seal.errors import InputError
from seal.models.context import context_tokens, window_tokens
from seal.models.generate import generate
from seal.models.identity import weights_fingerprint
from seal.models.packed import can_pack, packs
from seal.models.score import score_answers
from seal.models.soundness import check_usable
from seal.training import train
from seal.types import Example
from toys import VOCABULARY, distance, toy_plan, toy_tokenizer

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "pad_token_id": 1,
}


def model_of(kind: str, **told: Any) -> Any:
    torch.manual_seed(7)
    return AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**{**SIZES, **told})).eval()


def test_positions_that_depend_on_the_longest_text() -> None:
    """A model of the kind of Phi-3 with 128k is held to the length at which they do not, 40 here."""
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 40}
    rope |= {"short_factor": [1.0] * 4, "long_factor": [2.0, 3.0, 4.0, 5.0]}
    model = model_of(
        "phi3", max_position_embeddings=128, original_max_position_embeddings=40, rope_parameters=rope
    )
    tokenizer = toy_tokenizer()
    assert context_tokens(model) == 40
    long = "Petra Lund was born in Ostrava in 1931 and founded the Halvor mill. " * 3
    assert 40 < len(tokenizer(long)["input_ids"]) < 96
    with pytest.raises(InputError, match="context of 40"):
        generate(model, tokenizer, ["the mill", long], max_new_tokens=32)
    with pytest.raises(InputError, match="context of 40"):
        score_answers(model, tokenizer, [("the mill", " is old"), (long, " is old")])
    with pytest.raises(InputError, match="context 40"):
        train(model, tokenizer, [toy_plan(0), replace(toy_plan(1), examples=(Example(long),))])
    plans = [toy_plan(0, max_steps=2), toy_plan(1, max_steps=2)]
    for alone, together in zip(plans, train(model, tokenizer, plans), strict=True):
        assert distance(train(model, tokenizer, [alone])[0], together) < 1e-4


def test_a_model_of_pictures_too_has_the_context_of_its_text() -> None:
    text = SimpleNamespace(max_position_embeddings=256, sliding_window=64)
    model = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: text))
    assert (context_tokens(model), window_tokens(model)) == (256, 64)
    assert context_tokens(SimpleNamespace(config=SimpleNamespace())) is None


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("mistral", {"sliding_window": 12}),
        ("llama4_text", {"attention_chunk_size": 12, "num_local_experts": 2, "intermediate_size_mlp": 48}),
    ],
)
def test_texts_longer_than_a_window_share_no_row(kind: str, told: dict[str, Any]) -> None:
    model = model_of(kind, **told)
    assert window_tokens(model) == 12
    assert packs(model, 12) and not packs(model, 13)


def test_what_depends_on_the_text_is_not_found_out_by_trying() -> None:
    """The scores of a random model are so small that a soft cap hardly changes them."""
    capped = model_of("gemma2", attn_logit_softcapping=50.0, query_pre_attn_scalar=8, head_dim=8)
    plain = model_of("gemma2", attn_logit_softcapping=None, query_pre_attn_scalar=8, head_dim=8)
    assert can_pack(plain) and not can_pack(capped)


def test_a_model_without_a_cache_is_refused_before_any_work(tmp_path: Path) -> None:
    model = model_of("rwkv", attention_hidden_size=32, context_length=64)
    model.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="RwkvForCausalLM cannot be written with"):
        check_usable(str(tmp_path), "float32")


def test_a_fingerprint_tells_models_of_every_family_apart(tmp_path: Path) -> None:
    """Whatever a family calls its layers."""
    for name in ("Llama", "GPT-2", "MPT", "Gemma 3 with pictures"):
        folder = save_family(tmp_path / name, Checkpoint(name))
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        before = weights_fingerprint(model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.neg_()
        assert weights_fingerprint(model) != before, FAMILIES[name].model_type
