"""Documents: what was learned from, what was written about it, and how it is erased.

Knows nothing about texts but their bytes: screening, grounding and examining are others' work.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from seal.errors import BusyError, DamageError, InputError, OutputError, StateError, UnknownNameError
from seal.registry.canonical import canonical, sha256, storable
from seal.registry.core import Core
from seal.registry.records import LIVE, Document, ExamQuestion, Line
from seal.registry.tables import (
    AliasMoveRow,
    AliasRow,
    BuildDocumentRow,
    BuildRow,
    DocumentRow,
    ErasureRow,
    LineRow,
    QuestionRow,
    VersionBuildRow,
    VersionRow,
)
from seal.types import Question


class Documents(Core):
    """The operations on documents."""

    def add_document(
        self, text: str, *, title: str, trust: float = 1.0, reason: str = "", actor: str | None = None
    ) -> Document:
        """Records a document; its text goes to the store. One that is known stays as it is.

        Raises InputError if the text or the title cannot be stored.
        """
        storable(text, "the document")
        storable(title, "the title", empty=True)
        if not (math.isfinite(trust) and 0 <= trust <= 1):
            raise InputError(f"the trust is {trust}", "Give a number from 0 (none) to 1 (full).")
        data = text.encode("utf-8")
        key = sha256(data)
        with self.transaction() as session:
            row = session.get(DocumentRow, key)
            if row is not None and not row.erased:
                return _document(row)
            self.store.put_bytes(data)
            session.execute(delete(ErasureRow).where(ErasureRow.object == key))
            sequence = (session.scalar(select(func.max(DocumentRow.sequence))) or 0) + 1
            if row is None:
                row = DocumentRow(id=key)
            row.sequence, row.title, row.trust, row.text = sequence, title, float(trust), key
            row.added_at, row.learned_at, row.superseded_by, row.erased = self.clock.now(), None, None, False
            session.add(row)
            self._record(
                session,
                "document.add",
                reason=reason,
                actor=actor,
                inputs={"document": key, "trust": float(trust)},
                outputs={"sequence": sequence},
            )
            return _document(row)

    def documents(self) -> list[Document]:
        """All documents in the order in which they came, the erased ones too."""
        with self._reading() as session:
            return [
                _document(row) for row in session.scalars(select(DocumentRow).order_by(DocumentRow.sequence))
            ]

    def document(self, key: str) -> Document:
        """Raises UnknownNameError if there is none."""
        with self._reading() as session:
            return _document(_row(session, key))

    def text(self, key: str) -> str:
        """A document's text, checked. Raises StateError if it was erased, DamageError."""
        with self._reading() as session:
            row = _present(session, key)
        return self.store.read(row.id).decode("utf-8")

    def record_lines(
        self, document: str, lines: Sequence[Line], *, writer: str, reason: str = "", actor: str | None = None
    ) -> None:
        """Records what `writer` (with its recipe) wrote about a document, kept or dropped.

        Recorded once: the same lines again change nothing, other lines are a StateError, since builds were
        made from the first ones.
        """
        for n, line in enumerate(lines):
            for text, what in ((line.text, "text"), (line.reason, "reason"), (line.sentence, "sentence")):
                storable(text, f"the {what} of line {n + 1}", empty=True)
            if not line.kept and not line.reason:
                raise InputError(f"line {n + 1} is dropped without a reason", "Say why it was dropped.")
        with self.transaction() as session:
            _present(session, document)
            stored = self.lines(document, writer=writer)
            if stored:
                if [_bare(line) for line in stored] != [_bare(line) for line in lines]:
                    raise _recorded_before("lines", document, f"writer {writer}")
                return
            session.add_all(
                LineRow(
                    document_id=document,
                    writer=storable(writer, "the writer"),
                    position=n,
                    text=line.text,
                    kept=line.kept,
                    reason=line.reason,
                    sentence=line.sentence,
                    retired_by=line.retired_by,
                )
                for n, line in enumerate(lines)
            )
            counts = {
                "kept": sum(line.kept for line in lines),
                "dropped": sum(not line.kept for line in lines),
            }
            inputs = {"document": document, "writer": writer}
            self._record(session, "lines.record", reason=reason, actor=actor, inputs=inputs, outputs=counts)

    def lines(self, document: str, *, writer: str | None = None) -> list[Line]:
        """What was written about a document, by one writer or by all, in order."""
        query = select(LineRow).where(LineRow.document_id == document)
        if writer is not None:
            query = query.where(LineRow.writer == writer)
        with self._reading() as session:
            rows = session.scalars(query.order_by(LineRow.writer, LineRow.position)).all()
        return [Line(row.text, row.kept, row.reason, row.sentence, row.retired_by) for row in rows]

    def record_exam(
        self,
        document: str,
        questions: Sequence[Question],
        *,
        origin: str,
        reason: str = "",
        actor: str | None = None,
    ) -> None:
        """Records an exam about a document; `origin` says where it is from ("given", "self").

        Recorded once, as lines are.
        """
        for n, question in enumerate(questions):
            storable(question.text, f"question {n + 1}")
            if not question.answers:
                raise InputError(f"question {n + 1} has no gold answer", "Give at least one.")
            for answer in question.answers:
                storable(answer, f"an answer to question {n + 1}")
        with self.transaction() as session:
            _present(session, document)
            stored = [(q.text, q.answers) for q in self.exam(document, origin=origin)]
            if stored:
                if stored != [(q.text, tuple(q.answers)) for q in questions]:
                    raise _recorded_before("an exam", document, f"origin {origin!r}")
                return
            session.add_all(
                QuestionRow(
                    document_id=document,
                    origin=storable(origin, "the origin"),
                    position=n,
                    text=question.text,
                    answers=canonical(list(question.answers)),
                )
                for n, question in enumerate(questions)
            )
            self._record(
                session,
                "exam.record",
                reason=reason,
                actor=actor,
                inputs={"document": document, "origin": origin},
                outputs={"questions": len(questions)},
            )

    def exam(self, document: str, *, origin: str | None = None) -> list[ExamQuestion]:
        """The questions about a document, of one origin or of all, in order."""
        query = select(QuestionRow).where(QuestionRow.document_id == document)
        if origin is not None:
            query = query.where(QuestionRow.origin == origin)
        with self._reading() as session:
            rows = session.scalars(query.order_by(QuestionRow.origin, QuestionRow.position)).all()
        return [ExamQuestion(r.text, tuple(json.loads(r.answers)), r.origin, r.position) for r in rows]

    def supersede(
        self,
        document: str,
        by: str,
        *,
        writer: str,
        positions: Sequence[int] | None = None,
        reason: str,
        actor: str | None = None,
    ) -> None:
        """Retires lines of `document` in favour of `by`: those at `positions`, or, with None, all of it."""
        with self.transaction() as session:
            row = _present(session, document)
            _present(session, by)
            if document == by:
                raise InputError(f"document {document[:12]}… cannot supersede itself", "Name the newer one.")
            query = update(LineRow).where(LineRow.document_id == document, LineRow.writer == writer)
            if positions is None:
                row.superseded_by = by
            else:
                query = query.where(LineRow.position.in_(positions))
            session.execute(query.values(retired_by=by))
            self._record(
                session,
                "document.supersede",
                reason=reason,
                actor=actor,
                inputs={"document": document, "by": by, "writer": writer},
                outputs={"positions": None if positions is None else sorted(positions)},
            )

    def erase_document(self, key: str, *, reason: str, actor: str | None = None) -> None:
        """Erases a document: its title, text, lines and exam, the builds made with it, and their reports.

        The versions that know it are rejected, and so can never be live again; what it superseded is valid
        again. The ledger keeps that it happened, and the document's id. The erasure of the files follows the
        commit; if it is cut off, the next opening of the workspace carries it out.

        Raises StateError if the live version knows the document: make one without it, and move `live`, first.
        """
        with self.transaction() as session:
            row = _present(session, key)
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
            objects = [key, *(b.object for b in builds), *(v.report for v in versions if v.report)]
            row.title, row.text, row.erased, row.superseded_by = "", None, True, None
            for build in builds:
                build.erased = True
            for version in versions:
                version.state, version.erased = "rejected", True
            session.execute(delete(LineRow).where(LineRow.document_id == key))
            session.execute(delete(QuestionRow).where(QuestionRow.document_id == key))
            session.execute(update(LineRow).where(LineRow.retired_by == key).values(retired_by=None))
            session.execute(
                update(DocumentRow).where(DocumentRow.superseded_by == key).values(superseded_by=None)
            )
            for digest in set(objects):
                session.merge(ErasureRow(object=digest))
            sequence = self._record(
                session,
                "document.erase",
                reason=reason,
                actor=actor,
                inputs={"document": key},
                outputs={"builds": len(builds), "versions": [version.id for version in versions]},
            )
            drop_aliases(session, {version.id for version in versions}, sequence)

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
        return {digest for found in (texts, builds, reports) for digest in found if digest is not None}


