"""Erasing a person, and who was erased."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.auth import Needs, Principal, Right, may
from api.context import Here
from api.schema.erasure import Erase, ErasureList, ErasureOut
from api.shape import Json, iso
from vigil.domain.erasure import Erasure, require_settled

router = APIRouter(prefix="/api/v1", tags=["patients"])

Eraser = Annotated[Principal, Depends(Needs(Right.ERASE))]


@router.post(
    "/patients/{patient_id}/erase",
    response_model=ErasureOut,
    summary="Destroy name, date of birth and what people wrote about the person; cannot be taken back. Again = no change",
)
def erase(patient_id: str, body: Erase, who: Eraser, here: Here) -> Json:  # noqa: ARG001 the trail takes the reason
    records, now = here.deps.records, here.deps.clock.now_us()
    if all(one.patient_id != patient_id for one in records.erasures.erased()):
        require_settled(records.patient(patient_id), now)
    return _shown(records.erasures.erase(patient_id, who.name, now))


@router.get(
    "/erasures",
    response_model=ErasureList,
    summary="Who was erased, oldest first: the list to keep where the backups are",
    dependencies=[may(Right.ERASE)],
)
def erasures(here: Here) -> Json:
    return {"items": [_shown(one) for one in here.deps.records.erasures.erased()]}


def _shown(one: Erasure) -> Json:
    return {"patient_id": one.patient_id, "at": iso(one.at), "by": one.by}
