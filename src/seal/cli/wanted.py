"""`seal wanted`: what should be learned next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, WorkspaceFlag, date, open_learner, print_json, say


def wanted(
    *,
    most: Annotated[int, Parameter(help="How many questions, at most.")] = 20,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """List questions that a service was asked and no document answered, or whose answers were voted down."""
    found = open_learner(workspace).wanted(most)
    if json:
        print_json([asdict(one) for one in found])
    elif not found:
        say("every question that was asked of the service had its answer from a document")
    else:
        rows = [[one.question, str(one.asked), str(one.down), date(one.last_at)] for one in found]
        columns = ["question", "unanswered", "voted down", "last (UTC)"]
        Display().console.print(table("wanted", columns, rows, words=True))