def drop_aliases(session: Session, versions: set[str], sequence: int) -> list[str]:
    """Removes the names that refer to these versions; the moves belong to the ledger's entry `sequence`."""
    rows = session.scalars(select(AliasRow).where(AliasRow.version_id.in_(versions))).all()
    for row in rows:
        session.add(AliasMoveRow(sequence=sequence, name=row.name, before=row.version_id, after=None))
        session.delete(row)
    return sorted(row.name for row in rows)


def _refuse_if_live(session: Session, document: str, versions: set[str]) -> None:
    live = session.get(AliasRow, LIVE)
    if live is not None and live.version_id in versions:
        raise StateError(
            f"the live version {live.version_id[:12]} knows the document {document[:12]}…",
            "Make a version without it and move `live` to that one, then erase the document.",
        )


def _row(session: Session, key: str) -> DocumentRow:
    row = session.get(DocumentRow, key)
    if row is None:
        raise UnknownNameError(f"there is no document {key!r}", "Give the whole id of one that was added.")
    return row


def _present(session: Session, key: str) -> DocumentRow:
    row = _row(session, key)
    if row.erased:
        raise StateError(f"the document {key[:12]}… was erased", "Add its text again to use it again.")
    return row


def _document(row: DocumentRow) -> Document:
    return Document(
        row.id,
        row.sequence,
        row.title,
        row.trust,
        row.added_at,
        row.learned_at,
        row.superseded_by,
        row.erased,
    )


def _bare(line: Line) -> tuple[str, bool, str, str]:
    return line.text, line.kept, line.reason, line.sentence


def _recorded_before(what: str, document: str, by: str) -> StateError:
    return StateError(
        f"{what} of document {document[:12]}… by {by} were recorded before, and are others",
        "The same inputs should give the same: record them under another name if the recipe changed.",
    )
