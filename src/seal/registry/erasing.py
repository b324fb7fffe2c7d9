"""The erasure of a document: what is decided in one transaction, and carried out after it.

Knows which rows and files hold a document's words. Knows nothing about why it is erased.
"""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import CursorResult, Result, delete, or_, select, union, update
from sqlalchemy.orm import Session

from seal.errors import BusyError, DamageError, OutputError, StateError
from seal.registry.documents import Documents, present
from seal.registry.records import LIVE
from seal.registry.rollout_ends import RolloutEnding, erase_comparisons
from seal.registry.serving import drop_aliases
from seal.registry.tables import (
    AliasRow,
    AnswerDocumentRow,
    AnswerRow,
    BuildDocumentRow,
    BuildRow,
    DocumentRow,
    ErasureRow,
    FeedbackRow,
    LineRow,
    QuestionRow,
    VersionBuildRow,
    VersionRow,
)


class Erasing(Documents, RolloutEnding):
    """The operations that erase."""

    def erase_document(self, key: str, *, reason: str, actor: str | None = None) -> None:
        """Erases a document: its titles, text, lines and exam, the builds made with it, and their reports;
        the words of answers that may have some of its own, and of what was said of these.

        The versions that know it are rejected, and so can never be live again. The ledger keeps that it
        happened, and the document's id. The erasure of the files follows the commit; if it is cut off, the
        next opening of the workspace carries it out.

        Raises StateError if the live version knows the document: make one without it, and move `live`, first.
        """
        with self.transaction() as session:
            row = present(session, key)
            builds = session.scalars(
                select(BuildRow).join(BuildDocumentRow).where(BuildDocumentRow.document_id == key)
            ).all()
            versions = session.scalars(
                select(VersionRow)
                .where(
                    VersionRow.id.in_(
                        select(VersionBuildRow.version_id).where(
                            VersionBuildRow.build_key.in_([build.key for build in builds])
                        )
                    )
                )
                .order_by(VersionRow.sequence)
            ).all()
            _refuse_if_live(session, key, {version.id for version in versions})
            objects = [
                row.text or key,
                *(b.object for b in builds),
                *(v.report for v in versions if v.report),
            ]
            row.title, row.first_title, row.text, row.normal_form, row.erased = "", None, None, None, True
            for build in builds:
                build.erased = True
            for version in versions:
                version.state, version.erased = "rejected", True
            session.execute(delete(LineRow).where(LineRow.document_id == key))
            session.execute(delete(QuestionRow).where(QuestionRow.document_id == key))
            answers, said = _erase_answers(session, key)
            erase_comparisons(session, {version.id for version in versions})
            for digest in set(objects):
                session.merge(ErasureRow(object=digest))
            sequence = self._record(
                session,
                "document.erase",
                reason=reason,
                actor=actor,
                inputs={"document": key},
                outputs={
                    "builds": len(builds),
                    "versions": [version.id for version in versions],
                    "answers": answers,
                    "feedback": said,
                },
            )
            drop_aliases(session, {version.id for version in versions}, sequence)
            self._shut_out(session, {version.id for version in versions}, actor)

    def pending_erasures(self) -> list[str]:
        """Objects whose erasure was decided and is not carried out yet."""
        with self._reading() as session:
            return list(session.scalars(select(ErasureRow.object).order_by(ErasureRow.object)))

    def finish_erasures(self) -> None:
        """Carries out what erasures were decided. Raises OutputError, BusyError; repeat it then.

        Garbage goes too: what a killed study left in the store may hold words of the document.
        """
        if not self.pending_erasures():
            return
        with self.database.writing() as session:
            referenced = self._referenced(session)
            # First what was asked for by name: a damaged folder elsewhere must not be in its way.
            kept = self.store.reached(referenced, damaged_ok=True)
            for digest in session.scalars(select(ErasureRow.object)):
                if digest not in kept:
                    self.store.erase(digest)
            for digest in self.store.garbage(referenced):
                self.store.erase(digest)
            self.store.sweep()
        self.database.scrub()
        with self.database.writing() as session:
            present = self.store.reached(self._referenced(session), damaged_ok=True)
            for digest in session.scalars(select(ErasureRow.object)).all():
                if digest in present or not self.store.contains(digest):
                    session.execute(delete(ErasureRow).where(ErasureRow.object == digest))

    def garbage(self) -> list[str]:
        """The objects in the store that no row refers to: what killed work left, and replaced files."""
        with self._reading() as session:
            return self.store.garbage(self._referenced(session))

    def _committed(self) -> None:
        # The decision is durable; what keeps it from being carried out now is told by audit, and the next
        # opening tries again. The caller's own work is done and must not look as if it had failed.
        with contextlib.suppress(OutputError, BusyError, DamageError):
            self.finish_erasures()

    def _referenced(self, session: Session) -> set[str]:
        """The objects that rows refer to, by their digests."""
        texts = session.scalars(select(DocumentRow.text).where(DocumentRow.text.is_not(None)))
        builds = session.scalars(select(BuildRow.object).where(BuildRow.erased.is_(False)))
        reports = session.scalars(
            select(VersionRow.report).where(VersionRow.report.is_not(None), VersionRow.erased.is_(False))
        )
        return {digest for rows in (texts, builds, reports) for digest in rows if digest is not None}


def _erase_answers(session: Session, document: str) -> tuple[int, int]:
    """Takes the words out of the answers that may have some of a document's, of those that were corrected by
    it, and of all feedback on these and of which it was made; how many of either."""
    corrected = select(FeedbackRow.answer_id).where(
        FeedbackRow.document_id == document, FeedbackRow.answer_id.is_not(None)
    )
    from_it = select(AnswerDocumentRow.answer_id).where(AnswerDocumentRow.document_id == document)
    about = union(from_it, corrected).subquery()
    # By sub-queries: there may be more answers than a statement can have values.
    told = or_(FeedbackRow.answer_id.in_(select(about.c.answer_id)), FeedbackRow.document_id == document)
    feedback = session.execute(
        update(FeedbackRow)
        .where(told)
        .values(question="", value="", reason="", erased=True)
        .execution_options(synchronize_session=False)
    )
    answers = session.execute(
        update(AnswerRow)
        .where(AnswerRow.id.in_(select(about.c.answer_id)))
        .values(question="", text="", passage="", conversation=None, erased=True)
        .execution_options(synchronize_session=False)
    )
    return _count(answers), _count(feedback)


def _count(done: Result[Any]) -> int:
    """How many rows a statement changed."""
    assert isinstance(done, CursorResult)
    return done.rowcount


def _refuse_if_live(session: Session, document: str, versions: set[str]) -> None:
    live = session.get(AliasRow, LIVE)
    if live is not None and live.version_id in versions:
        raise StateError(
            f"the live version {live.version_id[:12]} knows the document {document[:12]}…",
            "Make a version without it and move `live` to that one, then erase the document.",
        )
