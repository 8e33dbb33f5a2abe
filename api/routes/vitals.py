"""A patient's vital signs over time, and what people enter."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.answer import plain
from api.auth import Actor, Right, may
from api.context import Here, span_given, time_given, vital_given
from api.deps import ManualEntry
from api.entry import checked
from api.schema.base import Time
from api.schema.series import Series, SeriesList, UsualList
from api.schema.ward import Observation, Stored
from api.series import older, stream_series, vitals_of, windows
from api.shape import Json, iso
from api.usual import usual
from vigil.domain.errors import InvalidInput
from vigil.domain.times import DAY, HOUR
from vigil.domain.usual import SPREADS
from vigil.domain.vitals import BY_NAME

router = APIRouter(prefix="/api/v1/patients/{patient_id}", tags=["vitals"])

Vitals = Annotated[list[str], Query(alias="vital", max_length=20, description="none = all that the patient has")]


@router.get(
    "/vitals",
    response_model=Series | SeriesList,
    summary="Vital signs over time, thinned to so many points",
    dependencies=[may(Right.READ)],
)
def vitals(
    patient_id: str,
    here: Here,
    vital: Vitals = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[Time | None, Query(alias="from")] = None,
    end: Annotated[Time | None, Query(alias="to")] = None,
    points: Annotated[int, Query(ge=1, le=5000)] = 500,
    raw: bool = False,
) -> Response:
    now = here.deps.clock.now_us()
    since, until = span_given(start, end, now, HOUR)
    here.deps.records.patient(patient_id)
    worn = here.wearing.of(patient_id)
    kinds = [vital_given(name) for name in dict.fromkeys(vital)] or vitals_of(worn.streams)
    found: list[Json] = []
    past = here.deps.history()
    for kind in kinds:
        parts: list[dict[str, Any]] = []
        for stream in worn.streams:
            if stream.vital == kind.index and (spans := windows(stream, worn.bindings, since, until)):
                series = stream_series(past, stream, spans, points, raw)
                parts += [series] if series is not None else []
        found.append(
            {
                "patient_id": patient_id,
                "vital": kind.name,
                "unit": kind.display_unit,
                "from": iso(since),
                "to": iso(until),
                "server_at": iso(now),
                "streams": parts,
            }
        )
    for series in found:  # of all that was asked for: each may lack what one does
        series["older"] = older(past.missing)
    return plain(found[0] if len(kinds) == 1 and vital else {"series": found})


#: Of a longer time, too many readings would be read for it.
_LONGEST_USUAL = 2 * DAY


@router.get(
    "/usual",
    response_model=UsualList,
    summary="What is usual for the person, hour by hour: two SD around the mean of the 48 h before",
    dependencies=[may(Right.READ)],
)
def usual_range(
    patient_id: str,
    here: Here,
    vital: Vitals = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[Time | None, Query(alias="from")] = None,
    end: Annotated[Time | None, Query(alias="to")] = None,
) -> Response:
    since, until = span_given(start, end, here.deps.clock.now_us(), HOUR)
    if until - since > _LONGEST_USUAL:
        raise InvalidInput("from and to must not be more than 2 days apart")
    here.deps.records.patient(patient_id)
    worn, past = here.wearing.of(patient_id), here.deps.history()
    kinds = [vital_given(name) for name in dict.fromkeys(vital)] or [BY_NAME[name] for name in SPREADS]
    found = [(kind.name, usual(past, worn, kind, since, until)) for kind in kinds]
    return plain({"items": [{"vital": name, "hours": hours} for name, hours in found if hours]})


@router.post(
    "/observations",
    status_code=HTTPStatus.CREATED,
    response_model=Stored,
    summary="Enter what a person measured or judged",
)
def observe(patient_id: str, body: Observation, who: Actor, here: Here) -> Json:
    if here.deps.records.patient(patient_id).discharged_at is not None:
        raise InvalidInput("the patient is discharged")
    now = here.deps.clock.now_us()
    measured_at = now if body.measured_at is None else time_given(body.measured_at, "measured_at")
    values = checked([(one.vital, one.value) for one in body.values], measured_at, now)
    return {"ordinals": here.deps.submit(ManualEntry(patient_id, values, who.name))}
