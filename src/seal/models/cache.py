"""The cache of keys and values that sampling keeps, for a `Decoder` and for the models of `transformers`.

`transformers` is imported only for a model of its own. Knows nothing about how tokens are drawn.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from torch import Tensor, nn

from seal.errors import InputError
from seal.models.context import window_tokens
from seal.models.decoder import Decoder, is_embedded
from seal.models.key_value_cache import KeyValueCache


def new_cache(model: nn.Module, capacity_tokens: int) -> tuple[str, Any]:
    """An empty cache with room for so many tokens a row, and what `model.forward` calls it.

    Raises InputError for a model that takes none.
    """
    if isinstance(model, Decoder):
        return "cache", KeyValueCache(model.config.num_hidden_layers, capacity_tokens)
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache(config=model.config)  # type: ignore[arg-type]
    growing = _growing_layer()
    cache.layers = [growing(capacity_tokens) if type(one) is DynamicLayer else one for one in cache.layers]
    # transformers renamed the keyword in release 5.24
    taken = inspect.signature(model.forward).parameters
    for name in ("cache", "past_key_values"):
        if name in taken:
            return name, cache
    raise InputError(
        f"{type(model).__name__} cannot be written with: it takes no cache of `transformers`",
        "take a model of another family",
    )


def select_rows(cache: Any, rows: Tensor) -> None:
    """Makes the batch of these rows; some may be left out, and some be there several times
    (`can_copy_rows`)."""
    for layer in getattr(cache, "layers", [cache]):
        # What a layer keeps besides keys and values (the state of Mamba) is picked by this method alone.
        pick = layer.reorder_cache if hasattr(layer, "recurrent_states") else layer.batch_select_indices
        pick(rows)


def can_pad_rows(model: nn.Module) -> bool:
    """Whether rows of unlike length may be filled up on the left: what keeps a state reads that too."""
    return not getattr(model, "_is_stateful", False)


def can_copy_rows(model: nn.Module, capacity_tokens: int) -> bool:
    """Whether a row that was read once may stand for several, with padding after it.

    Not where a layer keeps anything but the keys and values of all tokens, nor where it goes by the places of
    tokens in the cache: within a window, or in a model that is not told their positions (MPT). And not for
    the embedded models: their prompts are short, and what they write is held to the bit.
    """
    if is_embedded(model) or (window_tokens(model) or capacity_tokens + 1) <= capacity_tokens:
        return False
    if isinstance(model, Decoder):
        return True
    if "position_ids" not in inspect.signature(model.forward).parameters:
        return False
    from transformers.cache_utils import DynamicSlidingWindowLayer

    kinds = (DynamicSlidingWindowLayer, _growing_layer())
    return all(type(layer) in kinds for layer in new_cache(model, 1)[1].layers)


@functools.cache
def _growing_layer() -> type:
    from transformers.cache_utils import DynamicLayer

    class Growing(DynamicLayer):
        """A cache layer with room for all tokens from the start: a new token is written, not concatenated."""

        def __init__(self, capacity_tokens: int) -> None:
            super().__init__()
            self._capacity_tokens, self._length_tokens = capacity_tokens, 0

        def update(
            self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
        ) -> tuple[Tensor, Tensor]:
            b, h, n, _ = key_states.shape
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self.keys = key_states.new_empty(b, h, self._capacity_tokens, key_states.shape[-1])
                self.values = value_states.new_empty(b, h, self._capacity_tokens, value_states.shape[-1])
            end = self._length_tokens + n
            assert self.keys is not None and self.values is not None
            self.keys[:, :, self._length_tokens : end] = key_states
            self.values[:, :, self._length_tokens : end] = value_states
            self._length_tokens = end
            return self.keys[:, :, :end], self.values[:, :, :end]

        def get_seq_length(self) -> int:
            return self._length_tokens

    return Growing
