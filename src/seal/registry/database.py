"""The database of a workspace: opening it, its transactions, its migrations, and its failures in plain words.

Knows nothing about what the tables hold. One writing transaction runs at a time, on SQLite (BEGIN IMMEDIATE)
and on PostgreSQL (an advisory lock) alike: the ledger is a chain, so its writers have to queue anyway.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from seal.errors import (
    BusyError,
    ConfigError,
    DamageError,
    InputError,
    OutputError,
    SealError,
    StateError,
    UnknownNameError,
)
from seal.registry.migrations import HEAD, known_steps, make_tables, run_steps

BUSY_TIMEOUT_S = 30.0
_SAFE_WAL = (3, 51, 3)  # SQLite 3.7.0 to 3.51.2 can damage a database in WAL mode (the WAL-reset bug)
_LOCK_KEY = 0x5EA1_5EA1  # PostgreSQL's name for the right to write; one workspace a database
# Ctrl-C while a connection is closed is told by SQLAlchemy with a traceback, which Python prints where a
# program has set up no logging.
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())
_RESTORE = (
    "Restore the workspace from a copy. The store of files beside it is checked by `seal audit --verify`."
)


class Database:
    """A SQLite file or a PostgreSQL database, with the tables of a workspace in it."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.where = where
        self._engine = engine
        self._writing = engine.execution_options(seal_writes=True)
        self._migrating = engine.execution_options(seal_writes=True, seal_migrates=True)

    @classmethod
    def sqlite(cls, path: Path, *, create: bool = False) -> Database:
        """The database in a file. Without `create` a missing one is an error, not an empty one."""
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)

        # A connection for each transaction: nothing is shared by threads, nor outlives a fork.
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "commit", _still_in_transaction)
        return cls(engine, str(path))

    @classmethod
    def server(cls, url: str) -> Database:
        """The database on a server. Raises ConfigError if its driver is missing or the URL is wrong."""
        parsed = server_url(url)
        try:
            engine = create_engine(parsed, pool_pre_ping=True)
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            hint = "Install the driver: pip install 'seal-lm[postgres]'."
            raise ConfigError(f"there is no driver for the database {parsed}: {error}", hint) from error
        event.listen(engine, "begin", _begin_postgresql)
        return cls(engine, parsed.render_as_string(hide_password=True))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may change things: all of it is durable at the end, or none of it happened.

        Raises BusyError if others write for too long, OutputError if the disk is full or read-only,
        DamageError if the database is broken.
        """
        with self._transaction(self._writing) as session:
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A look at one moment's state. Raises as `writing` does."""
        with self._transaction(self._engine) as session:
            yield session

    @contextlib.contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        made = Session(engine, expire_on_commit=False)
        with self._plain_errors(), made as session, session.begin():
            yield session

    def create(self) -> None:
        """Makes the tables, where they are not there yet; older ones are brought up to date."""
        with self.writing() as session:
            connection = session.connection()
            revision = _revision(connection)
            if revision is None:
                make_tables(connection)
        if revision not in (None, HEAD):
            self._migrate()

    def open(self) -> None:
        """Sees that the tables are those that this code knows; older ones are brought up to date.

        Raises DamageError if there are none or the file is broken, StateError if they are newer.
        """
        with self.reading() as session:
            revision = _revision(session.connection())
            self._see_that_it_is_whole(session.connection())
        if revision != HEAD:
            self._migrate()

    def scrub(self) -> None:
        """Leaves nothing of deleted rows in the database's files. Not within a transaction."""
        sqlite = self._engine.dialect.name == "sqlite"
        with self._plain_errors(), contextlib.closing(self._engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            if sqlite:
                # secure_delete zeroes deleted cells, but a page that was split may keep a copy: write all
                # anew, by way of memory, since a file in the system's temporary folder could be read.
                driver.execute("PRAGMA temp_store=MEMORY")
                driver.execute("VACUUM")
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                driver.autocommit = True
                for table in ("documents", "lines", "questions", "answers", "feedback"):
                    driver.execute(f"VACUUM FULL {table}")
                driver.autocommit = False

    def check(self) -> str:
        """What is wrong with the database's own structure; empty if nothing is. Reads all of it."""
        if self._engine.dialect.name != "sqlite":
            return ""
        with self.reading() as session:
            said = [row[0] for row in session.connection().exec_driver_sql("PRAGMA integrity_check(3)")]
            said += _dangling(session.connection())
        return "" if said == ["ok"] else f"{self.where}: {'; '.join(line for line in said if line != 'ok')}"

    def _see_that_it_is_whole(self, connection: Connection) -> None:
        """Raises DamageError if the file ends within a page: SQLite would read zeros for what is missing."""
        if connection.dialect.name != "sqlite":
            return
        page_bytes = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        # By name only: to open and close the file would drop the locks that SQLite holds on it.
        size_bytes = Path(self.where).stat().st_size
        if size_bytes % page_bytes:
            raise DamageError(
                f"{self.where} was cut off: it ends within a page, at {size_bytes} bytes", _RESTORE
            )

    def _migrate(self) -> None:
        with self._transaction(self._migrating) as session:
            connection = session.connection()
            revision = _revision(connection)
            if revision is None:
                raise DamageError(f"{self.where} has no tables: it is empty, or was cut off", _RESTORE)
            if revision not in known_steps():
                raise StateError(
                    f"{self.where} was made by a newer version of seal (its tables are at {revision}, "
                    f"this version knows {HEAD})",
                    "Install a newer seal: pip install --upgrade seal-lm.",
                )
            run_steps(connection)
            if dangling := _dangling(connection):
                raise DamageError(f"{self.where} cannot be brought up to date: {dangling[0]}", _RESTORE)
        # Tables that were made anew leave free pages behind. To tidy up is no part of the step, and may wait.
        with contextlib.suppress(BusyError, OutputError):
            self.scrub()

    @contextlib.contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            # A failure that made SQLite undo the whole transaction is followed by one to undo a part of it.
            cause: BaseException | None = error
            while cause is not None:
                known = _explain(self.where, cause)
                if known is not None:
                    raise known from error
                cause = cause.__context__
            raise


def server_url(url: str) -> URL:
    """The URL of a PostgreSQL database, with its driver. Raises ConfigError."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"{url!r} is no database URL", "For instance: postgresql://host/name") from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError(
            f"databases of the kind {parsed.get_backend_name()!r} are not supported",
            "Leave the URL out for a SQLite file in the workspace, or give postgresql://host/name.",
        )
    return parsed.set(drivername="postgresql+psycopg")


def without_password(url: str) -> str:
    """`url` if it can be written down. Raises InputError if a password stands in it."""
    if server_url(url).password is not None:
        raise InputError(
            "a password in the database URL would be stored in the workspace",
            "Leave it out of the URL, and set PGPASSWORD or write it in ~/.pgpass.",
        )
    return url


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    safe_wal = sqlite3.sqlite_version_info >= _SAFE_WAL
    mode = "wal" if safe_wal else "delete"
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    # EXTRA also syncs the folder after the journal is removed: without that a power cut can bring the journal
    # back, and with it the state before a commit that was acknowledged.
    cursor.execute(f"PRAGMA synchronous={'FULL' if safe_wal else 'EXTRA'}")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        now = cursor.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
        if now != mode:
            raise BusyError(
                f"the database is in the journal mode {now!r}, and could not be brought to {mode!r}, the "
                f"safe one with SQLite {sqlite3.sqlite_version}",
                "Close the other programs that use this workspace, and use one version of Python for all.",
            )
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("seal_migrates"):
        # A table that is altered is made anew and dropped, while rows of others refer to it; within a
        # transaction this can no longer be set. `_migrate` checks all of them before it commits.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("seal_writes") else "BEGIN")


def _still_in_transaction(connection: Connection) -> None:
    # A full disk or an I/O error makes SQLite undo all; what came after would have been written on its own.
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        raise sqlite3.OperationalError("disk I/O error: the transaction was undone on the way")


def _dangling(connection: Connection) -> list[str]:
    """Rows of a SQLite database that refer to rows that are not there, the first few, in words."""
    if connection.dialect.name != "sqlite":
        return []
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"a row of {table} refers to none of {to}" for table, _, to, _ in broken[:3]]


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("seal_writes"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(BUSY_TIMEOUT_S * 1000)}ms'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


def _revision(connection: Connection) -> str | None:
    """Which step the tables are at; None if there are none."""
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()


def _explain(where: str, error: BaseException) -> SealError | None:
    """The system's words as an error that says what to do; None if it is the program's own."""
    operational = isinstance(error, OperationalError)
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, SealError):
        return error
    said = re.sub(r"\s+", " ", str(error)).strip()
    low = said.casefold()
    if "nul (0x00)" in low:  # PostgreSQL cannot even look for it; SQLite finds nothing
        return UnknownNameError("nothing here has a name with a NUL character", "Give it as it was told.")
    if "integer out of range" in low:
        return UnknownNameError("nothing here has so large a number", "Give it as it was told.")
    if "locked" in low or "lock timeout" in low or "busy" in low:
        hint = "Another process is writing. Wait for it, or stop it, and run the command again."
        return BusyError(f"{where} was in use for more than {BUSY_TIMEOUT_S:.0f} s", hint)
    if "full" in low or "no space left" in low:
        hint = "The disk is full. Free some space and run the same command again; nothing was changed."
        return OutputError(f"{where} cannot be written: {said}", hint)
    if "readonly" in low or "read-only" in low:
        hint = "Make the workspace writable, or copy it to where you may write."
        return OutputError(f"{where} cannot be written: {said}", hint)
    if "malformed" in low or "not a database" in low or "no such table" in low or "no such column" in low:
        return DamageError(f"{where} is damaged: {said}", _RESTORE)
    if "unable to open" in low:
        return DamageError(f"{where} is missing or cannot be opened: {said}", _RESTORE)
    if "i/o error" in low:
        hint = "The disk reports an error. Copy the workspace to another disk before going on."
        return OutputError(f"{where} cannot be read or written: {said}", hint)
    if operational and not isinstance(error, sqlite3.Error):
        return OutputError(f"the database {where} does not answer: {said}", "See that its server runs.")
    return None
