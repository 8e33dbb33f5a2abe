"""What each page says of itself: whether it can be heard, which is asked for by ward, and whose alert's card is open there."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter

from api.auth import Actor, Caller, Reader
from api.context import Here, Seen
from api.schema.screens import HeardList, LookingState, ScreenState
from api.shape import Json
from vigil.domain.errors import NotFound

router = APIRouter(prefix="/api/v1/screens", tags=["session"])


@router.post("/audible", status_code=HTTPStatus.NO_CONTENT, summary="This page can be heard, or cannot; every 30 s")
def tell(body: ScreenState, who: Caller, here: Here) -> None:
    here.screens.tell(who, body.screen, body.audible)


@router.post("/looking", status_code=HTTPStatus.NO_CONTENT, summary="The alert's card is open here; every 10 s")
def look(body: LookingState, who: Actor, here: Here, seen: Seen) -> None:
    """The event stream tells it as ``looking`` to all who see the alert. It is kept nowhere, and stops nothing."""
    alert = here.deps.records.alert(body.alert_id)
    if not seen.alert(alert):
        raise NotFound(f"no alert {body.alert_id}")
    here.looking.tell(who, alert, body.screen, body.looking)


@router.get("", response_model=HeardList, summary="How many screens of each ward would be heard")
def heard(_who: Reader, here: Here, seen: Seen) -> Json:
    wards = [ward for ward in here.ward.wards() if seen.ward(ward)]
    return {"items": [asdict(one) for one in here.screens.heard(wards)]}
