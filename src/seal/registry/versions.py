"""Builds, versions and aliases: what was made, what it descends from, and which of it answers.

Knows nothing about how good a version is: gates decide that, and say it here as a state. The rule that is
kept here, whoever calls: `live` never refers to a version that is held or rejected, and a candidate becomes
live only in succession to the version that it was made from and compared with.

    candidate ──▶ held ──▶ live-once       hold; approve (which also moves `live`)
        │  └──────────────────▲            move `live`
        └──▶ rejected ◀── held, live-once  reject; never left again
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import DamageError, InputError, StateError, UnknownNameError
from seal.plugins import did_you_mean
from seal.registry.canonical import digest_of, storable
from seal.registry.core import Core, checked_json, no_repeats
from seal.registry.documents import drop_aliases
from seal.registry.lineage import alias_move, build_of, documents_of, live_stack, version_of
from seal.registry.records import LIVE, AliasMove, Build, State, Version
from seal.registry.tables import (
    AliasMoveRow,
    AliasRow,
    BuildDocumentRow,
    BuildRow,
    DocumentRow,
    ErasureRow,
    LedgerRow,
    VersionBuildRow,
    VersionRow,
)

_SHORTEST = 4


class Versions(Core):
    """The operations on builds, versions and aliases."""

    def add_build(
        self,
        *,
        base: str,
        writer: str,
        sources: Sequence[str],
        recipe: Mapping[str, Any],
        seed: int,
        object: str,
        environment: str = "",
        reason: str = "",
        actor: str | None = None,
    ) -> Build:
        """Records an adapter that lies in the store as `object`, by the digest of what it was made of.

        The same build again changes nothing. Raises DamageError if the object is not in the store, or if
        the same inputs gave another object before: then what a version knows cannot be rebuilt.
        """
        sources = no_repeats(sources, "the build")
        if not 0 <= seed < 2**63:
            raise InputError(f"the seed is {seed}", "Give a whole number from 0 to 2^63 - 1.")
        made_of = {
            "base": storable(base, "the base"),
            "writer": storable(writer, "the writer"),
            "sources": list(sources),
            "recipe": json.loads(checked_json(recipe, "the recipe")),
            "seed": seed,
            "environment": storable(environment, "the environment", empty=True),
        }
        key = digest_of(made_of)
        with self.transaction() as session:
            self._stored(object, "the build")
            _refuse_erased(session, sources)
            row = session.get(BuildRow, key)
            if row is not None and not row.erased:
                if row.object != object:
                    raise DamageError(
                        f"the build {key[:12]}… gave {object[:12]}…, and {row.object[:12]}… before, from the "
                        "same base, writer, sources, recipe and seed",
                        "Name what differs in `environment` (device, threads, library versions).",
                    )
                return build_of(session, row)
            new = row is None
            if row is None:
                row = BuildRow(key=key, base=base, writer=writer, seed=seed, environment=environment)
                row.recipe = checked_json(recipe, "the recipe")
            row.object, row.created_at, row.erased = object, self.clock.now(), False
            session.add(row)
            session.flush()
            if new:
                session.add_all(BuildDocumentRow(build_key=key, document_id=source) for source in sources)
            pending = session.get(ErasureRow, object)
            if pending is not None:
                session.delete(pending)
            outputs = {"build": key, "object": object}
            self._record(session, "build.add", reason=reason, actor=actor, inputs=made_of, outputs=outputs)
            return build_of(session, row)

    def build(self, key: str) -> Build:
        """Raises UnknownNameError if there is none."""
        with self._reading() as session:
            row = session.get(BuildRow, key)
            if row is None:
                raise UnknownNameError(f"there is no build {key!r}", "Give the whole key of one.")
            return build_of(session, row)

    def add_version(
        self,
        *,
        base: str,
        builds: Sequence[str],
        parent: str | None,
        settings: Mapping[str, Any] | None = None,
        report: str | None = None,
        reason: str = "",
        actor: str | None = None,
    ) -> Version:
        """Records a release, as a candidate. Its id follows from its content, parent and report, so the same
        again is the one that is there, in whatever state it is.

        Raises UnknownNameError if a build or the parent is unknown, StateError if a build was erased,
        DamageError if the report or a build's object is not in the store.
        """
        builds = no_repeats(builds, "the version")
        told = json.loads(checked_json(settings or {}, "the settings"))
        with self.transaction() as session:
            objects = {key: self._usable(session, key) for key in builds}
            if parent is not None and session.get(VersionRow, parent) is None:
                raise UnknownNameError(
                    f"there is no version {parent!r} to be the parent", "Give its whole id."
                )
            if report is not None:
                self._stored(report, "the version's report")
            content = digest_of({"base": storable(base, "the base"), "builds": objects, "settings": told})
            key = digest_of({"content": content, "parent": parent, "report": report})
            row = session.get(VersionRow, key)
            if row is not None:
                return version_of(session, row)
            row = VersionRow(
                id=key,
                sequence=(session.scalar(select(func.max(VersionRow.sequence))) or 0) + 1,
                content=content,
                base=base,
                parent=parent,
                settings=checked_json(told, "the settings"),
                report=report,
                state="candidate",
                created_at=self.clock.now(),
                erased=False,
            )
            session.add(row)
            session.flush()
            session.add_all(
                VersionBuildRow(version_id=key, build_key=b, object=o) for b, o in objects.items()
            )
            self._record(
                session,
                "version.add",
                reason=reason,
                actor=actor,
                inputs={"parent": parent, "builds": list(builds), "report": report},
                outputs={"version": key, "content": content},
            )
            return version_of(session, row)

    def hold(self, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Keeps a candidate back until a person approves or rejects it. Raises StateError."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("candidate",), "held")
            row.state = "held"
            self._record(session, "version.hold", reason=reason, actor=actor, inputs={"version": row.id})
            return version_of(session, row)

    def approve(
        self, version: str, *, reason: str, allow_stale: bool = False, actor: str | None = None
    ) -> Version:
        """Makes a held version live. Raises StateError if it is not held, or if another version than its
        parent is live by now (`allow_stale` lets that pass: what was learned since is then not live)."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("held",), "approved")
            row.state = "candidate"
            self._record(session, "version.approve", reason=reason, actor=actor, inputs={"version": row.id})
            return self.move_alias(LIVE, row.id, reason=reason, allow_stale=allow_stale, actor=actor)

    def reject(self, version: str, *, reason: str, actor: str | None = None) -> Version:
        """Shuts a version out for good; its names are removed. Raises StateError if it is live."""
        with self.transaction() as session:
            row = self._of_state(session, version, ("candidate", "held", "live-once"), "rejected")
            if _target(session, LIVE) == row.id:
                raise StateError(f"the version {row.id[:12]} is live", "Roll back to another one first.")
            row.state = "rejected"
            inputs = {"version": row.id}
            sequence = self._record(session, "version.reject", reason=reason, actor=actor, inputs=inputs)
            drop_aliases(session, {row.id}, sequence)
            return version_of(session, row)

    def move_alias(
        self, name: str, version: str, *, reason: str, allow_stale: bool = False, actor: str | None = None
    ) -> Version:
        """Makes a name refer to a version. Raises StateError if the version may not bear it.

        No name refers to a rejected version. `live` takes one that was live before, or a candidate whose
        parent is live now (or any, with `allow_stale`).
        """
        _check_name(name)
        with self.transaction() as session:
            row = self._find(session, version)
            before = _target(session, name)
            if before == row.id:
                return version_of(session, row)
            if row.state == "rejected":
                erased = "it knows a document that was erased" if row.erased else "see `seal show`"
                raise StateError(f"the version {row.id[:12]} was rejected ({erased})", "Choose another one.")
            if name == LIVE:
                _may_be_live(row, before, allow_stale)
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

    def version(self, name: str) -> Version:
        """The version of an alias, an id, or the beginning of one. Raises UnknownNameError, InputError."""
        with self._reading() as session:
            return version_of(session, self._find(session, name))

    def versions(self) -> list[Version]:
        """All versions in the order in which they were made."""
        with self._reading() as session:
            rows = session.scalars(select(VersionRow).order_by(VersionRow.sequence)).all()
            return [version_of(session, row) for row in rows]

    def alias(self, name: str = LIVE) -> Version | None:
        """The version that a name refers to; None if the name is not in use."""
        with self._reading() as session:
            target = _target(session, name)
            return None if target is None else version_of(session, self._find(session, target))

    def history(self, name: str = LIVE) -> list[AliasMove]:
        """Where a name has been, in order."""
        query = select(AliasMoveRow, LedgerRow).join(LedgerRow, LedgerRow.sequence == AliasMoveRow.sequence)
        with self._reading() as session:
            rows = session.execute(query.where(AliasMoveRow.name == name).order_by(AliasMoveRow.sequence))
            return [alias_move(move, entry) for move, entry in rows]

    def _find(self, session: Session, name: str) -> VersionRow:
        target = _target(session, name)
        row = session.get(VersionRow, target or name)
        if row is not None:
            return row
        if len(name) >= _SHORTEST and all(c in "0123456789abcdef" for c in name):
            rows = session.scalars(select(VersionRow).where(VersionRow.id.startswith(name)).limit(2)).all()
            if len(rows) == 2:
                raise InputError(f"more than one version begins with {name}", "Give more of the id.")
            if rows:
                return rows[0]
        names = session.scalars(select(AliasRow.name)).all()
        raise UnknownNameError(
            f"there is no version {name!r}",
            f"{did_you_mean(name, names)} An id, or at least its first {_SHORTEST} digits, will do as well.",
        )

    def _of_state(self, session: Session, version: str, states: Sequence[State], wanted: str) -> VersionRow:
        row = self._find(session, version)
        if row.state not in states:
            raise StateError(
                f"the version {row.id[:12]} is {row.state}, and so cannot be {wanted}",
                f"That takes one that is {' or '.join(states)}; see `seal versions`.",
            )
        return row

    def _usable(self, session: Session, build: str) -> str:
        row = session.get(BuildRow, build)
        if row is None:
            raise UnknownNameError(f"there is no build {build!r}", "Record it with add_build first.")
        if row.erased:
            raise StateError(
                f"the build {build[:12]}… knows a document that was erased", "Build the version without it."
            )
        return self._stored(row.object, f"the build {build[:12]}…")

    def _mark_learned(self, session: Session, version: VersionRow) -> None:
        for document in documents_of(session, version.id):
            row = session.get_one(DocumentRow, document)
            row.learned_at = row.learned_at or self.clock.now()


