"""Patients: the ward, one person, admission."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answer import plain
from api.auth import Reader, Right, may
from api.context import Here, Seen
from api.schema.ward import Created, NewPatient, PatientDetail, Ward
from api.shape import Json, iso, iso_or_none
from vigil.domain.errors import InvalidInput
from vigil.domain.people import MANUAL_PREFIX, SELF_TEST_PREFIX, Patient, is_test
from vigil.domain.policy import DEFAULT_POLICY, in_force
from vigil.domain.times import SECOND

router = APIRouter(prefix="/api/v1/patients", tags=["patients"])

_OLDEST_BIRTH = date(1890, 1, 1)


@router.get("", response_model=Ward, summary="All patients in ward order")
def ward(
    who: Reader,
    here: Here,
    seen: Seen,
    ward: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    cards = here.ward.written(who.may(Right.NAMES), seen, ward)
    server_at = iso(here.deps.clock.now_us())
    return plain({"items": cards[offset : offset + limit], "server_at": server_at, "total": len(cards)})


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=Created,
    summary="Admit a patient",
    dependencies=[may(Right.ADMIT)],
)
def admit(body: NewPatient, here: Here, seen: Seen) -> Json:
    seen.require_ward(body.ward)
    if body.id is not None and not seen.everybody:
        # A free id is taken, so that any other answer would tell who is watched in another ward.
        raise InvalidInput("id: only who sees all wards may choose it; leave it out, and one is made")
    if body.id is not None and is_test(body.id):
        raise InvalidInput(f"id: {SELF_TEST_PREFIX} is kept for the self-test")
    today = datetime.fromtimestamp(here.deps.clock.now_us() / SECOND, UTC).date()
    if not _OLDEST_BIRTH <= body.born <= today:
        raise InvalidInput("born: not a possible date of birth")
    patient_id = body.id or f"p-{secrets.token_hex(8)}"
    patient = Patient(
        patient_id,
        body.family,
        body.given,
        body.born,
        body.sex,
        body.ward,
        pregnant=body.pregnant,
        spo2_scale2_by=body.spo2_scale2_by,
        spo2_scale2_at=here.deps.clock.now_us() if body.spo2_scale2_by else 0,
        demo=body.demo,
    )
    here.deps.records.add_patient(patient)
    return {"id": patient_id}


@router.get("/{patient_id}", response_model=PatientDetail, summary="One patient")
def patient(patient_id: str, who: Reader, here: Here, seen: Seen) -> Json:
    card = here.ward.card(patient_id, who.may(Right.NAMES), seen)
    models = {device.device_id: device.model for device in here.deps.records.devices()}
    bindings = [
        {
            "device_id": one.device_id,
            "model": models.get(one.device_id, ""),
            "start_at": iso(one.start),
            "end_at": iso_or_none(one.end),
        }
        for one in here.deps.records.bindings()
        if one.patient_id == patient_id and not one.device_id.startswith(MANUAL_PREFIX)
    ]
    policy = in_force(here.deps.records.policy(patient_id) or DEFAULT_POLICY, here.deps.clock.now_us())
    return {**card, "bindings": bindings, "policy_version": policy.version}


@router.post(
    "/{patient_id}/discharge",
    response_model=Created,
    summary="End the watch; the patient's devices are free again",
    dependencies=[may(Right.DISCHARGE)],
)
def discharge(patient_id: str, here: Here) -> Json:
    here.deps.records.discharge(patient_id, here.deps.clock.now_us())
    return {"id": patient_id}
