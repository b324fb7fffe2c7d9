"""One version with what it descends from, what was measured of it, and what happened to it.

Reads the workspace only. Knows nothing about how it is printed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from seal.errors import DamageError
from seal.registry import LIVE, Build, Document, LedgerEntry, Version, Workspace


@dataclass(frozen=True)
class VersionRecord:
    """A version with its documents and builds. `report` is what the gates judged by; None if there is none,
    it was erased, or it is no JSON. `history` are the ledger's entries that name the version."""

    version: Version
    documents: tuple[Document, ...]
    builds: tuple[Build, ...]
    report: Any
    history: tuple[LedgerEntry, ...]

    @property
    def reason(self) -> str:
        """That was given last for the state that the version has; of trials in which it was, none."""
        given = (entry.reason for entry in reversed(self.history) if entry.reason and _is_of_state(entry))
        return next(given, "")


def _is_of_state(entry: LedgerEntry) -> bool:
    moved = entry.action == "alias.move" and entry.inputs["name"] == LIVE
    return moved or entry.action.startswith("version.")


def record_of(workspace: Workspace, version: Version) -> VersionRecord:
    """Raises DamageError if the report is damaged."""
    return VersionRecord(
        version,
        tuple(workspace.document(key) for key in version.documents),
        tuple(workspace.build(key) for key in version.builds),
        report_of(workspace, version),
        tuple(
            entry for entry in workspace.ledger() if version.id in json.dumps([entry.inputs, entry.outputs])
        ),
    )


def report_of(workspace: Workspace, version: Version) -> Any:
    """What the gates judged a version by; None as in `VersionRecord`. Raises DamageError."""
    if version.report is None or version.erased or workspace.store.is_folder(version.report):
        return None
    try:
        return json.loads(workspace.store.read(version.report))
    except DamageError:
        raise
    except ValueError:
        return None
