"""The first round of a run that is scored, taken up again to measure its samples in other ways."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from seal.engine.adapt import Adaptation
from seal.engine.start import Silent, start
from seal.errors import SealError
from seal.research.config import parse_config
from seal.research.data import load_source
from seal.research.outer import contexts_of_round, n_contexts
from seal.research.run_folder import CONFIG, RunFolder
from seal.research.samples import Sample, SampleScorer
from seal.types import Context


@dataclass(frozen=True)
class FirstRound:
    """A run's folder and its model, and the first of the round's contexts."""

    folder: RunFolder
    adaptation: Adaptation
    contexts: Sequence[Context]

    @classmethod
    def of(cls, path: Path, n: int) -> FirstRound:
        """The round's first `n` contexts of the run in this folder."""
        text = (path / CONFIG).read_text(encoding="utf-8")
        config = parse_config(tomllib.loads(text), where=str(path / CONFIG))
        every = load_source(config, config.data.train, n_contexts(config), reward=True).contexts
        contexts = contexts_of_round(config, every, 1)[:n]
        return cls(RunFolder(path, config), start(config, contexts, Silent()), contexts)

    @cached_property
    def samples(self) -> list[list[Sample]]:
        """What was written about each context."""
        lines = self.folder.round("seal", 1).self_edits
        k = 1 + max(record.sample for record in lines.read())
        return SampleScorer(self.adaptation, self.folder).written(lines, self.contexts, k)

    def measured(
        self, name: str, measure: Callable[[Sequence[Sample]], list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """The records of `measure` for each context's samples, which a file of the folder keeps."""
        done = {record["context"] for record in self.folder.records(name)}
        for own in self.samples:
            if own[0].context.id not in done:
                self.folder.append(name, measure(own))
        wanted = {context.id for context in self.contexts}
        return [record for record in self.folder.records(name) if record["context"] in wanted]


def command(
    doc: str | None, arguments: Sequence[str] | None, n_contexts: int, tell: Callable[[Path, int], str]
) -> int:
    """What a command line that takes up a run does: prints what `tell` says of the run and of so many
    contexts (`n_contexts`, if nothing is said), and returns the exit status."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument(
        "--contexts", type=int, default=n_contexts, help="how many contexts of the first round"
    )
    parser.add_argument("--threads", type=int, default=0, help="of this process; 0: torch's own number")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        print(tell(given.run, given.contexts))
    except (SealError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
