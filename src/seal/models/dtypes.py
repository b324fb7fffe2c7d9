"""In which type a model's weights are held: by name, or "auto", the fastest here. Knows nothing about models.

A processor with instructions for bf16 multiplies three times as fast in it as in fp32; one without is slower.
So both are timed, once on a machine. On CUDA bf16 is always faster.
"""

from __future__ import annotations

import torch

from seal.errors import ConfigError
from seal.hints import nearest
from seal.models.speed import bfloat16_gain

AUTO = "auto"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_WORTH = 1.3  # bf16 has to be so many times as fast: the same choice every time, even beside a busy neighbour


def dtype_of(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The type that is named. Raises ConfigError if there is none of this name."""
    if dtype == AUTO:
        return fastest_dtype(device.type)
    kind = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if kind not in DTYPES.values():
        near = nearest(str(dtype), (*DTYPES, AUTO))
        raise ConfigError(f"unknown dtype {dtype!r}", f"set it to {near or ' or '.join((*DTYPES, AUTO))}")
    return kind  # type: ignore[return-value]


def fastest_dtype(device_type: str) -> torch.dtype:
    """bf16 where matrix products in it are clearly faster than in fp32, else fp32."""
    if device_type == "cuda":
        return torch.bfloat16
    if device_type != "cpu":
        return torch.float32
    return torch.bfloat16 if bfloat16_gain() > _WORTH else torch.float32
