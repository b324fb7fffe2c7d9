"""What a service keeps: keys, answers that were given, what was said of them, the brake, how far jobs have
come, and whom to tell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _text(name: str, *rest: SchemaItem, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), *rest, nullable=null, primary_key=key)


def _number(name: str, *rest: SchemaItem, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), *rest, nullable=False, primary_key=key, autoincrement=False)


def _flag(name: str, *, null: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=null)


def _share(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=null)


def _to(table: str, column: str, target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, name=f"fk_{table}_{column}")


def upgrade() -> None:
    _jobs()
    op.create_table("brakes", _text("name", key=True), *map(_text, ("since", "actor", "reason")))
    op.create_table(
        "keys",
        _text("id", key=True),
        *map(_text, ("name", "hash", "roles")),
        _share("trust", null=True),
        _text("created_at"),
        *(_text(name, null=True) for name in ("expires_at", "revoked_at", "used_on")),
    )
    _answers()
    _feedback()
    op.create_table(
        "webhooks",
        _text("id", key=True),
        *map(_text, ("url", "secret", "created_at")),
        *map(_number, ("told", "failures")),
    )


def _jobs() -> None:
    op.add_column("jobs", sa.Column("request", sa.String(), nullable=True))
    op.create_index("uq_jobs_request", "jobs", ["request"], unique=True)
    op.create_table(
        "job_events",
        _number("job_id", _to("job_events", "job_id", "jobs.id"), key=True),
        _number("position", key=True),
        *map(_text, ("at", "message")),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        _text("id", key=True),
        _text("at"),
        _text("conversation", null=True),
        *map(_text, ("question", "text", "way")),
        _text("version", _to("answers", "version", "versions.id"), null=True),
        _text("source", _to("answers", "source", "documents.id"), null=True),
        _text("passage"),
        _flag("stated", null=True),
        _share("probability"),
        _text("key_id", _to("answers", "key_id", "keys.id"), null=True),
        _flag("erased"),
    )
    op.create_index("ix_answers_at", "answers", ["at"])
    op.create_index("ix_answers_conversation", "answers", ["conversation"])
    op.create_table(
        "answer_documents",
        _text("answer_id", _to("answer_documents", "answer_id", "answers.id"), key=True),
        _text("document_id", _to("answer_documents", "document_id", "documents.id"), key=True),
        _number("position"),
    )
    op.create_index("ix_answer_documents_document_id", "answer_documents", ["document_id"])


def _feedback() -> None:
    kinds = "kind IN ('thumbs', 'comment', 'right_answer', 'demonstration')"
    op.create_table(
        "feedback",
        _text("id", key=True),
        _number("sequence"),
        _text("at"),
        _text("answer_id", _to("feedback", "answer_id", "answers.id"), null=True),
        _text("conversation", null=True),
        *map(_text, ("kind", "question", "value", "author")),
        _share("trust", null=True),
        *map(_text, ("state", "reason")),
        _text("document_id", _to("feedback", "document_id", "documents.id"), null=True),
        _flag("erased"),
        sa.UniqueConstraint("sequence", name="uq_feedback_sequence"),
        sa.CheckConstraint(kinds, name=op.f("ck_feedback_kind")),
        sa.CheckConstraint("state IN ('noted', 'taken', 'held', 'refused')", name=op.f("ck_feedback_state")),
    )
    for column in ("answer_id", "conversation", "document_id"):
        op.create_index(f"ix_feedback_{column}", "feedback", [column])
