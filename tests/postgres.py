"""A PostgreSQL server for tests: the one that SEAL_TEST_POSTGRES names (postgresql://user@host/name, where
the user may create databases), or else one that the package `pgserver` carries.

With SEAL_TEST_DATABASE=postgresql every workspace of the tests is on it (conftest.py), so that what is shown
on SQLite is shown there too:

    make test-postgres
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from seal.registry import Workspace
from seal.registry.database import server_url

EVERYWHERE = os.environ.get("SEAL_TEST_DATABASE") == "postgresql"
_COPIES = itertools.count()
_CONNECTIONS = 1000  # many learners are open at once, each with connections of its own
ABSENT = "neither SEAL_TEST_POSTGRES names a server nor is pgserver installed"


def is_to_be_had() -> bool:
    own = all(importlib.util.find_spec(name) for name in ("pgserver", "psycopg"))
    return bool(os.environ.get("SEAL_TEST_POSTGRES")) or own


@contextmanager
def server() -> Iterator[str]:
    """Its URL while it runs."""
    if named := os.environ.get("SEAL_TEST_POSTGRES"):
        yield named
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver: Any = importlib.import_module("pgserver")

    folder = tempfile.mkdtemp(prefix="seal-postgres-")  # not below pytest's own: the server has its own user
    started = pgserver.get_server(folder)
    # Nothing here outlives the machine. To sync the files of all databases took a minute at the end.
    started.psql("ALTER SYSTEM SET fsync = off")
    if EVERYWHERE:
        started.psql(f"ALTER SYSTEM SET max_connections = {_CONNECTIONS}")
        started.cleanup()
        started = pgserver.get_server(folder)
    else:
        started.psql("SELECT pg_reload_conf()")
    try:
        yield started.get_uri().replace(":@", "@")
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(url: str, name: str) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    yield _made(url, name)
    _administer(url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def everywhere(url: str) -> Iterator[None]:
    """Inside, every workspace that is made without a database has one of its own on this server."""
    init, numbers = Workspace.init, itertools.count()

    def on_server(path: Any, *, database: str | None = None, **given: Any) -> Workspace:
        return init(path, database=database or _made(url, f"seal_{os.getpid()}_{next(numbers)}"), **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "init", staticmethod(on_server))
        yield


def copy_of(database: str) -> str:
    """The URL of a new database with all that is in this one; who is connected to this one is cut off."""
    url, copy = make_url(database), f"seal_{os.getpid()}_copy_{next(_COPIES)}"
    _administer(
        url.set(database="postgres").render_as_string(),
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'",
        f"CREATE DATABASE {copy} TEMPLATE {url.database}",
    )
    return url.set(database=copy).render_as_string()


def rows_of(database: str) -> str:
    """All that stands in the tables."""
    engine = create_engine(server_url(database))
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        assert "documents" in names
        rows = [tuple(row) for n in names for row in connection.execute(text(f"SELECT * FROM {n}"))]
    engine.dispose()
    return repr(rows)


def _made(url: str, name: str) -> str:
    _administer(url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    return make_url(url).set(database=name).render_as_string()


def _administer(url: str, *commands: str) -> None:
    engine = create_engine(server_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for command in commands:
            connection.execute(text(command))
    engine.dispose()
