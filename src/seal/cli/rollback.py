"""`seal rollback`: an earlier version answers again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import (
    JsonFlag,
    ReasonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say_live,
    version_json,
)


def rollback(
    version: Annotated[
        str | None,
        Parameter(help="A version that was live before; by default the one that the present one succeeded."),
    ] = None,
    *,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Make an earlier version live again, at once and as it was.

    Nothing is lost: the version that was live stays, and can be rolled back to as well.
    """
    moved = open_learner(workspace).rollback(version, reason=reason)
    print_json(version_json(moved)) if json else say_live(moved)
