"""Teams: who is called for the alerts of a ward, and who is on call."""

from __future__ import annotations

from fastapi import APIRouter

from api import shape
from api.auth import PolicyMaker, Right, may
from api.care import View
from api.context import Here, Seen, time_given
from api.oncall import members, next_change
from api.schema.base import Time
from api.schema.teams import OnCall, TeamChange, TeamList, TeamOut, TeamWithHistory
from api.shape import Json
from vigil.domain.team_file import Accepted, filled, parse_team, read_team, team_document
from vigil.domain.teams import Team, holes, on_call

router = APIRouter(prefix="/api/v1/teams", tags=["teams"])


@router.get("", response_model=TeamList, summary="All teams as they hold", dependencies=[may(Right.READ)])
def teams(here: Here, seen: Seen) -> Json:
    return {"items": [_shown(one) for one in here.deps.records.teams() if seen.ward(one.ward)]}


@router.put("", response_model=TeamOut, summary="Add a team or change one, with the reason")
def put(body: TeamChange, who: PolicyMaker, here: Here, seen: Seen) -> Json:
    """A hole in the rota is refused, or filled by the fallback and told in ``filled``."""
    accepted = _read(body, here, seen)
    before = [one.ward for one in here.deps.records.teams() if one.team_id == accepted.team.team_id]
    for ward in (accepted.team.ward, *before):
        seen.require_ward(ward)
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
    return {
        "team_id": team_id,
        "at": shape.iso(moment),
        "on_call": members(known, on_call(known, moment)),
        "filled": bool(holes(known, moment, moment + 1)),
        "next": next_change(known, moment),
    }


def _read(body: TeamChange, here: Here, seen: View) -> Accepted:
    channels = here.deps.channels
    others = [one for one in here.deps.records.teams() if seen.ward(one.ward)]
    if body.toml is not None:
        return parse_team(body.toml, channels, others)
    return read_team(body.team or {}, channels, others)


def _shown(team: Team) -> Json:
    gaps = [{"from": one.start, "to": one.end, "person": one.person} for one in filled(team)]
    return {"version": team.version, "team": team_document(team), "filled": gaps}
