"""What a key may be for. Imports nothing of the service: the command line needs the names alone."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a key may be for."""

    ASK = "ask"
    TEACH = "teach"
    APPROVE = "approve"
    AUDIT = "audit"
    ADMIN = "admin"


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """What a key with these roles may be used for: who administers may do everything. A role of a newer seal
    gives nothing."""
    known = frozenset(role for role in Role if role in set(names))
    return frozenset(Role) if Role.ADMIN in known else known
