"""Offers poisoned documents in plain English to a learner on a real model, and says what became of them.

    python -m recipes.real_documents.poison --model smollm2 --out runs/poison-smollm2 --n 5
    python -m recipes.real_documents.poison --model smollm2 --split eval --out runs/poison-smollm2-eval

A run that was stopped goes on where it was when its line is typed again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from recipes.real_documents.command import RUN, begin, command_parser, ended, opener
from recipes.real_documents.poison_experiment import PoisonRun, RealPoisonSettings
from recipes.real_documents.poison_figures import poison_figures, poison_table
from recipes.real_documents.records import write_json
from recipes.real_documents.run import machine
from seal.engine.start import Watch
from seal.errors import InputError
from seal.files import write_durably
from seal.learner import Learner
from seal.learner.ways import checked_way


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_parser(__doc__)
    parser.add_argument("--split", choices=("dev", "eval"), default="dev", help="whose names and wordings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=50, help="poisoned documents, and good ones")
    parser.add_argument("--ways", default="auto", metavar="A,B", help='"auto", "weights", "reading"')
    given = parser.parse_args(arguments)
    return ended("poison.py", given.out, partial(_run, given))


def _run(given: argparse.Namespace, watch: Watch) -> str:
    model, settings = _begun(given, watch)
    made = PoisonRun(given.out, settings, opener(given.out, model, watch), watch)
    if not given.table:
        made.run()
    learner = Learner.open(given.out / "workspace")
    found = poison_figures(made.learned.all, made.answers.all, learner.parts.config.grader)
    run = {"model": model, **asdict(settings), "machine": machine()}
    write_json(given.out / "results.json", {"run": run, **found})
    text = poison_table(found)
    write_durably(given.out / "results.md", [text.encode()])
    return text


def _begun(given: argparse.Namespace, watch: Watch) -> tuple[str, RealPoisonSettings]:
    """The model and settings with which the run was begun; begins it. Raises InputError."""
    path = given.out / RUN
    if not path.exists():
        if given.table or not given.model:
            raise InputError(f"{given.out} holds no run", "Begin one with --model NAME.")
        settings = RealPoisonSettings(
            given.split, given.seed, given.n, tuple(checked_way(way) for way in given.ways.split(","))
        )
        begin(given, asdict(settings), watch)
    run = json.loads(path.read_text(encoding="utf-8"))
    if given.model not in (None, run["model"]):
        raise InputError(f"{given.out} is a run with model {run['model']!r}", "Give another --out.")
    return run.pop("model"), RealPoisonSettings(**{**run, "ways": tuple(run["ways"])})


if __name__ == "__main__":
    sys.exit(main())
