"""Measure the abilities of an embedded grid model on tasks that were in no training.

`python -m recipes.tiny_grid_pretrain.measure --model runs/tiny-grid/model --out abilities.json`

Outputs are generated greedily and graded cell by cell. Intervals are 95 % bootstrap intervals over tasks.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recipes.tiny_grid_pretrain.probe import sets
from seal.domains.arc_agi import ArcAgi
from seal.domains.arc_agi.microgrid import family_of
from seal.engine.adapt import Adaptation, Trial
from seal.grading.statistics import mean_ci
from seal.research.config import RunConfig, builtin_config
from seal.research.few_shot.experiment import HAND_MADE
from seal.self_edits.arc_grammar import render
from seal.types import Directive, Score, Task

N_TASKS, N_DIRECTIVES = 150, 400


def config(model: str, columns: int = 16, *, constrained: bool = False) -> RunConfig:
    """The experiment's settings, for rows of this width, with directives written freely."""
    wide = {"arc.columns": columns, "grading.max_new_tokens": 6 * (columns + 2)}
    own = {"model.name": model, "model.prompt_style": "short", "self_edit.constrained": constrained}
    return builtin_config("seal.research.few_shot", "arc.toml", wide | own)


def estimate(scores: Sequence[Score]) -> dict[str, object]:
    interval = mean_ci([score.accuracy for score in scores], seed=0)
    return {"mean": interval.mean, "ci95": [interval.low, interval.high], "tasks": interval.n}


def in_context(model: str, tasks: Sequence[Task], columns: int) -> list[Score]:
    adaptation = Adaptation.load(config(model, columns))
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    return adaptation.examine([(domain.context(task), None) for task in tasks])


def adapted(adaptation: Adaptation, domain: ArcAgi, tasks: Sequence[Task]) -> dict[str, object]:
    """After training on each task as a person would set it up."""
    contexts = [domain.context(task) for task in tasks]
    trials = [Trial(c, adaptation.format.parse(c, render(HAND_MADE)), 0) for c in contexts]
    return estimate(adaptation.learn_and_examine(trials, answers=True))


def directives(adaptation: Adaptation, domain: ArcAgi, tasks: Sequence[Task]) -> dict[str, Any]:
    """How many of the directives that the model writes are valid, and how often each value stands in them."""
    each = N_DIRECTIVES // len(tasks) or 1
    written = adaptation.write([domain.context(task) for task in tasks], each, seed="measure")
    written_directives = [Directive.of(edit) for own in written for edit in own]
    valid = [one for one in written_directives if one is not None]
    fields: dict[str, Counter[str]] = {}
    for one in valid:
        for name, value in asdict(one).items():
            fields.setdefault(name, Counter())[str(value)] += 1
    shares = {
        name: {value: n / len(valid) for value, n in sorted(counts.items())}
        for name, counts in fields.items()
    }
    return {
        "written": len(written_directives),
        "valid": len(valid) / len(written_directives),
        "values": shares,
    }


def measure(model: str) -> dict[str, Any]:
    task_sets = sets(N_TASKS)
    widths = {"primitives": 16, "wide": 33, "dev": 16, "composed": 16, "plane": 7}
    scores = {name: in_context(model, tasks, widths[name]) for name, (tasks, _) in task_sets.items()}
    families: dict[str, list[float]] = {}
    for task, score in zip(task_sets["primitives"][0], scores["primitives"], strict=True):
        families.setdefault(family_of(task), []).append(score.accuracy or 0.0)
    adaptation = Adaptation.load(config(model))
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    return {
        **{name: estimate(own) for name, own in scores.items()},
        **{
            f"{name}_adapted": adapted(adaptation, domain, task_sets[name][0]) for name in ("dev", "composed")
        },
        "families": {name: {"solved": sum(own), "tasks": len(own)} for name, own in sorted(families.items())},
        "directives": directives(adaptation, domain, task_sets["primitives"][0][:100]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tiny-grid")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the figures")
    args = parser.parse_args()
    abilities = measure(args.model)
    args.out.write_text(json.dumps(abilities, indent=2) + "\n")
    print(json.dumps(abilities, indent=2))


if __name__ == "__main__":
    main()
