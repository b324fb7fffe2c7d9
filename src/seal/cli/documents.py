"""`seal documents`: what a workspace has learned from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, WorkspaceFlag, date, open_learner, print_json, short


def documents(*, workspace: WorkspaceFlag = Path("."), json: JsonFlag = False) -> None:
    """List the documents in the order in which they came, and whether the live version knows them."""
    learner = open_learner(workspace)
    live = learner.live()
    known = set(live.documents) if live else set()
    listed = learner.documents()
    if json:
        print_json([{**asdict(d), "live": d.id in known} for d in listed])
        return
    rows = []
    for d in listed:
        state = "erased" if d.erased else "live" if d.id in known else "not live"
        rows.append([short(d.id), d.title, state, f"{d.trust:g}", date(d.added_at)])
    columns = ["document", "title", "state", "trust", "added at (UTC)"]
    Display().console.print(table(f"Documents in {workspace}", columns, rows, words=True))
