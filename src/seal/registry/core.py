"""What all operations of a workspace stand on: its transactions, its ledger, its checks of what comes in.

Knows nothing about documents, versions or jobs. An operation called within `transaction()` is part of it; one
called alone is a transaction of its own. Either way its rows and its ledger entry commit together.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import json
import platform
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import seal
from seal.errors import DamageError, InputError
from seal.registry import ledger
from seal.registry.canonical import canonical, storable
from seal.registry.clock import Clock
from seal.registry.database import Database
from seal.registry.records import Lease
from seal.registry.store import Store
from seal.registry.tables import LedgerRow

_LIBRARIES = ("sqlalchemy", "alembic", "torch", "transformers", "tokenizers", "safetensors", "numpy")


class Core:
    """A workspace's parts, and the one way in which anything in it changes."""

    def __init__(
        self,
        path: Path,
        database: Database,
        store: Store,
        *,
        actor: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.path, self.database, self.store = path, database, store
        self.actor = storable(actor or _user(), "the actor's name")
        self.clock = clock or Clock()
        self._open = threading.local()

    @contextlib.contextmanager
    def transaction(self, *, lease: Lease | None = None) -> Iterator[Session]:
        """Everything done within happens together, or not at all; and nothing else is written meanwhile.

        With a `lease`, its job is checked to be this worker's still, now and so until the commit. Inside
        another transaction this is a part of that one: what it did is undone alone if it fails, and is
        durable when the outer one is.
        """
        outer: Session | None = getattr(self._open, "session", None)
        if outer is not None:
            with outer.begin_nested():
                self._fence(outer, lease)
                yield outer
                outer.flush()
            return
        with self.database.writing() as session:
            self._open.session = session
            try:
                self._fence(session, lease)
                yield session
                session.flush()
            finally:
                self._open.session = None
        self._committed()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Session]:
        """The transaction that is open in this thread, or else a look at what is committed."""
        outer: Session | None = getattr(self._open, "session", None)
        if outer is not None:
            outer.flush()
            yield outer
        else:
            with self.database.reading() as session:
                yield session

    def _fence(self, session: Session, lease: Lease | None) -> None:
        """Raises StaleLeaseError if the lease has passed to another worker."""
        raise NotImplementedError

    def _committed(self) -> None:
        """Called when an outermost transaction is durable."""

    def _record(
        self,
        session: Session,
        action: str,
        *,
        reason: str = "",
        actor: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> int:
        """Adds an entry to the ledger; returns its sequence number. It never holds a document's own words."""
        session.flush()
        last = session.execute(
            select(LedgerRow.sequence, LedgerRow.hash).order_by(LedgerRow.sequence.desc()).limit(1)
        ).first()
        entry = ledger.following(
            (last[0], last[1]) if last else None,
            time=self.clock.now(),
            actor=storable(actor or self.actor, "the actor's name"),
            action=action,
            reason=storable(reason, "the reason", empty=True),
            inputs=dict(inputs or {}),
            outputs=dict(outputs or {}),
            software=software(),
        )
        session.add(
            LedgerRow(
                sequence=entry.sequence,
                time=entry.time,
                actor=entry.actor,
                action=entry.action,
                reason=entry.reason,
                inputs=canonical(entry.inputs),
                outputs=canonical(entry.outputs),
                software=canonical(entry.software),
                previous=entry.previous,
                hash=entry.hash,
            )
        )
        session.flush()
        return entry.sequence

    def ledger(self, *, after: int = 0, most: int | None = None) -> list[ledger.LedgerEntry]:
        """All entries, or the first `most` after the one numbered `after`, as they are stored;
        `ledger.verify` says whether they can be believed."""
        query = select(LedgerRow).where(LedgerRow.sequence > after).order_by(LedgerRow.sequence).limit(most)
        with self._reading() as session:
            return [entry_of(row) for row in session.scalars(query)]

    def head(self) -> int:
        """The number of the ledger's last entry: it rises with whatever happens."""
        with self._reading() as session:
            return session.scalar(select(func.max(LedgerRow.sequence))) or 0

    def _stored(self, digest: str, what: str) -> str:
        """`digest` if the store has it. Within a transaction that stays so: erasing needs one as well."""
        if not self.store.contains(digest):
            raise DamageError(
                f"{what} refers to the object {digest[:12]}…, which is not in {self.store.path}",
                "Put it into the store again, then repeat the operation.",
            )
        return digest


@functools.cache
def software() -> dict[str, str]:
    """Which code and which libraries are at work; `code` is the digest of this package's source files."""
    root, digest = Path(seal.__file__).parent, hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.cpp", "*.h") for path in root.rglob(kind)):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    found = {"seal": seal.__version__, "code": digest.hexdigest()[:16], "python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found | {"sqlite": sqlite3.sqlite_version}


def checked_json(value: Mapping[str, Any], what: str) -> str:
    """A table of settings as its canonical JSON. Raises InputError."""
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is a {type(value).__name__}", "Give a table of names and values.")
    return canonical(dict(value))


def no_repeats(items: Sequence[str], what: str) -> tuple[str, ...]:
    """The items, sorted. Raises InputError if one stands twice."""
    if len(set(items)) < len(items):
        twice = next(item for item in items if list(items).count(item) > 1)
        raise InputError(f"{what} names {twice} twice", "Name each once.")
    return tuple(sorted(items))


def entry_of(row: LedgerRow) -> ledger.LedgerEntry:
    return ledger.LedgerEntry(
        sequence=row.sequence,
        time=row.time,
        actor=row.actor,
        action=row.action,
        reason=row.reason,
        inputs=_table(row.inputs),
        outputs=_table(row.outputs),
        software=_table(row.software),
        previous=row.previous,
        hash=row.hash,
    )


def _table(text: str) -> dict[str, Any]:
    """The stored text as what it says. A text that this code did not write so cannot have the right hash."""
    try:
        value = json.loads(text)
        if isinstance(value, dict) and canonical(value) == text:
            return value
    except (ValueError, RecursionError):  # InputError of canonical is a ValueError too
        pass
    return {"altered": text}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run as a user without a name
        return "unknown"
