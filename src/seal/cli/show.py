"""`seal show`: one version, with what it descends from and what happened to it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import (
    JsonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say,
    short,
    show_entries,
    state_of,
    version_json,
)


def show(
    version: Annotated[str, Parameter(help="An alias (live), an id, or the first digits of one.")] = "live",
    *,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Show a version: its state, the documents and builds that it descends from, its report, its history."""
    shown = open_learner(workspace).show(version)
    made = shown.version
    if json:
        told = {
            **version_json(made),
            "lineage": [asdict(build) for build in shown.builds],
            "report": {"object": made.report, "content": shown.report},
            "history": [asdict(entry) for entry in shown.history],
        }
        print_json(told)
        return
    say(f"version    {made.id}")
    say(f"state      {state_of(made)}")
    say(f"aliases    {', '.join(made.aliases) or '–'}")
    say(f"made from  {short(made.parent)}")
    say(f"content    {made.content}")
    say(f"base       {made.base}")
    rows = [[short(d.id), "(erased)" if d.erased else d.title, f"{d.trust:g}"] for d in shown.documents]
    Display().console.print(table("Documents", ["document", "title", "trust"], rows, words=True))
    rows = [[short(b.key), short(b.object), str(len(b.sources)), str(b.seed)] for b in shown.builds]
    Display().console.print(table("Builds", ["build", "object", "documents", "seed"], rows))
    if shown.report is not None:
        say(f"Report\n{jsonlib.dumps(shown.report, indent=2, ensure_ascii=False)}")
    show_entries("What happened to it", shown.history)
