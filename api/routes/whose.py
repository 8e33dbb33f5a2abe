"""Weights that the wearer of the scale can hardly have: whose are they? An answer enters the value for the patient it names."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from api import shape
from api.auth import Actor, Right, may
from api.context import Context, Here, Seen
from api.deps import ManualEntry
from api.errors import Problem
from api.schema.session import problem
from api.schema.whose import WhoseAnswer, WhoseAnswered, WhoseList
from api.shape import Json
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.lifecycle import Ended, Stamp
from vigil.domain.people import MANUAL_PREFIX, is_test
from vigil.domain.vitals import VITALS
from vigil.domain.whose import RULE, WEIGHT, Answer, WhoseQuestion
from vigil.store import EVERY_READING
from vigil.store.changes import change

router = APIRouter(prefix="/api/v1/questions", tags=["questions"])

#: An answer waits so long for another one, seconds (ours): as for an Observation that comes by FHIR.
LONGEST_WAIT_S = 10.0


@dataclass(frozen=True)
class Answering:
    """``turn``: one answer at a time, or two that come together would both enter the value."""

    turn: threading.Lock = field(default_factory=threading.Lock)


def _answering(request: Request) -> Answering:
    found = request.app.state.whose
    assert isinstance(found, Answering)
    return found


@router.get(
    "",
    response_model=WhoseList,
    summary="Values that are not judged until somebody says whose they are",
    dependencies=[may(Right.READ)],
)
def questions(here: Here, seen: Seen) -> Json:
    return {"items": [_item(one) for one in here.deps.records.open_questions() if seen.patient(one.patient_id)]}


@router.post(
    "/{question_id}/answer",
    response_model=WhoseAnswered,
    responses={409: problem("the question was answered before")},
    summary="Whose the value is; it is entered for that patient and counts from then on",
)
def answer(
    question_id: Annotated[int, Path(ge=1, le=2**53)],
    body: WhoseAnswer,
    who: Actor,
    here: Here,
    seen: Seen,
    answering: Annotated[Answering, Depends(_answering)],
) -> Json:
    if body.patient_id is not None:
        seen.require_patient(body.patient_id)
    if not answering.turn.acquire(timeout=LONGEST_WAIT_S):
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy: the answer was not taken, give it again")
    try:
        return _answered(here, question_id, body, who.name)
    finally:
        answering.turn.release()


def _answered(here: Context, question_id: int, body: WhoseAnswer, name: str) -> Json:
    """First the value, then the answer: after a failure in between the question is still open, and the same answer given again
    finds the value and does not enter it twice."""
    question = here.deps.records.question(question_id)
    question.require_open()
    ordinals = [] if body.patient_id is None else _entered(here, question, body.patient_id, name)
    now = here.deps.clock.now_us()
    here.deps.records.answer_whose(question_id, Answer(body.patient_id, body.reason, name, now))
    _settle(here, question.patient_id, question_id, name, now)
    return {
        "question_id": question_id,
        "patient_id": body.patient_id or question.patient_id,
        "answered_at": shape.iso(now),
        "ordinals": ordinals,
    }


def _settle(here: Context, patient_id: str, question_id: int, name: str, now: int) -> None:
    """Ends the alert with the last of the patient's questions."""
    if any(one.patient_id == patient_id for one in here.deps.records.open_questions()):
        return
    stamp = Stamp(f"command:question:{question_id}", now, name)
    line = change(here.deps.records, patient_id, RULE, Ended(stamp, now), now)
    if line is not None:
        here.deps.bus.transitions.publish(line)


def _entered(here: Context, question: WhoseQuestion, patient_id: str, name: str) -> list[int]:
    if is_test(patient_id):
        raise NotFound("no such patient")
    if here.deps.records.patient(patient_id).discharged_at is not None:
        raise InvalidInput("the patient is discharged")
    at, kg = question.weight.at, question.weight.kg
    device_id = MANUAL_PREFIX + patient_id
    streams = [one.stream for one in here.deps.readings.streams() if (one.device_id, one.vital) == (device_id, WEIGHT)]
    before = here.deps.readings.range(streams, at, at + 1, EVERY_READING)
    there: list[int] = before.ordinal[before.value == kg].tolist()
    return there or here.deps.submit(ManualEntry(patient_id, ((VITALS[WEIGHT].name, kg, at),), name))


def _item(question: WhoseQuestion) -> Json:
    kind = VITALS[WEIGHT]
    return {
        "question_id": question.question_id,
        "device_id": question.device_id,
        "patient_id": question.patient_id,
        "vital": kind.name,
        "unit": kind.display_unit,
        "value": question.weight.kg,
        "measured_at": shape.iso(question.weight.at),
        "last_value": question.last.kg,
        "last_measured_at": shape.iso(question.last.at),
        "asked_at": shape.iso(question.asked_at),
    }
