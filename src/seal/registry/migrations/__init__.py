"""How the tables came to be as they are, step by step (Alembic), run when a workspace is opened.

A new step: a file in versions/ with the next number, and that number as HEAD below. A new workspace gets the
tables of `tables.py` at once; a test sees that these are what the steps make.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD = "0006"


def known_steps() -> set[str]:
    """The numbers of all steps."""
    from alembic.script import ScriptDirectory

    return {step.revision for step in ScriptDirectory(str(Path(__file__).parent)).walk_revisions()}


def run_steps(connection: Connection) -> None:
    """Brings tables of any step, or none, to HEAD, within the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def make_tables(connection: Connection) -> None:
    """Makes the tables at HEAD where there are none, and notes that they are."""
    from seal.registry.tables import Table

    Table.metadata.create_all(connection, checkfirst=False)
    # Alembic's own table, with the name that it gives its key
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")
