"""`seal approve`: a version that was held becomes live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import (
    JsonFlag,
    ReasonFlag,
    WorkspaceFlag,
    open_workspace,
    print_json,
    say_live,
    version_json,
)


def approve(
    version: Annotated[str, Parameter(help="A version that is held: its id, or the first digits of it.")],
    *,
    reason: ReasonFlag = "",
    allow_stale: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Approve it even if another version than the one that it was made from is live by now. "
            "What was learned since is then not live.",
        ),
    ] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Make a held version live. `seal show VERSION` says why it was held."""
    moved = open_workspace(workspace).approve(version, reason=reason, allow_stale=allow_stale)
    print_json(version_json(moved)) if json else say_live(moved)
