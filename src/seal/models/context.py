"""How many tokens a model can read at once, and how many tokens it knows. Knows nothing about texts."""

from __future__ import annotations

from typing import Any, Final

_NAMES: Final = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")


def context_tokens(model: Any) -> int | None:
    """The longest text that a model can read; None if its configuration names no limit."""
    config = getattr(model, "config", None)
    if config is None:
        return None
    told = [config, config.get_text_config()] if hasattr(config, "get_text_config") else [config]
    found = [n for one in told for name in _NAMES if isinstance(n := getattr(one, name, None), int) and n > 0]
    return found[0] if found else None


def embedded_tokens(model: Any) -> int:
    """The rows of a model's tables of tokens: ids from 0 to below this. Some models have more rows than their
    tokenizer has tokens, and some fewer."""
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    return min(table.weight.shape[0] for table in tables if table is not None)
