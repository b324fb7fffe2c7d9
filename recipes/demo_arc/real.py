"""The few-shot experiment with real tasks as the held-out ones.

    python recipes/demo_arc/real.py --tasks tasks.json --seed 0 --out runs/arc-real-0

The policy learns on generated tasks, by turns of rules that the model has practised and of rules that it has
not, since real tasks are of both kinds. It is examined on all tasks of the file whose rows fit, or on a
random sample of them, drawn before anything is solved. Stopped, it goes on when its line is typed again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from seal.cli.console import Display, difference_table, method_table, say_report
from seal.errors import SealError
from seal.files import write_beside
from seal.research.config import RunConfig, builtin_config
from seal.research.data import load_source
from seal.research.few_shot.experiment import run_few_shot
from seal.research.reports.tasks import write_report
from seal.research.run_folder import RunFolder

ALL = 1_000_000
TRAINING = "microgrid/rl+pretrain"


def config_of(tasks: Path, seed: int, columns: int) -> RunConfig:
    """The experiment's own settings, for these tasks in rows of this width."""
    own = {
        "seed": seed,
        "data.train": TRAINING,
        "data.evaluation": str(tasks),
        "data.n_evaluation": ALL,
        "arc.columns": columns,
        "few_shot.choose_fixed": True,
        "grading.max_new_tokens": columns + 4,
    }
    return builtin_config("seal.research.few_shot", "arc.toml", own)


def sample_of(config: RunConfig, n: int, path: Path) -> Path:
    """A file of `n` of the tasks that fit, chosen by chance, the same for every seed."""
    source = load_source(config, config.data.evaluation, ALL)
    chosen = random.Random("real").sample(list(source.tasks.values()), min(n, len(source.tasks)))
    record = {
        task.id: {
            name: [{"input": p.input, "output": p.output} for p in pairs]
            for name, pairs in (("train", task.train), ("test", task.test))
        }
        for task in chosen
    }
    write_beside(path, lambda beside: beside.write_text(json.dumps(record) + "\n", encoding="utf-8"))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description="The few-shot experiment, examined on real tasks.")
    parser.add_argument("--tasks", type=Path, required=True, help="a file or folder of ARC tasks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=16, help="rows up to so many cells: 16 or 33")
    parser.add_argument("--sample", type=int, default=0, help="a random sample of so many tasks; 0: all")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    display = Display()
    try:
        tasks = options.tasks
        if options.sample:
            whole = config_of(tasks, options.seed, options.columns)
            tasks = sample_of(whole, options.sample, options.out.with_suffix(".tasks.json"))
        config = config_of(tasks, options.seed, options.columns)
        with display.running(options.out):
            run = RunFolder.open(options.out, config, command="recipes/demo_arc/real.py")
            results = run_few_shot(config, run, display)
            report = write_report(options.out)
    except SealError as error:
        print(f"real.py: {error}", file=sys.stderr)
        return 2
    display.console.print(method_table(results, unit="task", asked="test grid"))
    display.console.print(difference_table(results, unit="task"))
    say_report(display.console, report, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
