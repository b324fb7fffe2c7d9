"""A cell has the rank of what it begins with, and steps within the bounds, whatever else is set."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from seal.learner.compiling import Compiler
from seal.learner.settings import preset
from seal.types import Example, Hyperparameters

REAL = preset("smollm2")


@given(
    st.sampled_from([0, 100, 1000, 8000]),
    st.sampled_from([0, 1, 8]),
    st.none() | st.sampled_from([2, 8, 64]),
    st.lists(st.integers(1, 400), min_size=1, max_size=60),
)
def test_rank_and_steps(batch_tokens: int, batch_size: int, rank: int | None, lengths: list[int]) -> None:
    cell = REAL.cell.model_copy(update={"batch_tokens": batch_tokens, "batch_size": batch_size})
    config = REAL.model_copy(update={"cell": cell})
    begun = None if rank is None else SimpleNamespace(
        hyperparameters=Hyperparameters(rank=rank, alpha=3.0 * rank, targets=("q_proj",))
    )  # fmt: skip
    base = SimpleNamespace(length_tokens=lambda example: len(example.completion))
    made = cast(Any, SimpleNamespace(config=config, start=begun, base=base))
    found = Compiler._hyperparameters(made, [Example("x" * n) for n in lengths])
    if begun is None:
        assert (found.rank, found.alpha, found.targets) == (cell.rank, cell.alpha, cell.targets)
    else:
        assert (found.rank, found.alpha, found.targets) == (rank, 3.0 * (rank or 0), ("q_proj",))
    assert (found.batch_tokens, found.batch_size) == (batch_tokens, batch_size)
    if batch_tokens:
        assert (
            config.units.least_steps
            <= found.max_steps
            <= max(config.units.least_steps, config.units.most_steps)
        )
    else:
        assert found.max_steps == cell.max_steps
