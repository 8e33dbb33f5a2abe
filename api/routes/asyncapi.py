"""The contract on the wire for machines, beside ``/openapi.json``. Open: a firmware maker has no account here."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.auth import Anybody
from api.context import Here
from vigil.wire import asyncapi

router = APIRouter(tags=["devices"])

#: RFC 9512.
YAML = "application/yaml"


@router.get(
    "/asyncapi.yaml",
    dependencies=[Anybody],
    response_class=Response,
    summary="AsyncAPI 3.0 of the MQTT topics: what devices send and read",
)
def document(here: Here) -> Response:
    return Response(asyncapi.text(here.deps.tenant), media_type=YAML)
