"""Every answer that is not a success is a problem document (RFC 9457); none repeats what was sent or shows internals."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.fhir.outcome import MEDIA_TYPE as FHIR_TYPE
from api.fhir.outcome import is_fhir, outcome
from api.prometheus.refusal import PromError
from api.prometheus.refusal import failure as prom_failure
from vigil.domain.errors import (
    BrokerError,
    InvalidInput,
    NotFound,
    PolicyError,
    StoreError,
    TeamError,
    VersionConflict,
    VigilError,
)

log = logging.getLogger("vigil.api")

MEDIA_TYPE = "application/problem+json"


class Problem(HTTPException):
    """A refusal decided by a route. ``extra`` members are added to the problem document."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status.value, detail, dict(headers) if headers else None)
        self.extra = dict(extra or {})


class Rejected(InvalidInput):
    """Something entered by a person cannot be stored; lists every reason, none of which repeats what was entered."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def document(status: int, detail: str, instance: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body; ``type`` is ``about:blank``, so ``title`` is the words of the status."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        **(extra or {}),
    }


def refusal(
    path: str,
    status: int,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """In the form that the clients of this path read."""
    if is_fhir(path):
        return JSONResponse(outcome(status, detail, extra), status, headers=dict(headers or {}), media_type=FHIR_TYPE)
    body = document(status, detail, path, extra)
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _answer(
    request: Request,
    status: int,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return refusal(request.url.path, status, detail, extra, headers)


def status_of(error: VigilError) -> HTTPStatus:
    """The one mapping from the error tree to HTTP."""
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, VersionConflict):
        return HTTPStatus.CONFLICT
    if isinstance(error, InvalidInput):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, (StoreError, BrokerError)):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


#: Said for faults of the server instead of the error's own words, which are for the log.
_FAULT = {
    HTTPStatus.SERVICE_UNAVAILABLE: "a part that this needs does not answer; try again",
    HTTPStatus.INTERNAL_SERVER_ERROR: "this failed on the server; the operator's log says more",
}


def _vigil_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VigilError)
    status = status_of(error)
    if status in _FAULT:
        log.error("request failed: %s", type(error).__name__, exc_info=error)
        return _answer(request, status, _FAULT[status])
    reasons = error.reasons if isinstance(error, (PolicyError, TeamError, Rejected)) else []
    extra = {"errors": [{"message": reason} for reason in reasons]} if reasons else None
    return _answer(request, status, str(error), extra)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    extra = error.extra if isinstance(error, Problem) else None
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
        headers["Allow"] = ", ".join(methods)
    return _answer(request, error.status_code, str(error.detail), extra, headers)


def _methods(request: Request) -> list[str]:
    """All that this path knows. Starlette names those of the first route; here each method of a path is a route."""
    routes: Sequence[APIRoute] = request.app.state.routes
    fitting = [one for one in routes if one.matches(request.scope)[0] is Match.PARTIAL]
    return sorted({method for one in fitting if one.path == fitting[0].path for method in one.methods or ()})


def _bad_request(request: Request, error: Exception) -> JSONResponse:
    """Says where and what; the refused input itself is not repeated, because it may hold a name."""
    assert isinstance(error, RequestValidationError)
    found = [{"where": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['message']}" for one in found)
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, {"errors": found})


def _bad_answer(request: Request, error: Exception) -> JSONResponse:
    """An answer that breaks its own schema is our fault; its content (names) must not reach the log."""
    assert isinstance(error, ResponseValidationError)
    places = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})
    log.error("the answer breaks its schema at %s", ", ".join(places[:20]))
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _answer(request, status, _FAULT[status])


def _unexpected(request: Request, _error: Exception) -> JSONResponse:
    """The server logs the traceback; the client learns nothing of it."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _answer(request, status, _FAULT[status])


def install(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """``routes``: those of the app."""
    app.state.routes = routes
    app.add_exception_handler(VigilError, _vigil_error)
    app.add_exception_handler(PromError, prom_failure)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(ResponseValidationError, _bad_answer)
    app.add_exception_handler(Exception, _unexpected)
