"""`seal diff`: what one version knows that another does not."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display
from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json, say, short

_STYLES = {"gained": ("+", "green"), "lost": ("-", "red"), "changed": ("~", "yellow")}


def diff(
    before: Annotated[str, Parameter(help="A version: its id, the first digits of it, or an alias.")],
    after: Annotated[str, Parameter(help="The version to compare it with.")] = "live",
    *,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Say which facts one version gained, lost or changed against another, by asking both."""
    changes = open_learner(workspace).diff(before, after)
    if json:
        print_json([asdict(change) for change in changes])
        return
    console = Display().console
    if not changes:
        say("both answer every question of their documents' exams alike")
        return
    for (key, title), group in groupby(changes, key=lambda c: (c.document, c.title)):
        console.print(Text(f"{title or '(no title)'}  {short(key)}", style="bold"))
        for change in group:
            mark, style = _STYLES[change.kind]
            console.print(Text.assemble((f"  {mark} {change.kind:<8}", style), change.question))
            console.print(
                Text(f"             {change.before or '(nothing)'} → {change.after or '(nothing)'}")
            )
