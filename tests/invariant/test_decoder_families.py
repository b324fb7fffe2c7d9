"""A folder of Llama, Qwen2, Qwen3 or Gemma 3, as a `Decoder`: the same to the bit as by `transformers`.

Random models of every kind that is known; and the real ones in the folders that SEAL_TEST_MODELS names, with
a colon between them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3TextConfig,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
)

from seal.models import load_model, native_layers, save_model
from seal.models.decoder import Decoder
from seal.models.decoder_files import read_decoder
from seal.models.generate import generate
from seal.models.kept_tokenizers import plain_version
from seal.models.load import load_with_transformers
from seal.models.packed import Batch
from seal.models.score import score_answers
from seal.models.tokenizer import PlainTokenizer
from seal.training import train
from seal.training.block import can_fuse
from toys import VOCABULARY, logits_with_cache, toy_plan, toy_tokenizer

REAL = [Path(one) for one in os.environ.get("SEAL_TEST_MODELS", "").split(":") if one]
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.15,
    "bos_token_id": None,
    "eos_token_id": [0, 7],
    "pad_token_id": 1,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": True, "head_dim": 8},
    "llama-untied": {"tie_word_embeddings": False, "head_dim": 8, "attention_bias": True, "mlp_bias": True},
    "llama-3": {"tie_word_embeddings": False, "head_dim": 16, "rope_parameters": LLAMA3},
    "llama-linear": {
        "tie_word_embeddings": True,
        "head_dim": 8,
        "num_key_value_heads": 6,
        "rope_parameters": {"rope_type": "linear", "rope_theta": 7000.0, "factor": 3.0},
    },
    "qwen2": {"tie_word_embeddings": True},
    "qwen2-untied": {
        "tie_word_embeddings": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    },
    "qwen3": {"tie_word_embeddings": True, "head_dim": 16},
    "gemma3": {
        "tie_word_embeddings": True,
        "head_dim": 16,
        "query_pre_attn_scalar": 24,
        "sliding_window": 64,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
}
CONFIGS = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config, "gemma3": Gemma3TextConfig}


def save(kind: str, folder: Path, **changed: Any) -> Path:
    torch.manual_seed(1)
    config: Any = CONFIGS[kind.partition("-")[0]](**{**SIZES, **KINDS[kind], **changed})
    model: Any = AutoModelForCausalLM.from_config(config)
    for name, parameter in model.named_parameters():  # or biases would be zero, and norms one
        if name.endswith("bias") or "norm" in name:
            parameter.data.uniform_(0.5, 1.5)
    model.save_pretrained(folder)
    toy_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def by_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bf16 native code rounds at other places: see test_native_steps.py."""
    monkeypatch.setattr(native_layers, "_has_instructions", lambda: False)


