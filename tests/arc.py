"""What tests of the ARC part share: strategies for grids, tasks and directives, and the real tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from seal.domains.arc_agi import load_tasks
from seal.types import Directive, Grid, Pair, Task

REAL_TASKS = Path(__file__).parents[2] / "shared/data/arc1d/tasks.json"
needs_real_tasks = pytest.mark.skipif(
    not REAL_TASKS.exists(), reason="the real one-row tasks are not part of the project"
)


def real_tasks() -> list[Task]:
    return load_tasks(REAL_TASKS)


def grids(rows: tuple[int, int] = (1, 6), columns: tuple[int, int] = (1, 6)) -> st.SearchStrategy[Grid]:
    """Grids with sides in these ranges."""
    shapes = st.tuples(st.integers(*rows), st.integers(*columns))
    return shapes.flatmap(lambda shape: st.tuples(*[st.tuples(*[st.integers(0, 9)] * shape[1])] * shape[0]))


def one_rows(columns: tuple[int, int] = (1, 30)) -> st.SearchStrategy[Grid]:
    return grids((1, 1), columns)


@st.composite
def tasks(draw: st.DrawFn, of: st.SearchStrategy[Grid] | None = None, n: tuple[int, int] = (1, 4)) -> Task:
    """Tasks without a rule: any grids will do for what is tested."""
    cells = grids() if of is None else of
    pair = st.builds(Pair, cells, cells)
    train = draw(st.lists(pair, min_size=n[0], max_size=n[1]))
    test = draw(st.lists(pair, min_size=1, max_size=2))
    return Task("a task", tuple(train), tuple(test))


DIRECTIVES = st.builds(
    Directive,
    use_basic_augmentations=st.booleans(),
    use_size_augmentations=st.booleans(),
    use_chain_augmentations=st.booleans(),
    use_repeat_augmentations=st.booleans(),
    strategy=st.sampled_from(["train_using_all_tokens", "train_using_output_tokens"]),
    learning_rate=st.floats(1e-6, 1e-1),
    num_train_epochs=st.integers(1, 50),
)
EVERYTHING = Directive(True, True, True, True, "train_using_output_tokens", 1e-3, 3)
NOTHING = Directive(False, False, False, False, "train_using_output_tokens", 1e-3, 3)


def pair(before: list[list[int]], after: list[list[int]] | None = None) -> Pair:
    return Pair(tuple(map(tuple, before)), None if after is None else tuple(map(tuple, after)))
