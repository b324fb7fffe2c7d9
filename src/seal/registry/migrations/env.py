"""What Alembic calls to run the steps, on the connection that `database.py` hands over in a transaction."""

from __future__ import annotations

from alembic import context

from seal.registry.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
