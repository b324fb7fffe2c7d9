"""What every page stands in: who looks at it, where else there is to go, its twin as JSON, what a browser may
do with it, and how an error is shown.

Knows no page. A page's route gives `shown(...)` a dict; nothing else reaches the template.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from seal.errors import SealError
from seal.service.access import Caller, Role
from seal.service.access.keyring import sent_key
from seal.service.dashboard import charts, wording
from seal.service.dashboard.sessions import TOKEN, check_form, own_path, token_of
from seal.service.problems import Problem, problem_of
from seal.service.state import service_of

HERE = Path(__file__).parent
T = TypeVar("T")
ReasonField: TypeAlias = Annotated[str, Form(max_length=500)]
A_PAGE = 50
_LOG = logging.getLogger(__name__)
_ERRORS = (Problem, SealError, RequestValidationError, HTTPException)
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What a browser is told of every page: nothing but what this server sends is loaded or run."""


@dataclass(frozen=True)
class MenuPlace:
    """A page of the menu, and the role that it takes."""

    path: str
    title: str
    role: Role


PLACES = (
    MenuPlace("/", "Overview", Role.AUDIT),
    MenuPlace("/documents", "Documents", Role.TEACH),
    MenuPlace("/jobs", "Jobs", Role.TEACH),
    MenuPlace("/versions", "Versions", Role.AUDIT),
    MenuPlace("/release", "Release", Role.AUDIT),
    MenuPlace("/pushes", "Pushes", Role.AUDIT),
    MenuPlace("/why", "Ask and why", Role.ASK),
    MenuPlace("/memory", "Memory", Role.AUDIT),
    MenuPlace("/feedback", "Feedback", Role.AUDIT),
    MenuPlace("/ledger", "Ledger", Role.AUDIT),
    MenuPlace("/keys", "Keys", Role.ADMIN),
)
DONE = {
    "approved": "The version is live.",
    "queued": "It is in the queue; this page shows how it goes.",
    "rejected": "The version is rejected. It never answers.",
    "rolled-back": "The earlier version is live again.",
    "tried": "The version is being tried beside the live one.",
    "promoted": "The version that was tried is live.",
    "reverted": "The trial is over. The live version answers everybody.",
    "retitled": "The title is corrected. What was trained stays as it is.",
    "known": "This very text is known already.",
    "stored": "The document is stored. It is not studied yet.",
    "cancelled": "The job is cancelled.",
    "stopped": "Studying is stopped. Answering and forgetting go on.",
    "released": "Studying goes on.",
    "noted": "Thank you: it is noted.",
    "taken": "The correction is a document now, and is studied like every other.",
    "held": "The correction waits for a person.",
    "refused": "The correction is refused.",
    "revoked": "The key is revoked, as of now.",
}
"""What a page says after a form, by the word in its address."""


def places_of(roles: frozenset[Role]) -> list[MenuPlace]:
    """The pages that a key with these roles may see."""
    return [place for place in PLACES if place.role in roles]


class PageRoute(APIRoute):
    """A route whose forms are checked, whose errors are pages, and whose answers are safe to show."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                if request.method == "POST":
                    await check_form(request)
                answer = await handle(request)
            except _ERRORS as error:
                if wants_json(request):
                    raise
                return await error_page(request, error)
            return _safe(answer)

        return handled


def page_router() -> APIRouter:
    """A router for pages; they stand in no schema."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def twins(router: APIRouter, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a handler the page at a path, and its twin at the same with .json."""

    def made(handler: Callable[..., Any]) -> Callable[..., Any]:
        for one in (twin_of(path), path):  # the twin first: the page's last part may be any name
            router.add_api_route(one, handler, methods=["GET"], response_model=None)
        return handler

    return made


def twin_of(path: str) -> str:
    return "/overview.json" if path == "/" else f"{path}.json"


def wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return request.url.path.endswith(".json") or (
        "application/json" in accepted and "text/html" not in accepted
    )


