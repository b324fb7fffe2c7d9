"""A few logits by which an adapter is known again: one that was exchanged or misread gives others.

Knows nothing about where adapters come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from seal.models.tokens import encode_prompt
from seal.training.bank import AdapterBank

TOLERANCE = 2e-3
"""How far logits may lie apart, relative to the larger of them and 1."""
TOLERANCE_ROUNDED = 0.05
"""The same where the weights are held in another type than when it was taken, or not in fp32. Measured on
SmolLM2-135M, made in bf16 and asked in fp32: 0.016; by other kernels in bf16: 0.024."""
_PROMPT = "Question: What"


def slot_fingerprint(model: Any, tokenizer: Any, bank: AdapterBank, slot: int) -> list[float]:
    """Some logits that the adapter in a slot of an open bank gives."""
    ids = torch.tensor([encode_prompt(tokenizer, _PROMPT)])
    with torch.inference_mode(), bank.route([slot], 1):
        logits = model(input_ids=ids.to(model.device)).logits[0, -1]
    return [round(x, 4) for x in logits[:: max(1, len(logits) // 8)][:8].float().cpu().tolist()]


def fingerprint_tolerance(*kinds: torch.dtype) -> float:
    """How far logits may lie apart of weights in these types: another machine rounds bf16 at other places."""
    return TOLERANCE if set(kinds) == {torch.float32} else TOLERANCE_ROUNDED


def same_fingerprint(one: Sequence[float], other: Sequence[float], tolerance: float) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= tolerance * max(1, abs(b)) for a, b in zip(one, other, strict=True)
    )
