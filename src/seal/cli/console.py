"""What the user sees of a run: progress, tables, notices, errors. Knows nothing about how a run is made.

On a terminal progress is a live line; elsewhere it is one plain line a stage, so that logs can be read.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from seal.errors import Interrupted
from seal.research.methods import terminal_words

if TYPE_CHECKING:
    from seal.engine.work import Work
    from seal.research.records import Results


def print_error(kind: str, message: str, hint: str = "") -> None:
    """One message on stderr: what is wrong, and below it what to do."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble((f"{kind}: ", "bold red"), message))
    if hint:
        console.print(Text(f"  {hint}"))


class Display:
    """Shows a run while it goes (a `seal.engine.start.Watch`), and its tables at the end."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._started = self._measured = time.monotonic()
        self._stage, self._done, self._total = "", 0, 1
        self._work: Work | None = None
        self._left_s: float | None = None
        self._spinner = Spinner("dots")

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Around the run. Ctrl-C becomes Interrupted, whose hint is the folder to go on with."""
        try:
            if self.console.is_terminal:
                with Live(self, console=self.console, refresh_per_second=8, transient=True) as self._live:
                    yield
            else:
                yield
        except KeyboardInterrupt as error:
            kept = (folder / "config.toml").exists()
            message = f"everything up to here is saved in {folder}" if kept else "nothing was written yet"
            raise Interrupted(message, str(folder) if kept else "") from error
        finally:
            self._live = None

    def __rich__(self) -> Table:
        """The live line: what is being done, how much of it, how long it has taken and will take."""
        self._spinner.update(text=Text(self._stage))
        line = Table.grid(padding=(0, 1))
        line.add_row(
            self._spinner,
            ProgressBar(total=max(1, self._total), completed=self._done, width=24),
            Text(f"{clock(time.monotonic() - self._started)} so far{self._left()}", style="dim"),
        )
        return line

    def progress(self, stage: str, done: int, total: int) -> None:
        new = stage and stage != self._stage
        self._stage, self._done, self._total = stage or self._stage, done, total
        if new and self._live is None:
            self._say(f"[{clock(time.monotonic() - self._started):>7}] {stage}{self._left()}")

    def began(self, work: Work) -> None:
        self._work = work

    def notice(self, text: str) -> None:
        self._say(f"note: {text}")

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Method rows as lines, or the rounds of a training so far."""
        for row in rows if rows and "name" in rows[0] else rows[-1:]:
            self._say(_figure_line(row))

    def _say(self, text: str) -> None:
        self.console.print(Text(text))

    def _left(self) -> str:
        """How long still: told anew as work is finished, counted down in between."""
        left = self._work.left_s() if self._work else None
        if left is None:
            return ""
        if left != self._left_s:
            self._left_s, self._measured = left, time.monotonic()
        return f", about {clock(max(0.0, left - (time.monotonic() - self._measured)))} to go"


def _figure_line(row: Mapping[str, Any]) -> str:
    if "name" in row:
        return f"  {terminal_words(row['name']) or row['name']:<38} {percent(row)}{coverage_note(row)}"
    rewards = "" if row["mean_reward"] is None else f", mean reward {row['mean_reward']:.3f}"
    kept = "" if row["mean_reward_kept"] is None else f" ({row['mean_reward_kept']:.3f} of the kept)"
    return (
        f"  {row['arm']}, round {row['round']}: kept {row['n_kept']} of {row['n_self_edits']}{rewards}{kept}"
    )


def percent(row: Mapping[str, Any]) -> str:
    """An accuracy with its interval, in percent."""
    if row["accuracy"] is None:
        return "not graded"
    ends = row["ci95"]
    interval = f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]" if ends else ""
    return f"{100 * row['accuracy']:.1f}{interval}"


def coverage_note(row: Mapping[str, Any]) -> str:
    return "" if row["coverage"] == 1 else f"  ({100 * row['coverage']:.0f} % of the answers graded)"


def clock(seconds: float) -> str:
    """A duration as people say it: "42 s", "3 min 20 s", "2 h 5 min"."""
    s = round(seconds)
    if s < 60:
        return f"{s} s"
    return f"{s // 60} min {s % 60} s" if s < 3600 else f"{s // 3600} h {s % 3600 // 60} min"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False) -> Table:
    """A plain table: the first column is text, the others are aligned to the right but for intervals; with
    `words` all columns are text."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for i, column in enumerate(columns):
        left = words or i == 0 or "[" in column
        made.add_column(Text(column), justify="left" if left else "right", no_wrap=True)
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def method_table(results: Results, *, unit: str = "passage", asked: str = "question") -> Table:
    """Accuracy by method, as `results.json` holds it."""
    width = max([16, *(len(r["name"]) for r in results["methods"])]) + 1
    rows = [
        [f"{r['name']:<{width}}{terminal_words(r['name'])}", percent(r) + coverage_note(r)]
        for r in results["methods"]
    ]
    most = max(results["methods"], key=lambda r: r["n_contexts"])
    counts = f"{most['n_contexts']} {unit}s, {most['n_questions']} {asked}s"
    return table(f"{asked.capitalize()}s answered right ({counts})", ["method", "% [95 % interval]"], rows)


def difference_table(results: Results, *, unit: str = "passage") -> Table:
    """Paired differences, in points."""
    rows = []
    for r in results["differences"]:
        interval = "" if r["ci95"] is None else f" [{100 * r['ci95'][0]:+.1f}, {100 * r['ci95'][1]:+.1f}]"
        rows.append([f"{r['a']} − {r['b']}", f"{100 * r['mean']:+.1f}{interval}"])
    return table(f"Paired differences over {unit}s", ["pair", "points [95 % interval]"], rows)


def say_report(console: Console, report: Path, results: Results) -> None:
    """Where everything is, and how long it took."""
    minutes = results["wall_s"] / 60
    console.print(
        f"\nThe report: {report}   ({minutes:.1f} min; all figures in {report.parent}/results.json)"
    )


def default_out(command: str) -> Path:
    """A new folder under runs/, named after the command and the time."""
    stem = f"runs/{command}-{datetime.now():%Y%m%d-%H%M%S}"
    return Path(stem) if not os.path.exists(stem) else Path(f"{stem}-{os.getpid()}")
