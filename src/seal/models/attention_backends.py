"""Attention of our own in the place of a model's, for a while. Knows nothing about what it computes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from seal.models.decoder import ATTENTION, Decoder

AttentionFunction = Callable[..., tuple[Tensor, None]]
"""Is given the module, query, key and value as [B, H, T, d], the mask (None), and keywords of the model's."""


@contextmanager
def attending(model: Any, name: str, function: AttentionFunction) -> Iterator[None]:
    """Inside, `model` attends by `function`, which is the only one of its name, and is given no mask."""
    ATTENTION[name] = function
    if not isinstance(model, Decoder):
        _register_with_transformers(name, function)
    before = model.config._attn_implementation
    model.config._attn_implementation = name
    try:
        yield
    finally:
        model.config._attn_implementation = before


@functools.cache
def _register_with_transformers(name: str, function: AttentionFunction) -> None:
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(name, function)
    AttentionMaskInterface.register(name, _no_mask)  # type: ignore[arg-type]


def _no_mask(*_: Any, **__: Any) -> None:
    return None
