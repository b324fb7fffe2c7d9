"""The database: its migrations, its failures in plain words, two processes on it at once."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from postgres import fresh_database
from seal.errors import BusyError, ConfigError, DamageError, InputError, OutputError, SealError, StateError
from seal.files import write_all
from seal.registry import Workspace, database
from seal.registry.database import Database, server_url, without_password
from seal.registry.migrations import HEAD, make_tables, run_steps
from seal.registry.tables import Table
from workspaces import files_with, learn


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.init(tmp_path / "w")
    learn(made, "One.")
    return made


def described(connection: Connection) -> dict[str, Any]:
    """All tables with all that the database says of them, but for the order of columns, which tables that
    were altered have otherwise."""
    look = inspect(connection)

    def words(value: Any) -> Any:
        return {k: words(v) for k, v in sorted(value.items())} if isinstance(value, dict) else str(value)

    def in_order(found: list[Any]) -> list[str]:
        return sorted(repr(words(one)) for one in found)

    return {
        name: {
            "columns": in_order(look.get_columns(name)),
            "key": look.get_pk_constraint(name),
            "foreign": in_order(look.get_foreign_keys(name)),
            "unique": in_order(look.get_unique_constraints(name)),
            "checks": in_order(look.get_check_constraints(name)),
            "indices": in_order(look.get_indexes(name)),
        }
        for name in look.get_table_names()
    }


def both_ways(make: Callable[[str], Engine]) -> list[dict[str, Any]]:
    """The tables that a new workspace gets, and those that the steps of migration make."""
    found = []
    for way in (make_tables, run_steps):
        engine = make(way.__name__)
        with engine.begin() as connection:
            way(connection)
        with engine.connect() as connection:
            found.append(described(connection))
            assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        engine.dispose()
    return found


def test_migrations_make_the_tables_that_a_new_workspace_gets(tmp_path: Path) -> None:
    made, migrated = both_ways(lambda name: create_engine(f"sqlite:///{tmp_path / name}.db"))
    assert set(made) == {*Table.metadata.tables, "alembic_version"} and made == migrated


def test_on_a_server_too(postgres: str) -> None:
    with ExitStack() as stack:

        def make(name: str) -> Engine:
            url = stack.enter_context(fresh_database(postgres, f"seal_{name}_{os.getpid()}"))
            return create_engine(server_url(url))

        made, migrated = both_ways(make)
    assert made == migrated


def test_head_is_the_last_step() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))
    assert scripts.get_heads() == [HEAD]


def test_the_safe_settings_are_on(workspace: Workspace) -> None:
    with workspace.database.reading() as session:
        ask = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    wal = sqlite3.sqlite_version_info >= (3, 51, 3)
    assert ask["journal_mode"] == ("wal" if wal else "delete")
    assert ask["synchronous"] == (2 if wal else 3) and ask["foreign_keys"] == ask["secure_delete"] == 1
    assert ask["busy_timeout"] == 30_000


@pytest.mark.parametrize("version, mode", [((3, 51, 2), "delete"), ((3, 51, 3), "wal")])
def test_wal_is_used_where_it_is_safe(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], mode: str
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    opened = Workspace.open(workspace.path)
    with opened.database.reading() as session:
        assert session.connection().exec_driver_sql("PRAGMA journal_mode").scalar() == mode
    other = sqlite3.connect(opened.path / "workspace.db")  # while it is open, a WAL file stays
    other.execute("SELECT count(*) FROM documents").fetchall()
    document = opened.add_document("To be erased, whatever the journal.", title="To be erased")
    opened.erase_document(document.id, reason="")
    assert files_with(opened.path, b"To be erased") == [] and opened.audit().sound
    other.close()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.5, 0.9, 0.999, 0.99999])
def test_a_truncated_database_is_an_error_and_not_an_empty_one(workspace: Workspace, share: float) -> None:
    path = workspace.path / "workspace.db"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DamageError, match=r"workspace\.db") as raised:
        Workspace.open(workspace.path).audit()
    assert "Restore the workspace" in raised.value.hint
    path.write_bytes(data)
    assert Workspace.open(workspace.path).audit().sound


def test_a_database_with_foreign_bytes_is_an_error(workspace: Workspace) -> None:
    path = workspace.path / "workspace.db"
    data = path.read_bytes()
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(DamageError, match="not a database"):
        Workspace.open(workspace.path)
    pages = len(data) // 4096
    for page in range(1, pages):
        path.write_bytes(data[: page * 4096] + os.urandom(4096) + data[(page + 1) * 4096 :])
        with contextlib.suppress(DamageError):
            assert not Workspace.open(workspace.path).audit().sound, f"page {page}"


def test_a_missing_database_or_store_is_an_error(workspace: Workspace) -> None:
    (workspace.path / "workspace.db").rename(workspace.path / "elsewhere")
    with pytest.raises(DamageError, match="missing or cannot be opened"):
        Workspace.open(workspace.path)
    assert not (workspace.path / "workspace.db").exists(), "opening makes no empty one"
    (workspace.path / "elsewhere").rename(workspace.path / "workspace.db")
    shutil.rmtree(workspace.path / "store")
    with pytest.raises(DamageError, match="store is missing"):
        Workspace.open(workspace.path)


def test_a_newer_workspace_is_refused(workspace: Workspace) -> None:
    raw = sqlite3.connect(workspace.path / "workspace.db")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    with pytest.raises(StateError, match=r"made by a newer version of seal .*9999") as raised:
        Workspace.open(workspace.path)
    assert "Install a newer seal" in raised.value.hint


def test_a_marker_that_cannot_be_read(workspace: Workspace) -> None:
    (workspace.path / "workspace.toml").write_text("format = 2\n")
    with pytest.raises(DamageError, match="format 2"):
        Workspace.open(workspace.path)
    (workspace.path / "workspace.toml").write_text("format = ")
    with pytest.raises(DamageError, match="cannot be read"):
        Workspace.open(workspace.path)


@pytest.mark.parametrize(
    "said, kind",
    [
        ("database or disk is full", OutputError),
        ("attempt to write a readonly database", OutputError),
        ("disk I/O error", OutputError),
        ("database is locked", BusyError),
        ("database disk image is malformed", DamageError),
        ("unable to open database file", DamageError),
    ],
)
def test_what_sqlite_says_becomes_a_clear_error(
    workspace: Workspace, said: str, kind: type[SealError]
) -> None:
    with pytest.raises(kind) as raised, workspace.database.writing():
        raise sqlite3.OperationalError(said)
    assert str(workspace.path) in raised.value.message and raised.value.hint


def test_a_full_database_changes_nothing(workspace: Workspace) -> None:
    before = workspace.alias()
    with workspace.database.reading() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(OutputError, match="full") as raised, workspace.transaction() as session:
        session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
        for n in range(200):
            workspace.add_document(f"{n}" * 50, title="x" * 500)
    assert "nothing was changed" in raised.value.hint
    assert workspace.alias() == before and len(workspace.documents()) == 1 and workspace.audit().sound


def test_a_full_disk_under_the_store_changes_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = workspace.alias()

    def half(handle: int, data: bytes) -> None:
        write_all(handle, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("seal.registry.store.write_all", half)
        with pytest.raises(OutputError, match="No space left"):
            learn(workspace, "Two.")
    assert workspace.alias() == before and len(workspace.documents()) == 1
    assert workspace.audit().sound and not list((workspace.path / "store" / "incoming").iterdir())


def test_waiting_for_another_writer_ends(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    other = sqlite3.connect(workspace.path / "workspace.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="was in use for more than"):
        workspace.add_document("Two.", title="x")
    other.execute("ROLLBACK")
    other.close()
    workspace.add_document("Two.", title="x")


def test_two_processes_take_turns(workspace: Workspace) -> None:
    code = textwrap.dedent("""
        import sys
        from seal.registry import Workspace
        workspace = Workspace.open(sys.argv[1], actor=sys.argv[2])
        for n in range(15):
            with workspace.transaction():
                count = len(workspace.documents())
                made = workspace.add_document(f"{sys.argv[2]} {n}", title="x")
                assert made.sequence == count + 1
    """)
    arguments = [sys.executable, "-c", code, str(workspace.path)]
    running = [subprocess.Popen([*arguments, name], stderr=subprocess.PIPE, text=True) for name in "ab"]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert [d.sequence for d in workspace.documents()] == list(range(1, 32))
    assert workspace.audit().sound
    actors = [entry.actor for entry in workspace.ledger() if entry.action == "document.add"]
    assert actors.count("a") == actors.count("b") == 15


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert without_password("postgresql://ada@host/name") == "postgresql://ada@host/name"
    with pytest.raises(InputError, match="password"):
        Workspace.init(tmp_path / "w", database="postgresql://ada:secret@host/name")
    for url in ("mysql://host/name", "nonsense"):
        with pytest.raises(ConfigError):
            Workspace.init(tmp_path / "w", database=url)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="no driver") as raised:
        Database.server("postgresql://host/name")
    assert "seal-lm[postgres]" in raised.value.hint
    assert not (tmp_path / "w").exists()


def test_ctrl_c_while_a_connection_is_closed_prints_no_traceback(tmp_path: Path) -> None:
    code = """
        import sqlite3, sys
        from pathlib import Path
        from sqlalchemy import text
        from seal.registry.database import Database

        opened = Database.sqlite(Path(sys.argv[1]), create=True)

        def stopped(_):
            raise KeyboardInterrupt

        opened._engine.dialect.do_close = stopped
        try:
            with opened._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except KeyboardInterrupt:
            print("stopped")
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a.db")], capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("stopped\n", "")
