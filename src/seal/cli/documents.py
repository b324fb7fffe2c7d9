"""`seal documents`: what a workspace has learned from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, WorkspaceFlag, date, open_workspace, print_json, short


def documents(*, workspace: WorkspaceFlag = Path("."), json: JsonFlag = False) -> None:
    """List the documents in the order in which they came, and whether the live version knows them."""
    opened = open_workspace(workspace)
    live = opened.alias()
    known = set(live.documents) if live else set()
    found = opened.documents()
    if json:
        print_json([{**asdict(d), "live": d.id in known} for d in found])
        return
    rows = []
    for d in found:
        state = "erased" if d.erased else "live" if d.id in known else "not live"
        rows.append([short(d.id), d.title, state, f"{d.trust:g}", date(d.added_at)])
    columns = ["document", "title", "state", "trust", "added at (UTC)"]
    Display().console.print(table(f"Documents in {workspace}", columns, rows, words=True))
