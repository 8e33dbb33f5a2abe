"""Creating an Observation: through ingest's commit like a person's entry, once whatever is sent again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from api.deps import ManualEntry
from api.errors import Problem
from api.fhir.asked import Asked
from api.fhir.chart import Chart
from api.fhir.codes import READING_ID
from api.fhir.exposed import Reading, rows
from api.fhir.findings import Finding
from api.fhir.incoming import Incoming, Unfit, incoming, storable
from api.fhir.lookup import by_identifier, by_ordinal, finding_of
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.vitals import BY_NAME
from vigil.store import EVERY_READING

#: Seconds that a creation waits for the one before it (ours).
LONGEST_WAIT_S = 10.0

Values = tuple[tuple[str, float, int], ...]


@dataclass(frozen=True, slots=True)
class Created:
    """``finding`` None: stored, but not yet to be read. ``new`` False: it was there already."""

    finding: Finding | None
    new: bool


def create(asked: Asked, body: bytes, if_none_exist: str | None) -> Created:
    """Raises ``Problem`` or ``Rejected`` with the reason."""
    chart = Chart(asked.here, asked.seen)
    there = _named(chart, if_none_exist) if if_none_exist else None
    if there is not None:
        return Created(there, new=False)
    found = _read(body)
    patient = chart.patient(found.patient)
    if patient is None:
        raise _unfit(Unfit("Observation.subject", "not-found", "no such Patient"))
    if patient.discharged_at is not None:
        raise _unfit(Unfit("Observation.subject", "business-rule", "the patient is discharged"))
    values = storable(found, asked.now)
    if not asked.fhir.creating.acquire(timeout=LONGEST_WAIT_S):
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy: the Observation was not stored, send it again")
    try:
        return _stored(asked, chart, patient.patient_id, found.measured_at, values)
    finally:
        asked.fhir.creating.release()


def _stored(asked: Asked, chart: Chart, patient_id: str, measured_at: int, values: Values) -> Created:
    """Stores what of it is not there yet. Raises ``Problem`` when something else is."""
    before = _before(chart, patient_id, measured_at, values)
    missing = tuple(one for one in values if BY_NAME[one[0]].index not in before)
    if not missing:
        return Created(finding_of(chart, next(iter(before.values()))), new=False)
    ordinals = asked.here.deps.submit(ManualEntry(patient_id, missing, asked.who.name))
    return Created(by_ordinal(Chart(asked.here, asked.seen), ordinals[0]) if ordinals else None, new=True)


def _read(body: bytes) -> Incoming:
    try:
        resource = json.loads(body, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "the body is not JSON with each name once", {"code": "structure"}
        ) from error
    if not isinstance(resource, Mapping):
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not a resource", {"code": "structure"})
    try:
        return incoming(resource)
    except Unfit as error:
        raise _unfit(error) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two subjects under one name must not end as the last one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _refuse(_word: str) -> float:
    raise ValueError("not a number")


def _unfit(error: Unfit) -> Problem:
    extra = {"code": error.code, "expression": error.path}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error.path}: {error.words}", extra)


def _named(chart: Chart, condition: str) -> Finding | None:
    """What ``If-None-Exist`` finds. Only an identifier can be asked for; of other systems none is kept, so there the moment
    and the value decide. Raises ``Problem``."""
    name, _, value = condition.partition("=")
    if name.rpartition("?")[2] != "identifier" or "&" in value or not value:
        said = "If-None-Exist: only identifier=system|value is understood"
        raise Problem(HTTPStatus.BAD_REQUEST, said, {"code": "not-supported"})
    found = by_identifier(chart, value)
    if len(found) > 1:
        raise Problem(HTTPStatus.PRECONDITION_FAILED, f"If-None-Exist: several of {READING_ID} fit")
    return found[0] if found else None


def _before(chart: Chart, patient_id: str, at: int, values: Values) -> dict[int, Reading]:
    """What was entered for the same moment before, by vital. Raises ``Problem`` when it says otherwise."""
    own = {BY_NAME[name].index: value for name, value, _ in values}
    streams = [one.stream for one in chart.streams_of(MANUAL_PREFIX + patient_id) if one.vital in own]
    before = {
        one.stream.vital: one for one in rows(chart.readings.range(streams, at, at + 1, EVERY_READING), chart.streams)
    }
    if any(one.kind.rounded(one.value) != one.kind.rounded(own[vital]) for vital, one in before.items()):
        said = "another value was entered for this moment; what is stored is not changed"
        raise Problem(HTTPStatus.CONFLICT, said, {"code": "duplicate"})
    return before
