"""The application: hosting, access, limits and routes put together.

Knows what is started and ended with a server, and how errors become answers. Knows no route.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from anyio import create_task_group, to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

import seal
from seal.errors import SealError
from seal.service.access import AccessControl
from seal.service.gate import Gate
from seal.service.hosting import Hosting
from seal.service.problems import ErrorBody, Kind, Problem, problem_of
from seal.service.releasing import releasing
from seal.service.routes import ROUTERS
from seal.service.settings import ServiceSettings
from seal.service.state import Service

_LOG = logging.getLogger(__name__)
_KINDS: dict[int, Kind] = {404: "not_found_error", 405: "invalid_request_error"}


def create_app(hosting: Hosting, settings: ServiceSettings, access: AccessControl) -> FastAPI:
    """The application that serves these tenants. It loads their models when it is started, and answers
    meanwhile that it is not ready."""
    service = Service(hosting, settings, access)
    service.background.append(releasing(hosting.tenants.values()))
    app = FastAPI(
        title="seal",
        version=seal.__version__,
        summary="A model that keeps learning, behind the API that OpenAI's clients speak.",
        lifespan=_lifespan,
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Gate, limits=settings.limits, metrics=service.metrics)
    for error, answer in _ANSWERS.items():
        app.add_exception_handler(error, answer)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    try:
        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(create_task_group())
            for begin in service.background:
                await stack.enter_async_context(begin())
            tasks.start_soon(to_thread.run_sync, service.hosting.load)
            yield
    finally:
        await to_thread.run_sync(service.hosting.close, service.settings.limits.drain_s)


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return JSONResponse(error.body, error.status, headers=error.headers)


async def _of_seal_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SealError)
    problem = problem_of(error)
    if problem.status >= 500:
        _LOG.error("a request failed: %s", error, exc_info=error)
    return await _of_problem(request, problem)


async def _of_http(request: Request, error: Exception) -> Response:
    """What the framework refuses: an unknown path, a method that a path lacks."""
    assert isinstance(error, HTTPException)
    kind = _KINDS.get(error.status_code, "invalid_request_error")
    headers = dict(error.headers or {})
    if error.status_code == 405:  # the framework names the methods of one route, and a path may have several
        headers["Allow"] = ", ".join(sorted(_methods(request.url.path)))
    problem = Problem(error.status_code, str(error.detail), kind=kind, headers=headers)
    return await _of_problem(request, problem)


def _methods(path: str) -> set[str]:
    """All methods that a path has: those of the routes that name it most closely."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    fitting = [route for route in routes if route.path_regex.match(path)]
    fewest = min((len(route.param_convertors) for route in fitting), default=0)
    closest = [route for route in fitting if len(route.param_convertors) == fewest]
    return {method for route in closest for method in route.methods or ()}


async def _of_validation(request: Request, error: Exception) -> Response:
    """A request that is not of the form that its route takes: 400, as OpenAI answers, with the field."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    param = ".".join(where) or None
    message = f"{param}: {first['msg']}" if param else str(first["msg"])
    return await _of_problem(request, Problem(400, message, param=param, code="invalid_value"))


_ANSWERS = {
    Problem: _of_problem,
    SealError: _of_seal_error,
    HTTPException: _of_http,
    RequestValidationError: _of_validation,
}
