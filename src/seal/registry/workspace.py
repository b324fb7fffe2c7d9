"""The workspace: a folder that holds all that a learner knows, and how it came to know it.

Knows nothing about models and training: it keeps what they made, and says what may answer. What is in the
folder, and what is promised of it, is told in docs/reference/workspace.md.

    workspace.toml    where the database is; written last, so a folder without it is no workspace yet
    workspace.db      the tables (unless they are on a server)
    store/            the files: texts, adapters, reports
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import tomli_w
from sqlalchemy import select

from seal.errors import BusyError, DamageError, InputError, OutputError
from seal.files import make_folder, sweep, write_durably, writing
from seal.registry.answers import Answers
from seal.registry.audit import Auditing
from seal.registry.canonical import storable
from seal.registry.clock import Clock
from seal.registry.database import Database, without_password
from seal.registry.feedback import FeedbackLog
from seal.registry.jobs import Jobs
from seal.registry.keys import Keys
from seal.registry.marker import DATABASE, FORMAT, MARKER, read_marker
from seal.registry.pushes import Pushes
from seal.registry.rollouts import Rollouts
from seal.registry.store import Store
from seal.registry.tables import SettingRow
from seal.registry.webhooks import Webhooks

STORE = "store"
_HEADER = "# A workspace of seal. What is in it: docs/reference/workspace.md\n"


class Workspace(Auditing, Rollouts, Jobs, Keys, Answers, FeedbackLog, Webhooks, Pushes):
    """All operations, on one folder. Threads and processes may share it; each write waits for its turn."""

    @classmethod
    def init(
        cls,
        path: Path | str,
        *,
        model: str = "tiny",
        writer: str | None = None,
        database: str | None = None,
        actor: str | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Makes a workspace in a folder that is empty or not there; goes on with one that was cut off.

        `writer` is the model that writes self-edits (by default `model` itself); `database` a PostgreSQL URL
        instead of a SQLite file. Raises OutputError, InputError.
        """
        path = Path(path)
        settings = {"model": storable(model, "the model"), "writer": storable(writer or model, "the writer")}
        url = without_password(database) if database else None
        if (path / MARKER).exists():
            raise InputError(f"{path} is a workspace already", "Use it as it is, or choose another folder.")
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is not a folder", "Choose another name.")
        strange = [p.name for p in path.iterdir() if not _own(p.name)] if path.is_dir() else []
        if strange:
            raise OutputError(
                f"{path} holds other files ({', '.join(sorted(strange)[:3])})", "Choose an empty folder."
            )
        make_folder(path)
        store = Store(path / STORE)
        store.create()
        tables = Database.server(url) if url else Database.sqlite(path / DATABASE, create=True)
        tables.create()
        self = cls(path, tables, store, actor=actor, clock=clock)
        with self.transaction() as session:
            if session.scalar(select(SettingRow)) is None:
                identity = {"id": uuid.uuid4().hex, **settings}
                session.add_all(SettingRow(name=name, value=value) for name, value in identity.items())
                self._record(session, "workspace.init", inputs=settings, outputs={"id": identity["id"]})
            elif url:  # of another folder: its store is not here
                hint = "Name an empty one; if this is what is left of a making that was cut off, empty it."
                raise InputError(f"the database {tables.where} holds a workspace already", hint)
            elif any(self.settings()[name] != value for name, value in settings.items()):
                there = ", ".join(f"{name} {self.settings()[name]}" for name in settings)
                raise InputError(f"{path} was begun with {there}", "Use the same, or an empty folder.")
        marker = {"format": FORMAT, **({"database": url} if url else {})}
        write_durably(path / MARKER, [(_HEADER + tomli_w.dumps(marker)).encode()])
        return self

    @classmethod
    def open(cls, path: Path | str, *, actor: str | None = None, clock: Clock | None = None) -> Self:
        """The workspace in a folder; what a kill cut off is put in order.

        Raises InputFileError if there is none, DamageError if something of it is broken or missing,
        StateError if a newer seal made it.
        """
        path = Path(path)
        url = read_marker(path)
        tables = Database.server(url) if url else Database.sqlite(path / DATABASE)
        tables.open()
        store = Store(path / STORE)
        if not store.path.is_dir():
            raise DamageError(f"{store.path} is missing", "Restore the workspace from a copy.")
        self = cls(path, tables, store, actor=actor, clock=clock)
        # A workspace that cannot be written is still read; what then remains to be erased, audit tells.
        with contextlib.suppress(OutputError, BusyError, DamageError):
            with writing(path):
                sweep(path)
            store.sweep()
            self.finish_erasures()
        return self

    def settings(self) -> Mapping[str, str]:
        """What it was made with: its id, the model, the writer."""
        with self._reading() as session:
            return {
                row.name: row.value for row in session.scalars(select(SettingRow).order_by(SettingRow.name))
            }


def _own(name: str) -> bool:
    return name.startswith((DATABASE, ".")) or name == STORE
