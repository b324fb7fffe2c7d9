"""The tables of a workspace, typed. Knows nothing about who may change what: that is the operations' part.

A table here and its migration say the same; a test compares them. JSON is stored as its canonical text, so
that what was hashed is what is stored, on every database.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class SettingRow(Table):
    """What the workspace was made with: model, writer, identity."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class DocumentRow(Table):
    """A source. The row outlives an erasure, without title and text: versions once descended from it."""

    __tablename__ = "documents"
    id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str]
    trust: Mapped[float] = mapped_column(Double)
    text: Mapped[str | None]  # the object's digest
    added_at: Mapped[str]
    learned_at: Mapped[str | None]
    erased: Mapped[bool] = mapped_column(default=False)
    first_title: Mapped[str | None]  # where the title was corrected since lines were written under it
    normal_form: Mapped[str | None] = mapped_column(index=True)  # `digests.normal_key`; None: not found yet


class LineRow(Table):
    """One line of a self-edit about a document, kept or dropped."""

    __tablename__ = "lines"
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    writer: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    kept: Mapped[bool]
    reason: Mapped[str]
    sentence: Mapped[str]  # of the source, that supports the line


class QuestionRow(Table):
    """One exam question about a document."""

    __tablename__ = "questions"
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    answers: Mapped[str]  # JSON


class BuildRow(Table):
    """An adapter: what it was made of, and where it is."""

    __tablename__ = "builds"
    key: Mapped[str] = mapped_column(primary_key=True)
    base: Mapped[str]
    writer: Mapped[str]
    recipe: Mapped[str]  # JSON
    seed: Mapped[int] = mapped_column(BigInteger)
    environment: Mapped[str]
    object: Mapped[str]
    created_at: Mapped[str]
    erased: Mapped[bool] = mapped_column(default=False)


