"""What happened while nobody looked at a screen."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Reader, Right
from api.away import away
from api.context import Here, Seen, time_given
from api.schema.away import AwayOut
from api.schema.base import Time
from api.shape import Json

router = APIRouter(prefix="/api/v1/away", tags=["alerts"])


@router.get(
    "", response_model=AwayOut, summary="What happened to alerts since then, a day at most, without your own part"
)
def since_then(since: Time, who: Reader, here: Here, seen: Seen) -> Json:
    return away(here, seen, who.name, time_given(since, "since"), who.may(Right.NAMES))
