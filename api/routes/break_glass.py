"""Break-glass: the record of somebody else's patient, for an hour, with a reason; told at once and reviewed by another."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import shape
from api.auth import Needs, Principal, Right, may
from api.context import Here
from api.errors import Problem
from api.guard import visit_of
from api.schema.break_glass import GrantList, GrantMade, GrantOut, OpenRecord, ReviewIn
from api.schema.session import problem
from api.shape import Json
from vigil.domain.break_glass import Grant, Review

router = APIRouter(prefix="/api/v1", tags=["break-glass"])

#: The one route that may name anybody's patient.
Anybodys = Annotated[Principal, Depends(Needs(Right.ACT, anybodys=True))]
Reviewer = Annotated[Principal, Depends(Needs(Right.AUDIT))]


@router.post(
    "/patients/{patient_id}/break-glass",
    status_code=HTTPStatus.CREATED,
    response_model=GrantMade,
    responses={429: problem("too many records opened; `Retry-After` has the seconds to wait")},
    summary="In an emergency: see and treat a patient of another ward for an hour; the ward is told, and it is reviewed",
)
def open_record(patient_id: str, body: OpenRecord, who: Anybodys, here: Here, request: Request) -> Json:
    if who.wards is not None and visit_of(request.scope) is None:
        raise Problem(HTTPStatus.FORBIDDEN, "only a person who is logged in opens a record in an emergency")
    made = here.care.open(who, patient_id, body.reason)
    return {"id": made.grant_id, "patient_id": made.patient_id, "expires_at": shape.iso(made.expires_at)}


@router.get(
    "/break-glass",
    response_model=GrantList,
    dependencies=[may(Right.AUDIT)],
    summary="Who opened whose record, newest first",
)
def grants(
    here: Here,
    unreviewed: Annotated[bool, Query(alias="open", description="only those that nobody has reviewed yet")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    now = here.deps.clock.now_us()
    return {
        "items": [_item(one, now) for one in here.deps.records.break_glass.grants(unreviewed=unreviewed, limit=limit)]
    }


@router.post(
    "/break-glass/{grant_id}/review",
    response_model=GrantOut,
    responses={409: problem("it was reviewed before")},
    summary="Was it right? Said once, by another person",
)
def review(grant_id: str, body: ReviewIn, who: Reviewer, here: Here) -> Json:
    if here.deps.records.break_glass.grant(grant_id).person == who.name:
        raise Problem(HTTPStatus.FORBIDDEN, "nobody reviews what he opened himself")
    now = here.deps.clock.now_us()
    reviewed = here.deps.records.break_glass.review_grant(
        grant_id, Review(body.verdict, body.note.strip(), who.name, now)
    )
    return _item(reviewed, now)


def _item(grant: Grant, now: int) -> Json:
    said = grant.review
    review = {"verdict": said.verdict, "note": said.note, "by": said.by, "at": shape.iso(said.at)} if said else None
    return {
        "id": grant.grant_id,
        "by": grant.person,
        "patient_id": grant.patient_id,
        "reason": grant.reason,
        "at": shape.iso(grant.at),
        "expires_at": shape.iso(grant.expires_at),
        "running": grant.runs(now),
        "review": review,
    }
