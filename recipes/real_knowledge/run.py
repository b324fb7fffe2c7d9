"""SEAL on real text: a small real model learns to write its own training data about passages it never saw.

    python -m recipes.real_knowledge.run --passages squad_passages.json --out runs/real-knowledge
    python -m recipes.real_knowledge.run --out runs/real-knowledge --table

The passages of the file are divided by article: the writer is trained on one half (or with `--training wiki`
on openings of encyclopedia articles, without labels), and every method is examined on the other half, which
trains nothing. A run that was stopped goes on when its line is typed again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from recipes.real_documents.records import Records
from recipes.real_knowledge.figures import figures, stages_of, table
from recipes.real_knowledge.passages import Training, prepare
from recipes.real_knowledge.stages import TimedWatch
from seal.cli.console import Display
from seal.cli.flags import RunFlags, resolve
from seal.errors import InputError, SealError
from seal.files import write_beside
from seal.research.config import RunConfig, parse_config
from seal.research.demo import run_experiment
from seal.research.run_folder import CONFIG, RunFolder

COMMAND = "recipes.real_knowledge.run"
SETTINGS = Path(__file__).with_name("run.toml")
REWARDS: dict[Training, str] = {"development": "likelihood", "wiki": "own_exam"}
"""What a self-edit is rewarded by, where nothing else is said: the encyclopedia has no questions."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--passages", type=Path, help="passages with questions, of several articles")
    parser.add_argument("--training", choices=get_args(Training), default="development")
    parser.add_argument("--wiki", type=Path, help="the encyclopedia's files; otherwise as installed")
    parser.add_argument("--model", default="smollm2", help="as for `seal train`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    parser.add_argument("--contexts", type=int, help="training passages a round")
    parser.add_argument("--samples", type=int, help="self-edits of each")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--evaluation", type=int, help="passages of the examined half")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    parser.add_argument("--table", action="store_true", help="only count what is there")
    given = parser.parse_args(arguments)
    try:
        print(_told(given) if given.table else _run(given), end="")
    except SealError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    return 0


def _run(given: argparse.Namespace) -> str:
    if given.passages is None:
        raise InputError("no passages are named", "Give a file with --passages.")
    named = ("training.json", "evaluation.json")
    train, evaluation = (given.out / "passages" / name for name in named)
    sizes = {"data.n_train": given.contexts, "data.n_evaluation": given.evaluation}
    extra: dict[str, Any] = {
        **sizes,
        "data.train": str(train),
        "data.evaluation": str(evaluation),
        "self_edit.samples": given.samples,
        "outer.rounds": given.rounds,
        "outer.reward": REWARDS[given.training],
    }
    wanted = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))["data"]
    n = (given.contexts or wanted["n_train"], given.evaluation or wanted["n_evaluation"])
    prepare(given.passages, given.training, given.wiki, n, given.out / "passages")
    flags = RunFlags(config=SETTINGS, model=given.model, seed=given.seed, set=given.set)
    config = resolve(flags, extra, data_key="data.train")
    folder = RunFolder.open(given.out / "run", config, command=COMMAND)
    display = Display(pace_s=30.0)
    watch = TimedWatch(display, Records(stages_of(given.out)))
    with display.running(folder.path):
        try:
            run_experiment(config, folder, watch)
        finally:
            watch.ended()
    return _told(given)


def _told(given: argparse.Namespace) -> str:
    """Counts what the records say, and writes it into the folder too."""
    folder = RunFolder(given.out / "run", _config_of(given.out / "run"))
    told = figures(folder)
    text, stored = table(told), json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    write_beside(given.out / "results.json", lambda beside: beside.write_text(stored, encoding="utf-8"))
    write_beside(given.out / "table.md", lambda beside: beside.write_text(text, encoding="utf-8"))
    return text


def _config_of(path: Path) -> RunConfig:
    stored = path / CONFIG
    if not stored.exists():
        raise InputError(f"{path} holds no run", "Begin one without --table.")
    return parse_config(tomllib.loads(stored.read_text(encoding="utf-8")), where=str(stored))


if __name__ == "__main__":
    sys.exit(main())
