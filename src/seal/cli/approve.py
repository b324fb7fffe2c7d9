"""`seal approve`: a version that was held becomes live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.console import Display
from seal.cli.workspace import (
    JsonFlag,
    ReasonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say_live,
    taken_up,
    version_json,
)


def approve(
    version: Annotated[str, Parameter(help="A version that is held: its id, or the first digits of it.")],
    *,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Make a held version live. `seal show VERSION` says why it was held.

    If something else has gone live since, what the held version adds is put on top of that: nothing that was
    learned in between is undone.
    """
    learner = open_learner(workspace, watch=None if json else Display())
    with taken_up():
        moved = learner.approve(version, reason=reason)
    print_json(version_json(moved)) if json else say_live(moved)
