"""`seal export`: a version as a PEFT adapter or a model, for use without `seal`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.console import Display
from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json


def export(
    out: Annotated[Path, Parameter(help="The folder to write; it must not exist.")],
    *,
    version: Annotated[str, Parameter(help="A version that is or was live: its id, or an alias.")] = "live",
    document: Annotated[str | None, Parameter(help="Only this document's cell: its title or id.")] = None,
    merged: Annotated[
        bool, Parameter(negative=(), help="The whole model in Hugging Face format, the adapter merged in.")
    ] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Write what a version knows as a PEFT adapter, or as a merged model, with a model card from the record.

    A version answers by one adapter a document. Of several documents one adapter is trained for the export,
    and held to the base on other questions; it holds less than they do, and the card says how much of both.
    """
    display = Display()
    learner = open_learner(workspace, watch=None if json else display)
    with display.running(workspace):
        done = learner.export(out, version=version, document=document, merged=merged)
    if json:
        print_json(
            {
                "folder": str(done.folder),
                "right": done.right,
                "served": done.served,
                "questions": done.questions,
                "kept": done.kept,
                "known": done.known,
            }
        )
        return
    display.console.print(f"{'the model' if merged else 'the adapter'} is in {done.folder}")
    display.console.print(
        f"It answers {done.right} of {done.questions} exam questions (the version itself {done.served}), and "
        f"still {done.kept} of {done.known} others that the base knows; see {done.folder}/README.md"
    )
