"""How fast the machine multiplies matrices, at given shapes and at its best. Knows nothing about models.

The operands stay the same while a shape is timed, so that they are as near to the processor as they can be:
a rate that real work may come close to and does not exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor

from seal.bench.inner_loop.clock import timed
from seal.bench.inner_loop.operations import Product

_SQUARE = {"cpu": 2048, "cuda": 8192}


def products_s(
    products: Iterable[Product], device: torch.device, dtype: torch.dtype, *, budget_s: float = 0.02
) -> float:
    """The seconds that these products take by themselves.

    Each shape is timed once, for about `budget_s`, and then counted.
    """
    known: dict[Product, float] = {}
    seconds = 0.0
    for product in products:
        shape = replace(product, part="base", count=1.0)
        if shape not in known:
            known[shape] = product_s(shape, device, dtype, budget_s)
        seconds += product.count * known[shape]
    return seconds


def product_s(product: Product, device: torch.device, dtype: torch.dtype, budget_s: float) -> float:
    """The seconds of one batch of products, by the faster of torch.bmm and a loop over the batch."""
    left = _operand(product.batch, product.m, product.k, product.left_t, device, dtype)
    right = _operand(product.batch, product.k, product.n, product.right_t, device, dtype)
    out = torch.empty(product.batch, product.m, product.n, device=device, dtype=dtype)

    def loop() -> None:
        for a, b, c in zip(left, right, out, strict=True):
            torch.mm(a, b, out=c)

    if product.batch == 1:
        return _call_s(lambda: torch.mm(left[0], right[0], out=out[0]), device, budget_s)
    together = _call_s(lambda: torch.bmm(left, right, out=out), device, budget_s)
    # On an accelerator a loop of many launches is never the faster one.
    return together if device.type == "cuda" else min(together, _call_s(loop, device, budget_s))


def _operand(
    batch: int, rows: int, columns: int, transposed: bool, device: torch.device, dtype: torch.dtype
) -> Tensor:
    shape = (batch, columns, rows) if transposed else (batch, rows, columns)
    made = torch.randn(shape, device=device, dtype=torch.float32).to(dtype)
    return made.transpose(1, 2) if transposed else made


def _call_s(call: Callable[[], object], device: torch.device, budget_s: float) -> float:
    """The mean time of a call, after one to warm up.

    The mean, so that what slows the machine down now and then is in it as it is in a contender's time.
    """
    call()
    first, _ = timed(device, call)
    calls = max(1, min(5000, int(budget_s / max(first, 1e-7))))

    def many() -> None:
        for _ in range(calls):
            call()

    return timed(device, many)[0] / calls


def peak_rate(device: torch.device, dtype: torch.dtype, *, quick: bool = False) -> float:
    """Operations a second of a large square product: the best of several, within about a second."""
    n = 512 if quick else _SQUARE.get(device.type, _SQUARE["cpu"])
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 1.0 and len(times) < 100 and not quick):
        times.append(timed(device, lambda: torch.mm(a, b, out=out))[0])
    return 2.0 * n**3 / min(times)
