"""Lets in who has a key: one that is known, holds, has the role, and has not come too often.

Who has a token of an issuer that the settings name is let in too (oidc.py). Knows no route. What a wrong key
is told is the same whether its tenant, its id or its secret is wrong, and takes as long.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Self

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from seal.errors import ConfigError
from seal.registry import AccessKey
from seal.service.access import Caller, Role
from seal.service.access.key_secrets import NOBODYS, KeySecret, parsed
from seal.service.access.making import first_key
from seal.service.access.oidc import TokenIssuer, is_token
from seal.service.access.roles import roles_of
from seal.service.hosting import Hosting, Tenant
from seal.service.problems import Problem, forbidden, too_many, unauthorized
from seal.service.settings import AccessSettings

_REFUSED = "no valid key was given: send Authorization: Bearer seal_..."
_REMEMBERED = 4096
_FRESH_S = 1.0
_AT_ONCE = 2
COOKIE = "seal_key"


@dataclass
class _Known:
    """A key whose secret was compared before: with which hash, and its record as it was read at a time."""

    hash: str
    record: AccessKey
    read_at: float


class Keyring:
    """The access control of a service. `settings` say how often whom, and whose tokens count. Raises
    ConfigError."""

    def __init__(self, hosting: Hosting, settings: AccessSettings) -> None:
        self.hosting, self.settings = hosting, settings
        self._issuer = None if settings.oidc is None else TokenIssuer(settings.oidc, hosting)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Task[AccessKey | None]] = {}
        self._hashing = CapacityLimiter(_AT_ONCE)  # each takes a core and 19 MB
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._of_key = rates(settings.key_rate)
        self._of_writer = rates(settings.write_rate)
        self._of_tenant = rates(settings.tenant_rate)
        self._of_failures = rates(settings.failure_rate)

    @classmethod
    def of(
        cls, hosting: Hosting, settings: AccessSettings | None = None
    ) -> tuple[Self, dict[str, KeySecret]]:
        """The keyring of a service, and the admin keys that were made since there were none, by tenant."""
        made = {name: first_key(t.learner.workspace, name) for name, t in hosting.tenants.items()}
        ring = cls(hosting, settings or AccessSettings())
        return ring, {name: secret for name, secret in made.items() if secret is not None}

    async def admit(self, request: Request, role: Role) -> Caller:
        caller = await self.recognise(request, sent_key(request))
        if role is not Role.ASK:
            self._see_rate(self._of_writer, "write", f"{caller.tenant.name}/{caller.key}")
        if role not in caller.roles:
            held = ", ".join(sorted(caller.roles))
            raise forbidden(f"this takes a key with the role {role}; yours has {held}")
        return caller

    async def recognise(self, request: Request, key: str) -> Caller:
        address = request.client.host if request.client else "unknown"
        self._see_rate(self._of_failures, "failed", address, count=False)
        try:
            caller = await self._whose(key)
        except Problem as problem:
            if problem.status == 401:
                self._see_rate(self._of_failures, "failed", address)
            raise
        self._see_rate(self._of_tenant, "tenant", caller.tenant.name)
        self._see_rate(self._of_key, "key", f"{caller.tenant.name}/{caller.key}")
        return caller

    async def _whose(self, key: str) -> Caller:
        """Raises Problem: 401, or 503 if the issuer of a token cannot be asked for its keys."""
        if self._issuer is not None and is_token(key):
            return await to_thread.run_sync(self._issuer.caller, key)
        given = parsed(key)
        tenant = self.hosting.tenants.get(given.tenant) if given else None
        record = await self._compared(given, tenant)
        if given is None or tenant is None or record is None:
            raise unauthorized(_REFUSED)
        return Caller(tenant, record.id, roles_of(record.roles), record.name, record.trust)

    def forget(self, key: str) -> None:
        """A key was revoked in this process: it is refused from now on."""
        self._known = OrderedDict((d, one) for d, one in self._known.items() if one.record.id != key)

    async def _compared(self, given: KeySecret | None, tenant: Tenant | None) -> AccessKey | None:
        """The record of a key that is right and holds now. Requests that come with the same key while it is
        looked up wait for the same look."""
        if given is None:
            return None
        digest = hashlib.sha256(str(given).encode()).hexdigest()
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known.read_at < _FRESH_S:
            return (
                known.record
                if tenant and known.record.valid_at(tenant.learner.workspace.clock.now())
                else None
            )
        looking = self._looking.get(digest)
        if looking is None:
            looking = self._looking[digest] = asyncio.create_task(self._looked_up(digest, given, tenant))
            looking.add_done_callback(partial(self._seen, digest))
        return await asyncio.shield(looking)  # the others wait for it, too

    def _seen(self, digest: str, looking: asyncio.Task[AccessKey | None]) -> None:
        del self._looking[digest]
        if not looking.cancelled():
            looking.exception()  # those who still wait are told of it

    async def _looked_up(self, digest: str, given: KeySecret, tenant: Tenant | None) -> AccessKey | None:
        known = self._known.get(digest)
        stored = await to_thread.run_sync(_stored, tenant, given.id)
        record, hash = stored or (None, NOBODYS)
        if known is None or known.hash != hash:
            right = await to_thread.run_sync(given.fits, hash, limiter=self._hashing)
            if not right:
                return None
        if record is None or tenant is None or not record.valid_at(tenant.learner.workspace.clock.now()):
            self._known.pop(digest, None)
            return None
        self._known[digest] = _Known(hash, record, time.monotonic())
        self._known.move_to_end(digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        await to_thread.run_sync(tenant.learner.workspace.key_used, record.id)
        return record

    def _see_rate(self, limits: list[RateLimitItem], kind: str, whom: str, *, count: bool = True) -> None:
        """Raises Problem (429) if somebody came too often."""
        for limit in limits:
            seen = self._limiter.hit(limit, kind, whom) if count else self._limiter.test(limit, kind, whom)
            if not seen:
                reset_at = self._limiter.get_window_stats(limit, kind, whom).reset_time
                raise too_many(f"more requests than {limit}", max(1.0, reset_at - time.time()))


def rates(text: str) -> list[RateLimitItem]:
    """Rates as settings say them: "600/minute;100000/day"; empty is no limit. Raises ConfigError."""
    try:
        return parse_many(text) if text.strip() else []
    except ValueError as error:
        raise ConfigError(f"{text!r} is no rate", 'For instance "600/minute;100000/day".') from error


def sent_key(request: Request) -> str:
    """The key that came with a request: in its header, or in the cookie of a page that it was entered in. The
    cookie counts only where another site cannot have made the browser send it: that is what the browser says,
    or what the token of a form showed (`request.state.own_form`)."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret
    own = request.method in ("GET", "HEAD") or request.headers.get("sec-fetch-site") == "same-origin"
    own = own or getattr(request.state, "own_form", False)
    return request.cookies.get(COOKIE, "") if own else ""


def _stored(tenant: Tenant | None, key: str) -> tuple[AccessKey, str] | None:
    return None if tenant is None else tenant.learner.workspace.key_hash(key)
