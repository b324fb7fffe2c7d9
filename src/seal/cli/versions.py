"""`seal versions`: the versions of a workspace, and which of them is live."""

from __future__ import annotations

from pathlib import Path

from seal.cli.console import Display, table
from seal.cli.workspace import (
    JsonFlag,
    WorkspaceFlag,
    date,
    open_learner,
    print_json,
    short,
    state_of,
    version_json,
)


def versions(*, workspace: WorkspaceFlag = Path("."), json: JsonFlag = False) -> None:
    """List the versions in the order in which they were made.

    A version is live, live-once (it was), candidate (made, not decided on), held (waits for `seal approve`),
    rejected (never answers), or erased (rejected, since it knew a document that was erased).
    """
    listed = open_learner(workspace).versions()
    if json:
        print_json([version_json(version) for version in listed])
        return
    rows = [
        [short(v.id), state_of(v), short(v.parent), str(len(v.documents)), date(v.created_at)] for v in listed
    ]
    columns = ["version", "state", "made from", "documents", "made at (UTC)"]
    Display().console.print(table(f"Versions in {workspace}", columns, rows, words=True))
