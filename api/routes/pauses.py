"""A planned pause of monitoring: with a reason and an end, ended early if need be."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Actor, Reader, Right
from api.bedside import pause
from api.context import Here
from api.schema.bedside import NewPause, PauseList, PauseOut
from api.schema.session import problem
from api.shape import Json
from vigil.domain.pauses import Pause
from vigil.domain.times import MINUTE

router = APIRouter(prefix="/api/v1/patients/{patient_id}/pauses", tags=["patients"])


@router.get("", response_model=PauseList, summary="Pauses of monitoring, newest first")
def pauses(patient_id: str, who: Reader, here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Json:
    now, names = here.deps.clock.now_us(), who.may(Right.NAMES)
    found = here.deps.records.pauses.of_patient(patient_id, limit)
    return {"items": [pause(one, now, names) for one in found]}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=PauseOut,
    responses={409: problem("monitoring is paused already")},
    summary="Pause from now on: new alerts wait for the end, but for severe limits and high priority",
)
def begin(patient_id: str, body: NewPause, who: Actor, here: Here) -> Json:
    now = here.deps.clock.now_us()
    made = here.deps.records.pauses.add(Pause(patient_id, now, now + body.minutes * MINUTE, body.reason, who.name))
    return pause(made, now, who.may(Right.NAMES))


@router.post("/{pause_id}/end", response_model=PauseOut, summary="End a pause early; one that is over stays as it is")
def end(patient_id: str, pause_id: int, who: Actor, here: Here) -> Json:
    now = here.deps.clock.now_us()
    return pause(here.deps.records.pauses.end(patient_id, pause_id, who.name, now), now, who.may(Right.NAMES))