def _may_be_live(row: VersionRow, live: str | None, allow_stale: bool) -> None:
    state = cast(State, row.state)
    if state == "held":
        raise StateError(
            f"the version {row.id[:12]} is held", "A person lets it pass with `seal approve`, or rejects it."
        )
    if state == "candidate" and row.parent != live and not allow_stale:
        made_from = row.parent[:12] if row.parent else "nothing"
        raise StateError(
            f"the version {row.id[:12]} was made from {made_from}, and {live[:12] if live else 'nothing'} is "
            "live by now: what changed in between would be undone",
            "Make it again from the live version, or insist on it with --allow-stale.",
        )


def _target(session: Session, name: str) -> str | None:
    row = session.get(AliasRow, name)
    return None if row is None else row.version_id


def _check_name(name: str) -> None:
    plain = name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or all(c in "0123456789abcdef" for c in name):
        raise InputError(
            f"{name!r} cannot be an alias",
            "Use letters, digits, - and _, and not only the digits of an id (0-9, a-f).",
        )


def _refuse_erased(session: Session, sources: Sequence[str]) -> None:
    for source in sources:
        row = session.get(DocumentRow, source)
        if row is None:
            raise UnknownNameError(f"there is no document {source!r}", "Add it with add_document first.")
        if row.erased:
            raise StateError(f"the document {source[:12]}… was erased", "Leave it out of the build.")
