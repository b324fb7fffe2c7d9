"""Quick measures of the embedded grid model during pretraining: tasks solved in context, outputs exact.

None of the tasks is in the pretraining stream: they have seeds of their own, and "dev" families of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from recipes.pretraining import exact
from recipes.tiny_grid_pretrain.corpus import NARROW, PLANE, WIDE
from seal.domains.arc_agi.microgrid import plane_tasks, tasks
from seal.domains.arc_agi.text import TextForm, text_form
from seal.types import Task

SEED = 990


def sets(n: int) -> dict[str, tuple[list[Task], TextForm]]:
    """Tasks to measure on, by name, with how they are written."""
    narrow, wide, plane = (text_form("padded", columns=columns) for columns in (NARROW, WIDE, PLANE))
    return {
        "primitives": (list(islice(tasks("pretrain", seed=SEED, cells=(5, NARROW)), 2 * n)), narrow),
        "wide": (list(islice(tasks("pretrain", seed=SEED + 1, cells=(12, WIDE)), n)), wide),
        "dev": (list(islice(tasks("dev", seed=SEED + 2, cells=(8, NARROW)), n)), narrow),
        "composed": (list(islice(tasks("composed", seed=SEED + 2, cells=(8, NARROW)), n)), narrow),
        "plane": (list(islice(plane_tasks(seed=SEED + 3, sides=(2, 5)), n)), plane),
    }


def solved(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tasks: Sequence[Task], form: TextForm
) -> float:
    """Share of the tasks whose test output, with its end, is the greedy continuation."""
    pairs = []
    for task in tasks:
        for pair in task.test:
            assert pair.output is not None
            pairs.append((form.prompt(task, pair.input), form.answer(pair.output)))
    return exact(model, tokenizer, pairs)


def probe(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, n: int) -> dict[str, float]:
    """Shares of tasks solved in context."""
    model.eval()
    shares = {name: solved(model, tokenizer, *tasks_and_form) for name, tasks_and_form in sets(n).items()}
    model.train()
    return shares
