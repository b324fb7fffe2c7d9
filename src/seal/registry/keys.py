"""Keys: who may use a workspace over a network, and until when.

Knows nothing about how a secret is made, hashed or compared: what is stored is a hash that the caller made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from seal.errors import InputError, StateError, UnknownNameError
from seal.registry.canonical import canonical, storable
from seal.registry.core import Core, no_repeats
from seal.registry.records import AccessKey
from seal.registry.tables import KeyRow


class Keys(Core):
    """The operations on keys."""

    def add_key(
        self,
        key: str,
        hash: str,
        *,
        name: str,
        roles: Sequence[str],
        trust: float | None = None,
        expires_at: str | None = None,
        reason: str = "",
        actor: str | None = None,
    ) -> AccessKey:
        """Records a key by its id and the hash of its secret.

        Raises InputError for an empty name or no role, StateError if there is a key with this id or, in use,
        with this name.
        """
        if not roles:
            raise InputError("the key has no role", "Give at least one.")
        if trust is not None and not (math.isfinite(trust) and 0 <= trust <= 1):
            raise InputError(f"the trust is {trust}", "Give a number from 0 (none) to 1 (full).")
        stored = no_repeats(roles, "the key")
        with self.transaction() as session:
            if session.get(KeyRow, key) is not None:
                raise StateError(f"there is a key {key} already", "Take another id.")
            same = select(KeyRow).where(KeyRow.name == name, KeyRow.revoked_at.is_(None))
            if session.scalar(same) is not None:
                raise StateError(f"a key named {name!r} is in use", "Give another name, or revoke that one.")
            row = KeyRow(
                id=storable(key, "the key's id"),
                name=storable(name, "the key's name"),
                hash=storable(hash, "the key's hash"),
                roles=canonical(list(stored)),
                trust=trust,
                created_at=self.clock.now(),
                expires_at=expires_at,
            )
            session.add(row)
            told = {"key": key, "name": name, "roles": list(stored), "trust": trust, "expires": expires_at}
            self._record(session, "key.add", reason=reason, actor=actor, inputs=told)
            return _key(row)

    def revoke_key(self, name: str, *, reason: str = "", actor: str | None = None) -> AccessKey:
        """Ends a key, by its id or its name, for good. Raises UnknownNameError."""
        with self.transaction() as session:
            row = _named(session, name)
            if row.revoked_at is None:
                row.revoked_at = self.clock.now()
                self._record(session, "key.revoke", reason=reason, actor=actor, inputs={"key": row.id})
            return _key(row)

    def access_keys(self) -> list[AccessKey]:
        """All keys, the revoked and expired ones too, in the order in which they were made."""
        with self._reading() as session:
            return [
                _key(row) for row in session.scalars(select(KeyRow).order_by(KeyRow.created_at, KeyRow.id))
            ]

    def key(self, name: str) -> AccessKey:
        """A key by its id or its name. Raises UnknownNameError."""
        with self._reading() as session:
            return _key(_named(session, name))

    def key_hash(self, key: str) -> tuple[AccessKey, str] | None:
        """A key by its id, with the hash of its secret; None if there is none."""
        with self._reading() as session:
            row = session.get(KeyRow, key)
            return None if row is None else (_key(row), row.hash)

    def key_used(self, key: str) -> None:
        """Notes the day. Written once a day, and not in the ledger."""
        today = self.clock.now()[:10]
        with self._reading() as session:
            row = session.get(KeyRow, key)
            if row is None or row.used_on == today:
                return
        with self.transaction() as session:
            session.get_one(KeyRow, key).used_on = today


def _named(session: Session, name: str) -> KeyRow:
    row = session.get(KeyRow, name)
    if row is None:
        same = select(KeyRow).where(KeyRow.name == name).order_by(KeyRow.revoked_at.is_not(None))
        row = session.scalars(same).first()
    if row is None:
        raise UnknownNameError(f"there is no key {name!r}", "See `seal keys list`.")
    return row


def _key(row: KeyRow) -> AccessKey:
    return AccessKey(
        id=row.id,
        name=row.name,
        roles=tuple(json.loads(row.roles)),
        trust=row.trust,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_on=row.used_on,
    )
