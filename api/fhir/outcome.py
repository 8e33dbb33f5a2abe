"""OperationOutcome: the form of every refusal under ``/fhir``, with the closed list of FHIR's issue codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from api.fhir.elements import CodeableConcept, Element

MEDIA_TYPE = "application/fhir+json"
BASE = "/fhir"

#: FHIR's word for each status that we answer with.
CODES: dict[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "expired",
    412: "multiple-matches",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}


#: For OpenAPI.
OUTCOME_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": {"type": "string"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


class Issue(Element):
    severity: Literal["fatal", "error", "warning", "information"]
    code: str
    details: CodeableConcept | None = None
    diagnostics: str | None = None
    expression: list[str] | None = None


class OperationOutcome(Element):
    resource_type: Literal["OperationOutcome"] = "OperationOutcome"
    issue: list[Issue]


def is_fhir(path: str) -> bool:
    return path == BASE or path.startswith(BASE + "/")


def outcome(status: int, detail: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of a refusal. Of ``extra``: ``errors`` (each with ``message``) become issues of their own; ``code``,
    ``expression`` say more than the status does."""
    extra = extra or {}
    code = str(extra.get("code") or CODES.get(status, "exception"))
    where = [str(extra["expression"])] if "expression" in extra else None
    said = [str(one["message"]) for one in extra.get("errors", ())] or [detail]
    issues = [Issue(severity="error", code=code, diagnostics=text, expression=where) for text in said]
    return OperationOutcome(issue=issues).document()
