"""In which type a model's weights are held: by name, or "auto", the fastest here. Knows nothing about models.

A processor with instructions for bf16 multiplies three times as fast in it as in fp32; one without is slower.
So both are timed, once in a process. On CUDA bf16 is always faster.
"""

from __future__ import annotations

import functools
import time

import torch

from seal.errors import ConfigError
from seal.hints import nearest

AUTO = "auto"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_WORTH = 1.3  # bf16 has to be so many times as fast: the same choice every time, even beside a busy neighbour
_BUDGET_s = 0.2
_SHAPE = (256, 1024, 2816)  # tokens, width and inner width, as in models of some hundred million parameters


def dtype_of(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The type that is named. Raises ConfigError if there is none of this name."""
    if dtype == AUTO:
        return fastest_dtype(device.type)
    kind = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if kind not in DTYPES.values():
        near = nearest(str(dtype), (*DTYPES, AUTO))
        raise ConfigError(f"unknown dtype {dtype!r}", f"set it to {near or ' or '.join((*DTYPES, AUTO))}")
    return kind  # type: ignore[return-value]


@functools.cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """bf16 where matrix products in it are clearly faster than in fp32, else fp32."""
    if device_type == "cuda":
        return torch.bfloat16
    if device_type != "cpu":
        return torch.float32
    faster = _product_s(torch.bfloat16) * _WORTH < _product_s(torch.float32)
    return torch.bfloat16 if faster else torch.float32


def _product_s(kind: torch.dtype) -> float:
    """The least time of a product: what else runs on the machine only ever adds to it."""
    n, width, inner = _SHAPE
    x, w = torch.ones(n, width, dtype=kind), torch.ones(inner, width, dtype=kind)
    times, until = [], time.perf_counter() + _BUDGET_s / 2
    while len(times) < 2 or time.perf_counter() < until:
        started = time.perf_counter()
        torch.nn.functional.linear(x, w)
        times.append(time.perf_counter() - started)
    return min(times)
