"""`seal brake`: all studying stops, and goes on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import JsonFlag, ReasonFlag, WorkspaceFlag, date, open_learner, print_json, say


def brake(
    *,
    release: Annotated[bool, Parameter(negative=(), help="Let studying go on with what waits.")] = False,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Stop all studying of a workspace, also what is under way. Answering and forgetting go on."""
    learner = open_learner(workspace)
    if release:
        learner.release_brake(reason=reason)
        print_json(None) if json else say("studying goes on")
        return
    pulled = learner.pull_brake(reason=reason)
    if json:
        print_json(asdict(pulled))
    else:
        say(f"studying is stopped since {date(pulled.since)}; it goes on with: seal brake --release")
