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
from seal.service.dashboard.frame import error_page, for_a_person
from seal.service.gate import Gate
from seal.service.hosting import Hosting
from seal.service.problems import ErrorBody, Problem, problem_of
from seal.service.releasing import releasing
from seal.service.routes import ROUTERS
from seal.service.settings import ServiceSettings
from seal.service.state import Service

_LOG = logging.getLogger(__name__)


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
    for error in _ERRORS:
        app.add_exception_handler(error, _told)
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


async def _told(request: Request, error: Exception) -> Response:
    """What went wrong, in the form in which OpenAI's clients read it; a person who strays gets a page."""
    problem = problem_of(error)
    if isinstance(error, SealError) and problem.status >= 500:
        _LOG.error("a request failed: %s", error, exc_info=error)
    if problem.status == 405:  # the framework names the methods of one route, and a path may have several
        problem.headers["Allow"] = ", ".join(sorted(_methods(request.url.path)))
    if isinstance(error, HTTPException) and problem.status == 404 and for_a_person(request):
        return await error_page(request, error)
    return JSONResponse(problem.body, problem.status, headers=problem.headers)


def _methods(path: str) -> set[str]:
    """All methods that a path has: those of the routes that name it most closely."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    fitting = [route for route in routes if route.path_regex.match(path)]
    fewest = min((len(route.param_convertors) for route in fitting), default=0)
    closest = [route for route in fitting if len(route.param_convertors) == fewest]
    return {method for route in closest for method in route.methods or ()}


_ERRORS = (Problem, SealError, HTTPException, RequestValidationError)
