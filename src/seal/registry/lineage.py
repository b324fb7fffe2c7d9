"""What descends from what: rows of the tables as records, with their lineage. Changes nothing."""

from __future__ import annotations

import json
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from seal.registry.records import LIVE, Build, State, Version
from seal.registry.tables import (
    AliasMoveRow,
    AliasRow,
    BuildDocumentRow,
    BuildRow,
    VersionBuildRow,
    VersionRow,
)


def documents_of(session: Session, version: str) -> tuple[str, ...]:
    """The documents that a version descends from, sorted."""
    query = (
        select(BuildDocumentRow.document_id)
        .join(VersionBuildRow, VersionBuildRow.build_key == BuildDocumentRow.build_key)
        .where(VersionBuildRow.version_id == version)
        .distinct()
        .order_by(BuildDocumentRow.document_id)
    )
    return tuple(session.scalars(query))


def version_of(session: Session, row: VersionRow) -> Version:
    session.flush()
    builds = select(VersionBuildRow.build_key).where(VersionBuildRow.version_id == row.id)
    aliases = select(AliasRow.name).where(AliasRow.version_id == row.id)
    return Version(
        id=row.id,
        sequence=row.sequence,
        content=row.content,
        base=row.base,
        parent=row.parent,
        builds=tuple(session.scalars(builds.order_by(VersionBuildRow.build_key))),
        documents=documents_of(session, row.id),
        settings=json.loads(row.settings),
        report=row.report,
        state=cast(State, row.state),
        created_at=row.created_at,
        erased=row.erased,
        aliases=tuple(session.scalars(aliases.order_by(AliasRow.name))),
    )


def build_of(session: Session, row: BuildRow) -> Build:
    session.flush()
    sources = select(BuildDocumentRow.document_id).where(BuildDocumentRow.build_key == row.key)
    return Build(
        key=row.key,
        object=row.object,
        base=row.base,
        writer=row.writer,
        sources=tuple(session.scalars(sources.order_by(BuildDocumentRow.document_id))),
        recipe=json.loads(row.recipe),
        seed=row.seed,
        environment=row.environment,
        created_at=row.created_at,
        erased=row.erased,
    )


def alias_target(session: Session, name: str) -> str | None:
    """The version that a name refers to; None if the name is not in use."""
    row = session.get(AliasRow, name)
    return None if row is None else row.version_id


def live_stack(session: Session) -> list[str]:
    """The versions that the live one succeeded, oldest first, itself last. A rolled-back one is not in it."""
    stack: list[str] = []
    moves = select(AliasMoveRow.after).where(AliasMoveRow.name == LIVE).order_by(AliasMoveRow.sequence)
    for after in session.scalars(moves):
        if after is None:
            continue
        if after in stack:
            del stack[stack.index(after) + 1 :]
        else:
            stack.append(after)
    return stack
