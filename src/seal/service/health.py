"""What those who run a server ask it: whether it is up, whether it can answer, its figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from seal.service.access import Caller, Role, needs, open_to_all
from seal.service.problems import overloaded
from seal.service.state import ServiceDep

router = APIRouter(tags=["operations"])
_RETRY_S = 2.0


@router.get("/healthz", dependencies=[open_to_all()])
async def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[open_to_all()])
async def readyz(service: ServiceDep) -> dict[str, str]:
    """All models are loaded, and the server is not about to end. 503 otherwise."""
    if service.draining:
        raise overloaded("the server is ending", _RETRY_S, code="draining")
    if not service.hosting.ready:
        raise overloaded("the models are not loaded", _RETRY_S, code="not_ready")
    return {"status": "ready"}


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep, caller: Annotated[Caller, needs(Role.AUDIT)]) -> Any:
    """The caller's figures and the process's, as Prometheus reads them."""
    text = service.metrics.text(caller.tenant.name)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
