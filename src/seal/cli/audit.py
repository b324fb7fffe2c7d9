"""`seal audit`: who did what, when and why; and whether that can be believed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_workspace, print_json, say, show_entries
from seal.errors import DamageError

if TYPE_CHECKING:
    from seal.registry import Audit, Workspace


def audit(
    *,
    verify: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Check the whole workspace: the ledger's chain, the aliases and versions against it, and "
            "the hash of every stored file. What is wrong is an error, exit status 2.",
        ),
    ] = False,
    anchor: Annotated[
        str | None,
        Parameter(
            help="The hash of the ledger's head as `seal audit --verify` printed it earlier, kept elsewhere. "
            "Without one it cannot be told whether the ledger's last entries were cut off. Implies --verify."
        ),
    ] = None,
    last: Annotated[int, Parameter(help="How many entries to list, from the end; 0 lists all.")] = 20,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """List the ledger, or check the workspace against it."""
    opened = open_workspace(workspace)
    if verify or anchor is not None:
        _verify(opened.audit(anchor=anchor.strip().lower() if anchor is not None else None), json)
    else:
        _list(opened, last, json)


def _list(workspace: Workspace, last: int, json: bool) -> None:
    entries = workspace.ledger()[-last if last > 0 else 0 :]
    if json:
        print_json([asdict(entry) for entry in entries])
        return
    show_entries(f"The ledger of {workspace.path}", entries)


def _verify(found: Audit, json: bool) -> None:
    chain = found.ledger
    if json:
        print_json({"sound": found.sound, **asdict(found)})
    if not found.sound:
        raise DamageError(
            "; ".join([*([chain.problem] if chain.problem else []), *found.problems]),
            "Compare with a copy of the workspace. Nothing was changed by this check.",
        )
    if json:
        return
    say(f"sound: {chain.n_entries} entries, {found.n_objects} objects")
    say(f"head: {chain.head}")
    say(
        chain.note
        or f"The anchor is entry {chain.anchored_at}: nothing up to it was cut off or written anew."
    )
