"""The architecture of the Llama family in plain torch: Llama's own, and Qwen2's with its biases.

The classes of `transformers` take two to three seconds to import, which is longer than an answer takes. This
one has the same modules under the same names, in the same order, and does the same operations on tensors of
the same layout, so that weights, adapters and results are the same to the bit, to which
tests/invariant/test_decoder.py holds it. What asks for anything else is left to `transformers`
(`seal.models.decoder_files`). Knows nothing about files, adapters, losses or sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seal.models.key_value_cache import KeyValueCache
from seal.models.native_layers import attended_rows, few_rows_product, layer_step, step_through
from seal.models.rotary import RotaryEmbedding

SDPA = "sdpa"


@dataclass
class DecoderConfig:
    """What a model's files say of it. `_attn_implementation` names one of `ATTENTION`, and may be changed for
    a while, as in the configurations of `transformers`. `rope` is what config.json says of rotary positions.
    `attention_biases`: whether the projections into attention have a bias, and the one out of it. `embedded`:
    the model is one that this package carries."""

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
    embedded: bool = False
    _attn_implementation: str = SDPA

    def get_text_config(self) -> DecoderConfig:
        """Itself: there are no images or sounds. Named as in `transformers`."""
        return self


@dataclass
class Ending:
    """What ends a text, a list where several tokens do. Named as `transformers` names it."""

    eos_token_id: int | list[int] | None = None


@dataclass(frozen=True)
class States:
    """What the layers give: [B, T, d] after the last norm."""

    last_hidden_state: Tensor


@dataclass(frozen=True)
class Logits:
    """What the model gives: [B, T, V], or of those positions that a hook on the output head has left."""

    logits: Tensor


class RMSNorm(nn.Module):
    """Root mean square normalisation (arXiv 1910.07467), in fp32."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.variance_epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        kind = x.dtype
        x = x.to(torch.float32)
        variance = x.pow(2).mean(-1, keepdim=True)
        x = x * torch.rsqrt(variance + self.variance_epsilon)
        return self.weight * x.to(kind)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [B, H, T, d] turned by the angles [B, T, d] of its positions."""
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return (x * cos) + (turned * sin)


def _scaled_dot_product(
    module: Attention, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, scaling: float
) -> tuple[Tensor, None]:
    if (y := attended_rows(query, key, value, mask, scaling)) is not None:
        return y, None
    (n_rows, n_heads, n, width), shared = query.shape, query.shape[1] // key.shape[1]
    causal, grouped = n > 1 and mask is None, shared > 1 and mask is None
    if shared > 1 and mask is not None:
        # Torch's fast attention takes no mask where heads share keys.
        if n == 1:
            query = query.reshape(n_rows, n_heads // shared, shared, width)
        else:
            key, value = (_repeated(part, shared) for part in (key, value))
    y = nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scaling, is_causal=causal, enable_gqa=grouped
    )
    return y.reshape(n_rows, n_heads, n, width).transpose(1, 2).contiguous(), None


def _repeated(x: Tensor, times: int) -> Tensor:
    """x [B, H, T, d] with each head so many times, [B, H times, T, d]."""
    return x[:, :, None].expand(-1, -1, times, -1, -1).flatten(1, 2)


ATTENTION: dict[str, Callable[..., tuple[Tensor, None]]] = {SDPA: _scaled_dot_product}
"""How keys are attended to, by the configuration's `_attn_implementation`; all but SDPA are given no mask."""


def _linear(n_in: int, n_out: int, *, bias: bool, kind: type[nn.Linear] = nn.Linear) -> nn.Linear:
    """A module without numbers: to draw them takes longer than to read a model.

    Not on the device "meta": initialising there imports torch's compiler, which takes half a second.
    """
    made = kind(1, 1, bias=bias)
    made.in_features, made.out_features = n_in, n_out
    made.weight = nn.Parameter(torch.empty(n_out, n_in))
    if bias:
        made.bias = nn.Parameter(torch.empty(n_out))
    return made


