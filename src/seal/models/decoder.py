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

from seal.models.decoder_config import SDPA, DecoderConfig, Ending
from seal.models.decoder_modules import RMSNorm, ShiftedRMSNorm, embedding, linear
from seal.models.key_value_cache import KeyValueCache
from seal.models.native_layers import attended_rows, few_rows_product, layer_step, step_through
from seal.models.rotary import RotaryEmbedding


@dataclass(frozen=True)
class States:
    """What the layers give: [B, T, d] after the last norm."""

    last_hidden_state: Tensor


@dataclass(frozen=True)
class Logits:
    """What the model gives: [B, T, V], or of those positions that a hook on the output head has left."""

    logits: Tensor


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [B, H, T, d] turned by the angles [B, T, d] of its positions."""
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return (x * cos) + (turned * sin)


def _scaled_dot_product(
    module: Attention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    scaling: float,
    **_: Any,
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


def _norm(config: DecoderConfig, width: int) -> RMSNorm:
    return (ShiftedRMSNorm if config.gemma else RMSNorm)(width, config.rms_norm_eps)


class Attention(nn.Module):
    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.config, self.layer, self.head_dim = config, layer, config.head_dim
        self.scaling = (config.query_pre_attn_scalar or config.head_dim) ** -0.5
        self.window = config.sliding_window if config.slides and config.slides[layer] else None
        width, (has_in, has_out) = config.hidden_size, config.attention_biases
        queries, keys = (
            n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads)
        )
        self.q_proj = linear(width, queries, bias=has_in)
        self.k_proj = linear(width, keys, bias=has_in)
        self.v_proj = linear(width, keys, bias=has_in)
        self.o_proj = linear(queries, width, bias=has_out)
        if config.head_norms:
            self.q_norm, self.k_norm = (_norm(config, config.head_dim) for _ in range(2))

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
        if self.config.head_norms:
            query, key = self.q_norm(query), self.k_norm(key)
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
        how = {"scaling": self.scaling, "sliding_window": self.window}
        return attend(self, query, key, value, mask, **how)[0]


class FeedForward(nn.Module):
    """The gated linear unit of arXiv 2002.05202."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = linear(width, inner, bias=bias)
        self.up_proj = linear(width, inner, bias=bias)
        self.down_proj = linear(inner, width, bias=bias)
        self.act_fn = nn.GELU(approximate="tanh") if config.gemma else nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer)
        self.mlp = FeedForward(config)
        self.input_layernorm = _norm(config, config.hidden_size)
        self.post_attention_layernorm = _norm(config, config.hidden_size)
        self.has_norms_after = config.gemma
        if config.gemma:
            self.pre_feedforward_layernorm = _norm(config, config.hidden_size)
            self.post_feedforward_layernorm = _norm(config, config.hidden_size)

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
        x = self.self_attn(x, position_embeddings, attention_mask, cache)
        if self.has_norms_after:
            x = hidden_states + self.post_attention_layernorm(x)
            return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))
        x = hidden_states + x
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
        scale = config.hidden_size**0.5 if config.gemma else None
        self.embed_tokens = embedding(config.vocab_size, config.hidden_size, config.pad_token_id, scale)
        self.layers = nn.ModuleList(DecoderLayer(config, i) for i in range(config.num_hidden_layers))
        self.norm = _norm(config, config.hidden_size)
        self.rotary_emb = RotaryEmbedding(config.head_dim, config.rope, config.local_rope)

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
        plainly = self.config._attn_implementation == SDPA
        windows = dict.fromkeys([layer.self_attn.window for layer in self._own_layers()])
        masks = {w: causal_mask(states, attention_mask, seen, w) if plainly else None for w in windows}
        turns = self._turns(states, position_ids)
        if cache is not None and states.shape[1] == 1 and cache.is_begun and plainly:
            rows, places = range(len(states)), [seen] * len(states)
            real = causal_mask(states, attention_mask, seen)
            stepped = step_through(self._own_layers(), states, turns, real, cache.rooms, rows, places)
            if stepped is not None:
                cache.advance(1)
                return States(self.norm(stepped))
        for layer, turn in zip(self._own_layers(), turns, strict=True):
            mask = masks[layer.self_attn.window]
            states = layer(states, position_embeddings=turn, attention_mask=mask, cache=cache)
        return States(self.norm(states))

    def _own_layers(self) -> list[DecoderLayer]:
        return list(self.layers)  # type: ignore[arg-type]

    def _turns(self, states: Tensor, position_ids: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The rotary positions of each layer; those of one kind are the same tensors."""
        wide = self.rotary_emb(states, position_ids)
        slides = [layer.self_attn.window is not None for layer in self._own_layers()]
        local = self.rotary_emb(states, position_ids, local=True) if any(slides) else wide
        return [local if one else wide for one in slides]

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
            self._own_layers(),
            states,
            self._turns(states, position_ids),
            seen,
            cache.rooms,
            rows,
            places,
        )
        return None if stepped is None else States(self.norm(stepped))


def causal_mask(x: Tensor, real: Tensor | None, seen: int, window: int | None = None) -> Tensor | None:
    """Which tokens each of `x` [B, T, d] sees, [B, 1, T, seen + T]; None if all that are not after it.

    `real` [B, seen + T] is 0 at padding, `seen` the number of tokens in the cache; `window`: so many places
    back, itself included.
    """
    n_rows, n, _ = x.shape
    kept = None if real is None else real.to(x.device, torch.bool)
    windowed = window is not None and window < seen + n
    if not windowed and (n == 1 or seen == 0) and (kept is None or bool(kept.all())):
        return None
    queries = torch.arange(seen, seen + n, device=x.device)[None, None, :, None]
    keys = torch.arange(seen + n, device=x.device)
    mask = keys <= queries
    if window is not None and windowed:
        mask = mask & (keys > queries - window)
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
            self.lm_head = linear(config.hidden_size, config.vocab_size, bias=False, kind=kind)
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
