"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, *rest: SchemaItem, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), *rest, nullable=null, primary_key=key)


def _number(name: str, *rest: SchemaItem, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), *rest, nullable=False, primary_key=key, autoincrement=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _to(table: str, column: str, target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, name=f"fk_{table}_{column}")


def upgrade() -> None:
    op.create_table("settings", _text("name", key=True), _text("value"))
    _sources()
    _releases()
    _ledger_and_aliases()
    _jobs()
    op.create_table("erasures", _text("object", key=True))


def _sources() -> None:
    op.create_table(
        "documents",
        _text("id", key=True),
        _number("sequence"),
        _text("title"),
        sa.Column("trust", sa.Double(), nullable=False),
        _text("text", null=True),
        _text("added_at"),
        _text("learned_at", null=True),
        _text("superseded_by", _to("documents", "superseded_by", "documents.id"), null=True),
        _flag("erased"),
        sa.UniqueConstraint("sequence", name="uq_documents_sequence"),
    )
    op.create_table(
        "lines",
        _text("document_id", _to("lines", "document_id", "documents.id"), key=True),
        _text("writer", key=True),
        _number("position", key=True),
        _text("text"),
        _flag("kept"),
        _text("reason"),
        _text("sentence"),
        _text("retired_by", _to("lines", "retired_by", "documents.id"), null=True),
    )
    op.create_table(
        "questions",
        _text("document_id", _to("questions", "document_id", "documents.id"), key=True),
        _text("origin", key=True),
        _number("position", key=True),
        _text("text"),
        _text("answers"),
    )


def _releases() -> None:
    op.create_table(
        "builds",
        _text("key", key=True),
        _text("base"),
        _text("writer"),
        _text("recipe"),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        _text("environment"),
        _text("object"),
        _text("created_at"),
        _flag("erased"),
    )
    op.create_table(
        "build_documents",
        _text("build_key", _to("build_documents", "build_key", "builds.key"), key=True),
        _text("document_id", _to("build_documents", "document_id", "documents.id"), key=True),
    )
    op.create_index("ix_build_documents_document_id", "build_documents", ["document_id"])
    op.create_table(
        "versions",
        _text("id", key=True),
        _number("sequence"),
        _text("content"),
        _text("base"),
        _text("parent", _to("versions", "parent", "versions.id"), null=True),
        _text("settings"),
        _text("report", null=True),
        _text("state"),
        _text("created_at"),
        _flag("erased"),
        sa.UniqueConstraint("sequence", name="uq_versions_sequence"),
        sa.CheckConstraint(
            "state IN ('candidate', 'held', 'rejected', 'live-once')", name=op.f("ck_versions_state")
        ),
    )
    op.create_index("ix_versions_content", "versions", ["content"])
    op.create_table(
        "version_builds",
        _text("version_id", _to("version_builds", "version_id", "versions.id"), key=True),
        _text("build_key", _to("version_builds", "build_key", "builds.key"), key=True),
        _text("object"),
    )
    op.create_index("ix_version_builds_build_key", "version_builds", ["build_key"])


def _ledger_and_aliases() -> None:
    texts = ("time", "actor", "action", "reason", "inputs", "outputs", "software", "previous", "hash")
    op.create_table(
        "ledger",
        _number("sequence", key=True),
        *map(_text, texts),
        sa.UniqueConstraint("hash", name="uq_ledger_hash"),
    )
    op.create_table(
        "aliases",
        _text("name", key=True),
        _text("version_id", _to("aliases", "version_id", "versions.id")),
    )
    op.create_table(
        "alias_moves",
        _number("sequence", _to("alias_moves", "sequence", "ledger.sequence"), key=True),
        _text("name", key=True),
        _text("before", _to("alias_moves", "before", "versions.id"), null=True),
        _text("after", _to("alias_moves", "after", "versions.id"), null=True),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        _number("id", key=True),
        *map(_text, ("kind", "state", "inputs", "outputs", "reason")),
        _number("attempts"),
        _number("token"),
        _text("owner"),
        sa.Column("lease_s", sa.Double(), nullable=False),
        _text("lease_boot"),
        sa.Column("lease_until", sa.Double(), nullable=False),
        _number("renewals"),
        _text("created_at"),
        _text("ended_at", null=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_jobs_state")),
    )
    op.create_index("ix_jobs_token", "jobs", ["token"])
    running = sa.text("state = 'running' AND kind = 'study'")
    op.create_index(
        "ix_jobs_one_running_study",
        "jobs",
        ["kind"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
