"""Who may do what: a route names the role that it takes, and a key has roles in one tenant.

Knows nothing about what the routes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from seal.service.access.roles import Role
from seal.service.hosting import Tenant
from seal.service.records import record_in

__all__ = ["AccessControl", "Caller", "Role", "needs", "open_to_all", "routes_of", "rule_of"]


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the tenant that it is about, and the key's id (never its secret). `trust` is that
    in what this key teaches; None the workspace's default."""

    tenant: Tenant
    key: str
    roles: frozenset[Role]
    name: str = ""
    trust: float | None = None

    @property
    def actor(self) -> str:
        """Whom ledger and documents name."""
        return self.name or f"key {self.key}"


class AccessControl(Protocol):
    """Decides who is let in."""

    async def admit(self, request: Request, role: Role) -> Caller:
        """Who sent a request, if that may do what takes `role`.

        Raises Problem: 401 without a valid key, 403 without the role, 429 for too many requests.
        """
        ...

    async def recognise(self, request: Request, key: str) -> Caller:
        """Whose key this is, which came with a request. Raises Problem: 401 if it is nobody's, 429."""
        ...

    def forget(self, key: str) -> None:
        """A key was revoked: it is to be refused from now on."""
        ...


class _Rule:
    """A dependency that lets a request in, or not; None lets everybody in."""

    def __init__(self, role: Role | None) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Caller | None:
        if self.role is None:
            return None
        caller = await request.app.state.service.access.admit(request, self.role)
        record = record_in(request.scope)
        record.tenant, record.key = caller.tenant.name, caller.key
        return caller


def needs(role: Role) -> Any:
    """The dependency of a route that takes a role; gives the Caller."""
    return Depends(_Rule(role))


def open_to_all() -> Any:
    """The dependency of a route that needs no key."""
    return Depends(_Rule(None))


def rule_of(route: APIRoute) -> Role | None:
    """The role that a route takes; None if it is open to all. Raises LookupError for one without a rule."""
    rules = [d.call for d in _dependencies(route.dependant) if isinstance(d.call, _Rule)]
    if not rules:
        raise LookupError(f"the route {route.path} has no rule: say needs(...) or open_to_all()")
    return rules[0].role


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """All routes of an application, those of its routers too. Raises LookupError for what can have no rule,
    but for the schema, which says nothing of any tenant."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif inner is not None:
            yield from routes_of(inner.routes)
        elif getattr(route, "path", None) != "/openapi.json":
            raise LookupError(f"{route} can have no rule: make it a route of a router")


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _dependencies(one)
