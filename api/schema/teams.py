"""Teams: the document as it holds, who set it when and why, who is on call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from api.schema.base import Model, Moment, example

_TEAM: dict[str, Any] = {
    "id": "north-nurses",
    "ward": "home-north",
    "timezone": "Europe/Berlin",
    "fallback": "dr.wang",
    "member": [{"id": "dr.wang", "name": "Dr Wang", "channels": ["app", "pager"]}],
    "shift": [{"days": ["mon", "tue"], "from": "07:00", "to": "19:00", "person": "dr.wang"}],
    "override": [{"date": "2026-12-22", "person": "dr.wang", "replaces": ""}],
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
    """``filled``: where the fallback stands in for a shift."""

    version: str
    team: TeamDocument
    filled: list[FilledOut]


class TeamList(Model):
    """A ward without a team calls everybody who has the page open."""

    items: list[TeamOut]


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


class NextChange(Model):
    """``leaving``: who is no longer on call then; ``on_call``: who is."""

    at: Moment
    leaving: list[MemberOut]
    on_call: list[MemberOut]


class OnCall(Model):
    """``filled``: no shift runs, the fallback stands in. ``next`` null: nothing changes in the eight days that follow."""

    team_id: str
    at: Moment
    on_call: list[MemberOut]
    filled: bool
    next: NextChange | None
