"""The audit log: who did what, and who looked at a patient's record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import shape
from api.audit import Recorded
from api.auth import Needs, Principal, Right
from api.context import Here, time_given
from api.schema.audit import AuditPage
from api.schema.base import Time
from api.shape import Json
from vigil.domain.audit import Line, Question

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

Auditor = Annotated[Principal, Depends(Needs(Right.AUDIT))]


@router.get(
    "",
    response_model=AuditPage,
    summary="Who did what, newest first: by person, route, patient and time",
)
def entries(
    who: Auditor,
    here: Here,
    recorded: Recorded,
    person: Annotated[str | None, Query(max_length=80, description="by whom, as written in the log")] = None,
    route: Annotated[str | None, Query(max_length=200, description="the template, as in `/openapi.json`")] = None,
    patient: Annotated[str | None, Query(max_length=64, description="whose record it was about")] = None,
    lists: Annotated[bool, Query(description="with `patient`: also what may have shown everybody")] = False,
    since: Time | None = None,
    until: Time | None = None,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    recorded.write()
    question = Question(
        person,
        route,
        patient,
        lists,
        None if since is None else time_given(since, "since"),
        None if until is None else time_given(until, "until"),
        before,
        limit,
    )
    found = here.deps.records.audit(question)
    number, hashed = here.deps.records.audit_head()
    return {
        "items": [_shown(line, who.may(Right.NAMES)) for line in found],
        "next": found[-1].number if len(found) == limit else None,
        "head": {"number": number, "hash": hashed.hex()},
    }


def _shown(line: Line, names: bool) -> Json:
    entry = line.entry
    hidden = bool(entry.patient_id) and not names
    return {
        "number": line.number,
        "at": shape.iso(entry.at),
        "step": entry.step,
        "request": entry.request,
        "who": entry.who,
        "role": entry.role,
        "address": entry.address,
        "method": entry.method,
        "route": entry.route,
        "objects": entry.objects,
        "patient_id": entry.patient_id or None,
        "reason": None if hidden or not entry.reason else entry.reason,
        "status": entry.status or None,
        "times": entry.times,
        "hash": line.hash.hex(),
    }
