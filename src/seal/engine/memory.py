"""What fits in memory: adapters trained at once, tokens of one pass. Knows nothing about what is trained.

Figures for adapters are counted. Those for activations are an estimate from the model's configuration:
what a transformer layer keeps for its backward pass.
"""

from __future__ import annotations

from typing import Any

import psutil
import torch

from seal.training.adapter import matrix, modules_of

_BYTES_A_PARAMETER = 16  # fp32 factors, gradients and AdamW's two moments
_SHARE = 0.5  # of the free memory, for the adapters; the rest is for activations


def adapter_parameters(model: Any, rank: int, targets: str | tuple[str, ...]) -> int:
    """The parameters of one LoRA adapter. Raises ConfigError if a target matches no module."""
    return rank * sum(sum(matrix(module).shape) for _, module in modules_of(model, [targets]))


def adapter_bytes(model: Any, rank: int, targets: str | tuple[str, ...]) -> int:
    """The memory of one adapter in training: its factors, gradients and optimiser state."""
    return _BYTES_A_PARAMETER * adapter_parameters(model, rank, targets)


def weight_bytes(model: Any) -> int:
    """The memory of the base weights; tied ones count once."""
    return sum(p.numel() * p.element_size() for p in model.parameters())


def activation_bytes_a_token(model: Any, *, whole_layers: bool = False, rank: int = 0) -> int:
    """What one token of a training pass takes in all layers and at the output head, about.

    `whole_layers`: decoder layers and the head are native code (`seal.training.block`), which keeps less, and
    of adapters of this rank on all linear modules.
    """
    config = model.config.get_text_config()
    size = next(model.parameters()).element_size()
    hidden, inner = config.hidden_size, getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    if not whole_layers:
        return config.num_hidden_layers * (16 * hidden + 5 * inner) * size + config.vocab_size * (size + 4)
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or hidden // heads
    joint = (heads + 2 * (getattr(config, "num_key_value_heads", None) or heads)) * width
    kept = 4 * hidden + joint + heads * width + 3 * inner + 7 * rank
    # The room of one backward pass, and what goes by.
    passing = 5 * hidden + 2 * inner + max(inner, heads * width) + 2 * joint + heads * width + 7 * rank
    return size * (config.num_hidden_layers * kept + passing)


def free_bytes(device: torch.device) -> int:
    """Free memory of the device that a model lies on."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def slots_that_fit(model: Any, rank: int, targets: str | tuple[str, ...], *, wanted: int) -> int:
    """How many adapters to train at once, at most `wanted` and at least one."""
    room = _SHARE * free_bytes(next(model.parameters()).device)
    return max(1, min(wanted, int(room / adapter_bytes(model, rank, targets))))


def pass_tokens_that_fit(model: Any, *, most: int = 32768, least: int = 512) -> int | None:
    """Tokens of one training pass on an accelerator; None elsewhere: the trainer's own bound is small."""
    device = next(model.parameters()).device
    if device.type != "cuda":
        return None
    room = (1 - _SHARE) * free_bytes(device)
    return max(least, min(most, int(room / activation_bytes_a_token(model))))
