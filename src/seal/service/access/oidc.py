"""Lets in who has a token of an OpenID Connect issuer: signed by it, for this service, in its time.

Knows the issuer's keys, which it fetches where the issuer's own description says and looks for again when a
token names one that it does not know, and which claims say whose tenant and which roles. Knows nothing about
requests, and nothing of how somebody comes by a token.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from seal.errors import ConfigError, StateError
from seal.registry import Workspace
from seal.service.access import Caller, Role
from seal.service.access.making import PERSON
from seal.service.access.roles import roles_of
from seal.service.hosting import Hosting
from seal.service.problems import Problem, overloaded, unauthorized
from seal.service.settings import OidcSettings

_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"
)  # fmt: skip
"""Those by which one signs and another can only verify: a secret that both know is no issuer's."""
_FRESH_S, _OLDEST_S, _PAUSE_S = 3600.0, 86400.0, 30.0
_TIMEOUT_S = 10.0
_MOST_CHARS = 16_384
_MOST_NAME = 100
_NO_SECRET = "none"
"""In the place of a hash. No secret has it."""
_LOG = logging.getLogger(__name__)


def is_token(text: str) -> bool:
    """Whether this looks like a signed token, and not like a key of ours."""
    return text.count(".") == 2 and len(text) <= _MOST_CHARS and not text.startswith("seal_")


class TokenIssuer:
    """An issuer whose tokens let people in, as the settings say.

    Raises ConfigError if the package that verifies signatures is missing, if keys would be fetched over a
    network as plain text, or if nothing says which of several tenants a token is for.
    """

    def __init__(
        self, settings: OidcSettings, hosting: Hosting, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if importlib.util.find_spec("joserfc") is None:
            raise ConfigError("access.oidc needs the package joserfc", "pip install 'seal-lm[oidc]'")
        if not settings.tenant_claim and len(hosting.tenants) > 1:
            raise ConfigError(
                "access.oidc.tenant_claim is not set, and there are several tenants",
                "Name the claim that has a tenant's name.",
            )
        _see_that_it_is_private(settings.issuer)
        self.settings, self.hosting = settings, hosting
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._fetched_at = self._tried_at = -math.inf

    def caller(self, token: str) -> Caller:
        """Whose token this is. Raises Problem: 401 if it is none of the issuer's for this service, or names
        no tenant or role here; 503 if the issuer's keys cannot be had."""
        claims = self._claims(token)
        tenant = self.hosting.tenants.get(self._tenant(claims))
        held = _strings(_at(claims, self.settings.roles_claim))
        roles = roles_of([ours for theirs in held for ours in self.settings.roles.get(theirs, ())])
        if tenant is None or not roles:
            raise _refused("it names no tenant or no role of this service")
        subject = f"{self.settings.issuer}\n{claims['sub']}"
        name = str(_at(claims, self.settings.name_claim) or claims["sub"])[:_MOST_NAME]
        name = "".join(c if c.isprintable() else "\ufffd" for c in name)
        person = f"{PERSON}{hashlib.sha256(subject.encode()).hexdigest()[:16]}"
        self._see_known(tenant.learner.workspace, person, name, roles)
        return Caller(tenant, person, roles, name, self.settings.trust)

    def _see_known(self, workspace: Workspace, person: str, name: str, roles: Collection[Role]) -> None:
        """Sees that a workspace knows a person as it knows keys, by which it remembers whose an answer is: as
        one without a secret, that can be revoked. Raises Problem (401) for one who was."""
        if (stored := workspace.key_hash(person)) is None:
            free = name if all(key.name != name for key in workspace.access_keys()) else f"{name} ({person})"
            told = {"roles": sorted(roles), "trust": self.settings.trust, "reason": "the first token"}
            with suppress(StateError):  # another request of the same person was first
                workspace.add_key(person, _NO_SECRET, name=free, actor=self.settings.issuer, **told)
        elif not stored[0].valid_at(workspace.clock.now()):
            raise _refused("whose it is was revoked here")
        workspace.key_used(person)

    def _tenant(self, claims: Mapping[str, Any]) -> str:
        if not self.settings.tenant_claim:
            return next(iter(self.hosting.tenants))
        named = _at(claims, self.settings.tenant_claim)
        return named if isinstance(named, str) else ""

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token says, once it is known that the issuer says it. Raises Problem."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            header = _header(token)
            keys = self._current_keys(str(header.get("kid", "")))
            made = jwt.decode(token, KeySet(list(keys.values())), algorithms=_ALGORITHMS)
            jwt.JWTClaimsRegistry(
                leeway=round(self.settings.leeway_s),
                iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.audience},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(made.claims)
        except JoseError as error:
            raise _refused(error.error or "it is not valid") from error
        except (ValueError, TypeError) as error:
            raise _refused("it cannot be read") from error
        return made.claims

    # The issuer's keys

    def _current_keys(self, wanted: str) -> Mapping[str, Any]:
        """The issuer's keys by their ids; fetched anew where they are old or lack the one that is wanted, but
        not more often than twice a minute, whatever is sent. Raises Problem (503)."""
        with self._lock:
            now = self._clock()
            old = now - self._fetched_at > _FRESH_S
            unknown = bool(self._keys) and bool(wanted) and wanted not in self._keys
            if (old or unknown) and now - self._tried_at > _PAUSE_S:
                self._tried_at = now
                try:
                    self._keys, self._fetched_at = self._fetched(), now
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                    _LOG.warning("the keys of %s cannot be had: %s", self.settings.issuer, error)
            if now - self._fetched_at > _OLDEST_S:
                raise overloaded(
                    "the issuer of the token does not give its keys", _PAUSE_S, "issuer_unavailable"
                )
            return self._keys

    def _fetched(self) -> dict[str, Any]:
        from joserfc.errors import JoseError
        from joserfc.jwk import import_key

        with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client:
            said = client.get(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
            described = said.raise_for_status().json()
            if described["issuer"] != self.settings.issuer:
                raise ValueError(f"there the issuer calls itself {described['issuer']!r}")
            where = str(described["jwks_uri"])
            _see_that_it_is_private(where)
            given = client.get(where).raise_for_status().json()["keys"]
        keys: dict[str, Any] = {}
        for place, one in enumerate(given):
            if one.get("kty") == "oct" or one.get("use", "sig") != "sig":
                continue
            try:
                keys[str(one.get("kid", f"#{place}"))] = import_key(one)
            except (JoseError, ValueError) as error:  # of a kind that is not known here
                _LOG.warning("a key of %s is left out: %s", self.settings.issuer, error)
        return keys


def _header(token: str) -> dict[str, Any]:
    from joserfc.jws import extract_compact

    return extract_compact(token.encode()).headers()


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by its path through what is nested: realm_access.roles. None if it is not
    there."""
    if path in claims:  # names may be URLs, with dots of their own
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _strings(value: Any) -> Sequence[str]:
    """The names in a claim that is a list, or words in one text, as `scope` is."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _refused(why: str) -> Problem:
    return unauthorized(f"the token is refused: {why}")


def _see_that_it_is_private(url: str) -> None:
    """Raises ConfigError (a ValueError too) for an address at which others could put keys of their own."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    ):
        return
    raise ConfigError(f"{url!r} is no https address", "Keys that came as plain text prove nothing.")
