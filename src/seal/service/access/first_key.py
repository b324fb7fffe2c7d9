"""One admin key for all tenants, made at the first start and shown once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastapi import Request

from seal.files import write_durably
from seal.service.access import Caller, Role
from seal.service.hosting import Hosting
from seal.service.problems import unauthorized

FILE = "service-key"


@dataclass(frozen=True)
class FirstKey:
    """Lets in who has the key."""

    hosting: Hosting
    digest: str

    @classmethod
    def of(cls, hosting: Hosting) -> tuple[Self, str | None]:
        """The key of the first tenant's workspace; also its secret, if it was made now."""
        path: Path = next(iter(hosting.tenants.values())).path / FILE
        if path.exists():
            return cls(hosting, path.read_text(encoding="utf-8").strip()), None
        secret = f"seal_{secrets.token_urlsafe(24)}"
        digest = hashlib.sha256(secret.encode()).hexdigest()
        write_durably(path, [digest.encode()])
        return cls(hosting, digest), secret

    async def admit(self, request: Request, role: Role) -> Caller:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        given = hashlib.sha256(secret.strip().encode()).hexdigest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, self.digest):
            raise unauthorized("no valid key was given: send Authorization: Bearer KEY")
        name = request.headers.get("x-seal-tenant") or next(iter(self.hosting.tenants))
        return Caller(self.hosting.tenant(name), "first", frozenset(Role))
