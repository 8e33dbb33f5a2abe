"""Alertmanager's API v2 below ``/alertmanager``, to read: acknowledging and snoozing happen in Vigil, by a person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.alertmanager import shape
from api.alertmanager.filters import parsed
from api.alertmanager.schema import AlertGroup, AlertmanagerStatus, GettableAlert, GettableSilence, ReceiverOut
from api.auth import Right, may
from api.care import View
from api.context import Context, Here, Seen
from api.errors import Problem
from api.prometheus.parse import compiled
from api.prometheus.refusal import PromError
from api.schema.session import problem
from api.shape import Json, iso
from vigil import __version__
from vigil.domain.alerts import Alert, Step
from vigil.domain.errors import NotFound

#: The version of Alertmanager whose client reads this in a test.
LIKE_VERSION = "0.25.0"

router = APIRouter(
    prefix="/alertmanager/api/v2",
    tags=["alertmanager"],
    dependencies=[may(Right.READ)],
    responses={400: problem("a matcher or a regular expression is not understood")},
)

Filter = Annotated[list[str], Query(alias="filter", description='matchers like priority="high"; all must hold')]
Receiver = Annotated[str, Query(max_length=1000, description="a regular expression")]


@router.get("/alerts", response_model=list[GettableAlert], summary="The open alerts")
def alerts(
    here: Here,
    seen: Seen,
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
    unprocessed: bool = True,  # noqa: ARG001 - Alertmanager's clients send it; none of ours ever is
    filter: Filter = [],  # noqa: B006 - FastAPI copies it
    receiver: Receiver = "",
) -> list[Json]:
    return _listed(here, seen, active, silenced, inhibited, filter, receiver)


@router.get("/alerts/groups", response_model=list[AlertGroup], summary="The open alerts, by patient")
def alert_groups(
    here: Here,
    seen: Seen,
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
    filter: Filter = [],  # noqa: B006 - FastAPI copies it
    receiver: Receiver = "",
) -> list[Json]:
    return shape.groups(_listed(here, seen, active, silenced, inhibited, filter, receiver))


def _listed(
    here: Context, seen: View, active: bool, silenced: bool, inhibited: bool, filters: list[str], receiver: str
) -> list[Json]:
    matchers = parsed(filters)
    if receiver and not _pattern_takes(receiver, shape.RECEIVER):
        return []
    now = here.deps.clock.now_us()
    shown = (shape.alert(one, now) for one in here.ward.open_alerts(seen))
    return [
        one
        for one in shown
        if all(matches(one["labels"].get(matches.name, "")) for matches in matchers)
        and shape.state_wanted(one, active, silenced, inhibited)
    ]


def _pattern_takes(pattern: str, value: str) -> bool:
    try:
        return compiled(pattern).fullmatch(value) is not None
    except PromError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"receiver: {error}") from error


@router.get("/silences", response_model=list[GettableSilence], summary="The snoozes that hold")
def silences(
    here: Here,
    seen: Seen,
    filter: Filter = [],  # noqa: B006 - FastAPI copies it
) -> list[Json]:
    """``filter`` is compared with what a silence matches, which is one ``alert``."""
    matchers = parsed(filter)
    found = (one for one in here.ward.open_alerts(seen) if one.snoozed_until is not None)
    return [
        _silence(here, one)
        for one in found
        if all(matches({"alert": one.alert_id}.get(matches.name, "")) for matches in matchers)
    ]


@router.get("/silence/{alert_id}", response_model=GettableSilence, summary="One snooze")
def silence(alert_id: str, here: Here, seen: Seen) -> Json:
    for one in here.ward.open_alerts(seen):
        if one.snoozed_until is not None and one.alert_id == alert_id:
            return _silence(here, one)
    raise NotFound("no such snooze, or it has ended")


def _silence(here: Context, alert: Alert) -> Json:
    lines = here.deps.records.transitions(alert_id=alert.alert_id)
    return shape.silence(alert, max((line.at for line in lines if line.step is Step.SNOOZED), default=alert.updated_at))


@router.get("/receivers", response_model=list[ReceiverOut], summary="One: Vigil itself")
def receivers() -> list[Json]:
    return [{"name": shape.RECEIVER}]


@router.get("/status", response_model=AlertmanagerStatus, summary="Which Alertmanager this behaves like")
def status(request: Request) -> Json:
    empty = {"branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": ""},
        "uptime": iso(request.app.state.started_at),
        "versionInfo": {"version": LIKE_VERSION, "revision": f"vigil-{__version__}", **empty},
    }
