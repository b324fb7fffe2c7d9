"""Attention of several texts in one row: by products of tiles, and text by text with torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seal.models import packed_attention
from seal.models.packed_attention import TextGroup, attended

SHAPES = [
    [TextGroup(0, (5, 30, 6, 7, 29))],
    [TextGroup(9, (1, 12, 3)), TextGroup(0, (4,)), TextGroup(3, (8, 8))],
]


def by_torch(groups: list[TextGroup], q: Tensor, k: Tensor, v: Tensor, scaling: float) -> Tensor:
    """Each text after its prefix in a row of its own."""
    made, at = torch.zeros(1, q.shape[2], q.shape[1], q.shape[3]), 0
    for group in groups:
        p = range(at, at + group.prefix_tokens)
        start = p.stop
        for n in group.rests_tokens:
            own = torch.tensor([*p, *range(start, start + n)])
            one = torch.nn.functional.scaled_dot_product_attention(
                q[:, :, own], k[:, :, own], v[:, :, own], is_causal=True, scale=scaling, enable_gqa=True
            )
            made = made.index_copy(1, own, one.transpose(1, 2))
            start += n
        at = start
    return made


@pytest.mark.parametrize("groups", SHAPES)
@pytest.mark.parametrize("most", [1, 600, 1 << 22])
def test_tiles_give_the_same_values_and_gradients(
    groups: list[TextGroup], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_attention, "_MOST_SCORES", most)
    draw, n = torch.Generator().manual_seed(1), sum(group.n_tokens for group in groups)
    given = [torch.randn(1, heads, n, 8, generator=draw).requires_grad_() for heads in (6, 2, 2)]
    weights = torch.randn(1, n, 6, 8, generator=draw)
    outcomes = []
    for attend in (by_torch, attended):
        y = attend(groups, *given, scaling=0.3)
        (y * weights).sum().backward()
        outcomes.append([y.detach(), *(one.grad.clone() for one in given if one.grad is not None)])
        for one in given:
            one.grad = None
    with torch.no_grad():
        outcomes.append([attended(groups, *given, scaling=0.3), *outcomes[0][1:]])
    for outcome in outcomes[1:]:
        assert len(outcome) == 4
        for expected, found in zip(outcomes[0], outcome, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
