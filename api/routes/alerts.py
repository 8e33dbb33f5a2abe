"""Alerts: the work list, one alert with its history, and what people do: acknowledge, return, assign, escalate, snooze."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api import calling, shape
from api.alert_path import path, received_by
from api.answer import plain
from api.auth import Actor, Principal, Reader, Right
from api.bedside import notes_of
from api.commands import Calling, carry_out
from api.context import Context, Here, Seen
from api.openalerts import newest_call
from api.schema.alerts import (
    AcceptCommand,
    AcknowledgeCommand,
    AlertList,
    AlertOut,
    AlertWithHistory,
    AssignCommand,
    EscalateCommand,
    PeopleList,
    ReturnCommand,
    SnoozeCommand,
    WorkList,
)
from api.schema.session import problem
from api.shape import Json
from vigil.domain.alerts import Alert, Kind, Priority
from vigil.domain.calls import Call
from vigil.domain.lifecycle import Accept, Acknowledge, Assign, CallNextLevel, Command, ReturnToList, Snooze, Stamp
from vigil.domain.order import work_order
from vigil.domain.times import DAY, SECOND

router = APIRouter(prefix="/api/v1", tags=["alerts"])

#: Resolved alerts of the whole ward are listed for a week; a patient's own list goes back without end.
RESOLVED_FOR_US = 7 * DAY
#: More than a ward ever has open at once; a cap against a runaway answer.
MOST = 10_000

Limit = Annotated[int, Query(ge=1, le=1000)]


class Which(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


def _chosen(alerts: Iterable[Alert], which: Which) -> list[Alert]:
    return [one for one in alerts if which is Which.ALL or one.open == (which is Which.OPEN)]


def _ordered(here: Context, alerts: Iterable[Alert]) -> list[Alert]:
    found = list(alerts)
    return work_order(found, {one.patient_id: here.deps.bus.board.score(one.patient_id) for one in found})


def _listed(here: Context, who: Principal, alert: Alert, call: Call | None) -> Json:
    """With the person it is about, where he is still on the ward."""
    names = who.may(Right.NAMES)
    patient = here.ward.patient(alert.patient_id)
    today = datetime.fromtimestamp(here.deps.clock.now_us() / SECOND, UTC).date()
    about = shape.person(patient, today, names) if patient is not None else None
    shown = {key: about[key] for key in ("id", "name", "age")} if about is not None else None
    return {**shape.alert(alert, names, call), "patient": shown}


def _commanded(
    here: Context,
    who: Principal,
    alert_id: str,
    verb: str,
    body: ReturnCommand,
    command: Callable[[Stamp], Command],
    *calls: Calling,
) -> Json:
    """The alert after a person's command. Without an id of the tap, this person's word on this version is one command."""
    command_id = body.command_id or f"{who.name}:{body.version}"
    after = carry_out(here, who, alert_id, verb, command_id, command, *calls)
    return shape.alert(after, who.may(Right.NAMES), here.ward.calls().get(after.alert_id))


@router.get("/alerts", response_model=WorkList, summary="The work list: main lane first, then technical, then resolved")
def work_list(
    who: Reader,
    here: Here,
    seen: Seen,
    state: Which = Which.OPEN,
    kind: Kind | None = None,
    priority: Priority | None = None,
    limit: Limit = 500,
) -> Response:
    now = here.deps.clock.now_us()
    if state is Which.OPEN:
        alerts = here.ward.open_alerts(seen)
    else:
        recent = here.deps.records.alerts(resolved_since=now - RESOLVED_FOR_US, limit=MOST)
        alerts = _ordered(here, filter(seen.alert, _chosen(recent, state)))
    found = [one for one in alerts if kind in (None, one.kind) and priority in (None, one.priority)]
    calls = here.ward.calls()
    items = [_listed(here, who, one, calls.get(one.alert_id)) for one in found[:limit]]
    return plain({"items": items, "server_at": shape.iso(now)})


@router.get("/patients/{patient_id}/alerts", response_model=AlertList, summary="A patient's alerts")
def of_patient(patient_id: str, who: Reader, here: Here, state: Which = Which.OPEN, limit: Limit = 100) -> Json:
    here.deps.records.patient(patient_id)
    alerts = here.deps.records.alerts(patient_id=patient_id, open_only=state is Which.OPEN, limit=MOST)
    chosen = _ordered(here, _chosen(alerts, state))[:limit]
    calls = here.ward.calls()
    return {"items": [shape.alert(one, who.may(Right.NAMES), calls.get(one.alert_id)) for one in chosen]}


@router.get("/alerts/{alert_id}", response_model=AlertWithHistory, summary="One alert with all that happened to it")
def alert(alert_id: str, who: Reader, here: Here) -> Json:
    names = who.may(Right.NAMES)
    found = here.deps.records.alert(alert_id)
    lines = here.deps.records.transitions(alert_id=alert_id)
    call = newest_call(lines) if found.open else None
    received = received_by(here.deps.readings, here.wearing, found.patient_id)
    return {
        **shape.alert(found, names, call),
        "history": [shape.transition(line, names) for line in lines],
        "path": path(found, lines, here.deps.records.deliveries(alert_id), received),
        "feedback": shape.feedback(here.deps.records.feedback(alert_id), names),
        "notes": notes_of(here.deps.records, found, names),
    }


@router.get("/alerts/{alert_id}/people", response_model=PeopleList, summary="Who can be asked to deal with it")
def people(alert_id: str, who: Actor, here: Here, seen: Seen) -> Json:
    found = calling.people(here, seen, here.deps.records.alert(alert_id))
    return {"items": [{"id": one, "name": name} for one, name in found.items() if one != who.name]}


_CHANGED = "the alert has changed; `alert` holds it as it is now"
_NOW: dict[str, Any] = {"$ref": "#/components/schemas/AlertOut"}
_CONFLICT: dict[int | str, dict[str, Any]] = {409: problem(_CHANGED, alert=_NOW)}
_NOBODY_ABOVE: dict[int | str, dict[str, Any]] = {
    409: problem(
        f"{_CHANGED}; or nobody is above the last level, and `called` says whom that one has called",
        alert=_NOW,
        called={"type": "array", "items": {"type": "string"}},
    )
}


@router.post(
    "/alerts/{alert_id}/acknowledge",
    response_model=AlertOut,
    responses=_CONFLICT,
    summary="I deal with it",
)
def acknowledge(alert_id: str, body: AcknowledgeCommand, who: Actor, here: Here) -> Json:
    return _commanded(
        here, who, alert_id, "acknowledge", body, lambda stamp: Acknowledge(stamp, body.version, body.note)
    )


@router.post(
    "/alerts/{alert_id}/return",
    response_model=AlertOut,
    responses=_CONFLICT,
    summary="Undo: back to the list",
)
def give_back(alert_id: str, body: ReturnCommand, who: Actor, here: Here) -> Json:
    return _commanded(here, who, alert_id, "return", body, lambda stamp: ReturnToList(stamp, body.version))


@router.post(
    "/alerts/{alert_id}/assign",
    response_model=AlertOut,
    responses=_CONFLICT,
    summary="Somebody else is to deal with it: he is called, and it escalates on until it is accepted",
)
def assign(alert_id: str, body: AssignCommand, who: Actor, here: Here, seen: Seen) -> Json:
    return _commanded(
        here,
        who,
        alert_id,
        "assign",
        body,
        lambda stamp: Assign(stamp, body.version, body.to, body.note),
        lambda line: calling.asked(here, seen, line, body.to),
    )


@router.post(
    "/alerts/{alert_id}/escalate",
    response_model=AlertOut,
    responses=_NOBODY_ABOVE,
    summary="The next level is called now; cannot be undone",
)
def escalate(alert_id: str, body: EscalateCommand, who: Actor, here: Here) -> Json:
    return _commanded(
        here,
        who,
        alert_id,
        "escalate",
        body,
        lambda stamp: CallNextLevel(stamp, body.version),
        lambda line: calling.next_level(here, line),
    )


@router.post(
    "/alerts/{alert_id}/snooze",
    response_model=AlertOut,
    responses=_CONFLICT,
    summary="No calls for a bounded time; back at once if worse or without data",
)
def snooze(alert_id: str, body: SnoozeCommand, who: Actor, here: Here) -> Json:
    return _commanded(
        here, who, alert_id, "snooze", body, lambda stamp: Snooze(stamp, body.version, body.end(stamp.at), body.reason)
    )


@router.post(
    "/alerts/{alert_id}/accept",
    response_model=AlertOut,
    responses=_CONFLICT,
    summary="I take over what was handed over or assigned",
)
def accept(alert_id: str, body: AcceptCommand, who: Actor, here: Here) -> Json:
    return _commanded(here, who, alert_id, "accept", body, lambda stamp: Accept(stamp, body.version))
