"""The routes under ``/fhir/R4``. Parameters are read as FHIR has them, repeated and with modifiers, not by FastAPI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from api.auth import Actor, Anybody, Caller, Right, may
from api.context import Here, Seen
from api.errors import Problem
from api.fhir import operations, service
from api.fhir.asked import Asked, fhir_of
from api.fhir.capability import statement
from api.fhir.create import Created, create
from api.fhir.observation import observation
from api.fhir.outcome import MEDIA_TYPE, OUTCOME_SCHEMA, Issue, OperationOutcome
from api.fhir.parameters import OPERATIONS, RESULT, SEARCHES, Parameter
from api.fhir.query import Pairs, parse
from api.fhir.resources import Resource

PREFIX = "/fhir/R4"

RIGHTS = {"Device": Right.DEVICES, "DeviceMetric": Right.DEVICES, "AuditEvent": Right.AUDIT}
_ACCEPTED = frozenset({"application/fhir+json", "application/json", "text/json", "application/*", "*/*"})
_SENT = frozenset({"application/fhir+json", "application/json"})

_WORDS = {
    400: "a parameter or the body cannot be understood",
    401: "no valid token",
    403: "the role lacks the right",
    404: "no such resource",
    406: "only JSON is served",
    409: "another value is stored for this moment",
    410: "the page is too old",
    412: "several resources fit If-None-Exist",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "the resource cannot be stored or the search cannot be answered; the issues say why",
    503: "a part that is needed does not answer",
}
_OUTCOME: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": OUTCOME_SCHEMA}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, **_OUTCOME} for status, words in _WORDS.items()
}
_RESOURCE: dict[str, Any] = {
    "content": {MEDIA_TYPE: {"schema": {"type": "object", "required": ["resourceType"]}}},
}

_EXAMPLE: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "subject": {"reference": "Patient/p-0412"},
    "effectiveDateTime": "2026-01-01T08:30:00Z",
    "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
}

router = APIRouter(prefix=PREFIX, tags=["fhir"], responses=_REFUSALS)


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def _asked(request: Request, here: Here, who: Caller, seen: Seen) -> Asked:
    """Raises ``Problem``: the client reads no JSON."""
    accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")}
    if not accepted & _ACCEPTED:
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, "only JSON is served")
    base = str(request.base_url).rstrip("/") + PREFIX
    return Asked(here, fhir_of(request.app), who, seen, base, "handling=strict" in _preferred(request))


def _preferred(request: Request) -> set[str]:
    said = ",".join(request.headers.getlist("prefer")).replace(";", ",")
    return {part.strip().lower() for part in said.split(",")}


Question = Annotated[Asked, Depends(_asked)]


def _pairs(request: Request) -> Pairs:
    return request.query_params.multi_items()


def _answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text, status, headers, MEDIA_TYPE)


def _stamps(resource: Resource) -> dict[str, str]:
    """ETag and time of the last change, where they are known."""
    found: dict[str, str] = {}
    meta = resource.meta
    if meta is not None and meta.version_id is not None:
        found["ETag"] = f'W/"{meta.version_id}"'
    if meta is not None and meta.last_updated is not None:
        found["Last-Modified"] = format_datetime(datetime.fromisoformat(meta.last_updated), usegmt=True)
    return found


def _documented(parameters: Sequence[Parameter]) -> dict[str, Any]:
    return {
        "parameters": [
            {"name": one.name, "in": "query", "required": False, "description": one.text, "schema": {"type": "string"}}
            for one in parameters
        ]
    }


@router.get(
    "/metadata",
    dependencies=[Anybody],
    summary="What this FHIR server can do",
    response_class=Response,
    responses={200: _RESOURCE},
)
def metadata(request: Request) -> Response:
    return _answer(statement(str(request.base_url).rstrip("/") + PREFIX))


@router.post(
    "",
    dependencies=[may(Right.ACT)],
    summary="Batches and transactions: refused, with what to do instead",
    response_class=Response,
)
def transaction() -> Response:
    detail = "batch and transaction are not served: create each Observation by itself, at Observation"
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, {"code": "not-supported"})


@router.get(
    "/Observation/$lastn",
    dependencies=[may(Right.READ)],
    summary="The newest Observations of each code",
    response_class=Response,
    responses={200: _RESOURCE},
    openapi_extra=_documented((*OPERATIONS["$lastn"], *RESULT)),
)
def lastn(request: Request, asked: Question) -> Response:
    return _answer(operations.lastn(asked, _pairs(request)))


@router.get(
    "/Observation/$why",
    dependencies=[may(Right.DEVICES)],
    summary="Why a stored reading of a device is in no Observation",
    response_class=Response,
    responses={200: _RESOURCE},
    openapi_extra=_documented(OPERATIONS["$why"]),
)
def why(request: Request, asked: Question) -> Response:
    return _answer(operations.why(asked, _pairs(request)))


@router.get(
    "/Patient/{resource_id}/$everything",
    dependencies=[may(Right.READ)],
    summary="A patient and all that is known about him, page by page",
    response_class=Response,
    responses={200: _RESOURCE},
    openapi_extra=_documented((*OPERATIONS["$everything"], *RESULT)),
)
def everything(resource_id: str, request: Request, asked: Question) -> Response:
    return _answer(operations.everything(asked, resource_id, _pairs(request)))


@router.post(
    "/Observation",
    status_code=HTTPStatus.CREATED,
    summary="Store an Observation of another system; the same again is answered with what is there (200)",
    response_class=Response,
    responses={200: _RESOURCE, 201: _RESOURCE},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "object"}, "example": _EXAMPLE} for kind in sorted(_SENT)},
        }
    },
)
def create_observation(
    request: Request,
    body: Body,
    _who: Actor,
    asked: Question,
    if_none_exist: Annotated[str | None, Header(max_length=400)] = None,
) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _SENT:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/fhir+json")
    return _created(asked, create(asked, body, if_none_exist), _preferred(request))


def _created(asked: Asked, made: Created, preferred: set[str]) -> Response:
    status = HTTPStatus.CREATED if made.new else HTTPStatus.OK
    if made.finding is None:
        said = "stored, but in no Observation: its value is implausible, or it is not to be read yet; see $why"
        return _answer(_informed(said), status)
    resource = observation(made.finding)
    headers = _stamps(resource)
    if made.new:
        headers["Location"] = f"{asked.base}/Observation/{resource.id}"
    if "return=minimal" in preferred:
        return Response(b"", status, headers)
    if "return=operationoutcome" in preferred:
        return _answer(_informed("stored" if made.new else "was stored before"), status, headers)
    return _answer(resource.document(), status, headers)


def _informed(words: str) -> dict[str, Any]:
    issue = Issue(severity="information", code="informational", diagnostics=words)
    return OperationOutcome(issue=[issue]).document()


def _add(kind: str) -> None:
    """The routes that every type has."""
    right = [may(RIGHTS.get(kind, Right.READ))]

    def search(request: Request, asked: Question) -> Response:
        return _answer(service.search(asked, kind, _pairs(request)))

    def search_by_form(request: Request, body: Body, asked: Question) -> Response:
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
        return _answer(service.search(asked, kind, [*_pairs(request), *form]))

    def read(resource_id: str, request: Request, asked: Question) -> Response:
        parse(_pairs(request), (), asked.now, strict=asked.strict)
        resource = service.read(asked, kind, resource_id)
        return _answer(resource.document(), headers=_stamps(resource))

    extra = _documented((*SEARCHES[kind], *RESULT))
    fields = {one["name"]: one["schema"] | {"description": one["description"]} for one in extra["parameters"]}
    form = {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": fields}}}}
    for path, method, call, summary, more in (
        (f"/{kind}", "GET", search, f"Search for {kind}", extra),
        (f"/{kind}/_search", "POST", search_by_form, f"Search for {kind} by a form", {"requestBody": form}),
        (f"/{kind}/{{resource_id}}", "GET", read, f"One {kind}", {}),
    ):
        router.add_api_route(
            path,
            call,
            methods=[method],
            dependencies=right,
            summary=summary,
            response_class=Response,
            responses={200: _RESOURCE},
            openapi_extra=more,
            name=f"{call.__name__}_{kind}",
        )


for _kind in SEARCHES:
    _add(_kind)
