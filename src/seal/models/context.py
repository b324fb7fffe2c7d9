"""How long a text may be for a model, and how much of it a layer sees. Knows nothing about tokenizers, or
what is done with the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_WINDOWS = ("sliding_window", "attention_chunk_size", "attention_window_size", "window_size")


def context_tokens(model: Any) -> int | None:
    """The tokens that a text may have; None if its configuration sets no limit.

    A model with positions of the kind "longrope" (Phi-3 with 128k, arXiv 2402.13753) turns all of a pass by
    other angles as soon as one text in it is longer than those of its pretraining: what became of a text
    would depend on those beside it. It is held to that length.
    """
    config = _text_config(model)
    limits = [getattr(config, "max_position_embeddings", None)]
    for rope in _ropes(config):
        if rope.get("rope_type") == "longrope":
            limits.append(rope.get("original_max_position_embeddings"))
            limits.append(getattr(config, "original_max_position_embeddings", None))
    return min((limit for limit in limits if limit), default=None)


def window_tokens(model: Any) -> int | None:
    """How many tokens back those layers look that see least: a window that slides, or pieces (Llama 4). None
    if all layers see everything."""
    config = _text_config(model)
    told = [getattr(config, name, None) for name in _WINDOWS]
    return min((n for n in told if isinstance(n, int) and n > 0), default=None)


def _text_config(model: Any) -> Any:
    """Of a model that takes pictures too, that of its language model."""
    config: Any = getattr(model, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _ropes(config: Any) -> Iterator[Mapping[str, Any]]:
    """What is said of rotary positions, of each kind of layer."""
    told = getattr(config, "rope_parameters", None)
    if isinstance(told, Mapping):
        yield told
        yield from (one for one in told.values() if isinstance(one, Mapping))
