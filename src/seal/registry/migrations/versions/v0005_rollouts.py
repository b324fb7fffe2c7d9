"""Versions that are tried beside the live one, what was seen of them, and adapters on other servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RUNNING = sa.text("state = 'running'")


def _text(name: str, *rest: SchemaItem, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), *rest, nullable=null)


def _number(name: str, *rest: SchemaItem, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), *rest, nullable=False, primary_key=key, autoincrement=False)


def _to(table: str, column: str, target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, name=f"fk_{table}_{column}")


def _check(table: str, column: str, *values: str) -> sa.CheckConstraint:
    told = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({told})", name=op.f(f"ck_{table}_{column}"))


def upgrade() -> None:
    _rollouts()
    op.create_table(
        "pushes",
        _number("id", key=True),
        *map(_text, ("server", "kind", "name")),
        _text("version", _to("pushes", "version", "versions.id")),
        _text("document_id", _to("pushes", "document_id", "documents.id"), null=True),
        *map(_text, ("folder", "path")),
        _text("key_env", null=True),
        *map(_text, ("state", "at")),
        _number("tries"),
        _text("problem"),
        _check("pushes", "state", "loading", "loaded", "unloading", "gone", "refused"),
    )


def _rollouts() -> None:
    op.create_table(
        "rollouts",
        _number("id", key=True),
        _text("mode"),
        *(_text(name, _to("rollouts", name, "versions.id")) for name in ("version", "baseline")),
        sa.Column("share", sa.Double(), nullable=False),
        *map(_text, ("settings", "state", "began_at", "actor")),
        _text("ended_at", null=True),
        _text("reason"),
        _check("rollouts", "mode", "shadow", "canary"),
        _check("rollouts", "state", "running", "promoted", "reverted", "ended"),
    )
    op.create_index("ix_rollouts_version", "rollouts", ["version"])
    one = {"unique": True, "sqlite_where": _RUNNING, "postgresql_where": _RUNNING}
    op.create_index("ix_rollouts_one_running", "rollouts", ["state"], **one)
    op.create_table(
        "comparisons",
        _number("id", key=True),
        _number("rollout_id", _to("comparisons", "rollout_id", "rollouts.id")),
        *map(_text, ("at", "side")),
        _text("answer", null=True),
        *map(_text, ("question", "given", "other")),
        sa.Column("same", sa.Boolean(), nullable=True),
        _text("better", null=True),
        _text("judged_by"),
        sa.Column("erased", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_comparisons_rollout_id", "comparisons", ["rollout_id"])
    op.create_index("ix_comparisons_answer", "comparisons", ["answer"])
