"""Alerts, their history, and the commands that people give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from api.schema.base import Identifier, Model, Moment, Whole, Words, example
from api.schema.bedside import NoteOut
from api.schema.feedback import FeedbackList
from vigil.domain.times import MINUTE, from_iso
from vigil.domain.users import LONGEST_NAME

EXAMPLE: dict[str, Any] = {
    "id": "a-5f0c7d1e9a3b4c2d1e0f9a8b",
    "patient_id": "p-0412",
    "rule": "limit.spo2.low",
    "kind": "physiological",
    "priority": "medium",
    "peak_priority": "medium",
    "condition": "true",
    "handling": "unacknowledged",
    "state": "active",
    "title": "SpO2 low",
    "text": "SpO2 84 %, below 90 % for 15 s. Good signal.",
    "zh": {"title": "血氧饱和度过低", "text": "血氧饱和度 84 %，低于 90 %，已持续 15 秒。信号良好。"},
    "onset_at": "2026-01-01T08:29:44.000Z",
    "opened_at": "2026-01-01T08:30:00.000Z",
    "updated_at": "2026-01-01T08:30:00.000Z",
    "ended_at": None,
    "retrospective": False,
    "amended": False,
    "recurrence": 0,
    "acknowledged_by": "",
    "acknowledged_at": None,
    "note": "",
    "deadline_at": "2026-01-01T08:40:00.000Z",
    "escalation_level": 0,
    "resolved_at": None,
    "resolved_reason": "",
    "snoozed_until": None,
    "snoozed_by": "",
    "snooze_reason": "",
    "snoozes": 0,
    "suppressed_by": "",
    "held_until": None,
    "owner": "",
    "accept_by": None,
    "call": {"how": "now", "why": "", "by": "", "zh": None},
    "version": 1,
    "device_id": "w-0a1b2c3d",
    "evidence": {"values": [], "limit": None, "score": None, "policy_version": "1f2e3d4c5b6a"},
}


class EvidenceOut(Model):
    values: list[dict[str, Any]]
    limit: dict[str, Any] | None
    score: dict[str, Any] | None
    policy_version: str


class WhyOut(Model):
    """In Chinese."""

    why: str


class OwnNoteOut(Model):
    """In Chinese."""

    note: str


class CallOut(Model):
    """Whether a line called somebody ("now"), and if not, why (``zh``: in Chinese, null where only the English was kept). ``by``:
    id of the alert that leads or carries this one."""

    how: Literal["now", "list", "held", "joined", "inhibited", "snoozed"]
    why: str
    by: str
    zh: WhyOut | None


class WordsOut(Model):
    title: str
    text: str


class AlertOut(Model):
    """``zh``: title and text in Chinese, with the same numbers; null where only the English was kept. ``call``: what the newest
    line that asked for somebody has done; null when none did, and for resolved alerts."""

    model_config = example(**EXAMPLE)

    id: str
    patient_id: str
    rule: str
    kind: Literal["physiological", "technical", "advisory"]
    priority: Literal["high", "medium", "low"]
    peak_priority: Literal["high", "medium", "low"]
    condition: Literal["true", "unknown", "false"]
    handling: Literal["unacknowledged", "acknowledged"]
    state: Literal["active", "cleared", "resolved"]
    title: str
    text: str
    zh: WordsOut | None
    onset_at: Moment
    opened_at: Moment
    updated_at: Moment
    ended_at: Moment | None
    retrospective: bool
    amended: bool
    recurrence: int
    acknowledged_by: str
    acknowledged_at: Moment | None
    note: str
    deadline_at: Moment | None
    escalation_level: int
    resolved_at: Moment | None
    resolved_reason: str
    snoozed_until: Moment | None
    snoozed_by: str
    snooze_reason: str
    snoozes: int
    suppressed_by: str
    held_until: Moment | None
    owner: str
    accept_by: Moment | None
    call: CallOut | None
    version: int
    device_id: str
    evidence: EvidenceOut


class NameOut(Model):
    family: str
    given: str


class AlertPatient(Model):
    id: str
    name: NameOut | None
    age: int


class ListedAlert(AlertOut):
    model_config = example(**EXAMPLE, patient={"id": "p-0412", "name": {"family": "Chen", "given": "Wei"}, "age": 78})

    patient: AlertPatient | None


class WorkList(Model):
    items: list[ListedAlert]
    server_at: Moment


class AlertList(Model):
    items: list[AlertOut]


class TransitionOut(Model):
    """``zh``: the note in Chinese where Vigil itself wrote it, else null."""

    seq: int
    step: str
    cause: str
    actor: str
    at: Moment
    measured_at: Moment | None
    note: str
    zh: OwnNoteOut | None
    priority: str
    condition: str
    handling: str
    version: int
    call: CallOut | None
    detail: dict[str, Any]


class PersonOut(Model):
    id: str
    name: str


class PeopleList(Model):
    model_config = example(items=[{"id": "dr.wang", "name": "Dr Wang"}])

    items: list[PersonOut]


class PathStep(Model):
    """One step of the newest decision. ``why`` there is no time: "none" = there is no such step (no single value, nobody was
    called, it is over), "not_yet" = it may still come, "unknown" = nothing tells when it was, "failed" = each try was in vain."""

    step: Literal["measured", "received", "decided", "sent", "seen", "accepted"]
    at: Moment | None
    why: Literal["none", "not_yet", "unknown", "failed"] | None


class AlertWithHistory(AlertOut):
    """``path``: how it came to somebody, each step with its time."""

    model_config = example(**EXAMPLE, history=[], path=[], feedback={"verdict": None, "items": []}, notes=[])

    history: list[TransitionOut]
    path: list[PathStep]
    feedback: FeedbackList
    notes: list[NoteOut]


class ReturnCommand(Model):
    """``version``: of the alert as the person saw it. ``command_id``: the same for each try of one tap."""

    version: Annotated[Whole, Field(ge=1)]
    command_id: Identifier | None = None


class AcknowledgeCommand(ReturnCommand):
    model_config = example(version=1, note="calling now", command_id="c-7f3a")

    note: Words = ""


class AssignCommand(ReturnCommand):
    """``to``: user id, one of those whom ``people`` lists."""

    model_config = example(version=1, to="dr.wang", note="needs a doctor", command_id="c-5e11")

    to: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    note: Words = ""


class EscalateCommand(ReturnCommand):
    model_config = example(version=1, command_id="c-c0de")


class AcceptCommand(ReturnCommand):
    model_config = example(version=4, command_id="c-81d0")


class SnoozeCommand(ReturnCommand):
    """How long: either ``minutes`` from now or ``until``."""

    model_config = example(version=1, minutes=10, reason="treatment given", command_id="c-93b2")

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    minutes: Annotated[Whole, Field(ge=1, le=1440)] | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_end(self) -> SnoozeCommand:
        if (self.minutes is None) == (self.until is None):
            raise ValueError("give either minutes or until")
        return self

    def end(self, now: int) -> int:
        """Microseconds UTC."""
        if self.until is not None:
            return from_iso(self.until.isoformat())
        return now + (self.minutes or 0) * MINUTE
