"""Builds and versions: what was made, and what it descends from.

Knows nothing about how good a version is, or which of them answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import DamageError, InputError, StateError, UnknownNameError
from seal.hints import did_you_mean
from seal.registry.canonical import storable
from seal.registry.core import Core, checked_json, no_repeats
from seal.registry.digests import build_key, build_parts, version_content, version_id
from seal.registry.lineage import alias_target, build_of, version_of
from seal.registry.records import Build, Version
from seal.registry.tables import (
    AliasRow,
    BuildDocumentRow,
    BuildRow,
    DocumentRow,
    ErasureRow,
    VersionBuildRow,
    VersionRow,
)

_SHORTEST = 4


class Versions(Core):
    """The operations on builds and versions."""

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
        made_of = build_parts(
            base=storable(base, "the base"),
            writer=storable(writer, "the writer"),
            sources=sources,
            recipe=json.loads(checked_json(recipe, "the recipe")),
            seed=seed,
            environment=storable(environment, "the environment", empty=True),
        )
        key = build_key(made_of)
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
            content = version_content(storable(base, "the base"), objects, told)
            key = version_id(content, parent, report)
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

    def version(self, name: str) -> Version:
        """The version of an alias, an id, or the beginning of one. Raises UnknownNameError, InputError."""
        with self._reading() as session:
            return version_of(session, self._find(session, name))

    def bases(self) -> set[str]:
        """The digests of all bases that versions were made with."""
        with self._reading() as session:
            return set(session.scalars(select(VersionRow.base).distinct()))

    def versions(self) -> list[Version]:
        """All versions in the order in which they were made."""
        with self._reading() as session:
            rows = session.scalars(select(VersionRow).order_by(VersionRow.sequence)).all()
            return [version_of(session, row) for row in rows]

    def first_with(self, build: str) -> Version | None:
        """The version in which a build was new, by the build's key."""
        with self._reading() as session:
            having = select(VersionRow).join(VersionBuildRow, VersionBuildRow.version_id == VersionRow.id)
            having = having.where(VersionBuildRow.build_key == build)
            row = session.scalars(having.order_by(VersionRow.sequence).limit(1)).first()
            return None if row is None else version_of(session, row)

    def _find(self, session: Session, name: str) -> VersionRow:
        target = alias_target(session, name)
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

    def _usable(self, session: Session, build: str) -> str:
        row = session.get(BuildRow, build)
        if row is None:
            raise UnknownNameError(f"there is no build {build!r}", "Record it with add_build first.")
        if row.erased:
            raise StateError(
                f"the build {build[:12]}… knows a document that was erased", "Build the version without it."
            )
        return self._stored(row.object, f"the build {build[:12]}…")


def _refuse_erased(session: Session, sources: Sequence[str]) -> None:
    for source in sources:
        row = session.get(DocumentRow, source)
        if row is None:
            raise UnknownNameError(f"there is no document {source!r}", "Add it with add_document first.")
        if row.erased:
            raise StateError(f"the document {source[:12]}… was erased", "Leave it out of the build.")
