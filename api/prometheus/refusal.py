"""Why a question of a Prometheus client is not answered, in the words and with the status of that API."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse

from vigil.domain.errors import InvalidInput


class ErrorType(StrEnum):
    """``errorType`` of the answer, from Prometheus's closed list."""

    BAD_DATA = "bad_data"
    EXECUTION = "execution"
    UNAVAILABLE = "unavailable"


class PromError(InvalidInput):
    """``status`` 400: not understood. 422: understood, but not supported here or beyond a limit. 503: a store does not answer."""

    def __init__(self, status: HTTPStatus, kind: ErrorType, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


def misunderstood(text: str) -> PromError:
    return PromError(HTTPStatus.BAD_REQUEST, ErrorType.BAD_DATA, text)


def unsupported(what: str) -> PromError:
    """``what`` names the function or the operator."""
    return PromError(HTTPStatus.UNPROCESSABLE_ENTITY, ErrorType.BAD_DATA, f"not supported here: {what}")


def unavailable() -> PromError:
    text = "a part that this needs does not answer; try again"
    return PromError(HTTPStatus.SERVICE_UNAVAILABLE, ErrorType.UNAVAILABLE, text)


def impossible(text: str) -> PromError:
    """The query is valid, but its data or its size do not allow an answer."""
    return PromError(HTTPStatus.UNPROCESSABLE_ENTITY, ErrorType.EXECUTION, text)


def failure(_request: Request, error: Exception) -> JSONResponse:
    """The body of every error that is decided here, for ``api.errors``."""
    assert isinstance(error, PromError)
    return JSONResponse({"status": "error", "errorType": error.kind.value, "error": str(error)}, error.status)
