"""Makes keys: for the command line, for those who administer a tenant over HTTP, and at the first start.

Knows how long a key holds. Knows nothing about requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from seal.errors import InputError
from seal.hints import did_you_mean
from seal.registry import AccessKey, Workspace
from seal.service.access.key_secrets import KeySecret, new_secret
from seal.service.access.roles import Role

MOST_DAYS = 3660
PERSON = "oidc-"
"""How the ids of those begin who came by an issuer's token, and have no key."""


def make_key(
    workspace: Workspace,
    tenant: str,
    *,
    name: str,
    roles: Sequence[str],
    days: float | None = None,
    trust: float | None = None,
    actor: str | None = None,
) -> tuple[AccessKey, KeySecret]:
    """A new key of a workspace, which is the tenant of that name; it holds for `days`, or until it is
    revoked.

    Raises InputError for an unknown role, a time that is none, StateError for a name that is in use.
    """
    known = [checked_role(role) for role in dict.fromkeys(roles)]
    if days is not None and not 0 < days <= MOST_DAYS:
        raise InputError(f"a key that holds for {days} days", f"Give more than 0, and at most {MOST_DAYS}.")
    until = (
        None
        if days is None
        else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="microseconds")
    )
    secret = new_secret(tenant)
    made = workspace.add_key(
        secret.id, secret.hash, name=name, roles=known, trust=trust, expires_at=until, actor=actor
    )
    return made, secret


def first_key(workspace: Workspace, tenant: str) -> KeySecret | None:
    """An admin key, if the workspace has no key that holds and may administer it."""
    now = workspace.clock.now()
    keys = [key for key in workspace.access_keys() if not key.id.startswith(PERSON)]
    if any(Role.ADMIN in key.roles and key.valid_at(now) for key in keys):
        return None
    name = f"first-{len(workspace.access_keys()) + 1}"
    return make_key(workspace, tenant, name=name, roles=[Role.ADMIN])[1]


def checked_role(role: str) -> Role:
    """Raises InputError if there is no such role."""
    try:
        return Role(role)
    except ValueError:
        raise InputError(f"there is no role {role!r}", did_you_mean(role, list(Role))) from None
