"""`seal retitle`: a document's title, corrected."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import (
    DocumentName,
    JsonFlag,
    ReasonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say,
)


def retitle(
    document: DocumentName,
    title: Annotated[str, Parameter(help="The title that it is to have.")],
    *,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Correct a document's title: it is listed, found and named by the new one at once.

    What was written and trained under the old title stays as it is, and so does every version. To have the
    model learn the new one, forget the document and learn its text again. Learning the same file again under
    another heading, or its text with --title, corrects the title, too.
    """
    learner = open_learner(workspace)
    before = learner.document(document)
    after = learner.retitle(before.id, title, reason=reason)
    if json:
        print_json(asdict(after))
        return
    from seal.learner.documents import told_of_title

    say(told_of_title(before.title, after) if before.title != after.title else "it has this title already")
