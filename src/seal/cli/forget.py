"""`seal forget`: take a document out, exactly."""

from __future__ import annotations

from pathlib import Path

from seal.cli.console import Display
from seal.cli.workspace import (
    DocumentName,
    JsonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say,
    say_live,
    short,
    taken_up,
)


def forget(
    document: DocumentName,
    *,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Take a document out. The live version is then bit for bit the one of a learner that never saw it; the
    text, what was written about it and its exam are erased, and no version that knew it ever answers again.
    The ledger keeps that it happened.
    """
    learner = open_learner(workspace, watch=None if json else Display())
    with taken_up():
        gone = learner.forget(document)
    live = learner.live()
    if json:
        print_json({"forgotten": gone.id, "live": live and live.id, "content": live and live.content})
        return
    say(f"document {short(gone.id)} is forgotten")
    if live is not None:
        say_live(live)
        say(f"  what it knows has the digest {live.content}")
