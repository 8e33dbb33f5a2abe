"""Teams: the document as it holds, who set it when and why, who is on call."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, NaiveDatetime, model_validator

from api.schema.base import Model, Moment, example
from vigil.domain.team_check import LONGEST_STAND_IN
from vigil.domain.team_shape import is_wall_clock

#: Days that every clock and zone knows.
Day = Annotated[date, Field(ge=date(2015, 1, 1), le=date(2199, 12, 31))]


def _known(value: datetime) -> datetime:
    if not is_wall_clock(value):
        raise ValueError("must be a time to the minute, between 2015 and 2200")
    return value


#: Of a wall clock, as that of a day.
LocalTime = Annotated[NaiveDatetime, AfterValidator(_known)]
_TEAM: dict[str, Any] = {
    "id": "north-nurses",
    "ward": "home-north",
    "timezone": "Europe/Berlin",
    "fallback": "dr.wang",
    "member": [{"id": "dr.wang", "name": "Dr Wang", "channels": ["app", "pager"]}],
    "shift": [{"days": ["mon", "tue"], "from": "07:00", "to": "19:00", "person": "dr.wang"}],
    "override": [{"date": "2026-12-22", "person": "dr.wang", "replaces": ""}],
    "stand_in": [{"start": "2026-12-24T14:00", "end": "2026-12-25T07:00", "person": "dr.wang", "replaces": ""}],
    "level": [{"who": ["on_call"], "channels": [], "after": {}}],
}


class MemberOut(Model):
    id: str
    name: str
    channels: list[str]


class ShiftOut(Model):
    days: list[str]
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    person: str


class OverrideOut(Model):
    date: str
    person: str
    replaces: str


class StandInOut(Model):
    """Local times."""

    start: str
    end: str
    person: str
    replaces: str


class LevelOut(Model):
    """``after``: minutes by priority without an answer to the level before; a priority left out: as the policy says."""

    who: list[str]
    channels: list[str]
    after: dict[Literal["high", "medium", "low"], float]


class TeamDocument(Model):
    """The keys of the TOML document; what is read here may be sent back."""

    model_config = example(**_TEAM)

    id: str
    ward: str
    timezone: str
    fallback: str
    member: list[MemberOut]
    shift: list[ShiftOut]
    override: list[OverrideOut]
    stand_in: list[StandInOut]
    level: list[LevelOut]


class FilledOut(Model):
    """An interval of each local week in which only the fallback is on call."""

    start: str = Field(alias="from", examples=["Saturday 19:00"])
    end: str = Field(alias="to", examples=["Monday 07:00"])
    person: str


class TeamVersionOut(Model):
    version: str
    set_by: str
    reason: str
    set_at: Moment
    team: TeamDocument


class TeamOut(Model):
    """``filled``: where the fallback stands in for a shift. ``toml``: the same document to be read and edited by people."""

    version: str
    team: TeamDocument
    toml: str
    filled: list[FilledOut]


class NextChange(Model):
    """``leaving``: who is no longer on call then; ``on_call``: who is."""

    at: Moment
    leaving: list[MemberOut]
    on_call: list[MemberOut]


class ListedTeam(TeamOut):
    """About who asks: is he a ``member``, which levels, from 0, call him now (``calls``), and when he goes ``off``: null where he
    is not on call now, or stays so for eight days."""

    member: bool
    calls: list[int]
    off: NextChange | None


class TeamList(Model):
    """A ward without a team calls everybody who has the page open."""

    items: list[ListedTeam]


class TeamWithHistory(TeamOut):
    """``history``: newest first."""

    history: list[TeamVersionOut]


class TeamChange(Model):
    """The document as JSON (``team``) or as TOML text (``toml``), and why."""

    model_config = example(team=_TEAM, reason="rota of December")

    team: dict[str, Any] | None = None
    toml: Annotated[str, Field(max_length=60_000)] | None = None
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    @model_validator(mode="after")
    def _one_form(self) -> TeamChange:
        if (self.team is None) == (self.toml is None):
            raise ValueError("give either team or toml")
        return self


class StandIn(Model):
    """``person`` is on call instead of ``replaces`` (empty = whoever is) from ``start`` to ``end`` by the team's clock; an empty
    ``person`` takes back what was said of this time."""

    model_config = example(
        person="dr.wang", replaces="li.na", start="2026-12-24T14:00", end="2026-12-25T07:00", reason="Li Na is ill"
    )

    person: Annotated[str, Field(max_length=100)]
    replaces: Annotated[str, Field(max_length=100)] = ""
    start: LocalTime
    end: LocalTime
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    @model_validator(mode="after")
    def _in_order(self) -> StandIn:
        if not timedelta() < self.end - self.start <= LONGEST_STAND_IN:
            raise ValueError(f"end must be after start, and no more than {LONGEST_STAND_IN.days} days later")
        return self


class OnCall(Model):
    """``filled``: no shift runs, the fallback stands in. ``next`` null: nothing changes in the eight days that follow."""

    team_id: str
    at: Moment
    on_call: list[MemberOut]
    filled: bool
    next: NextChange | None


class WeekLine(Model):
    """``hours``: of each day, as "07:00-19:00" with a dash, by the team's own clock; 00:00 as an end is that of the day.
    ``filled``: no shift runs then, and this person stands in."""

    model_config = example(person="li.na", name="Li Na", filled=False, hours=[["07:00–19:00"], [], [], [], [], [], []])

    person: str
    name: str
    filled: bool
    hours: list[list[str]]


class NamedLevel(Model):
    """``who``: names, "on_call", "everyone". ``after_s``: seconds that the level before may stay unanswered, by the team or else
    by the policy of its ward; that of the first level counts after the last one."""

    who: list[str]
    channels: list[str]
    after_s: dict[Literal["high", "medium", "low"], float]


class TeamSet(Model):
    set_by: str
    reason: str
    set_at: Moment


class RotaWeek(OnCall):
    """``today``: the team's own day now, which need not be one of ``days``. ``changes``: every one of the team, newest first."""

    today: str
    days: list[str]
    week: list[WeekLine]
    levels: list[NamedLevel]
    changes: list[TeamSet]
