"""`seal exam`: the questions about a document, and how they were answered."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from seal.cli.console import stdout
from seal.cli.workspace import (
    DocumentName,
    JsonFlag,
    WorkspaceFlag,
    open_learner,
    print_json,
    say,
    short,
    state_of,
)

if TYPE_CHECKING:
    from seal.learner.inspecting import DocumentExam

_MARKS = {
    "right": ("✓", "green"),
    "wrong": ("✗", "red"),
    "ungraded": ("?", "yellow"),
    "not recorded": ("·", "dim"),
}


def exam(document: DocumentName, *, workspace: WorkspaceFlag = Path("."), json: JsonFlag = False) -> None:
    """List a document's exam: each question with its answer, and whether the live version answered it right
    when that was last measured. Loads no model; to ask now, use `seal ask`.

    A document that is not live has the outcomes of the version that was made for it.
    """
    told = open_learner(workspace).exam(document)
    if json:
        version = told.version and {"id": told.version.id, "state": state_of(told.version)}
        rows = [asdict(question) for question in told.questions]
        head = {"document": told.document.id, "title": told.document.title, "given": told.given}
        print_json({**head, "version": version, "questions": rows})
        return
    say(_head(told))
    console = stdout()
    for one in told.questions:
        mark, style = _MARKS[one.outcome]
        console.print(
            Text.assemble((f"  {mark} ", style), one.question, ("  ", ""), (" / ".join(one.answers), "bold"))
        )
        notes = []
        if one.replaced:
            notes.append("a newer document answers it otherwise")
        if one.before == "right":
            notes.append("answered right before it was learned, too")
        if notes:
            console.print(Text(f"      {'; '.join(notes)}", style="dim"))


def _head(told: DocumentExam) -> str:
    name = f"{told.document.title or '(no title)'}  {short(told.document.id)}"
    if not told.questions:
        return f"{name}: no exam was written yet"
    by = "given by a person" if told.given else "written by the model"
    recorded = [one for one in told.questions if one.outcome != "not recorded"]
    if told.version is None or not recorded:
        return f"{name}: {len(told.questions)} questions, {by}; no outcome was recorded"
    n = sum(one.outcome == "right" for one in recorded)
    whose = f"the {state_of(told.version)} version {short(told.version.id)}"
    return f"{name}: {n} of {len(recorded)} right in {whose}; {len(told.questions)} questions, {by}"
