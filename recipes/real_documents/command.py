"""What the commands of this recipe have in common: how one begins, goes on and ends.

Knows run folders. Knows nothing about documents, questions or figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recipes.real_documents.records import write_json
from seal.cli.console import Display
from seal.engine.start import Watch
from seal.errors import SealError
from seal.files import write_durably
from seal.learner import Learner
from seal.learner.settings import FILE
from seal.registry.marker import MARKER

SETTINGS = "settings.toml"
RUN = "run.json"
WORKSPACE = "workspace"


def command_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the flags of every command here."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--model", help="as for `seal init`; only needed to begin a run")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    parser.add_argument("--settings", type=Path, metavar="TOML", help="a learner.toml to begin with")
    parser.add_argument("--table", action="store_true", help="neither learn nor ask, only count")
    return parser


def ended(name: str, folder: Path, run: Callable[[Watch], str]) -> int:
    """Does what was asked for, prints what it tells, and returns the exit status. `folder`: where what is
    done is kept."""
    display = Display()
    try:
        with display.running(folder, RUN):
            text = run(display)
    except SealError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    return 0


def begin(given: argparse.Namespace, record: dict[str, Any], watch: Watch) -> None:
    """Begins a run: its workspace first, so that a model that cannot be had leaves no run behind that would
    refuse the right one."""
    if not (given.out / WORKSPACE / MARKER).exists():
        Learner.init(given.out / WORKSPACE, model=given.model, watch=watch)
    if given.settings:
        write_durably(given.out / SETTINGS, [given.settings.read_bytes()])
    write_json(given.out / RUN, {"model": given.model, **record})


def opener(folder: Path, model: str, watch: Watch) -> Callable[[], Learner]:
    """Opens the learner of a run with empty caches each time; its workspace is made the first time, and the
    model is loaded once."""
    workspace, settings = folder / WORKSPACE, folder / SETTINGS
    loaded: dict[str, Any] = {}

    def opened() -> Learner:
        if not (workspace / MARKER).exists():
            Learner.init(workspace, model=model, watch=watch)
        if settings.exists() and settings.read_bytes() != (workspace / FILE).read_bytes():
            write_durably(workspace / FILE, [settings.read_bytes()])
        learner = Learner.open(workspace, watch=watch, **loaded)
        loaded.setdefault("adaptation", learner.parts.adaptation)
        return learner

    return opened
