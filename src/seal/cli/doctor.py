"""`seal doctor`: what of a workspace, its model and this machine is in order,
and what to do about the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display
from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json

if TYPE_CHECKING:
    from seal.models.soundness import Check

_MARKS = {"ok": ("✓", "bold green"), "warning": ("!", "bold yellow"), "problem": ("✗", "bold red")}


def doctor(
    workspace: WorkspaceFlag = Path("."),
    *,
    model: Annotated[
        str | None,
        Parameter(help="Check a model instead of a workspace, before beginning one with it."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Check a workspace: does its model load, are tokenizer and chat template sound, are the type of numbers
    and the number of threads the fast ones here, can its gates be passed, and are jobs waiting?

    Where no workspace is named and the present folder is none, the model is checked that a new one would
    have. Changes nothing. The exit status is 1 if there is a problem, and 0 otherwise.
    """
    from seal.models.at_hand import chosen_model
    from seal.registry.marker import MARKER

    if model is None and workspace == Path(".") and not Path(MARKER).exists():
        model = chosen_model().name
    checks = _of_workspace(workspace, json) if model is None else _of_model(model)
    if json:
        print_json([asdict(check) for check in checks])
    else:
        _show(checks)
    if any(check.state == "problem" for check in checks):
        raise SystemExit(1)


def _of_workspace(folder: Path, json: bool) -> list[Check]:
    learner = open_learner(folder, watch=None if json else Display())
    from seal.learner.checkup import check_workspace
    from seal.models.speed import measure_speed

    return check_workspace(learner, measure_speed())


def _of_model(name: str) -> list[Check]:
    from seal.models.at_hand import check_found

    check_found(name)
    from seal.learner.checkup import check_loading, check_machine
    from seal.learner.settings import preset
    from seal.models.load import hide_progress_bars, load_model
    from seal.models.soundness import check_model
    from seal.models.speed import measure_speed

    hide_progress_bars()
    dtype = preset(name).dtype
    told, loaded = check_loading(name, lambda: load_model(name, dtype=dtype))
    if loaded is None:
        return [told]
    return [told, *check_model(*loaded), *check_machine(loaded[0], measure_speed())]


def _show(checks: Sequence[Check]) -> None:
    console = Display().console
    for check in checks:
        mark, style = _MARKS[check.state]
        console.print(Text.assemble((mark, style), f" {check.name}: {check.said}"))
        if check.advice:
            console.print(Text(f"    {check.advice}"))
    problems = sum(check.state == "problem" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if problems or warnings:
        console.print(Text(f"{problems} problems, {warnings} warnings"))
    else:
        console.print(Text("All is in order."))
