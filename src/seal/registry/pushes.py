"""Adapters that were loaded into other servers: which server has what, and what is to be taken back.

Knows nothing about how a server is spoken to. A push that must be taken back stays listed until the server
has let go of it, however long it is away.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import UnknownNameError
from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.lineage import live_stack
from seal.registry.records import Push, PushState
from seal.registry.tables import DocumentRow, PushRow, VersionRow

_ACTIONS = {"loaded": "push.load", "refused": "push.refuse", "gone": "push.unload"}


class Pushes(Core):
    """The operations on pushes."""

    def add_push(
        self,
        server: str,
        kind: str,
        name: str,
        *,
        version: str,
        document: str | None,
        folder: str,
        path: str,
        key_env: str | None = None,
    ) -> Push:
        """Notes, before anything is sent, that a server is about to be given an adapter."""
        with self.transaction() as session:
            row = PushRow(
                id=(session.scalar(select(func.max(PushRow.id))) or 0) + 1,
                server=storable(server, "the server"),
                kind=kind,
                name=storable(name, "the name"),
                version=version,
                document_id=document,
                folder=folder,
                path=path,
                key_env=key_env,
                state="loading",
                at=self.clock.now(),
                tries=0,
                problem="",
            )
            session.add(row)
            session.flush()
            return _push(row)

    def push_is(self, number: int, state: PushState, *, problem: str = "", actor: str | None = None) -> Push:
        """Says how far a push is. Raises UnknownNameError."""
        with self.transaction() as session:
            row = session.get(PushRow, number)
            if row is None:
                raise UnknownNameError(f"there is no push {number}", "See `seal push --status`.")
            row.tries = row.tries + 1 if problem and state == row.state else 0
            row.state, row.problem, row.at = (
                state,
                storable(problem, "the problem", empty=True),
                self.clock.now(),
            )
            if state in _ACTIONS:
                told = {"push": row.id, "server": row.server, "name": row.name, "version": row.version}
                self._record(session, _ACTIONS[state], reason=problem, actor=actor, inputs=told)
            return _push(row)

    def pushes(self) -> list[Push]:
        """All pushes, in the order in which they were made."""
        with self._reading() as session:
            return [_push(row) for row in session.scalars(select(PushRow).order_by(PushRow.id))]

    def is_live_or_succeeded(self, version: str) -> bool:
        """Whether a version, by its id, is live, or one that the live one succeeded: not rolled back."""
        with self._reading() as session:
            return version in live_stack(session)

    def pushes_to_unload(self) -> list[Push]:
        """Those that a server is to let go of: of versions that were rolled back, rejected or erased, and of
        documents that were erased; and those that are said to be "unloading"."""
        query = select(PushRow).where(PushRow.state.in_(("loaded", "unloading"))).order_by(PushRow.id)
        with self._reading() as session:
            stack = set(live_stack(session))
            rows = session.scalars(query).all()
            return [_push(row) for row in rows if row.state == "unloading" or _is_stale(session, row, stack)]


def _is_stale(session: Session, row: PushRow, stack: set[str]) -> bool:
    version = session.get_one(VersionRow, row.version)
    document = session.get(DocumentRow, row.document_id) if row.document_id else None
    gone = document is not None and document.erased
    return gone or version.erased or version.state == "rejected" or version.id not in stack


def _push(row: PushRow) -> Push:
    return Push(
        id=row.id,
        server=row.server,
        kind=row.kind,
        name=row.name,
        version=row.version,
        document=row.document_id,
        folder=row.folder,
        path=row.path,
        key_env=row.key_env,
        state=cast(PushState, row.state),
        at=row.at,
        tries=row.tries,
        problem=row.problem,
    )
