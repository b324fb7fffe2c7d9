"""The check of a whole workspace: does everything that is written down still fit together?

Changes nothing, and trusts nothing: every hash is computed anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from seal.registry import ledger
from seal.registry.digests import gives_its_id, key_of
from seal.registry.erasing import Erasing
from seal.registry.lineage import build_of, version_of
from seal.registry.records import LIVE, Audit
from seal.registry.tables import (
    AliasMoveRow,
    AliasRow,
    BuildRow,
    DocumentRow,
    RolloutRow,
    VersionBuildRow,
    VersionRow,
)

_STATES = {
    "version.add": "candidate",
    "version.hold": "held",
    "version.approve": "candidate",
    "version.reject": "rejected",
}
_ROLLOUTS = {
    "rollout.begin": "running",
    "rollout.promote": "promoted",
    "rollout.revert": "reverted",
    "rollout.end": "ended",
}


class Auditing(Erasing):
    """The operation that checks."""

    def audit(self, *, anchor: str | None = None) -> Audit:
        """Checks the ledger's chain, the aliases against it, every version's id, and every object's hash.

        `anchor`: the hash of an entry that was kept elsewhere. Raises DamageError if the database cannot be
        read at all.
        """
        broken = self.database.check()
        entries = self.ledger()
        with self._reading() as session:
            problems = [broken] if broken else []
            problems += [
                *_identities(session, entries),
                *_states(session, entries),
                *_aliases(session, entries),
                *_rollouts(session, entries),
            ]
            referenced = self._referenced(session)
        problems += [problem for problem in map(self.store.check, sorted(referenced)) if problem]
        pending = self.pending_erasures()
        if pending:
            problems.append(
                f"{len(pending)} objects still have to be erased: open the workspace where it can be written"
            )
        return Audit(ledger.verify(entries, anchor), tuple(problems), len(referenced))


def _identities(session: Session, entries: list[ledger.LedgerEntry]) -> Iterator[str]:
    """Versions and builds whose rows do not give the id that they have."""
    for row in session.scalars(select(BuildRow)):
        build = build_of(session, row)
        if key_of(build) != build.key:
            yield f"the build {build.key[:12]}… was altered: its row does not give its key"
    for row in session.scalars(select(VersionRow)):
        version = version_of(session, row)
        links = session.scalars(select(VersionBuildRow).where(VersionBuildRow.version_id == row.id))
        objects = {link.build_key: link.object for link in links}
        if not gives_its_id(version, objects):
            yield f"the version {version.id[:12]}… was altered: its row does not give its id"
        if not version.erased:
            for key, object in objects.items():
                if session.get_one(BuildRow, key).object != object:
                    whose = f"the version {version.id[:12]}…"
                    yield f"the build {key[:12]}… was altered: {whose} had another object"
    texts = {e.inputs.get("document"): e.inputs.get("text") for e in entries if e.action == "document.add"}
    for document in session.scalars(select(DocumentRow)):
        # the text of a document whose text another one has, too, stands in the ledger
        text = texts.get(document.id) or document.id
        if document.text != (None if document.erased else text):
            yield f"the document {document.id[:12]}… was altered: its text is not the one of its id"


def _states(session: Session, entries: list[ledger.LedgerEntry]) -> Iterator[str]:
    """Versions whose state is not the one that the ledger tells."""
    told: dict[str, str] = {}
    for entry in entries:
        if entry.action in _STATES:
            told[str(entry.inputs.get("version") or entry.outputs.get("version"))] = _STATES[entry.action]
        elif entry.action == "alias.move" and entry.inputs.get("name") == LIVE:
            told[str(entry.outputs.get("after"))] = "live-once"
        elif entry.action == "document.erase":
            told |= {str(version): "rejected" for version in entry.outputs.get("versions", ())}
    now = {row.id: row.state for row in session.scalars(select(VersionRow))}
    for version in sorted({*told, *now}):
        if told.get(version) != now.get(version):
            state, then = now.get(version, "missing"), told.get(version, "nothing")
            yield f"the version {version[:12]}… is {state}, while the ledger tells of {then}"


def _aliases(session: Session, entries: list[ledger.LedgerEntry]) -> Iterator[str]:
    """Names that are not where the ledger last moved them, or that a version may not bear."""
    last: dict[str, str | None] = {}
    for move in session.scalars(select(AliasMoveRow).order_by(AliasMoveRow.sequence)):
        last[move.name] = move.after
    told = {
        str(entry.inputs.get("name")): entry.outputs.get("after")
        for entry in entries
        if entry.action == "alias.move"
    }
    now = {row.name: row.version_id for row in session.scalars(select(AliasRow))}
    for name in sorted({*last, *told, *now}):
        if now.get(name) != last.get(name) or (name in now and now[name] != told.get(name)):
            yield f"the alias {name!r} is not where the ledger last moved it"
    for name, version in now.items():
        state = session.get_one(VersionRow, version).state
        if state == "rejected" or (name == LIVE and state != "live-once"):
            yield f"the alias {name!r} refers to the version {version[:12]}…, which is {state}"


def _rollouts(session: Session, entries: list[ledger.LedgerEntry]) -> Iterator[str]:
    """Rollouts whose state is not the one that the ledger tells, or that try what could not be live."""
    told = {e.inputs.get("rollout"): _ROLLOUTS[e.action] for e in entries if e.action in _ROLLOUTS}
    now = {row.id: row for row in session.scalars(select(RolloutRow))}
    for number in sorted({*told, *now}, key=str):
        row = now.get(number) if isinstance(number, int) else None
        state = "missing" if row is None else row.state
        if state != told.get(number):
            yield f"the rollout {number} is {state}, while the ledger tells of {told.get(number, 'nothing')}"
    for row in now.values():
        if row.state == "running" and session.get_one(VersionRow, row.version).state == "rejected":
            yield f"the rollout {row.id} tries the version {row.version[:12]}…, which is rejected"
