"""Keys and values of what a `seal.models.decoder.Decoder` has read. Knows nothing about models."""

from __future__ import annotations

from torch import Tensor


class KeyValueCache:
    """Keys and values of the tokens that were read, with room for all that will be from the start."""

    def __init__(self, n_layers: int, capacity_tokens: int) -> None:
        self.capacity_tokens = capacity_tokens
        self._kept: list[tuple[Tensor, Tensor] | None] = [None] * n_layers
        self._lengths_tokens = [0] * n_layers

    def get_seq_length(self) -> int:
        return self._lengths_tokens[0]

    def update(self, keys: Tensor, values: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Adds keys and values [B, H, T, d] of new tokens; returns those of all tokens so far."""
        kept = self._kept[layer]
        if kept is None:
            room = (*keys.shape[:2], self.capacity_tokens, keys.shape[3])
            kept = self._kept[layer] = keys.new_empty(room), values.new_empty(room)
        start, end = self._lengths_tokens[layer], self._lengths_tokens[layer] + keys.shape[2]
        for whole, new in zip(kept, (keys, values), strict=True):
            whole[:, :, start:end] = new
        self._lengths_tokens[layer] = end
        return kept[0][:, :, :end], kept[1][:, :, :end]

    @property
    def is_begun(self) -> bool:
        """Whether every layer has room for keys and values, and some left."""
        return None not in self._kept and self._lengths_tokens[0] < self.capacity_tokens

    @property
    def rooms(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of each layer [B, H, capacity, d], with anything in what is left."""
        return [kept for kept in self._kept if kept is not None]

    def advance(self, n_tokens: int) -> None:
        """So many tokens more have been put into the rooms of all layers."""
        self._lengths_tokens = [length + n_tokens for length in self._lengths_tokens]

    def batch_select_indices(self, rows: Tensor) -> None:
        """Keeps only these rows of the batch."""
        self._kept = [None if kept is None else (kept[0][rows], kept[1][rows]) for kept in self._kept]
