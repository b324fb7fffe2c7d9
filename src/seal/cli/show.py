"""`seal show`: one version, with what it descends from and what happened to it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import (
    JsonFlag,
    WorkspaceFlag,
    open_workspace,
    print_json,
    say,
    short,
    show_entries,
    state_of,
    version_json,
)

if TYPE_CHECKING:
    from seal.registry import LedgerEntry, Version, Workspace


def show(
    version: Annotated[str, Parameter(help="An alias (live), an id, or the first digits of one.")] = "live",
    *,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Show a version: its state, the documents and builds that it descends from, its report, its history."""
    opened = open_workspace(workspace)
    found = opened.version(version)
    report, entries = _report(opened, found), _entries(opened, found.id)
    if json:
        told = {
            **version_json(found),
            "lineage": [asdict(opened.build(key)) for key in found.builds],
            "report": {"object": found.report, "content": report},
            "history": [asdict(entry) for entry in entries],
        }
        print_json(told)
        return
    say(f"version    {found.id}")
    say(f"state      {state_of(found)}")
    say(f"aliases    {', '.join(found.aliases) or '–'}")
    say(f"made from  {short(found.parent)}")
    say(f"content    {found.content}")
    say(f"base       {found.base}")
    documents = [opened.document(key) for key in found.documents]
    rows = [[short(d.id), "(erased)" if d.erased else d.title, f"{d.trust:g}"] for d in documents]
    Display().console.print(table("Documents", ["document", "title", "trust"], rows, words=True))
    builds = [opened.build(key) for key in found.builds]
    rows = [[short(b.key), short(b.object), str(len(b.sources)), str(b.seed)] for b in builds]
    Display().console.print(table("Builds", ["build", "object", "documents", "seed"], rows))
    if report is not None:
        say(f"Report\n{jsonlib.dumps(report, indent=2, ensure_ascii=False)}")
    show_entries("What happened to it", entries)


def _report(workspace: Workspace, version: Version) -> Any:
    """The report as what it says; None if there is none, it was erased, or it is no JSON."""
    if version.report is None or version.erased or workspace.store.is_folder(version.report):
        return None
    try:
        return jsonlib.loads(workspace.store.read(version.report))
    except (ValueError, UnicodeDecodeError) as error:
        from seal.errors import DamageError

        if isinstance(error, DamageError):
            raise
        return None


def _entries(workspace: Workspace, version: str) -> list[LedgerEntry]:
    return [entry for entry in workspace.ledger() if version in jsonlib.dumps([entry.inputs, entry.outputs])]
