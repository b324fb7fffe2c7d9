"""How long each stage of a run took, over all its sittings. Knows nothing about what a stage does."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipes.real_documents.records import Records
from seal.engine.start import Watch
from seal.engine.work import Work

_COUNT = re.compile(r"\s*\(\d[^)]*\)$")


@dataclass
class TimedWatch(Watch):
    """Tells another watch all that it is told, and records the seconds of each stage: of the clock, and of
    this process's processor time, which is what the stage costs on a machine that others use too."""

    shown: Watch
    records: Records
    _stage: str = ""
    _began: tuple[float, float] = field(default_factory=lambda: _now())

    def progress(self, stage: str, done: int, total: int) -> None:
        self._enter(_COUNT.sub("", stage))
        self.shown.progress(stage, done, total)

    def _enter(self, stage: str) -> None:
        now = _now()
        if stage == self._stage:
            return
        if self._stage:
            wall_s, processor_s = (round(b - a, 3) for a, b in zip(self._began, now, strict=True))
            self.records.add({"stage": self._stage, "wall_s": wall_s, "processor_s": processor_s})
        self._stage, self._began = stage, now

    def ended(self) -> None:
        """No stage goes on."""
        self._enter("")

    def began(self, work: Work) -> None:
        self.shown.began(work)

    def notice(self, text: str) -> None:
        self.shown.notice(text)

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.shown.figures(rows)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def seconds_of_stages(path: Path) -> dict[str, tuple[float, float]]:
    """Seconds of the clock and of the processor by stage."""
    told: dict[str, tuple[float, float]] = {}
    for record in Records(path).all:
        wall_s, processor_s = told.get(record["stage"], (0.0, 0.0))
        told[record["stage"]] = wall_s + record["wall_s"], processor_s + record["processor_s"]
    return told
