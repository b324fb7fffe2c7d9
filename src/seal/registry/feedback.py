"""Feedback: what somebody said of an answer or a conversation, and what became of it.

Knows nothing about what is learned of it: a right answer is a text here, until it is a document.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from seal.errors import InputError, StateError, UnknownNameError
from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.records import Feedback, FeedbackKind, FeedbackState
from seal.registry.tables import AnswerRow, DocumentRow, FeedbackRow

THUMBS = ("up", "down")
CORRECTIONS: tuple[FeedbackKind, ...] = ("right_answer", "demonstration")


class FeedbackLog(Core):
    """The operations on feedback."""

    def add_feedback(
        self,
        kind: FeedbackKind,
        value: str,
        *,
        author: str,
        question: str = "",
        answer: str | None = None,
        conversation: str | None = None,
        trust: float | None = None,
    ) -> Feedback:
        """Records what `author` says of an answer, by its id, or of a conversation; of a correction (a right
        answer, a demonstration) that of `question`. A correction begins as "held", all else is "noted".

        Raises InputError, UnknownNameError if there is no such answer, StateError if it was erased.
        """
        storable(value, "the feedback")
        storable(author, "the author")
        if kind == "thumbs" and value not in THUMBS:
            raise InputError(f"a thumb is {value!r}", "Say up or down.")
        if kind in CORRECTIONS:
            storable(question, "the question")
        elif answer is None and conversation is None:
            raise InputError("it is not said what the feedback is about", "Name an answer or a conversation.")
        with self.transaction() as session:
            if answer is not None:
                about = session.get(AnswerRow, answer)
                if about is None:
                    raise UnknownNameError(
                        f"there is no answer {answer!r}", "Give the id that came with one."
                    )
                if about.erased:
                    raise StateError(f"the answer {answer} was erased with a document", "Ask again.")
            row = FeedbackRow(
                id=f"fb_{uuid.uuid4().hex[:24]}",
                sequence=(session.scalar(select(func.max(FeedbackRow.sequence))) or 0) + 1,
                at=self.clock.now(),
                answer_id=answer,
                conversation=conversation,
                kind=kind,
                question=storable(question, "the question", empty=True),
                value=value,
                author=author,
                trust=trust,
                state="held" if kind in CORRECTIONS else "noted",
                reason="",
            )
            session.add(row)
            session.flush()
            return _feedback(row)

    def settle_feedback(
        self,
        key: str,
        state: FeedbackState,
        *,
        reason: str = "",
        document: str | None = None,
        actor: str | None = None,
    ) -> Feedback:
        """Says what became of a correction: "taken" as a document, "held" for a person, or "refused".

        Raises UnknownNameError, StateError if it is no correction that is held.
        """
        with self.transaction() as session:
            row = _row(session, key)
            if row.kind not in CORRECTIONS or row.state != "held" or row.erased:
                now = "erased" if row.erased else row.state
                raise StateError(
                    f"the feedback {key} is {now}", "Only a correction that is held is decided on."
                )
            if (state == "taken") == (document is None):
                raise InputError(
                    f"a correction is {state}, document {document}", "A taken one is a document."
                )
            row.state, row.reason, row.document_id = (
                state,
                storable(reason, "the reason", empty=True),
                document,
            )
            if document is not None and session.get_one(DocumentRow, document).erased:
                raise StateError(f"the document {document[:12]}… was erased", "Give the correction again.")
            told = {"feedback": key, "document": document}
            action = {"taken": "take", "held": "hold", "refused": "refuse"}[state]
            self._record(session, f"correction.{action}", reason=reason, actor=actor, inputs=told)
            return _feedback(row)

    def feedback(self, key: str) -> Feedback:
        """Raises UnknownNameError if there is none."""
        with self._reading() as session:
            return _feedback(_row(session, key))

    def correction_of(self, document: str) -> Feedback | None:
        """The correction that became a document; None if none did. Of several the first."""
        taken = select(FeedbackRow).where(FeedbackRow.document_id == document, FeedbackRow.erased.is_(False))
        with self._reading() as session:
            row = session.scalars(taken.order_by(FeedbackRow.sequence)).first()
            return None if row is None else _feedback(row)

    def all_feedback(
        self,
        *,
        state: FeedbackState | None = None,
        answer: str | None = None,
        kinds: Collection[FeedbackKind] = (),
        before: str | None = None,
        skip: int = 0,
        newest: int | None = None,
    ) -> list[Feedback]:
        """All feedback, the latest first; in a state, about an answer, of some kinds, or said before another,
        only, and the `newest` of it after so many to `skip`. Raises UnknownNameError if there is none that is
        called `before`."""
        query = select(FeedbackRow).where(*_in_state(state))
        if kinds:
            query = query.where(FeedbackRow.kind.in_(kinds))
        if answer is not None:
            query = query.where(FeedbackRow.answer_id == answer)
        with self._reading() as session:
            if before is not None:
                query = query.where(FeedbackRow.sequence < _row(session, before).sequence)
            query = query.order_by(FeedbackRow.sequence.desc()).offset(skip).limit(newest)
            return [_feedback(row) for row in session.scalars(query)]

    def n_feedback(self, *, state: FeedbackState | None = None) -> int:
        """How many pieces of feedback there are, in all or in a state."""
        with self._reading() as session:
            counted = select(func.count()).select_from(FeedbackRow).where(*_in_state(state))
            return session.scalar(counted) or 0


def _in_state(state: FeedbackState | None) -> list[ColumnElement[bool]]:
    return [] if state is None else [FeedbackRow.state == state, FeedbackRow.erased.is_(False)]


def _row(session: Session, key: str) -> FeedbackRow:
    row = session.get(FeedbackRow, key)
    if row is None:
        raise UnknownNameError(f"there is no feedback {key!r}", "Give the id that it got.")
    return row


def _feedback(row: FeedbackRow) -> Feedback:
    return Feedback(
        id=row.id,
        at=row.at,
        kind=cast(FeedbackKind, row.kind),
        question=row.question,
        value=row.value,
        author=row.author,
        trust=row.trust,
        state=cast(FeedbackState, row.state),
        reason=row.reason,
        answer=row.answer_id,
        conversation=row.conversation,
        document=row.document_id,
        erased=row.erased,
    )
