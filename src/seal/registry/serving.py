"""Which version answers: the states of versions, and the aliases that refer to them.

Knows nothing about how good a version is: gates decide that, and say it here as a state. The rule that is
kept here, whoever calls: `live` never refers to a version that is held or rejected, and a candidate becomes
live only in succession to the version that it was made from and compared with.

    candidate ──▶ held ──▶ live-once       hold; approve (which also moves `live`)
        │  └──────────────────▲            move `live`
        └──▶ rejected ◀── held, live-once  reject; never left again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from seal.errors import InputError, StateError
from seal.registry.lineage import alias_target, documents_of, live_stack, version_of
from seal.registry.records import LIVE, State, Version
from seal.registry.rollout_ends import RolloutEnding
from seal.registry.tables import AliasMoveRow, AliasRow, DocumentRow, VersionRow
from seal.registry.versions import Versions


class Serving(Versions, RolloutEnding):
    """The operations on states and aliases."""

    def hold(self, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Keeps a candidate back until a person approves or rejects it. Raises StateError."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("candidate",), "held")
            row.state = "held"
            self._record(session, "version.hold", reason=reason, actor=actor, inputs={"version": row.id})
            return version_of(session, row)

    def approve(self, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Makes a held version live. Raises StateError if it is not held, or if another version than its
        parent is live by now."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("held",), "approved")
            row.state = "candidate"
            self._record(session, "version.approve", reason=reason, actor=actor, inputs={"version": row.id})
            return self.move_alias(LIVE, row.id, reason=reason, actor=actor)

    def reject(self, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Shuts a version out for good; its names are removed. Raises StateError if it is live."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("candidate", "held", "live-once"), "rejected")
            if alias_target(session, LIVE) == row.id:
                raise StateError(f"the version {row.id[:12]} is live", "Roll back to another one first.")
            row.state = "rejected"
            inputs = {"version": row.id}
            sequence = self._record(session, "version.reject", reason=reason, actor=actor, inputs=inputs)
            drop_aliases(session, {row.id}, sequence)
            self._shut_out(session, {row.id}, actor)
            return version_of(session, row)

    def move_alias(self, name: str, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Makes a name refer to a version. Raises StateError if the version may not bear it.

        No name refers to a rejected version. `live` takes one that was live before, or a candidate whose
        parent is live now.
        """
        _check_name(name)
        with self.transaction() as session:
            row = self._find(session, version)
            before = alias_target(session, name)
            if before == row.id:
                return version_of(session, row)
            if row.state == "rejected":
                erased = "it knows a document that was erased" if row.erased else "see `seal show`"
                raise StateError(f"the version {row.id[:12]} was rejected ({erased})", "Choose another one.")
            if name == LIVE:
                may_be_live(row, before)
                row.state = "live-once"
                self._mark_learned(session, row)
            sequence = self._record(
                session,
                "alias.move",
                reason=reason,
                actor=actor,
                inputs={"name": name, "before": before},
                outputs={"after": row.id},
            )
            alias = session.get(AliasRow, name) or AliasRow(name=name)
            alias.version_id = row.id
            session.add(alias)
            session.add(AliasMoveRow(sequence=sequence, name=name, before=before, after=row.id))
            session.flush()
            if name == LIVE:
                self._live_moved(session, row.id, actor)
            return version_of(session, row)

    def rollback(self, version: str | None = None, *, reason: str, actor: str | None = None) -> Version:
        """Moves `live` to a version that was live before; without one, to the one that the present succeeded.

        Raises StateError if there is none, or if the version was never live or was rejected since.
        """
        with self.transaction() as session:
            if version is None:
                stack = live_stack(session)[:-1]
                usable = [v for v in stack if self._find(session, v).state == "live-once"]
                if not usable:
                    raise StateError("there is no earlier version to roll back to", "See `seal versions`.")
                version = usable[-1]
            row = self._find(session, version)
            if row.state not in ("live-once", "rejected"):
                raise StateError(
                    f"the version {row.id[:12]} ({row.state}) was never live",
                    "A held version becomes live with `seal approve`.",
                )
            return self.move_alias(LIVE, row.id, reason=reason, actor=actor)

    def alias(self, name: str = LIVE) -> Version | None:
        """The version that a name refers to; None if the name is not in use."""
        with self._reading() as session:
            target = alias_target(session, name)
            return None if target is None else version_of(session, self._find(session, target))

    def _of_state(self, session: Session, version: str, states: Sequence[State], wanted: str) -> VersionRow:
        row = self._find(session, version)
        if row.state not in states:
            raise StateError(
                f"the version {row.id[:12]} is {row.state}, and so cannot be {wanted}",
                f"That takes one that is {' or '.join(states)}; see `seal versions`.",
            )
        return row

    def _mark_learned(self, session: Session, version: VersionRow) -> None:
        for document in documents_of(session, version.id):
            row = session.get_one(DocumentRow, document)
            row.learned_at = row.learned_at or self.clock.now()


def may_be_live(row: VersionRow, live: str | None, *, approved: bool = False) -> None:
    """Raises StateError unless a version may succeed the live one now; `approved`: a person lets it, if it is
    held."""
    state = cast(State, row.state)
    if state == "held" and not approved:
        raise StateError(
            f"the version {row.id[:12]} is held", "A person lets it pass with `seal approve`, or rejects it."
        )
    if state in ("candidate", "held") and row.parent != live:
        made_from = row.parent[:12] if row.parent else "nothing"
        raise StateError(
            f"the version {row.id[:12]} was made from {made_from}, and {live[:12] if live else 'nothing'} is "
            "live by now: what changed in between would be undone",
            "Make it again from the live version: learn its documents again.",
        )


def drop_aliases(session: Session, versions: set[str], sequence: int) -> None:
    """Removes the names that refer to these versions; the moves belong to the ledger's entry `sequence`."""
    for row in session.scalars(select(AliasRow).where(AliasRow.version_id.in_(versions))).all():
        session.add(AliasMoveRow(sequence=sequence, name=row.name, before=row.version_id, after=None))
        session.delete(row)


def _check_name(name: str) -> None:
    plain = name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or all(c in "0123456789abcdef" for c in name):
        raise InputError(
            f"{name!r} cannot be an alias",
            "Use letters, digits, - and _, and not only the digits of an id (0-9, a-f).",
        )
