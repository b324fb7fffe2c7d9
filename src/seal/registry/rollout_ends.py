"""How a rollout ends, whoever ends it: by its verdict, or since the live version or its own changed.

Kept here is that while a rollout runs, its baseline is live, and its version could be made live at any
moment.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.records import RolloutState
from seal.registry.tables import ComparisonRow, RolloutRow

_ACTIONS = {"promoted": "rollout.promote", "reverted": "rollout.revert", "ended": "rollout.end"}


class RolloutEnding(Core):
    """What the other operations do to a rollout that is under way."""

    def _close_rollout(
        self, session: Session, row: RolloutRow, state: RolloutState, reason: str, actor: str | None = None
    ) -> None:
        row.state, row.ended_at = state, self.clock.now()
        row.reason = storable(reason, "the reason", empty=True)
        told = {"rollout": row.id, "version": row.version}
        self._record(session, _ACTIONS[state], reason=reason, actor=actor, inputs=told)

    def _live_moved(self, session: Session, version: str, actor: str | None) -> None:
        """Ends the rollout that runs, if there is one: it was begun beside another live version."""
        row = running_rollout(session)
        if row is None:
            return
        if row.version == version:
            self._close_rollout(session, row, "promoted", "it was made live", actor)
        else:
            why = f"another version is live by now: {version[:12]}"
            self._close_rollout(session, row, "ended", why, actor)

    def _shut_out(self, session: Session, versions: Collection[str], actor: str | None) -> None:
        """Ends the rollout that runs, if its version was rejected or erased."""
        row = running_rollout(session)
        if row is not None and row.version in versions:
            self._close_rollout(session, row, "ended", "its version was shut out", actor)


def running_rollout(session: Session) -> RolloutRow | None:
    """The rollout that is under way."""
    return session.scalar(select(RolloutRow).where(RolloutRow.state == "running"))


def erase_comparisons(session: Session, versions: Collection[str]) -> int:
    """Takes the words out of what was seen in rollouts that one of these versions was part of; how many."""
    mine = select(RolloutRow.id).where(
        or_(RolloutRow.version.in_(versions), RolloutRow.baseline.in_(versions))
    )
    worded = ComparisonRow.rollout_id.in_(mine), ComparisonRow.question != ""
    found = session.scalars(select(ComparisonRow.id).where(*worded)).all()
    session.execute(
        update(ComparisonRow)
        .where(ComparisonRow.id.in_(found))
        .values(question="", given="", other="", erased=True)
    )
    return len(found)
