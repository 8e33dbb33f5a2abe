"""Refused telemetry, with the reason and the payload as it came."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import shape
from api.auth import Right, may
from api.context import Here
from api.schema.devices import DeadLetterPage
from api.shape import Json
from vigil.domain.errors import RefusalReason

router = APIRouter(prefix="/api/v1", tags=["devices"])


@router.get(
    "/deadletters",
    response_model=DeadLetterPage,
    summary="Refused messages, newest first",
    dependencies=[may(Right.DEADLETTERS)],
)
def dead_letters(
    here: Here,
    device: Annotated[str | None, Query(max_length=64)] = None,
    reason: RefusalReason | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Json:
    found = here.deps.readings.dead_letters(limit, before, device, reason.value if reason else None)
    following = found[-1].dead_id if len(found) == limit else None
    return {"items": [shape.dead_letter(one) for one in found], "next_before": following}
