"""What all handlers of a service share. Knows nothing about HTTP but where it is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from seal.service.access import AccessControl
from seal.service.hosting import Hosting
from seal.service.metrics import Metrics
from seal.service.settings import ServiceSettings


@dataclass
class Service:
    """A service's parts. `background` are made and entered when it starts, and left when it ends."""

    hosting: Hosting
    settings: ServiceSettings
    access: AccessControl
    metrics: Metrics = field(default_factory=Metrics)
    background: list[Callable[[], AbstractAsyncContextManager[object]]] = field(default_factory=list)
    draining: bool = False


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    return request.app.state.service


ServiceDep: TypeAlias = Annotated[Service, Depends(service_of)]