def _embedding(n: int, width: int, padding: int | None) -> nn.Embedding:
    """The same for embeddings."""
    made = nn.Embedding(1, 1)
    made.num_embeddings, made.embedding_dim, made.padding_idx = n, width, padding
    made.weight = nn.Parameter(torch.empty(n, width))
    return made


class Attention(nn.Module):
    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.config, self.layer, self.head_dim = config, layer, config.head_dim
        self.scaling = config.head_dim**-0.5
        width, (has_in, has_out) = config.hidden_size, config.attention_biases
        queries, keys = (
            n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads)
        )
        self.q_proj = _linear(width, queries, bias=has_in)
        self.k_proj = _linear(width, keys, bias=has_in)
        self.v_proj = _linear(width, keys, bias=has_in)
        self.o_proj = _linear(queries, width, bias=has_out)

    def forward(
        self,
        x: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None,
        cache: KeyValueCache | None,
    ) -> Tensor:
        shape = x.shape[:-1]
        query, key, value = (
            project(x).view(*shape, -1, self.head_dim).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = _rotated(query, *position_embeddings), _rotated(key, *position_embeddings)
        y = self.attended(query, key, value, attention_mask, cache)
        return self.o_proj(y.reshape(*shape, -1).contiguous())

    def attended(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, cache: KeyValueCache | None
    ) -> Tensor:
        """query [B, H, T, d], key and value [B, H', T, d], which go into the cache -> [B, T, H, d]."""
        if cache is not None:
            key, value = cache.update(key, value, self.layer)
        attend = ATTENTION[self.config._attn_implementation]
        return attend(self, query, key, value, mask, scaling=self.scaling)[0]


class FeedForward(nn.Module):
    """The gated linear unit of arXiv 2002.05202."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = _linear(width, inner, bias=bias)
        self.up_proj = _linear(width, inner, bias=bias)
        self.down_proj = _linear(inner, width, bias=bias)
        self.act_fn = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer)
        self.mlp = FeedForward(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self,
        hidden_states: Tensor,
        *,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None,
        cache: KeyValueCache | None,
    ) -> Tensor:
        if (step := layer_step(self, hidden_states, position_embeddings)) is not None:
            return step.output(self.self_attn.attended(*step.heads(), attention_mask, cache))
        x = self.input_layernorm(hidden_states)
        x = hidden_states + self.self_attn(x, position_embeddings, attention_mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class OutputHead(nn.Linear):
    """The output head: a linear module that reads its weights once where few tokens are in flight."""

    def forward(self, input: Tensor) -> Tensor:
        made = few_rows_product(input, self.weight)
        return super().forward(input) if made is None else made


PLAIN_HEADS = nn.Linear, OutputHead
"""Types of output heads that give a product and nothing else."""


class DecoderStack(nn.Module):
    """Embeddings, layers and the last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = _embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = nn.ModuleList(DecoderLayer(config, i) for i in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary_emb = RotaryEmbedding(config.head_dim, config.rope)

    def forward(
        self,
        input_ids: Tensor | None = None,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: KeyValueCache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool = False,
    ) -> States:
        """The states of `input_ids` [B, T], or of embeddings [B, T, d] in their place.

        Several texts in one row need an attention that keeps them apart (`seal.models.packed`): positions
        that begin anew in a row are not taken as a sign of it. Keys and values are kept if there is a
        `cache`; `use_cache` is there because models of `transformers` ask for it.
        """
        states: Tensor = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        seen = 0 if cache is None else cache.get_seq_length()
        if position_ids is None:
            position_ids = (torch.arange(states.shape[1], device=states.device) + seen).unsqueeze(0)
        mask, plainly = None, self.config._attn_implementation == SDPA
        if plainly:
            mask = causal_mask(states, attention_mask, seen)
        position_embeddings = self.rotary_emb(states, position_ids)
        if cache is not None and states.shape[1] == 1 and cache.is_begun and plainly:
            rows, places = range(len(states)), [seen] * len(states)
            stepped = step_through(
                list(self.layers), states, position_embeddings, mask, cache.rooms, rows, places
            )
            if stepped is not None:
                cache.advance(1)
                return States(self.norm(stepped))
        for layer in self.layers:
            states = layer(states, position_embeddings=position_embeddings, attention_mask=mask, cache=cache)
        return States(self.norm(states))

    def step(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        rows: Sequence[int],
        places: Sequence[int],
        *,
        mask: Tensor | None,
        cache: KeyValueCache,
    ) -> States | None:
        """The states of tokens [N, 1], each the next of a row of the cache; of one row there may be several.

        Token i is put at `places[i]` of row `rows[i]`, and sees what is there up to itself, but for what is
        0 in `mask` [B, capacity]. The cache's own length stays as it was. None where there is no native code
        for it.
        """
        if not cache.is_begun or self.config._attn_implementation != SDPA:
            return None
        states = self.embed_tokens(input_ids)
        seen = None if mask is None else mask[:, None, None, :]
        stepped = step_through(
            list(self.layers),
            states,
            self.rotary_emb(states, position_ids),
            seen,
            cache.rooms,
            rows,
            places,
        )
        return None if stepped is None else States(self.norm(stepped))


def causal_mask(x: Tensor, real: Tensor | None, seen: int) -> Tensor | None:
    """Which tokens each of `x` [B, T, d] sees, [B, 1, T, seen + T]; None if all that are not after it.

    `real` [B, seen + T] is 0 at padding, `seen` the number of tokens in the cache.
    """
    n_rows, n, _ = x.shape
    kept = None if real is None else real.to(x.device, torch.bool)
    if (n == 1 or seen == 0) and (kept is None or bool(kept.all())):
        return None
    queries = torch.arange(seen, seen + n, device=x.device)[None, None, :, None]
    keys = torch.arange(seen + n, device=x.device)
    mask = keys <= queries
    if kept is not None:
        mask = mask & kept[:, None, None, :]
    return mask.expand(n_rows, 1, n, seen + n)


class Decoder(nn.Module):
    """A causal language model, with those names of `transformers`' models that this package uses."""

    _supports_attention_backend = True

    def __init__(self, config: DecoderConfig, source: Path | None = None) -> None:
        """A model that holds no weights yet (`take`). `source` is the folder that it is loaded from."""
        super().__init__()
        self.config, self.source = config, source
        self.generation_config = Ending(config.eos_token_id)
        with torch.random.fork_rng(devices=[]):
            self.model = DecoderStack(config)
            kind = nn.Linear if config.embedded else OutputHead
            self.lm_head = _linear(config.hidden_size, config.vocab_size, bias=False, kind=kind)
        self._tie()

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Takes these weights as its own. Raises RuntimeError if they are not those of its configuration."""
        if self.config.tie_word_embeddings:
            weights = {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]}
        self.load_state_dict(weights, assign=True)
        self._tie()

    def _tie(self) -> None:
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def device(self) -> torch.device:
        return self.lm_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.lm_head.weight.dtype

    def get_decoder(self) -> DecoderStack:
        return self.model

    def get_input_embeddings(self) -> nn.Embedding:
        return self.model.embed_tokens

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head

    def forward(self, input_ids: Tensor | None = None, **given: Any) -> Logits:
        """The logits; the keywords are those of `DecoderStack.forward`."""
        return Logits(self.lm_head(self.model(input_ids, **given).last_hidden_state))


def is_embedded(model: nn.Module) -> bool:
    """Whether a model is one that this package carries. What those write and train is held to the bit, so
    that they are run as they were when it was written."""
    return isinstance(model, Decoder) and model.config.embedded
