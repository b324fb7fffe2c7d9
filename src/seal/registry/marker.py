"""The file by which a folder is a workspace: where its database is. Written last, when a workspace is made.

Imports without SQLAlchemy, so that a folder that is no workspace is told at once. Knows nothing else.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from seal.errors import DamageError, InputFileError

MARKER, DATABASE = "workspace.toml", "workspace.db"
FORMAT = 1


def read_marker(path: Path) -> str | None:
    """The database's URL; None for the SQLite file. Raises InputFileError, DamageError."""
    marker = path / MARKER
    begin = f"Begin one with: seal init {path}"
    if not path.is_dir():
        raise InputFileError(f"there is no folder {path}", begin)
    if not marker.is_file():
        begun = os.path.lexists(path / DATABASE)
        what = "is a workspace whose making was cut off" if begun else "is no workspace"
        raise InputFileError(f"{path} {what} (it has no {MARKER})", begin)
    try:
        told: dict[str, Any] = tomllib.loads(marker.read_text(encoding="utf-8"))
        if told.get("format") != FORMAT or not isinstance(told.get("database", ""), str):
            raise ValueError(f"format {told.get('format')!r}, while this seal knows {FORMAT}")
    except (OSError, ValueError) as error:
        raise DamageError(
            f"{marker} cannot be read: {error}", "Restore it, or install a newer seal."
        ) from error
    return told.get("database")
