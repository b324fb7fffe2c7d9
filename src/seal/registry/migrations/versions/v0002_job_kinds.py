"""A job's kind says what it is, and one job runs at a time, whatever its kind. What a newer document replaces
is held by the recipes of builds alone, so the columns of an earlier design go.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# How the inputs of a job began, as canonical JSON, when all jobs had the kind "study".
_BEGINNINGS = {"forget": '{"forget":', "approve": '{"actor":'}


def upgrade() -> None:
    jobs = sa.table("jobs", sa.column("kind", sa.String()), sa.column("inputs", sa.String()))
    for kind, beginning in _BEGINNINGS.items():
        is_one = sa.func.substr(jobs.c.inputs, 1, len(beginning)) == beginning
        op.execute(sa.update(jobs).where(is_one).values(kind=kind))
    op.drop_index("ix_jobs_one_running_study", "jobs")
    running = sa.text("state = 'running'")
    op.create_index(
        "ix_jobs_one_running", "jobs", ["state"], unique=True, sqlite_where=running, postgresql_where=running
    )
    for table, column in (("documents", "superseded_by"), ("lines", "retired_by")):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")
            batch.drop_column(column)
