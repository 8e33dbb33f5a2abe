"""What no single route says in the OpenAPI document: who needs a token, and what can be wrong with any body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.fhir.outcome import is_fhir
from api.guard import COOKIE, SESSION, Guard
from api.schema.session import problem

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "made by `vigil demo-token`, or `vgl_…` by `/api/v1/tokens`",
}
_COOKIE = {
    "type": "apiKey",
    "in": "cookie",
    "name": COOKIE,
    "description": "from `/api/v1/auth/session`; changes need `X-Vigil-CSRF`",
}
_BODIES = {
    "400": problem("the body cannot be decoded"),
    "413": problem("the body is too large"),
}


def complete(app: FastAPI) -> None:
    """Makes ``app.openapi`` tell it as well."""
    drawn = app.openapi

    def openapi() -> dict[str, Any]:
        document = drawn()
        document["components"]["securitySchemes"] = {"bearer": _BEARER, "session": _COOKIE}
        for path, method, operation in _operations(document):
            if Guard.protects(path) or (path, method) == (SESSION, "delete"):
                operation["security"] = [{"bearer": []}, {"session": []}]
            if "requestBody" in operation and not is_fhir(path):
                operation["responses"] = _BODIES | operation["responses"]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation
