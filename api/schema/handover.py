"""The hand-over note: facts only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schema.alerts import NameOut, WordsOut
from api.schema.base import Model, Moment, example
from api.schema.bedside import NoteOut
from api.schema.teams import MemberOut, NextChange
from api.schema.ward import CoverageOut

_PERSON: dict[str, Any] = {"id": "p-0412", "name": {"family": "Chen", "given": "Wei"}}
_BOUNDS: dict[str, Any] = {"lower": 2, "upper": 2, "single_3": False, "missing": []}


class PersonOut(Model):
    id: str
    name: NameOut | None


class HandoverAlert(Model):
    """``patient`` null: about Vigil itself. ``owner``: who deals with it, empty = nobody."""

    patient: PersonOut | None
    owner: str
    id: str
    kind: Literal["physiological", "technical", "advisory"]
    priority: Literal["high", "medium", "low"]
    state: Literal["active", "cleared"]
    condition: Literal["true", "unknown", "false"]
    handling: Literal["unacknowledged", "acknowledged"]
    title: str
    text: str
    zh: WordsOut | None
    opened_at: Moment
    retrospective: bool
    amended: bool
    acknowledged_at: Moment | None
    note: str
    escalation_level: int
    snoozed_until: Moment | None
    snoozed_by: str
    snooze_reason: str
    suppressed_by: str
    held_until: Moment | None
    accept_by: Moment | None


class HandoverAlerts(Model):
    """In the order of the work list. ``technical``: all but unverified critical values."""

    high: list[HandoverAlert]
    medium: list[HandoverAlert]
    low: list[HandoverAlert]
    technical: list[HandoverAlert]


class HappenedOut(Model):
    """Alerts since the shift began, each counted once. ``unanswered``: the whole chain was called in vain."""

    opened: int
    resolved: int
    escalated: int
    unanswered: int


class BoundsOut(Model):
    at: Moment
    lower: int
    upper: int
    single_3: bool
    missing: list[str]


class HandoverScore(Model):
    """``first``: of the last eight hours. ``course`` null: there is nothing to compare."""

    model_config = example(
        patient=_PERSON,
        first={"at": "2026-01-01T00:30:00.000Z", **_BOUNDS},
        now={"at": "2026-01-01T08:30:00.000Z", **_BOUNDS},
        course="steady",
    )

    patient: PersonOut
    first: BoundsOut | None
    now: BoundsOut | None
    course: Literal["up", "down", "steady", "unclear"] | None


class CoverageGap(CoverageOut):
    patient: PersonOut


class SilentDevice(Model):
    """``last_heard_at`` null: never."""

    device_id: str
    patient: PersonOut
    last_heard_at: Moment | None


class HandoverNote(NoteOut):
    """What was noted or done since the shift began."""

    patient: PersonOut


class HandoverOut(Model):
    """``since_at``: when the shift began that the note is about. ``team_id`` null: no team is set for the ward, so each call goes
    to the page for everybody. ``filled``: no shift runs, the fallback is on call."""

    ward: str
    at: Moment
    timezone: Annotated[str, Field(examples=["Europe/Berlin"])]
    since_at: Moment
    team_id: str | None
    on_call: list[MemberOut]
    filled: bool
    next: NextChange | None
    patients: int
    alerts: HandoverAlerts
    happened: HappenedOut
    news2: list[HandoverScore]
    not_watched: list[CoverageGap]
    silent_devices: list[SilentDevice]
    notes: list[HandoverNote]
