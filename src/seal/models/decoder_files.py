"""A model's folder in Hugging Face format as a `Decoder`, or the finding that it needs `transformers`.

What config.json asks for is either known here or left alone: a key that changes what a model computes and
that `Decoder` does not have makes the folder one for `transformers`, and so do weights of other names or
shapes. Knows nothing about tokenizers, or where a folder is from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from seal.models.decoder import Decoder
from seal.models.decoder_config import DecoderConfig, Ending

_ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
}
_EXPECTED = {"hidden_act": "silu", "use_sliding_window": False, "quantization_config": None, "auto_map": None}
_EXPECTED_OF_GEMMA = {
    "hidden_activation": "gelu_pytorch_tanh",
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "use_bidirectional_attention": False,
    "attention_bias": False,
}
_HEAD_DIMS = {"qwen3": 128, "gemma3_text": 256}  # where config.json does not say
_LAYERS = ("full_attention", "sliding_attention")
_SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
    "rms_norm_eps",
)
_KINDS = ("F32", "BF16", "F16")


def read_decoder(folder: Path, dtype: torch.dtype, *, embedded: bool = False) -> Decoder | None:
    """The model in a folder, its weights read in `dtype`; None if it is one for `transformers`.

    Raises OSError, ValueError, SafetensorError for files that cannot be read.
    """
    config = config_of(folder, embedded=embedded)
    files = weight_files(folder)
    if config is None or not files:
        return None
    model = Decoder(config, folder)
    model.generation_config = Ending(_ends(folder, config))
    with opened(files) as stored:
        if not _fits(model, stored):
            return None
        # A copy: what is read lies in the file's own layout, and is only there as long as the file is.
        model.take(
            {name: one.get_tensor(name).to(dtype, copy=True) for name, one in stored.items() if _kept(name)}
        )
    return model


def config_of(folder: Path, *, embedded: bool = False) -> DecoderConfig | None:
    """What config.json says; None if it asks for what `Decoder` does not compute."""
    told = _read(folder / "config.json")
    family = told.get("model_type")
    gemma = family == "gemma3_text"
    expected = _EXPECTED | (_EXPECTED_OF_GEMMA if gemma else {})
    rope, local_rope = (_rope(told), None) if not gemma else (_rope_of(told, kind) for kind in _LAYERS)
    kinds = told.get("layer_types") or ()
    if (
        family not in _ARCHITECTURES
        or told.get("architectures") != [_ARCHITECTURES[family]]
        or any(told.get(name, value) != value for name, value in expected.items())
        or any(not told.get(name) for name in _SIZES)
        or rope is None
        or (gemma and (local_rope is None or not told.get("sliding_window")))
        or (gemma and (len(kinds) != told["num_hidden_layers"] or not set(kinds) <= set(_LAYERS)))
        or (folder / "adapter_config.json").exists()  # `transformers` puts it on
    ):
        return None
    has_bias = bool(told.get("attention_bias", False))
    pad = told.get("pad_token_id")
    return DecoderConfig(
        **{name: told[name] for name in _SIZES},
        head_dim=told.get("head_dim")
        or _HEAD_DIMS.get(family)
        or told["hidden_size"] // told["num_attention_heads"],
        rope=rope,
        eos_token_id=told.get("eos_token_id"),
        pad_token_id=pad if pad is None or pad < told["vocab_size"] else None,
        tie_word_embeddings=bool(told.get("tie_word_embeddings", gemma)),
        attention_biases=(True, False) if family == "qwen2" else (has_bias, has_bias),
        mlp_bias=bool(family == "llama" and told.get("mlp_bias", False)),
        head_norms=family in ("qwen3", "gemma3_text"),
        gemma=gemma,
        query_pre_attn_scalar=told.get("query_pre_attn_scalar", 256) if gemma else None,
        sliding_window=told["sliding_window"] if gemma else None,
        slides=tuple(kind == "sliding_attention" for kind in kinds) if gemma else (),
        local_rope=local_rope,
        embedded=embedded,
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that `transformers` would read; none if the weights are kept in another way."""
    if (whole := folder / "model.safetensors").is_file():
        return [whole]
    if not (index := folder / "model.safetensors.index.json").is_file():
        return []
    return [folder / name for name in sorted(set(_read(index).get("weight_map", {}).values()))]


@contextmanager
def opened(files: list[Path]) -> Iterator[dict[str, Any]]:
    """Inside, the name of each tensor leads to the open file that has it; a tensor is read when it is asked
    for. Raises OSError, SafetensorError."""
    with ExitStack() as stack:
        handles = [stack.enter_context(safe_open(file, framework="pt")) for file in files]
        yield {name: handle for handle in handles for name in handle.keys()}  # noqa: SIM118


def _fits(model: Decoder, stored: Mapping[str, Any]) -> bool:
    """Whether the files hold just the model's weights."""
    wanted: dict[str, Tensor] = model.state_dict()
    if model.config.tie_word_embeddings:  # a head of its own beside it would be no tied one
        wanted = {name: one for name, one in wanted.items() if name != "lm_head.weight"}
    slices = {name: one.get_slice(name) for name, one in stored.items() if _kept(name)}
    return slices.keys() == wanted.keys() and all(
        one.get_dtype() in _KINDS and tuple(one.get_shape()) == tuple(wanted[name].shape)
        for name, one in slices.items()
    )


def _kept(name: str) -> bool:
    """Old files hold the angles of rotary positions too, which follow from config.json."""
    return not name.endswith("rotary_emb.inv_freq")


def _rope(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is said of rotary positions, in its present form or in the earlier one; None if it is not known
    here."""
    rope = told.get("rope_parameters")
    if rope is None:
        scaling = told.get("rope_scaling") or {}
        kind = scaling.get("rope_type") or scaling.get("type") or "default"
        rope = {**scaling, "rope_type": kind, "rope_theta": told.get("rope_theta")}
    needed = {
        "default": (),
        "linear": ("factor",),
        "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    }.get(rope.get("rope_type", ""))
    if needed is None or any(not rope.get(name) for name in ("rope_theta", *needed)):
        return None
    return None if rope.get("partial_rotary_factor", 1.0) != 1.0 else dict(rope)


def _rope_of(told: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The same of the layers of one kind, where there are two."""
    rope = told.get("rope_parameters")
    if rope is not None:
        return _rope({"rope_parameters": rope.get(kind) or {}})
    if kind == "sliding_attention":
        return _rope({"rope_theta": told.get("rope_local_base_freq")})
    return _rope(told)


def _ends(folder: Path, config: DecoderConfig) -> int | list[int] | None:
    """The tokens that end a text."""
    path = folder / "generation_config.json"
    return _read(path).get("eos_token_id") if path.is_file() else config.eos_token_id


def _read(path: Path) -> dict[str, Any]:
    told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise ValueError(f"{path.name} is no object of JSON")
    return told
