"""Alerts, their history, and the commands that people give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schema.base import Identifier, Model, Moment, Words, example

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
    "onset_at": "2026-01-01T08:29:44.000Z",
    "opened_at": "2026-01-01T08:30:00.000Z",
    "updated_at": "2026-01-01T08:30:00.000Z",
    "ended_at": None,
    "retrospective": False,
    "recurrence": 0,
    "acknowledged_by": "",
    "acknowledged_at": None,
    "note": "",
    "deadline_at": "2026-01-01T08:40:00.000Z",
    "escalation_level": 0,
    "resolved_at": None,
    "resolved_reason": "",
    "version": 1,
    "device_id": "w-0a1b2c3d",
    "evidence": {"values": [], "limit": None, "score": None, "policy_version": "1f2e3d4c5b6a"},
}


class EvidenceOut(Model):
    values: list[dict[str, Any]]
    limit: dict[str, Any] | None
    score: dict[str, Any] | None
    policy_version: str


class AlertOut(Model):
    model_config = example(**EXAMPLE)

    id: str
    patient_id: str
    rule: str
    kind: Literal["physiological", "technical"]
    priority: Literal["high", "medium", "low"]
    peak_priority: Literal["high", "medium", "low"]
    condition: Literal["true", "unknown", "false"]
    handling: Literal["unacknowledged", "acknowledged"]
    state: Literal["active", "cleared", "resolved"]
    title: str
    text: str
    onset_at: Moment
    opened_at: Moment
    updated_at: Moment
    ended_at: Moment | None
    retrospective: bool
    recurrence: int
    acknowledged_by: str
    acknowledged_at: Moment | None
    note: str
    deadline_at: Moment | None
    escalation_level: int
    resolved_at: Moment | None
    resolved_reason: str
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
    seq: int
    step: str
    cause: str
    actor: str
    at: Moment
    measured_at: Moment | None
    note: str
    priority: str
    condition: str
    handling: str
    version: int
    detail: dict[str, Any]


class AlertWithHistory(AlertOut):
    model_config = example(**EXAMPLE, history=[])

    history: list[TransitionOut]


class ReturnCommand(Model):
    """``version``: of the alert as the person saw it. ``command_id``: the same for each try of one tap."""

    version: Annotated[int, Field(ge=1)]
    command_id: Identifier | None = None


class AcknowledgeCommand(ReturnCommand):
    model_config = example(version=1, note="calling now", command_id="c-7f3a")

    note: Words = ""
