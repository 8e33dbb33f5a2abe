"""A patient's scores over time, and whether he is watched."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import shape
from api.auth import Right, may
from api.context import Here, span_given
from api.schema.base import Time
from api.schema.ward import CurrentScores, PatientCoverage, ScoreList
from api.shape import Json
from vigil.domain.other_scores import others, to_ask_for
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.times import DAY

router = APIRouter(prefix="/api/v1/patients/{patient_id}", tags=["scores"])


@router.get(
    "/scores",
    response_model=ScoreList,
    summary="Scores, oldest first; default: the last 24 h",
    dependencies=[may(Right.READ)],
)
def scores(
    patient_id: str,
    here: Here,
    start: Annotated[Time | None, Query(alias="from")] = None,
    end: Annotated[Time | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    points: Annotated[int | None, Query(ge=1, le=5000, description="the worst score of each of so many spans")] = None,
) -> Json:
    since, until = span_given(start, end, here.deps.clock.now_us(), DAY)
    here.deps.records.patient(patient_id)
    readings = here.deps.readings
    if points is None:
        found = readings.scores(patient_id, since, until, limit)
    else:
        found = readings.worst_scores(patient_id, since, until, points)
    return {"items": [shape.score(one) for one in found]}


@router.get(
    "/scores/current",
    response_model=CurrentScores,
    summary="NEWS2 as it stands, what to ask for, and the other scores from the same inputs",
    dependencies=[may(Right.READ)],
)
def current(patient_id: str, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    score = here.deps.bus.board.score(patient_id)
    if score is None:
        return {"news2": None, "ask_for": [], "others": []}
    return {
        "news2": shape.score(score),
        "ask_for": list(to_ask_for(score)),
        "others": [shape.other_score(each) for each in others(score)],
    }


@router.get(
    "/coverage",
    response_model=PatientCoverage,
    summary="Is this person watched, and by which devices",
    dependencies=[may(Right.READ)],
)
def coverage(patient_id: str, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    bound = [
        one.device_id
        for one in here.deps.records.bindings()
        if one.patient_id == patient_id and one.end is None and not one.device_id.startswith(MANUAL_PREFIX)
    ]
    numbers: dict[str, list[int]] = {device_id: [] for device_id in bound}
    for stream in here.deps.readings.streams():
        if stream.device_id in numbers:
            numbers[stream.device_id].append(stream.stream)
    latest = here.deps.readings.latest()
    unproven = here.unproven.of(numbers)
    devices = [
        {
            "device_id": device_id,
            "last_received_at": shape.newest(latest.received_at, own),
            "last_valid_at": shape.newest(latest.measured_at, own),
            "unproven": unproven[device_id],
        }
        for device_id, own in numbers.items()
    ]
    return {**shape.coverage(here.ward.coverage(patient_id)), "devices": devices}
