"""`seal demo`: a whole experiment on an embedded model, with a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display, default_out, difference_table, method_table, say_report
from seal.errors import ConfigError

if TYPE_CHECKING:
    from seal.research.reports.passages import WorkedPassage

_SHOWN_LINES = 12


def demo(
    experiment: Annotated[
        Literal["knowledge", "arc"],
        Parameter(
            help='"knowledge": it writes training data about texts; "arc": it configures its own training '
            "on few-shot tasks (rows of coloured cells)."
        ),
    ] = "knowledge",
    *,
    out: Annotated[
        Path | None,
        Parameter(
            help="The run's folder; by default a new one under runs/. A stopped run goes on in its own."
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Every random choice follows from it.")] = 0,
    quick: Annotated[
        bool,
        Parameter(negative=(), help="A look at the whole loop in about a minute, too small for conclusions."),
    ] = False,
    matched: Annotated[
        bool,
        Parameter(
            negative=(),
            help='With "arc": also choose one among several of its own directives, and do both, choosing and '
            "answering together, with the best fixed ones: the matched baselines. Nearly twice as long.",
        ),
    ] = False,
) -> None:
    """Watch a small language model teach itself, in a few minutes on two CPU cores.

    It writes its own training data about texts that it has never seen, trains on it, is examined, and gets
    better at writing such data by reinforcement learning. Or, with `seal demo arc`, it says how to train on
    each few-shot task, and gets better at that. Ends with a table, an example and a report.
    """
    if experiment == "arc":
        from seal.cli.demo_arc import demo_arc

        demo_arc(out=out, seed=seed, quick=quick, matched=matched)
        return
    if matched:
        raise ConfigError("--matched is for the few-shot experiment", "seal demo arc --matched")
    folder = out or default_out("demo")
    display = Display()
    with display.running(folder):
        from seal.research.demo import demo_config, run_experiment
        from seal.research.reports.passages import FinishedRun, worked_passage, write_report
        from seal.research.run_folder import RunFolder

        run = RunFolder.open(folder, demo_config(seed=seed, quick=quick))
        results = run_experiment(run.config, run, display)
        report = write_report(folder)
        worked = worked_passage(FinishedRun.read(folder))
    display.console.print()
    display.console.print(method_table(results))
    display.console.print()
    display.console.print(difference_table(results))
    if worked and worked.compared == ("seal", "self_edit"):
        display.console.print()
        _show_example(display, worked)
    say_report(display.console, report, results)


def _show_example(display: Display, worked: WorkedPassage) -> None:
    """What the model wrote about one passage before RL and after, and what it then answered."""
    answers = {exam.method: exam.answers for exam in worked.exams}
    title = "One passage: what the model wrote about it, and what it then knew"
    display.console.print(Text(title, style="bold"))
    display.console.print("(the passage of median gain)")
    for words, (method, edit) in zip(("before RL", "after RL"), worked.edits, strict=True):
        lines = [line for line in edit.text.splitlines() if line.strip()]
        more = [f"... and {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
        display.console.print(Text.assemble("\n", (words, "bold"), ", it wrote:"))
        for line in lines[:_SHOWN_LINES] + more:
            display.console.print(f"  {line}")
        right = sum(a.outcome == "right" for a in answers[method])
        display.console.print(f"and answered {right} of {len(answers[method])} questions right:")
        for a in answers[method]:
            mark = "✓" if a.outcome == "right" else "✗"
            truth = "" if mark == "✓" else f" (it is {_quoted(a.gold)})"
            display.console.print(f"  {mark} {a.question} {_quoted(a.answer)}{truth}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