def for_a_person(request: Request) -> bool:
    """Whether a browser asks for a page, and no client for what the API has."""
    accepted, path = request.headers.get("accept", ""), request.url.path
    return "text/html" in accepted and not path.startswith("/v1/") and not wants_json(request)


def shown(
    request: Request, caller: Caller, template: str, told: dict[str, Any], status: int = 200
) -> Response:
    """A page, or its data as JSON if that is what is wanted."""
    if wants_json(request):
        return JSONResponse(told, status)
    return _page(request, caller, template, told, status)


def signing_in(request: Request, told: dict[str, Any], status: int = 200) -> Response:
    """The page to sign in; `told` has where to go then, and what went wrong."""
    return _page(request, None, "sign_in", told, status)


def to(path: str, done: str = "") -> Response:
    """Where a browser goes after a form."""
    return RedirectResponse(f"{path}?done={done}" if done else path, 303)


def part_of(items: Sequence[T], page: int) -> list[T]:
    """One page of a list; the pages are counted from 1, and there is always one."""
    first = before_page(len(items), page)
    return list(items[first : first + A_PAGE])


def before_page(n_items: int, page: int) -> int:
    """How many items of a list are on the pages before one."""
    return (pages_of(n_items, page)["page"] - 1) * A_PAGE


def pages_of(n_items: int, page: int) -> dict[str, int]:
    """Which page of how many this is, and of how many items."""
    n = max(1, -(-n_items // A_PAGE))
    return {"page": min(max(page, 1), n), "pages": n, "total": n_items}


def _page(
    request: Request, caller: Caller | None, template: str, told: dict[str, Any], status: int
) -> Response:
    places = places_of(caller.roles) if caller else []
    here = max((p.path for p in PLACES if _is_below(request.url.path, p.path)), key=len, default="")
    frame = {
        "caller": caller,
        "places": places,
        "here": here,
        "twin": _twin(request) if caller and request.method == "GET" and status == 200 else "",
        "done": DONE.get(request.query_params.get("done", ""), ""),
        "token_field": TOKEN,
        "token": token_of(request),
        "may": {str(role): caller is not None and role in caller.roles for role in Role},
    }
    html = _ENVIRONMENT.get_template(f"{template}.html.j2").render(told, frame=frame, told=told)
    return HTMLResponse(html, status)


def _twin(request: Request) -> str:
    query = request.url.query
    return twin_of(request.url.path) + (f"?{query}" if query else "")


def _is_below(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(f"{place}/"))


async def error_page(request: Request, error: Exception) -> Response:
    """What went wrong, as a page; the one to sign in, if that is what is wrong."""
    problem = problem_of(error)
    if isinstance(error, SealError) and problem.status >= 500:
        _LOG.error("a page failed: %s", error, exc_info=error)
    if problem.status == 401:
        answer = signing_in(request, {"then": own_path(request.url.path), "wrong": ""}, 401)
    else:
        told = {"status": problem.status, "message": problem.message}
        answer = _page(request, await _looking(request), "problem", told, problem.status)
    answer.headers.update(problem.headers)
    return _safe(answer)


def _safe(answer: Response) -> Response:
    answer.headers.update(SAFE)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


async def _looking(request: Request) -> Caller | None:
    """Who looks at a page that is refused, if anybody is signed in."""
    try:
        return await service_of(request).access.recognise(request, sent_key(request))
    except Problem:
        return None


@functools.cache
def asset(name: str) -> str:
    """The address of a file that pages are made with: another one whenever the file is another."""
    return f"/{name}?v={hashlib.sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:12]}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=wording.shown,
    )
    words = (wording.short, wording.at, wording.percent, wording.number, wording.size, wording.count)
    more = (wording.listed, wording.action, wording.state, wording.tone)
    made.filters |= {word.__name__: word for word in (*words, *more)}
    made.globals |= {"verdicts": wording.VERDICTS, "ways": wording.WAYS, "line_chart": charts.line_chart}
    made.globals["asset"] = asset
    return made


_ENVIRONMENT = _environment()
