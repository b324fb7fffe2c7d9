"""`seal reject`: a version never answers."""

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
    say,
    short,
    version_json,
)


def reject(
    version: Annotated[str, Parameter(help="Its id, or the first digits of it.")],
    *,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Shut a version out for good. The live one cannot be rejected: roll back first."""
    rejected = open_learner(workspace).reject(version, reason=reason)
    print_json(version_json(rejected)) if json else say(f"{short(rejected.id)} is rejected")
