"""Teams: who is called for the alerts of a ward, and who is on call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import shape
from api.auth import PolicyMaker, Reader, Right, may
from api.care import View
from api.context import Context, Here, Seen, time_given
from api.oncall import end_of_duty, levels, levels_for, members, next_change, today, week, with_stand_in
from api.policies import held_by, newest
from api.schema.base import Time
from api.schema.session import problem
from api.schema.teams import Day, OnCall, RotaWeek, StandIn, TeamChange, TeamList, TeamOut, TeamWithHistory
from api.shape import Json
from vigil.domain.effective import Scope, effective
from vigil.domain.errors import VersionConflict
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.team_file import Accepted, filled, parse_team, read_team, team_document
from vigil.domain.teams import Team, holes, on_call

router = APIRouter(prefix="/api/v1/teams", tags=["teams"])

FirstDay = Annotated[Day | None, Query(alias="from")]
#: The version that the person saw ("" = none); when another one holds by now the answer is 409.
After = Annotated[str | None, Query(max_length=64)]


@router.get("", response_model=TeamList, summary="All teams as they hold, and which of their levels call who asks")
def teams(who: Reader, here: Here, seen: Seen) -> Json:
    now = here.deps.clock.now_us()
    shown = [one for one in here.deps.records.teams() if seen.ward(one.ward)]
    return {
        "items": [
            {
                **_shown(one),
                "member": one.member(who.name) is not None,
                "calls": levels_for(one, who.name, now),
                "off": end_of_duty(one, who.name, now),
            }
            for one in shown
        ]
    }


@router.put(
    "",
    response_model=TeamOut,
    responses={409: problem("another version holds than the one that was read")},
    summary="Add a team or change one, with the reason",
)
def put(body: TeamChange, who: PolicyMaker, here: Here, seen: Seen, after: After = None) -> Json:
    """A hole in the rota is refused, or filled by the fallback and told in ``filled``."""
    accepted = _read(body, here, seen)
    before = [one for one in here.deps.records.teams() if one.team_id == accepted.team.team_id]
    for ward in (accepted.team.ward, *(one.ward for one in before)):
        seen.require_ward(ward)
    if after is not None and after != "".join(one.version for one in before):
        raise VersionConflict("the team has another version than the one that was read")
    here.deps.records.put_team(accepted.team, who.name, body.reason, here.deps.clock.now_us())
    return _shown(accepted.team)


@router.get(
    "/{team_id}",
    response_model=TeamWithHistory,
    summary="One team with all its versions",
    dependencies=[may(Right.READ)],
)
def team(team_id: str, here: Here) -> Json:
    history = here.deps.records.team_history(team_id)
    lines = [
        {
            "version": one.team.version,
            "set_by": one.author,
            "reason": one.reason,
            "set_at": shape.iso(one.at),
            "team": team_document(one.team),
        }
        for one in history
    ]
    return {**_shown(history[0].team), "history": lines}


@router.get(
    "/{team_id}/on-call",
    response_model=OnCall,
    summary="Who is on call, now or at a time, and who is next",
    dependencies=[may(Right.READ)],
)
def who_is_on_call(team_id: str, here: Here, at: Time | None = None) -> Json:
    known = here.deps.records.team_history(team_id)[0].team
    moment = here.deps.clock.now_us() if at is None else time_given(at, "at")
    return _on_call(known, moment)


@router.get(
    "/{team_id}/rota",
    response_model=RotaWeek,
    summary="A week of the rota by the team's own clock",
    dependencies=[may(Right.READ)],
)
def rota(team_id: str, here: Here, first: FirstDay = None) -> Json:
    """Who is on call now and on seven days, stand-ins counted; from the Monday of this week on if no day is given."""
    history = here.deps.records.team_history(team_id)
    known, now = history[0].team, here.deps.clock.now_us()
    day = today(known, now)
    days = [(first or day - timedelta(days=day.weekday())) + timedelta(days=number) for number in range(7)]
    documents = held_by(newest(here.deps.records), Scope.WARD, known.ward)
    return {
        **_on_call(known, now),
        "today": day.isoformat(),
        "days": [one.isoformat() for one in days],
        "week": week(known, days),
        "levels": levels(known, effective(DEFAULT_POLICY, documents, now)),
        "changes": [{"set_by": one.author, "reason": one.reason, "set_at": shape.iso(one.at)} for one in history],
    }


@router.post(
    "/{team_id}/stand-in", response_model=TeamOut, summary="Put somebody in from a time to another, with the reason"
)
def stand_in(team_id: str, body: StandIn, who: PolicyMaker, here: Here, seen: Seen) -> Json:
    known = here.deps.records.team_history(team_id)[0].team
    changed = with_stand_in(known, body.person, body.replaces, body.start, body.end)
    accepted = read_team(team_document(changed), here.deps.channels, _others(here, seen))
    here.deps.records.put_team(accepted.team, who.name, body.reason, here.deps.clock.now_us())
    return _shown(accepted.team)


def _on_call(team: Team, at: int) -> Json:
    return {
        "team_id": team.team_id,
        "at": shape.iso(at),
        "on_call": members(team, on_call(team, at)),
        "filled": bool(holes(team, at, at + 1)),
        "next": next_change(team, at),
    }


def _read(body: TeamChange, here: Context, seen: View) -> Accepted:
    channels, others = here.deps.channels, _others(here, seen)
    if body.toml is not None:
        return parse_team(body.toml, channels, others)
    return read_team(body.team or {}, channels, others)


def _others(here: Context, seen: View) -> list[Team]:
    return [one for one in here.deps.records.teams() if seen.ward(one.ward)]


def _shown(team: Team) -> Json:
    gaps = [{"from": one.start, "to": one.end, "person": one.person} for one in filled(team)]
    document = team_document(team)
    return {"version": team.version, "team": document, "toml": as_toml(document), "filled": gaps}


def as_toml(document: Mapping[str, Any]) -> str:
    """What ``parse_team`` reads as the same team. Texts and lists of texts are written in TOML as they are in JSON."""
    lines = [f"{key} = {_toml(value)}" for key, value in document.items() if not isinstance(value, list)]
    for key, value in document.items():
        for entry in value if isinstance(value, list) else ():
            lines += ["", f"[[{key}]]", *(f"{name} = {_toml(one)}" for name, one in entry.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {one}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
