"""Jobs: what is to be done, who is doing it, and the right to say that it is done.

Knows nothing about the work. A worker holds a lease and renews it; one that has not been renewed for its time
passes to the next worker, with a higher token. A worker that was only asleep finds its token stale when it
comes to commit, and commits nothing.

A lease runs out by a clock that only goes forward. Where its readings cannot be compared (the machine was
started anew, or the worker is on another machine) the lease has run out once this process has itself seen it
unrenewed for as long as it lasts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import InputError, StaleLeaseError, StateError, UnknownNameError
from seal.registry.braking import NOT_BRAKED, Braking, brake_of
from seal.registry.canonical import storable
from seal.registry.core import checked_json, entry_of
from seal.registry.ledger import LedgerEntry
from seal.registry.records import Job, JobState, Lease
from seal.registry.tables import JobRow, LedgerRow


class Jobs(Braking):
    """The operations on jobs."""

    def enqueue(
        self,
        kind: str,
        inputs: Mapping[str, Any],
        *,
        request: str | None = None,
        reason: str = "",
        actor: str | None = None,
    ) -> Job:
        """Puts a job of some kind into the queue. Its inputs name documents by id: they stay when a document
        is erased. With a `request`, the same once more is the job that is there.

        Raises StateError if the request was another job's.
        """
        stored = checked_json(inputs, "the job's inputs")
        with self.transaction() as session:
            there = session.scalar(select(JobRow).where(JobRow.request == request)) if request else None
            if there is not None:
                if (there.kind, there.inputs) != (kind, stored):
                    raise StateError("this request was made before, for another job", "Give it another name.")
                return _job(there)
            row = JobRow(
                id=(session.scalar(select(func.max(JobRow.id))) or 0) + 1,
                kind=storable(kind, "the job's kind"),
                state="queued",
                inputs=stored,
                outputs="{}",
                reason="",
                created_at=self.clock.now(),
                request=storable(request, "the request's name") if request else None,
            )
            session.add(row)
            told = {"job": row.id, "kind": kind, "inputs": json.loads(stored)}
            self._record(session, "job.enqueue", reason=reason, actor=actor, inputs=told)
            return _job(row)

    def claim(self, *, owner: str | None = None, lease_s: float = 60.0) -> Lease | None:
        """The right to do the next job: one whose worker has gone, or else the oldest in the queue.

        None if there is nothing to do, or if a job is being done: one at a time, whatever its kind. While the
        brake is on, only documents are taken out.
        """
        if not lease_s > 0:
            raise InputError(f"a lease of {lease_s} s", "Give a time above 0.")
        with self.transaction() as session:
            first = select(JobRow).order_by(JobRow.id).limit(1)
            if brake_of(session) is not None:
                first = first.where(JobRow.kind.in_(NOT_BRAKED))
            row = session.scalar(first.where(JobRow.state == "running"))
            taken_over = row is not None
            if row is not None and not self._expired(row):
                return None
            row = row or session.scalar(first.where(JobRow.state == "queued"))
            if row is None:
                return None
            row.state = "running"
            row.token = (session.scalar(select(func.max(JobRow.token))) or 0) + 1
            row.attempts += 1
            row.owner = storable(owner or self.actor, "the worker's name")
            row.renewals = 0
            self._extend(row, lease_s)
            outputs = {"token": row.token, "attempt": row.attempts, "taken_over": taken_over}
            self._record(session, "job.claim", actor=row.owner, inputs={"job": row.id}, outputs=outputs)
            return _lease(row)

    def renew(self, lease: Lease) -> None:
        """Begins the lease's time anew. Raises StaleLeaseError if it has passed to another worker."""
        with self.transaction(lease=lease) as session:
            row = session.get_one(JobRow, lease.job)
            row.renewals += 1
            self._extend(row, lease.lease_s)

    def give_back(self, lease: Lease) -> None:
        """The worker was told to stop: the next may take the job up at once, and nothing has failed. Raises
        StaleLeaseError."""
        with self.transaction(lease=lease) as session:
            row = session.get_one(JobRow, lease.job)
            row.attempts -= 1
            row.renewals += 1
            self._extend(row, 0.0)

    def finish(
        self, lease: Lease, outputs: Mapping[str, Any], *, reason: str = "", actor: str | None = None
    ) -> Job:
        """The job is done. Called within `transaction(lease=…)` it is so together with what came of it.

        Raises StaleLeaseError.
        """
        return self._end(lease, "done", outputs, reason, actor)

    def fail(self, lease: Lease, *, reason: str, actor: str | None = None) -> Job:
        """The job cannot be done, for this reason. Raises StaleLeaseError."""
        storable(reason, "the reason")
        return self._end(lease, "failed", {}, reason, actor)

    def cancel(self, number: int, *, reason: str = "", actor: str | None = None) -> Job:
        """Ends a job that is queued or being done; what its worker has made cannot be committed any more.

        Raises UnknownNameError, StateError if it has ended.
        """
        with self.transaction() as session:
            row = session.get(JobRow, number)
            if row is None:
                raise UnknownNameError(f"there is no job {number}", "See jobs().")
            if row.state not in ("queued", "running"):
                raise StateError(f"the job {number} has ended ({row.state})", "There is nothing to cancel.")
            why = storable(reason, "the reason", empty=True) or "cancelled"
            row.state, row.outputs, row.reason = "failed", '{"cancelled":true}', why
            row.ended_at = self.clock.now()
            self._record(session, "job.cancel", reason=why, actor=actor, inputs={"job": number})
            return _job(row)

    def job(self, number: int) -> Job:
        """Raises UnknownNameError if there is none."""
        with self._reading() as session:
            row = session.get(JobRow, number)
            if row is None:
                raise UnknownNameError(f"there is no job {number}", "See jobs().")
            return _job(row)

    def job_history(self, number: int) -> list[LedgerEntry]:
        """The ledger's entries about a job, in order. Raises UnknownNameError if there is none."""
        self.job(number)
        named = f'%"job":{number}%'
        with self._reading() as session:
            query = select(LedgerRow).where(LedgerRow.action.like("job.%"), LedgerRow.inputs.like(named))
            entries = [entry_of(row) for row in session.scalars(query.order_by(LedgerRow.sequence))]
        return [entry for entry in entries if entry.inputs.get("job") == number]

    def work_waits(self) -> bool:
        """Whether a worker would find something to do, now or when the one that is at it has gone."""
        query = select(JobRow.id).where(JobRow.state.in_(("queued", "running"))).limit(1)
        with self._reading() as session:
            if brake_of(session) is not None:
                query = query.where(JobRow.kind.in_(NOT_BRAKED))
            return session.scalar(query) is not None

    def job_of_request(self, request: str) -> Job | None:
        """The job that a request of this name made; None if there is none."""
        with self._reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.request == request))
            return None if row is None else _job(row)

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they came."""
        with self._reading() as session:
            return [_job(row) for row in session.scalars(select(JobRow).order_by(JobRow.id))]

    @cached_property
    def _seen(self) -> dict[int, tuple[int, int, float]]:
        """Leases of elsewhere as this process last saw them: token, renewals, and since when they are so."""
        return {}

    def _end(
        self, lease: Lease, state: JobState, outputs: Mapping[str, Any], reason: str, actor: str | None
    ) -> Job:
        stored = checked_json(outputs, "the job's outputs")
        with self.transaction(lease=lease) as session:
            row = session.get_one(JobRow, lease.job)
            row.state, row.outputs, row.reason, row.ended_at = state, stored, reason, self.clock.now()
            self._record(
                session,
                f"job.{'finish' if state == 'done' else 'fail'}",
                reason=reason,
                actor=actor or lease.owner,
                inputs={"job": lease.job, "token": lease.token},
                outputs=json.loads(stored),
            )
            return _job(row)

    def _fence(self, session: Session, lease: Lease | None) -> None:
        if lease is None:
            return
        row = session.get(JobRow, lease.job)
        if row is None or row.state != "running" or row.token != lease.token:
            now = "gone" if row is None else f"{row.state}, at token {row.token}"
            raise StaleLeaseError(
                f"job {lease.job} is no longer this worker's: its lease has token {lease.token}, "
                f"the job is {now}",
                "Nothing was committed. Claim the next job; renew the lease more often while working.",
            )

    def _stop_running(self, session: Session) -> None:
        row = session.scalar(select(JobRow).where(JobRow.state == "running"))
        if row is not None and row.kind not in NOT_BRAKED:
            row.state, row.attempts = "queued", row.attempts - 1  # it did not fail

    def _extend(self, row: JobRow, lease_s: float) -> None:
        row.lease_s, row.lease_boot = float(lease_s), self.clock.boot()
        row.lease_until = self.clock.monotonic() + lease_s

    def _expired(self, row: JobRow) -> bool:
        now = self.clock.monotonic()
        if row.lease_boot == self.clock.boot():
            return now >= row.lease_until
        token, renewals, since = self._seen.get(row.id, (-1, -1, now))
        if (token, renewals) != (row.token, row.renewals):
            self._seen[row.id] = (row.token, row.renewals, now)
            return False
        return now - since >= row.lease_s


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        state=cast(JobState, row.state),
        inputs=json.loads(row.inputs),
        outputs=json.loads(row.outputs),
        reason=row.reason,
        attempts=row.attempts or 0,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _lease(row: JobRow) -> Lease:
    return Lease(row.id, row.token, row.kind, row.owner, row.attempts, row.lease_s, json.loads(row.inputs))
