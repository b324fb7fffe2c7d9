"""`seal demo arc`: the few-shot experiment, with a task of its report in coloured blocks.

Knows how a run is shown on a terminal. Which task is shown, and why, is the report's choice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from seal.cli.console import Display, default_out, difference_table, method_table, say_report

if TYPE_CHECKING:
    from seal.research.reports.tasks import WorkedTask
    from seal.types import Grid

_MARKS = {"right": "✓ right", "wrong": "✗ wrong", "ungraded": "– not graded"}


def demo_arc(*, out: Path | None, seed: int, quick: bool, matched: bool) -> None:
    """Run or resume the experiment, and show what came out."""
    folder = out or default_out("demo-arc")
    display = Display()
    with display.running(folder):
        from seal.research.few_shot.experiment import arc_config, run_few_shot
        from seal.research.reports.tasks import TaskRun, worked_tasks, write_report
        from seal.research.run_folder import RunFolder

        run = RunFolder.open(
            folder, arc_config(seed=seed, quick=quick, matched=matched), command="seal demo arc"
        )
        results = run_few_shot(run.config, run, display)
        report = write_report(folder)
        worked = worked_tasks(TaskRun.read(folder))
    display.console.print()
    display.console.print(method_table(results, unit="task", asked="test grid"))
    display.console.print()
    display.console.print(difference_table(results, unit="task"))
    if worked:
        display.console.print()
        show_task(display, worked[0])
    say_report(display.console, report, results)


def show_task(display: Display, worked: WorkedTask) -> None:
    """A worked task: its demonstrations, the directives before RL and after, and what was answered."""
    from seal.research.methods import short_label

    say = display.console.print
    say(Text(f"One task: {worked.task.id}", style="bold"))
    for name, words in worked.rules:
        say(Text(f"({name}: the first held-out task {words})"))
    say("\n[bold]Demonstrations[/bold], input and output:")
    for pair in worked.task.train:
        for line in side_by_side(pair.input, pair.output):
            say(line)
    for method, edit, notes in worked.edits:
        say(Text.assemble("\n", (f"Directive, {short_label(method, 'tasks')}:", "bold"), f" {edit.text}"))
        rejected = edit.directives.get("rejected")
        for note in [f"rejected: {rejected}"] if rejected else notes:
            say(Text(f"  {note}"))
    for pair, answers in worked.tests:
        say("\n[bold]The test[/bold]")
        _row(display, "input", pair.input)
        _row(display, "truth", pair.output)
        for one in answers:
            note = _MARKS[one.outcome] + (f" ({one.reason})" if one.reason else "")
            _row(display, short_label(one.method, "tasks"), one.grid, note, otherwise=one.text)


def _row(
    display: Display, name: str, grid: Grid | None, note: str = "", otherwise: str = "not known"
) -> None:
    lines = blocks(grid) if grid else [Text(otherwise or "(nothing)")]
    for at, line in enumerate(lines):
        said = f"  {note}" if note and at == 0 else ""
        display.console.print(Text.assemble(f"  {name if at == 0 else '':<30}", line, said))


def blocks(grid: Grid) -> list[Text]:
    """A grid as coloured cells with their digits, a line a row."""
    from seal.research.reports.drawing import COLOURS, ink

    return [Text.assemble(*((f" {cell}", f"{ink(cell)} on {COLOURS[cell]}") for cell in row)) for row in grid]


def side_by_side(left: Grid, right: Grid | None) -> list[Text]:
    """Two grids with an arrow between them, as lines."""
    columns: list[Any] = [blocks(left), blocks(right) if right else [Text("?")]]
    lines = []
    for at in range(max(map(len, columns))):
        one, other = (own[at] if at < len(own) else None for own in columns)
        arrow = "  →  " if at == 0 else "     "
        lines.append(Text.assemble("  ", one or " " * 2 * len(left[0]), arrow, other or ""))
    return lines
