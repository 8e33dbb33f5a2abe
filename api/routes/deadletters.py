"""Refused telemetry, with the reason and the payload as it came."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from api import shape
from api.auth import Right, may
from api.care import View
from api.context import Context, Here, Seen
from api.schema.devices import DeadLetterPage
from api.shape import Json
from vigil.domain.errors import RefusalReason
from vigil.store import DeadLetter

router = APIRouter(prefix="/api/v1", tags=["devices"])

#: Looked through at once for those that somebody may see.
_PAGE = 500


@router.get(
    "/deadletters",
    response_model=DeadLetterPage,
    summary="Refused messages, newest first",
    dependencies=[may(Right.DEADLETTERS)],
)
def dead_letters(
    here: Here,
    seen: Seen,
    device: Annotated[str | None, Query(max_length=64)] = None,
    reason: RefusalReason | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Json:
    letters = _letters(here, seen, limit, before, device, reason.value if reason else None)
    found = list(islice(letters, limit))
    following = found[-1].dead_id if len(found) == limit else None
    return {"items": [shape.dead_letter(one) for one in found], "next_before": following}


def _letters(
    here: Context, seen: View, limit: int, before: int | None, device: str | None, reason: str | None
) -> Iterator[DeadLetter]:
    """Those that the caller may see, newest first: a payload may hold values of all who ever wore the device."""
    most = limit if seen.everybody else _PAGE
    while page := here.deps.readings.dead_letters(most, before, device, reason):
        yield from (one for one in page if seen.payload(one.device_id))
        before = page[-1].dead_id
