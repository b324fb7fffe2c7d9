"""Lets a model learn a half of the documents and asks it every question, in every way.

    python -m recipes.real_documents.run --model smollm2 --half development --out runs/real-smollm2
    python -m recipes.real_documents.run --out runs/real-smollm2 --table

A run that was stopped goes on where it was when its line is typed again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from recipes.real_documents.command import RUN, begin, command_parser, ended, opener
from recipes.real_documents.experiment import RealRun
from recipes.real_documents.figures import figures
from recipes.real_documents.halves import load_half, named
from recipes.real_documents.records import write_json
from recipes.real_documents.tables import markdown
from seal.engine.start import Watch
from seal.errors import InputError
from seal.files import write_durably
from seal.learner import Learner


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_parser(__doc__)
    parser.add_argument(
        "--half", help='"development" (if nothing is said), "evaluation", "final", or a .json file'
    )
    parser.add_argument("--documents", default="", metavar="A,B", help="these only, by their files' names")
    parser.add_argument("--grader", help="grade by this one instead of the learner's own")
    parser.add_argument("--cold", type=int, default=3, metavar="N", help="`seal ask` timed from its start")
    parser.add_argument("--questions-only", action="store_true", help="learn nothing more, only ask")
    given = parser.parse_args(arguments)
    return ended("run.py", given.out, partial(_run, given))


def _run(given: argparse.Namespace, watch: Watch) -> str:
    run = _begun(given, watch)
    documents = load_half(run["half"], named(given.documents))
    opened = opener(given.out, run["model"], watch)
    made = RealRun(given.out, documents, opened, watch)
    if given.questions_only and not given.documents:
        tried = {record["file"] for record in made.learned.all if "file" in record}
        made.documents = [one for one in documents if one.file in tried]
    if not given.table:
        made.ask_base()
        if not given.questions_only:
            made.learn()
        made.ask_all()
        made.ask_cold(given.cold)
    return tell(made, run, given.grader)


def _begun(given: argparse.Namespace, watch: Watch) -> dict[str, Any]:
    """What the run was begun with; begins it. Raises InputError if it was begun with something else."""
    path = given.out / RUN
    if path.exists():
        run = json.loads(path.read_text(encoding="utf-8"))
        for name in ("model", "half"):
            if getattr(given, name) not in (None, run[name]):
                raise InputError(f"{given.out} is a run with {name} {run[name]!r}", "Give another --out.")
        return run
    if given.table:
        raise InputError(f"{given.out} holds no run", "Begin one without --table.")
    if not given.model:
        raise InputError("no model is named", "Begin a run with --model NAME.")
    half = given.half or "development"
    load_half(half)  # a mistake in its name is told before anything is made
    begin(given, {"half": half, "began_at": _now()}, watch)
    return _begun(given, watch)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    from seal.bench.inner_loop.machine import describe
    from seal.engine.parts import pick_device

    return describe(torch.device(pick_device("auto")))


def tell(made: RealRun, run: dict[str, Any], grader: str | None = None) -> str:
    """Counts what the records say, writes results.json and results.md, and returns the latter."""
    learner = Learner.open(made.folder / "workspace")
    live = learner.live()
    found = figures(
        made.documents,
        made.learned.all,
        made.answers_of(live),
        made.cold(live),
        grader or learner.parts.config.grader,
    )
    run = run | {"machine": machine(), "settings": learner.parts.config.model_dump(mode="json")}
    write_json(made.folder / "results.json", {"run": run, **found})
    text = markdown(run, found)
    write_durably(made.folder / "results.md", [text.encode()])
    return text


if __name__ == "__main__":
    sys.exit(main())
