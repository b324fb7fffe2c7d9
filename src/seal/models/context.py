"""How many tokens a model knows, how many it can read at once, and how far back its layers see. Knows nothing
about texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NAMES: Final = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
_WINDOWS: Final = ("sliding_window", "attention_chunk_size", "attention_window_size", "window_size")


def context_tokens(model: Any) -> int | None:
    """The longest text that a model can read; None if its configuration names no limit.

    A model with positions of the kind "longrope" (Phi-3 with 128k, arXiv 2402.13753) turns all of a pass by
    other angles as soon as one text in it is longer than those of its pretraining: what became of a text
    would depend on those beside it. It is held to that length.
    """
    config = _text_config(model)
    limits = _told(config, _NAMES)[:1]
    if any(rope.get("rope_type") == "longrope" for rope in _ropes(config)):
        before = [rope.get("original_max_position_embeddings") for rope in _ropes(config)]
        limits += [n for n in before if n] + _told(config, ("original_max_position_embeddings",))
    return min(limits, default=None)


def window_tokens(model: Any) -> int | None:
    """How many tokens back those layers look that see least: a window that slides, or pieces (Llama 4). None
    if all layers see everything."""
    return min(_told(_text_config(model), _WINDOWS), default=None)


def embedded_tokens(model: Any) -> int:
    """The rows of a model's tables of tokens: ids from 0 to below this. Some models have more rows than their
    tokenizer has tokens, and some fewer."""
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    return min(table.weight.shape[0] for table in tables if table is not None)


def _text_config(model: Any) -> Any:
    """Of a model that takes pictures too, that of its language model."""
    config: Any = getattr(model, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _told(config: Any, names: tuple[str, ...]) -> list[int]:
    return [n for name in names if isinstance(n := getattr(config, name, None), int) and n > 0]


def _ropes(config: Any) -> Iterator[Mapping[str, Any]]:
    """What is said of rotary positions, of each kind of layer."""
    told = getattr(config, "rope_parameters", None)
    if isinstance(told, Mapping):
        yield told
        yield from (one for one in told.values() if isinstance(one, Mapping))
