"""The model of a benchmark: loaded, or of a named shape with random weights, on which speed does not depend.

Knows nothing about what it is used for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config
from transformers.utils import logging

from seal.errors import ConfigError, UnknownNameError
from seal.hints import nearest
from seal.models.dtypes import DTYPES
from seal.models.load import load_model, load_with_transformers


def _tiny(width: int) -> LlamaConfig:
    """The embedded model's configuration, `width` times as wide."""
    return LlamaConfig(
        vocab_size=1536, hidden_size=128 * width, intermediate_size=384 * width, num_hidden_layers=4,
        num_attention_heads=4 * width, num_key_value_heads=4 * width, head_dim=32,
        max_position_embeddings=1024, tie_word_embeddings=True,
    )  # fmt: skip


def _qwen(hidden: int, inner: int, layers: int, heads: int, kv: int, vocabulary: int, tied: bool) -> Any:
    """As in the config.json that Qwen2.5 is published with (arXiv 2412.15115)."""
    return Qwen2Config(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv, max_position_embeddings=32768, rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6}, tie_word_embeddings=tied,
    )  # fmt: skip


SHAPES = {
    "tiny": lambda: _tiny(1),
    "2x": lambda: _tiny(2),
    "4x": lambda: _tiny(4),
    "qwen2.5-0.5b": lambda: _qwen(896, 4864, 24, 14, 2, 151936, True),
    "qwen2.5-7b": lambda: _qwen(3584, 18944, 28, 28, 4, 152064, False),
}
_WEIGHTS_SEED = 0


@dataclass(frozen=True)
class Subject:
    """The model under test, in evaluation mode and frozen, and what to call it.

    `model` is of `transformers`' class, `own` the same weights as this package loads them, where it has a
    class for them."""

    model: Any
    name: str
    own: Any

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.model.parameters()).dtype

    @property
    def vocabulary(self) -> int:
        return self.model.get_output_embeddings().weight.shape[0]

    @property
    def n_parameters(self) -> int:
        """Tied weights count once."""
        return sum(p.numel() for p in self.model.parameters())


def load_subject(
    model: str | None = None, shape: str | None = None, *, device: str = "auto", dtype: str | None = None
) -> Subject:
    """The model by name or folder, or random weights of a shape; by default the embedded model.

    `device` "auto" is CUDA where there is one; the dtype is then bfloat16 if none is given, else float32.

    Raises ConfigError for both or an unusable device or dtype, UnknownNameError, InputFileError.
    """
    if model and shape:
        raise ConfigError("--model and --shape are both given", "give one of them")
    if shape and shape not in SHAPES:
        raise UnknownNameError(f"there is no shape {shape!r}", _near(shape))
    place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    kind = dtype or ("bfloat16" if place.startswith("cuda") else "float32")
    logging.disable_progress_bar()  # transformers' own bars would run through ours
    if shape:
        made = own = _random(shape, place, kind)
    else:
        made, _ = load_with_transformers(model or "tiny", dtype=kind, device=place)
        own, _ = load_model(model or "tiny", dtype=kind, device=place)
    for one in (made, own):
        for parameter in one.parameters():
            parameter.requires_grad_(False)
        # Every answer is to have its full length.
        one.generation_config.eos_token_id = None
    return Subject(made, f"shape {shape}, random weights" if shape else model or "tiny", own)


def _random(shape: str, device: str, dtype: str) -> Any:
    if dtype not in DTYPES:
        raise ConfigError(f"unknown dtype {dtype!r}", f"set it to {' or '.join(DTYPES)}")
    try:
        with torch.device(device), torch.random.fork_rng():
            torch.manual_seed(_WEIGHTS_SEED)
            return AutoModelForCausalLM.from_config(SHAPES[shape](), dtype=DTYPES[dtype]).eval()
    except (RuntimeError, AssertionError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"shape {shape} cannot be made on device {device!r}: {first}", 'set device to "cpu"'
        ) from error


def _near(shape: str) -> str:
    near = nearest(shape, SHAPES, cutoff=0.4)
    hint = f"did you mean {near!r}? " if near else ""
    return f"{hint}shapes: {', '.join(SHAPES)}"
