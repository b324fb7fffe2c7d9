"""How near an adapter's logits have to be to those that were noted."""

from __future__ import annotations

import pytest
import torch

from seal.training.fingerprint import fingerprint_tolerance, same_fingerprint

NOTED = [9.1875, 7.5938, 9.625, 6.625, 10.5, 6.2812, 8.9375, 5.1562]
BY_OTHER_KERNELS = [9.0, 7.4688, 9.5, 6.4688, 10.4375, 6.1562, 8.8125, 5.0625]
"""A cell of SmolLM2-135M in bf16, noted on one processor and read on another."""


@pytest.mark.parametrize(
    ("kinds", "same"),
    [
        ((torch.float32, torch.float32), False),
        ((torch.bfloat16, torch.bfloat16), True),
        ((torch.bfloat16, torch.float32), True),
    ],
)
def test_rounding_is_allowed_for_where_there_is_any(kinds: tuple[torch.dtype, ...], same: bool) -> None:
    tolerance = fingerprint_tolerance(*kinds)
    assert same_fingerprint(BY_OTHER_KERNELS, NOTED, tolerance) is same
    assert same_fingerprint(NOTED, NOTED, tolerance)
    assert not same_fingerprint([x + 1 for x in NOTED], NOTED, tolerance)
