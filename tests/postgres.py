"""A PostgreSQL server for tests: the one that SEAL_TEST_POSTGRES names (postgresql://user@host/name, where
the user may create databases), or else one that the package `pgserver` carries.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from seal.registry.database import server_url

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
    try:
        yield started.get_uri().replace(":@", "@")
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(url: str, name: str) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    engine = create_engine(server_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(url).set(database=name).render_as_string()
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