class BuildDocumentRow(Table):
    """Lineage: the sources of a build."""

    __tablename__ = "build_documents"
    build_key: Mapped[str] = mapped_column(ForeignKey("builds.key"), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"), primary_key=True, index=True)


class VersionRow(Table):
    """A release. All but its state stays as it was made."""

    __tablename__ = "versions"
    __table_args__ = (
        CheckConstraint("state IN ('candidate', 'held', 'rejected', 'live-once')", name="state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True)
    content: Mapped[str] = mapped_column(index=True)
    base: Mapped[str]
    parent: Mapped[str | None] = mapped_column(ForeignKey("versions.id"))
    settings: Mapped[str]  # JSON
    report: Mapped[str | None]
    state: Mapped[str]
    created_at: Mapped[str]
    erased: Mapped[bool] = mapped_column(default=False)


class VersionBuildRow(Table):
    """Lineage: the builds of a version, as they were when it was made."""

    __tablename__ = "version_builds"
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    build_key: Mapped[str] = mapped_column(ForeignKey("builds.key"), primary_key=True, index=True)
    object: Mapped[str]


class LedgerRow(Table):
    """One entry of the hash chain; its meaning is `ledger.Entry`'s."""

    __tablename__ = "ledger"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    inputs: Mapped[str]  # JSON
    outputs: Mapped[str]  # JSON
    software: Mapped[str]  # JSON
    previous: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class AliasRow(Table):
    """A name that moves."""

    __tablename__ = "aliases"
    name: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"))


class AliasMoveRow(Table):
    """Where an alias has been. Its sequence is that of the ledger's entry about the move."""

    __tablename__ = "alias_moves"
    sequence: Mapped[int] = mapped_column(
        ForeignKey("ledger.sequence"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str | None] = mapped_column(ForeignKey("versions.id"))
    after: Mapped[str | None] = mapped_column(ForeignKey("versions.id"))


_RUNNING = text("state = 'running'")


class JobRow(Table):
    """A piece of work, and who has the right to finish it."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        Index("ix_jobs_one_running", "state", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("uq_jobs_request", "request", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    state: Mapped[str]
    inputs: Mapped[str]  # JSON
    outputs: Mapped[str]  # JSON
    reason: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0, index=True)
    owner: Mapped[str] = mapped_column(default="")
    lease_s: Mapped[float] = mapped_column(Double, default=0.0)
    lease_boot: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[float] = mapped_column(Double, default=0.0)
    renewals: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[str]
    ended_at: Mapped[str | None]
    request: Mapped[str | None]  # what tells a request from its repetition


class JobEventRow(Table):
    """How far a job has come, as its worker told it."""

    __tablename__ = "job_events"
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str]
    message: Mapped[str]


class BrakeRow(Table):
    """The brake, while it is on: one row."""

    __tablename__ = "brakes"
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]


class KeyRow(Table):
    """The right to use a workspace over a network. The secret itself is nowhere."""

    __tablename__ = "keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    hash: Mapped[str]
    roles: Mapped[str]  # JSON
    trust: Mapped[float | None] = mapped_column(Double)  # in what its holder teaches
    created_at: Mapped[str]
    expires_at: Mapped[str | None]
    revoked_at: Mapped[str | None]
    used_on: Mapped[str | None]  # a day


class AnswerRow(Table):
    """An answer that was given. The row outlives the erasure of a document that it is from, without words."""

    __tablename__ = "answers"
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[str] = mapped_column(index=True)
    conversation: Mapped[str | None] = mapped_column(index=True)
    question: Mapped[str]
    text: Mapped[str]
    way: Mapped[str]
    version: Mapped[str | None] = mapped_column(ForeignKey("versions.id"))
    source: Mapped[str | None] = mapped_column(ForeignKey("documents.id"))
    passage: Mapped[str]
    stated: Mapped[bool | None]
    probability: Mapped[float] = mapped_column(Double)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"))
    erased: Mapped[bool] = mapped_column(default=False)


class AnswerDocumentRow(Table):
    """Lineage: the documents that may have words in an answer, the likeliest first."""

    __tablename__ = "answer_documents"
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"), primary_key=True, index=True)
    position: Mapped[int]


class FeedbackRow(Table):
    """What somebody said of an answer or a conversation. Without words once a document that it is about, or
    that was made of it, is erased."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("kind IN ('thumbs', 'comment', 'right_answer', 'demonstration')", name="kind"),
        CheckConstraint("state IN ('noted', 'taken', 'held', 'refused')", name="state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True)
    at: Mapped[str]
    answer_id: Mapped[str | None] = mapped_column(ForeignKey("answers.id"), index=True)
    conversation: Mapped[str | None] = mapped_column(index=True)
    kind: Mapped[str]
    question: Mapped[str]
    value: Mapped[str]
    author: Mapped[str]
    trust: Mapped[float | None] = mapped_column(Double)
    state: Mapped[str]
    reason: Mapped[str]
    document_id: Mapped[str | None] = mapped_column(ForeignKey("documents.id"), index=True)
    erased: Mapped[bool] = mapped_column(default=False)


class RolloutRow(Table):
    """A version that is, or was, tried beside the live one."""

    __tablename__ = "rollouts"
    __table_args__ = (
        CheckConstraint("mode IN ('shadow', 'canary')", name="mode"),
        CheckConstraint("state IN ('running', 'promoted', 'reverted', 'ended')", name="state"),
        Index(
            "ix_rollouts_one_running", "state", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str]
    version: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    baseline: Mapped[str] = mapped_column(ForeignKey("versions.id"))
    share: Mapped[float] = mapped_column(Double)
    settings: Mapped[str]  # JSON
    state: Mapped[str]
    began_at: Mapped[str]
    actor: Mapped[str]
    ended_at: Mapped[str | None]
    reason: Mapped[str]


class ComparisonRow(Table):
    """A question that was answered while a rollout ran. Without words once a document that either version
    knew is erased. The answer that it names may have been dropped since."""

    __tablename__ = "comparisons"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), index=True)
    at: Mapped[str]
    side: Mapped[str]
    answer: Mapped[str | None] = mapped_column(index=True)
    question: Mapped[str]
    given: Mapped[str]
    other: Mapped[str]
    same: Mapped[bool | None]
    better: Mapped[str | None]
    judged_by: Mapped[str]
    erased: Mapped[bool] = mapped_column(default=False)


class PushRow(Table):
    """An adapter on another server, and how far it is."""

    __tablename__ = "pushes"
    __table_args__ = (
        CheckConstraint("state IN ('loading', 'loaded', 'unloading', 'gone', 'refused')", name="state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    server: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[str] = mapped_column(ForeignKey("versions.id"))
    document_id: Mapped[str | None] = mapped_column(ForeignKey("documents.id"))
    folder: Mapped[str]
    path: Mapped[str]
    key_env: Mapped[str | None]
    state: Mapped[str]
    at: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")


class WebhookRow(Table):
    """An address that is told of what happens, up to the ledger's entry `told`. Its secret signs."""

    __tablename__ = "webhooks"
    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    created_at: Mapped[str]
    told: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)


class ErasureRow(Table):
    """An object whose erasure was decided and may still have to be carried out; gone once it is."""

    __tablename__ = "erasures"
    object: Mapped[str] = mapped_column(primary_key=True)
