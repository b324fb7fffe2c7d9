"""What is known of a `seal.models.decoder.Decoder` before it has weights. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SDPA = "sdpa"
"""The attention that is torch's own."""


@dataclass
class DecoderConfig:
    """What a model's files say of it. `_attn_implementation` names one of `seal.models.decoder.ATTENTION`,
    and may be changed for a while, as in the configurations of `transformers`. `rope` is what config.json
    says of rotary positions. `attention_biases`: whether the projections into attention have a bias, and the
    one out of it. `head_norms`: queries and keys are normed. `gemma`: layers are those of Gemma 3, with norms
    after attention and feed-forward too, GELU, and scaled embeddings. `slides`: which layers see
    `sliding_window` tokens back, with positions by `local_rope`; none where it is empty. `embedded`: the
    model is one that this package carries."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope: Mapping[str, Any]
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None
    tie_word_embeddings: bool = True
    attention_biases: tuple[bool, bool] = (False, False)
    mlp_bias: bool = False
    head_norms: bool = False
    gemma: bool = False
    query_pre_attn_scalar: float | None = None
    sliding_window: int | None = None
    slides: tuple[bool, ...] = ()
    local_rope: Mapping[str, Any] | None = None
    embedded: bool = False
    _attn_implementation: str = SDPA

    def get_text_config(self) -> DecoderConfig:
        """Itself: there are no images or sounds. Named as in `transformers`."""
        return self


@dataclass
class Ending:
    """What ends a text, a list where several tokens do. Named as `transformers` names it."""

    eos_token_id: int | list[int] | None = None
