"""What the user sees of a run: progress, tables, notices, errors. Knows nothing about how a run is made.

On a terminal progress is a live line; elsewhere it is one plain line a stage, so that logs can be read. There
tables have the width that they need: whatever reads them sees every column in full.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from seal.cli.plain_text import PlainConsole, as_text, visible
from seal.errors import Interrupted, SealError
from seal.research.methods import terminal_words

if TYPE_CHECKING:
    from seal.engine.work import Work
    from seal.research.records import EndpointCosts, Results


_ENDLESS = 10_000  # columns, where there is no terminal whose width must be kept
_PROSE = frozenset({"title", "reason"})  # columns of running text


def stdout() -> Console:
    """The output of a command. Where it is no terminal, nothing is cut off or wrapped."""
    console = PlainConsole(highlight=False, soft_wrap=True)
    return console if console.is_terminal else PlainConsole(highlight=False, soft_wrap=True, width=_ENDLESS)


def stderr() -> Console:
    """For what is said beside the output."""
    return PlainConsole(stderr=True, highlight=False, soft_wrap=True)


def endpoint_line(costs: EndpointCosts) -> str:
    """What an endpoint wrote and counted, in one line."""
    refused = f", {costs['refused']:,} refused" if costs["refused"] else ""
    return (
        f"{costs['model']} replied to {costs['requests']:,} requests{refused}: {costs['prompt_tokens']:,} "
        f"tokens read, {costs['completion_tokens']:,} written"
    )


def print_error(kind: str, message: str, hint: str = "") -> None:
    """One message on stderr: what is wrong, and below it what to do."""
    console = stderr()
    console.print(Text.assemble((f"{kind}: ", "bold red"), message))
    if hint:
        console.print(Text(f"  {hint}"))


def print_passed_over(wrong: Sequence[SealError]) -> None:
    """What is wrong with files that are passed over; of many, the first ones."""
    for error in wrong[:_PASSED_OVER]:
        print_error("passed over", error.message, error.hint)
    if len(wrong) > _PASSED_OVER:
        stderr().print(Text(f"and {len(wrong) - _PASSED_OVER} more files that cannot be read"))


_PASSED_OVER: Final = 20


def print_note(text: str) -> None:
    """Something on stderr that the user should know, and that is no error."""
    stderr().print(Text(f"note: {text}"))


class Display:
    """Shows a run while it goes (a `seal.engine.start.Watch`), and its tables at the end."""

    def __init__(self, console: Console | None = None, *, pace_s: float = 0.0) -> None:
        """`pace_s`: where there is no terminal, the least time between two lines of progress."""
        self.console = console or stdout()
        self._live: Live | None = None
        self._pace_s, self._said_at = pace_s, -math.inf
        self._started = self._measured = time.monotonic()
        self._stage, self._done, self._total = "", 0, 1
        self._step = Step(0, self._started)
        self._whole_s: float | None = None
        self._work: Work | None = None
        self._left_s: float | None = None
        self._spinner = Spinner("dots")

    @contextlib.contextmanager
    def running(self, folder: Path, begun: str = "config.toml") -> Iterator[None]:
        """Around the run. Ctrl-C becomes Interrupted, whose hint is the folder to go on with, if the file
        `begun` is there."""
        self._started = time.monotonic()
        try:
            if self.console.is_terminal:
                with Live(self, console=self.console, refresh_per_second=8, transient=True) as self._live:
                    yield
            else:
                yield
        except KeyboardInterrupt as error:
            kept = (folder / begun).exists()
            message = f"everything up to here is saved in {folder}" if kept else "nothing was written yet"
            raise Interrupted(message, str(folder) if kept else "") from error
        finally:
            self._live = None

    def __rich__(self) -> Table:
        """The live line: what is being done, how much of it, how long it has taken and will take."""
        self._spinner.update(text=Text(visible(self._stage), no_wrap=True, overflow="ellipsis"))
        counted = f"{self._done} of {self._total}, " if self._total > 1 else ""
        line = Table.grid(padding=(0, 1))
        line.add_row(
            self._spinner,
            ProgressBar(total=max(1, self._total), completed=self._done, width=24),
            Text(
                f"{counted}{clock(time.monotonic() - self._started)} so far{self._left()}",
                style="dim",
                no_wrap=True,
            ),
        )
        return line

    def progress(self, stage: str, done: int, total: int) -> None:
        new, now = bool(stage) and stage != self._stage, time.monotonic()
        self._stage, self._done, self._total = stage or self._stage, done, total
        if new:
            self._step = Step(done, now)
        if self._live is None and self._is_due(new, now):
            self._said_at = now
            counted = f", {done} of {total}" if done and total > 1 else ""
            self._say(f"[{clock(now - self._started):>7}] {self._stage}{counted}{self._left()}")

    def _is_due(self, new: bool, now: float) -> bool:
        """Whether a log is told of this: each stage, or, at a pace, whatever is going on."""
        return now - self._said_at >= self._pace_s if self._pace_s else new

    def began(self, work: Work) -> None:
        self._work = work

    def expects(self, seconds: float | None) -> None:
        """How long the whole is expected to take, as far as that is known from earlier work."""
        self._whole_s = seconds

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
            return self._left_by_pace(time.monotonic())
        if left != self._left_s:
            self._left_s, self._measured = left, time.monotonic()
        return f", about {clock(max(0.0, left - (time.monotonic() - self._measured)))} to go"

    def _left_by_pace(self, now: float) -> str:
        """How long the whole will still take by earlier work; past that, the present step by its own pace."""
        if self._whole_s is not None and self._whole_s > now - self._started:
            return f", about {clock(self._whole_s - (now - self._started))} to go"
        left = self._step.left_s(self._done, self._total, now)
        return "" if left is None else f", this step about {clock(left)} more"


@dataclass(frozen=True)
class Step:
    """A stage as it began: how much of it was done then, and when that was."""

    done: int
    began: float

    def left_s(self, done: int, total: int, now: float) -> float | None:
        """Seconds that the rest takes at the pace so far; None while nothing of it is done, or nothing is
        left."""
        if done <= self.done or done >= total:
            return None
        return (now - self.began) * (total - done) / (done - self.done)


def _figure_line(row: Mapping[str, Any]) -> str:
    if "name" in row:
        return f"  {terminal_words(row['name']) or row['name']:<38} {percent(row)}{coverage_note(row)}"
    rewards = "" if row["mean_reward"] is None else f", mean reward {row['mean_reward']:.3f}"
    kept = "" if row["mean_reward_kept"] is None else f" ({row['mean_reward_kept']:.3f} of the kept)"
    stays = "" if row.get("taken", True) else "; not shown to be better, so the policy before stays"
    told = f"kept {row['n_kept']} of {row['n_self_edits']}{rewards}{kept}{stays}"
    return f"  {row['arm']}, round {row['round']}: {told}"


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
    `words` all columns are text. Where a terminal is narrow, running text is wrapped and the rest is not.
    """
    made = Table(title=as_text(title), title_justify="left", box=None, pad_edge=False, title_style="bold")
    for i, column in enumerate(columns):
        left = words or i == 0 or "[" in column
        made.add_column(as_text(column), justify="left" if left else "right", no_wrap=column not in _PROSE)
    for row in rows:
        made.add_row(*(as_text(" ".join(cell.split("\n"))) for cell in row))
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
