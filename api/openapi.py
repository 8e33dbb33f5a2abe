"""What no single route says in the OpenAPI document: who needs a token, and what can be wrong with any body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.fhir.outcome import is_fhir
from api.guard import Guard
from api.schema.session import problem

_BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "from `/api/v1/auth/token`"}
_BODIES = {
    "400": problem("the body cannot be decoded"),
    "413": problem("the body is too large"),
}


def complete(app: FastAPI) -> None:
    """Makes ``app.openapi`` tell it as well."""
    drawn = app.openapi

    def openapi() -> dict[str, Any]:
        document = drawn()
        document["components"]["securitySchemes"] = {"bearer": _BEARER}
        for path, operation in _operations(document):
            if Guard.protects(path):
                operation["security"] = [{"bearer": []}]
            if "requestBody" in operation and not is_fhir(path):
                operation["responses"] = _BODIES | operation["responses"]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation
