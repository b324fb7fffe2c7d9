"""Documents: what was learned from, and what was written about it.

Knows nothing about texts but their bytes: screening, grounding and examining are others' work.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from seal.errors import DamageError, InputError, StateError, UnknownNameError
from seal.registry.canonical import canonical, storable
from seal.registry.core import Core
from seal.registry.digests import document_key, normal_key, text_key
from seal.registry.records import Document, ExamQuestion, Line
from seal.registry.tables import DocumentRow, ErasureRow, LineRow, QuestionRow
from seal.types import Question


class Documents(Core):
    """The operations on documents."""

    def add_document(
        self,
        text: str,
        *,
        title: str,
        trust: float = 1.0,
        distinct: bool = False,
        reason: str = "",
        actor: str | None = None,
    ) -> Document:
        """Records a document; its text goes to the store. One that is known stays as it is.

        A text that is known under another title is the same document; if `distinct`, it is another one.

        Raises InputError if the text or the title cannot be stored.
        """
        storable(text, "the document")
        storable(title, "the title", empty=True)
        if not (math.isfinite(trust) and 0 <= trust <= 1):
            raise InputError(f"the trust is {trust}", "Give a number from 0 (none) to 1 (full).")
        digest = text_key(text)
        with self.transaction() as session:
            same = select(DocumentRow).where(DocumentRow.text == digest).order_by(DocumentRow.sequence)
            there = session.scalars(same).all()
            row = next((one for one in there if one.title == title), None)
            if row is None and there and not distinct:
                row = there[0]
            if row is not None:
                return _document(row)
            key = document_key(text, title)
            if distinct and any(one.id == key for one in there):
                key = document_key(text, title, distinct=True)
            row = session.get(DocumentRow, key)
            if row is not None and not row.erased:  # it was called so before its title was corrected
                return _document(row)
            self.store.put_bytes(text.encode("utf-8"))
            session.execute(delete(ErasureRow).where(ErasureRow.object == digest))
            sequence = (session.scalar(select(func.max(DocumentRow.sequence))) or 0) + 1
            if row is None:
                row = DocumentRow(id=key)
            row.sequence, row.title, row.trust, row.text = sequence, title, float(trust), digest
            row.first_title, row.normal_form = None, normal_key(text)
            row.added_at, row.learned_at, row.erased = self.clock.now(), None, False
            session.add(row)
            self._record(
                session,
                "document.add",
                reason=reason,
                actor=actor,
                inputs={"document": key, "trust": float(trust)} | ({} if key == digest else {"text": digest}),
                outputs={"sequence": sequence},
            )
            return _document(row)

    def retitle_document(
        self, key: str, title: str, *, reason: str = "", actor: str | None = None
    ) -> Document:
        """Corrects a document's title. Lines and cells that there are stay as they are, with the title that
        they were made under; the ledger keeps that the title changed, and none of its words.

        Raises InputError if the title cannot be stored, UnknownNameError, StateError if it was erased.
        """
        storable(title, "the title", empty=True)
        with self.transaction() as session:
            row = present(session, key)
            if row.title == title:
                return _document(row)
            written = session.scalar(select(LineRow.document_id).where(LineRow.document_id == key).limit(1))
            first = row.title if row.first_title is None else row.first_title
            row.first_title = first if written and first != title else None
            row.title = title
            self._record(session, "document.retitle", reason=reason, actor=actor, inputs={"document": key})
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

    def documents_of_text(self, normal_forms: Collection[str]) -> dict[str, list[Document]]:
        """The documents, none of them erased, whose texts have these normal forms (`digests.normal_key`), by
        it, in the order in which they came. No text is read, but once those that were added by a version that
        did not keep its normal form; one that is damaged is like no other."""
        self._find_normal_forms()
        found: dict[str, list[Document]] = {}
        with self._reading() as session:
            for some in _batches(sorted(set(normal_forms))):
                query = select(DocumentRow).where(DocumentRow.normal_form.in_(some))
                for row in session.scalars(query.order_by(DocumentRow.sequence)):
                    found.setdefault(row.normal_form or "", []).append(_document(row))
        return found

    def present_among(self, keys: Collection[str]) -> set[str]:
        """Those of these ids that are of documents, none of them erased."""
        with self._reading() as session:
            return {
                key
                for some in _batches(sorted(set(keys)))
                for key in session.scalars(
                    select(DocumentRow.id).where(DocumentRow.id.in_(some), DocumentRow.erased.is_(False))
                )
            }

    def _find_normal_forms(self) -> None:
        """What can be read of a text at any time is no decision, and so stands in no ledger."""
        query = select(DocumentRow.id, DocumentRow.text).where(
            DocumentRow.normal_form.is_(None), DocumentRow.erased.is_(False)
        )
        with self._reading() as session:
            missing = session.execute(query).all()
        forms: dict[str, str] = {}
        for key, digest in missing:
            with contextlib.suppress(DamageError):  # whoever needs this text is told
                forms[key] = normal_key(self.store.read(digest or key).decode("utf-8"))
        if forms:
            with self.database.writing() as session:
                for key, form in forms.items():
                    there = (DocumentRow.id == key, DocumentRow.erased.is_(False))
                    session.execute(update(DocumentRow).where(*there).values(normal_form=form))

    def text(self, key: str) -> str:
        """A document's text, checked. Raises StateError if it was erased, DamageError."""
        with self._reading() as session:
            row = present(session, key)
            digest = row.text
        assert digest is not None, "a document that is present has a text"
        return self.store.read(digest).decode("utf-8")

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
            present(session, document)
            stored = self.lines(document, writer=writer)
            if stored:
                if stored != list(lines):
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
        return [Line(row.text, row.kept, row.reason, row.sentence) for row in rows]

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
            present(session, document)
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


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many at once as every database takes in one question."""
    return (keys[at : at + 500] for at in range(0, len(keys), 500))


def _row(session: Session, key: str) -> DocumentRow:
    row = session.get(DocumentRow, key)
    if row is None:
        raise UnknownNameError(f"there is no document {key!r}", "Give the whole id of one that was added.")
    return row


def present(session: Session, key: str) -> DocumentRow:
    """A document's row. Raises UnknownNameError, StateError if it was erased."""
    row = _row(session, key)
    if row.erased:
        raise StateError(f"the document {key[:12]}… was erased", "Add its text again to use it again.")
    return row


def _document(row: DocumentRow) -> Document:
    told = (row.id, row.sequence, row.title, row.trust, row.added_at, row.learned_at, row.erased)
    return Document(*told, first_title=row.first_title)


def _recorded_before(what: str, document: str, by: str) -> StateError:
    return StateError(
        f"{what} of document {document[:12]}… by {by} were recorded before, and are others",
        "The same inputs should give the same: record them under another name if the recipe changed.",
    )