@pytest.fixture(scope="module", params=[*KINDS, *REAL], ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if isinstance(request.param, Path):
        return request.param
    return save(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def both(folder: Path, request: pytest.FixtureRequest) -> Iterator[tuple[tuple[Any, Any], tuple[Any, Any]]]:
    ours, theirs = (load(folder, dtype=request.param) for load in (load_model, load_with_transformers))
    assert type(ours[0]) is Decoder and type(theirs[0]) is not Decoder
    for parameter in theirs[0].parameters():
        # `transformers` leaves weights where they lie in the file: at an odd address a product may round
        # otherwise (fp32, training SmolLM2-135M: 7e-8 of a loss).
        parameter.data = parameter.data.clone()
    yield ours, theirs


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b) and bool(torch.isfinite(a).all())


def rows(model: Any) -> list[list[int]]:
    n = model.config.vocab_size
    return [[i * 7919 % n for i in range(1, 30)], [i * 104729 % n for i in range(3, 12)], [5]]


def test_weights_are_the_same(both: Any) -> None:
    ours, theirs = (model.state_dict() for (model, _) in both)
    assert list(ours) == list(theirs)
    assert all(same(ours[name], theirs[name]) for name in ours)
    assert [n for n, _ in both[0][0].named_modules()] == [n for n, _ in both[1][0].named_modules()]


@pytest.mark.parametrize("packed", [True, False])
def test_logits_and_gradients_are_the_same(both: Any, packed: bool) -> None:
    results = []
    for model, _ in both:
        batch = Batch.of(rows(model), pad=0, packed=packed, device=torch.device("cpu"))
        with batch.attention(model):
            logits = model(**batch.inputs(), use_cache=False).logits
        logits.float().square().mean().backward()
        # Those of a head's norm, which nothing trains, are sums over heads, in the order in which these lie.
        gradients = [p.grad for n, p in model.named_parameters() if "layers.0" in n and "_norm" not in n]
        model.zero_grad()
        results.append([logits.detach(), *gradients])
    assert all(same(a, b) for a, b in zip(*results, strict=True))


def test_a_cache_with_padding_gives_the_same(both: Any) -> None:
    results = [logits_with_cache(model, rows(model)) for model, _ in both]
    assert all(same(a, b) for a, b in zip(*results, strict=True))


def test_what_is_written_scored_and_trained_is_the_same(both: Any) -> None:
    """With shared prefixes and padding, and the ends of generation_config.json."""
    prompts = ["Question: Who wrote it?\nAnswer:", "Question: Who was it?\nAnswer:", "0 1 2 3\n" * 3]
    plans = [toy_plan(0), toy_plan(1)]
    (mine, own), (yours, their) = both
    for stop in ((), ("\n",)):
        ours, theirs = (
            generate(m, t, prompts, max_new_tokens=12, temperature=1.5, top_p=0.95, stop=stop)
            for m, t in both
        )
        assert ours == theirs
    pairs = [(prompt, " Ada and Bo") for prompt in prompts]
    assert score_answers(mine, own, pairs) == score_answers(yours, their, pairs)
    assert can_fuse(mine) == can_fuse(yours)
    ours, theirs = train(mine, own, plans), train(yours, their, plans)
    for a, b in zip(ours, theirs, strict=True):
        assert not a.failed and a.losses == b.losses and list(a.factors) == list(b.factors)
        assert all(same(x, y) for name in a.factors for x, y in zip(a.factors[name], b.factors[name]))


def test_the_tokenizer_does_the_same(folder: Path) -> None:
    ours = plain_version(AutoTokenizer.from_pretrained(folder), folder)
    assert isinstance(ours, PlainTokenizer)


def test_a_saved_model_is_the_same_again(both: Any, tmp_path: Path) -> None:
    (model, tokenizer), _ = both
    save_model(model, tokenizer, tmp_path / "saved")
    again, _ = load_model(tmp_path / "saved", dtype=model.dtype)
    ids = torch.tensor(rows(model)[:1])
    assert type(again) is Decoder and same(again(ids).logits, model(ids).logits)


@pytest.mark.parametrize(
    "changed",
    [
        {"hidden_act": "gelu"},
        {"model_type": "mistral", "architectures": ["MistralForCausalLM"]},
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}},
        {"quantization_config": {"bits": 4}},
        {"tie_word_embeddings": False},  # its files have no head
        {"num_hidden_layers": 2},
        {"mlp_bias": True},
    ],
)
def test_what_is_not_known_is_left_to_transformers(changed: dict[str, Any], tmp_path: Path) -> None:
    _is_left_to_transformers("llama", changed, tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"final_logit_softcapping": 30.0},
        {"attn_logit_softcapping": 50.0},
        {"hidden_activation": "gelu"},
        {"use_bidirectional_attention": True},
        {"layer_types": ["full_attention"] * 2},
        {"layer_types": ["full_attention", "chunked_attention", "full_attention"]},
        {"sliding_window": None},
        {"architectures": ["Gemma3ForConditionalGeneration"]},
    ],
)
def test_what_gemma_may_have_besides_is_left_to_transformers(changed: dict[str, Any], tmp_path: Path) -> None:
    _is_left_to_transformers("gemma3", changed, tmp_path)


def _is_left_to_transformers(kind: str, changed: dict[str, Any], folder: Path) -> None:
    save(kind, folder)
    assert read_decoder(folder, torch.float32) is not None
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    assert read_decoder(folder, torch.float32) is None


@pytest.mark.parametrize("window", [3, 11, 64])
def test_layers_see_no_further_than_their_window(window: int, tmp_path: Path) -> None:
    """Of texts that are longer and shorter than it, read whole, packed where that goes, and with a cache."""
    folder = save("gemma3", tmp_path, sliding_window=window)
    ours, theirs = load_model(folder)[0], load_with_transformers(folder)[0]
    texts = rows(ours)
    ids = torch.tensor(texts[:1])
    assert type(ours) is Decoder
    assert torch.allclose(ours(ids).logits, theirs(ids).logits, rtol=1e-4, atol=1e-5)
    found, wanted = (logits_with_cache(model, texts) for model in (ours, theirs))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(found, wanted, strict=True))
    prompts = ["Question: Who wrote it?\nAnswer:", "0 1", "Question: Who wrote it?\nAnswer: Ada"]
    own, their = (generate(m, toy_tokenizer(), prompts, max_new_tokens=20) for m in (ours, theirs))
    assert own == their
    pairs = [(prompt, " Ada and Bo") for prompt in prompts]
    for one, other in zip(*(score_answers(m, toy_tokenizer(), pairs) for m in (ours, theirs)), strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4)


def test_an_older_configuration_and_weights_in_several_files(tmp_path: Path) -> None:
    """As files on the hub have them."""
    save("llama-3", tmp_path / "new")
    whole, theirs = load_model(tmp_path / "new")[0], load_with_transformers(tmp_path / "new")[0]
    theirs.save_pretrained(tmp_path / "old", max_shard_size="20KB")
    path = tmp_path / "old" / "config.json"
    told = json.loads(path.read_text())
    rope = told.pop("rope_parameters")
    told |= {"rope_theta": rope.pop("rope_theta"), "rope_scaling": rope}
    path.write_text(json.dumps(told))
    toy_tokenizer().save_pretrained(tmp_path / "old")
    assert len(list((tmp_path / "old").glob("*.safetensors"))) > 1
    ours, theirs = load_model(tmp_path / "old")[0], load_with_transformers(tmp_path / "old")[0]
    ids = torch.tensor(rows(ours)[:1])
    assert type(ours) is Decoder
    assert same(ours(ids).logits, theirs(ids).logits) and same(ours(ids).logits, whole(ids).logits)
    assert [m.generation_config.eos_token_id for m in (ours, theirs)] == [[0, 7]] * 2  # type: ignore[union-attr]
