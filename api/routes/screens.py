"""Whether a screen can be heard: said by each page of itself, and asked for by ward."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter

from api.auth import Caller, Reader
from api.context import Here, Seen
from api.schema.screens import HeardList, ScreenState
from api.shape import Json

router = APIRouter(prefix="/api/v1/screens", tags=["session"])


@router.post("/audible", status_code=HTTPStatus.NO_CONTENT, summary="This page can be heard, or cannot; every 30 s")
def tell(body: ScreenState, who: Caller, here: Here) -> None:
    here.screens.tell(who, body.screen, body.audible)


@router.get("", response_model=HeardList, summary="How many screens of each ward would be heard")
def heard(_who: Reader, here: Here, seen: Seen) -> Json:
    wards = [ward for ward in here.ward.wards() if seen.ward(ward)]
    return {"items": [asdict(one) for one in here.screens.heard(wards)]}
