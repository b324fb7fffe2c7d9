"""Real tasks by the policies of finished `seal demo arc` runs: in context, and by every way to a directive.

    python recipes/demo_arc/real.py RUN_DIR --tasks tasks.json --out FOLDER [--columns 16] [--sample N]

Every method is examined on all tasks whose rows fit (or on a random sample of them, drawn before anything is
solved), with one answer and by the vote of copies. Stopped, it goes on when its line is typed again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from seal.cli.console import Display, difference_table, method_table
from seal.config import RunConfig, load_config
from seal.errors import SealError
from seal.loops.data import Source, load_source
from seal.loops.few_shot import fixed
from seal.loops.few_shot.experiment import HAND_MADE, same_for_all, summarise_tasks
from seal.loops.few_shot.voting import TaskEvaluation
from seal.loops.run_folder import RunFolder
from seal.loops.start import start
from seal.models import load_model
from seal.types import Directive

ALL = 1_000_000


def real_config(run: Path, tasks: Path, columns: int) -> RunConfig:
    """The run's own configuration, for other tasks in rows of this width."""
    config = load_config(run / "config.toml")
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"evaluation": str(tasks), "n_evaluation": ALL}),
            "arc": config.arc.model_copy(update={"columns": columns}),
            "grading": config.grading.model_copy(update={"max_new_tokens": columns + 4}),
        }
    )


def sampled(source: Source, n: int) -> Source:
    """A random part of the tasks, the same in every run."""
    if not n or n >= len(source.contexts):
        return source
    contexts = random.Random("real").sample(source.contexts, n)
    return replace(source, contexts=contexts, tasks={c.id: source.tasks[c.id] for c in contexts})


def examine(
    run: Path, config: RunConfig, folder: RunFolder, source: Source, methods: list[str]
) -> dict[str, Any]:
    display = Display()
    with display.running(folder.path):
        adaptation = start(config, source.contexts, display)
        evaluation = TaskEvaluation(adaptation, folder, source.contexts, source.tasks)
        rounds = run / "rounds" / str(config.outer.rounds)
        policies = {"seal": rounds / "policy", "random_selection": rounds / "random_selection" / "policy"}
        with folder.session(tasks=len(source.contexts)):
            for method in methods:
                if method == "base":
                    evaluation.untrained(method)
                elif method == "self_edit":
                    evaluation.written(method, adaptation.model)
                elif method in policies:
                    evaluation.written(method, load_model(policies[method])[0])
                elif method == "best_fixed":
                    stored = json.loads((run / fixed.CHOICE).read_text(encoding="utf-8"))
                    same_for_all(evaluation, method, Directive(**stored["directive"]))
                else:
                    same_for_all(evaluation, method, HAND_MADE)
        results = summarise_tasks(adaptation, folder, source)
        folder.write_json("results.json", results)
    display.console.print(method_table(results))
    display.console.print(difference_table(results))
    return results


def main() -> int:
    every = ["base", "hand_made", "best_fixed", "self_edit", "random_selection", "seal"]
    parser = argparse.ArgumentParser(description="Real tasks by the policies of a finished `seal demo arc`.")
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--tasks", type=Path, required=True, help="a file or folder of ARC tasks")
    parser.add_argument("--columns", type=int, default=16, help="rows up to so many cells: 16 or 33")
    parser.add_argument("--sample", type=int, default=0, help="a random sample of so many tasks; 0: all")
    parser.add_argument("--methods", default=",".join(every), help="separated by commas")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    methods = [name for name in options.methods.split(",") if name in every]
    try:
        config = real_config(options.run, options.tasks, options.columns)
        folder = RunFolder.open(options.out, config, command="recipes/demo_arc/real.py")
        source = sampled(load_source(config, config.data.evaluation, ALL), options.sample)
        examine(options.run, config, folder, source, methods)
    except SealError as error:
        print(f"real.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
