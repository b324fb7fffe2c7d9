"""What a job's worker and those who wait for it have to know beside its state: the brake, and how far it is.

Knows nothing about leases. While the brake is on, no job is begun but one that takes a document out.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.records import Brake, JobEvent
from seal.registry.tables import BrakeRow, JobEventRow

_BRAKE = "studying"
NOT_BRAKED = ("forget",)
"""Kinds of jobs that go on while the brake is on: to take something out must always be possible."""


class Braking(Core):
    """The operations on the brake and on the events of jobs."""

    def brake(self) -> Brake | None:
        """The brake, if it is on."""
        with self._reading() as session:
            return brake_of(session)

    def pull_brake(self, *, reason: str = "", actor: str | None = None) -> Brake:
        """Stops all studying: no study is begun, and none that is under way can be committed. Pulled twice,
        it is as it was."""
        with self.transaction() as session:
            there = brake_of(session)
            if there is not None:
                return there
            actor = storable(actor or self.actor, "the actor's name")
            row = BrakeRow(name=_BRAKE, since=self.clock.now(), actor=actor, reason=reason)
            session.add(row)
            self._record(session, "brake.pull", reason=reason, actor=actor)
            self._stop_running(session)
            return Brake(row.since, row.actor, row.reason)

    def release_brake(self, *, reason: str = "", actor: str | None = None) -> None:
        """Lets studying go on with what stands in the queue."""
        with self.transaction() as session:
            row = session.get(BrakeRow, _BRAKE)
            if row is not None:
                session.delete(row)
                self._record(session, "brake.release", reason=reason, actor=actor)

    def tell_job(self, job: int, message: str) -> None:
        """Adds to what is told of a job: where its work is, in words that quote no document."""
        with self.transaction() as session:
            last = session.scalar(select(func.max(JobEventRow.position)).where(JobEventRow.job_id == job))
            session.add(
                JobEventRow(
                    job_id=job,
                    position=(last or 0) + 1,
                    at=self.clock.now(),
                    message=storable(message, "the message"),
                )
            )

    def job_events(self, job: int, *, after: int = 0) -> list[JobEvent]:
        """What was told of a job after the event `after`, in order."""
        query = select(JobEventRow).where(JobEventRow.job_id == job, JobEventRow.position > after)
        with self._reading() as session:
            rows = session.scalars(query.order_by(JobEventRow.position)).all()
            return [JobEvent(row.job_id, row.position, row.at, row.message) for row in rows]

    def _stop_running(self, session: Session) -> None:
        """Takes the job that is being done from its worker, if the brake is for its kind."""
        raise NotImplementedError


def brake_of(session: Session) -> Brake | None:
    """The brake, if it is on."""
    row = session.get(BrakeRow, _BRAKE)
    return None if row is None else Brake(row.since, row.actor, row.reason)
