"""What went wrong with a request, in the form in which OpenAI's clients read errors.

Knows which status each error of the package has. Knows nothing about requests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from seal.errors import (
    BusyError,
    DamageError,
    DeadlineError,
    EndpointError,
    InputError,
    OutputError,
    OverloadedError,
    SealError,
    StateError,
    UnknownNameError,
)

Kind: TypeAlias = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "rate_limit_error",
    "overloaded_error",
    "server_error",
]


class ErrorFields(BaseModel):
    message: str
    type: Kind
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """An error as OpenAI's clients read it."""

    error: ErrorFields


class Problem(Exception):
    """An answer that is an error: its status and what the client is told.

    `param` names the field of the request that is wrong, `code` the case for programs. `retry_after_s`: in
    how many seconds the same request may succeed.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: Kind = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.code, self.param = status, message, kind, code, param
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))

    @property
    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Problem:
    return Problem(400, message, param=param, code=code)


def unauthorized(message: str) -> Problem:
    return Problem(
        401,
        message,
        kind="authentication_error",
        code="invalid_api_key",
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden(message: str) -> Problem:
    return Problem(403, message, kind="permission_error", code="role_missing")


def not_found(message: str, param: str | None = None, code: str = "not_found") -> Problem:
    return Problem(404, message, kind="not_found_error", code=code, param=param)


def conflict(message: str, code: str = "conflict") -> Problem:
    return Problem(409, message, kind="conflict_error", code=code)


def too_large(message: str) -> Problem:
    return Problem(413, message, code="request_too_large")


def too_many(message: str, retry_after_s: float) -> Problem:
    return Problem(
        429, message, kind="rate_limit_error", code="rate_limit_exceeded", retry_after_s=retry_after_s
    )


def overloaded(message: str, retry_after_s: float, code: str = "overloaded") -> Problem:
    return Problem(503, message, kind="overloaded_error", code=code, retry_after_s=retry_after_s)


_BUSY_S = 2.0
_ENDS = (".", "?", "!", ":")
_STATUSES: tuple[tuple[type[SealError], int, Kind, str], ...] = (
    (UnknownNameError, 404, "not_found_error", "not_found"),
    (OverloadedError, 503, "overloaded_error", "overloaded"),
    (DeadlineError, 503, "overloaded_error", "timeout"),
    (BusyError, 503, "overloaded_error", "busy"),
    (EndpointError, 503, "overloaded_error", "endpoint_unavailable"),
    (StateError, 409, "conflict_error", "conflict"),
    (OutputError, 503, "server_error", "storage_unavailable"),
    (DamageError, 500, "server_error", "damaged"),
    (InputError, 400, "invalid_request_error", "invalid_value"),
)


def problem_of(error: Exception) -> Problem:
    """An error as a client is told it: of a handler, of the package, or what the framework refuses. Of a form
    that a route does not take the first wrong field is named; 400, as OpenAI answers."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SealError):
        return _of_package(error)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
        param = ".".join(where) or None
        message = f"{param}: {first['msg']}" if param else str(first["msg"])
        return Problem(400, message, param=param, code="invalid_value")
    assert isinstance(error, HTTPException)
    kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    return Problem(error.status_code, str(error.detail), kind=kind, headers=error.headers)


def _of_package(error: SealError) -> Problem:
    """What is no fault of the request is a server's error."""
    message = error.message
    if error.hint:
        message += f"{'' if message.endswith(_ENDS) else '.'} {error.hint}"
    for type_, status, kind, code in _STATUSES:
        if isinstance(error, type_):
            retry = getattr(error, "retry_after_s", _BUSY_S) if status == 503 else None
            return Problem(status, message, kind=kind, code=code, retry_after_s=retry)
    return Problem(500, message, kind="server_error", code="server_error")
