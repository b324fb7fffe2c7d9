"""Answers that were given, kept so that it can be asked later why, and what was said of them.

Knows nothing about how answers are made. They are not in the ledger: it would hold what people asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from seal.errors import InputError, UnknownNameError
from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.records import RememberedAnswer
from seal.registry.tables import AnswerDocumentRow, AnswerRow, DocumentRow, FeedbackRow


class Answers(Core):
    """The operations on answers."""

    def remember_answers(self, answers: Sequence[RememberedAnswer]) -> list[str]:
        """Keeps answers, in one transaction; their times are this workspace's. Returns their ids.

        An answer with words of a document that was erased meanwhile is kept without words. Raises InputError.
        """
        for one in answers:
            storable(one.id, "the answer's id")
            for text, what in ((one.question, "question"), (one.text, "answer"), (one.passage, "passage")):
                storable(text, f"the {what}", empty=True)
            if not (math.isfinite(one.probability) and 0 <= one.probability <= 1):
                raise InputError(f"the probability is {one.probability}", "Give a number from 0 to 1.")
        with self.transaction() as session:
            now, lineages = self.clock.now(), [_lineage(one) for one in answers]
            gone = {key: _is_erased(session, key) for keys in lineages for key in keys}
            session.add_all(
                _row(one, now, erased=any(gone[key] for key in keys))
                for one, keys in zip(answers, lineages, strict=True)
            )
            session.flush()
            session.add_all(
                AnswerDocumentRow(answer_id=one.id, document_id=key, position=n)
                for one, keys in zip(answers, lineages, strict=True)
                for n, key in enumerate(keys)
            )
        return [one.id for one in answers]

    def answer(self, key: str) -> RememberedAnswer:
        """Raises UnknownNameError if there is none."""
        with self._reading() as session:
            row = session.get(AnswerRow, key)
            if row is None:
                raise UnknownNameError(f"there is no answer {key!r}", "Give the id that came with one.")
            return _answer(row, _documents(session, [key])[key])

    def answers(
        self, *, ways: Sequence[str] = (), conversation: str | None = None, newest: int = 1000
    ) -> list[RememberedAnswer]:
        """The `newest` answers that are not erased, the latest first; of some ways or a conversation only."""
        query = select(AnswerRow).where(AnswerRow.erased.is_(False))
        if ways:
            query = query.where(AnswerRow.way.in_(ways))
        if conversation is not None:
            query = query.where(AnswerRow.conversation == conversation)
        with self._reading() as session:
            rows = session.scalars(query.order_by(AnswerRow.at.desc(), AnswerRow.id).limit(newest)).all()
            lineage = _documents(session, [row.id for row in rows])
            return [_answer(row, lineage[row.id]) for row in rows]

    def drop_answers(self, before: str) -> int:
        """Removes answers that were given before a time and that no feedback is about; how many."""
        with self.transaction() as session:
            told = select(FeedbackRow.answer_id).where(FeedbackRow.answer_id.is_not(None))
            old = select(AnswerRow.id).where(AnswerRow.at < before, AnswerRow.id.not_in(told))
            n = session.scalar(select(func.count()).select_from(old.subquery())) or 0
            session.execute(delete(AnswerDocumentRow).where(AnswerDocumentRow.answer_id.in_(old)))
            session.execute(delete(AnswerRow).where(AnswerRow.at < before, AnswerRow.id.not_in(told)))
            return n


def _row(answer: RememberedAnswer, at: str, *, erased: bool) -> AnswerRow:
    """The row of an answer; an erased one has no words."""
    return AnswerRow(
        id=answer.id,
        at=at,
        conversation=None if erased else answer.conversation,
        question="" if erased else answer.question,
        text="" if erased else answer.text,
        way=answer.way,
        version=answer.version,
        source=answer.source,
        passage="" if erased else answer.passage,
        stated=answer.stated,
        probability=float(answer.probability),
        key_id=answer.key,
        erased=erased,
    )


def _lineage(answer: RememberedAnswer) -> list[str]:
    """The documents that may have words in an answer, its source first."""
    source = [] if answer.source is None else [answer.source]
    return list(dict.fromkeys(source + list(answer.documents)))


def _is_erased(session: Session, document: str) -> bool:
    row = session.get(DocumentRow, document)
    if row is None:
        raise UnknownNameError(f"there is no document {document!r}", "An answer is from documents that are.")
    return row.erased


def _documents(session: Session, answers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The documents of each answer, in their order."""
    lineage: dict[str, list[str]] = {key: [] for key in answers}
    query = select(AnswerDocumentRow).where(AnswerDocumentRow.answer_id.in_(answers))
    for row in session.scalars(query.order_by(AnswerDocumentRow.answer_id, AnswerDocumentRow.position)):
        lineage[row.answer_id].append(row.document_id)
    return {key: tuple(documents) for key, documents in lineage.items()}


def _answer(row: AnswerRow, documents: tuple[str, ...]) -> RememberedAnswer:
    return RememberedAnswer(
        id=row.id,
        at=row.at,
        question=row.question,
        text=row.text,
        way=row.way,
        version=row.version,
        probability=row.probability,
        source=row.source,
        documents=documents,
        passage=row.passage,
        stated=row.stated,
        conversation=row.conversation,
        key=row.key_id,
        erased=row.erased,
    )
