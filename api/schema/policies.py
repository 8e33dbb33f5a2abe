"""Monitoring policies: documents of the programme, of wards and of patients, and what they make together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from api.schema.base import Model, Moment, Number, Truth, example

PriorityName = Literal["high", "medium", "low"]


class LimitOut(Model):
    vital: str
    side: Literal["low", "high"]
    limit: float
    delay_s: float
    hysteresis: float
    priority: PriorityName
    severe: float | None
    severe_priority: PriorityName
    enabled: bool
    set_by: str


class SourceOut(Model):
    """``scope`` default: a starting value of Vigil that nobody has signed off. ``schedule``: at which times, empty = always."""

    scope: Literal["default", "programme", "ward", "patient"]
    name: str
    version: int | None
    author: str
    signed_off_by: str
    at: Moment | None
    schedule: str


class ScheduleOut(Model):
    """``values``: by path, as in ``sources``."""

    when: str
    values: dict[str, Any]
    source: SourceOut


class PolicyOut(Model):
    """What is in force now. ``findings``: the detectors beside the limits that may call somebody, and at which priority.
    ``sources``: where each value comes from, by path (``limit.spo2.low.delay_s``, ``findings.flat``, ``news2``).
    ``next_change``: when a schedule brings other limits."""

    version: str
    limits: list[LimitOut]
    news2: bool
    news2_delay_s: dict[str, float]
    news2_clear_delay_s: float
    interruptions_per_nurse_hour: float | None
    clear_delay_s: float
    continuous_staleness_s: float
    findings: dict[str, PriorityName | None]
    escalate_s: dict[str, float]
    realarm_s: dict[str, float]
    interval_s: dict[str, float]
    timezone: str
    schedules: list[ScheduleOut]
    next_change: Moment | None
    sources: dict[str, SourceOut]


class DocumentOut(Model):
    """One version of a document: only what differs. ``signed_off`` False: it holds, but nobody has signed it off.
    ``reason`` is null for a role that may not see names."""

    scope: Literal["programme", "ward", "patient"]
    name: str
    version: int
    document: dict[str, Any]
    author: str
    reason: str | None
    signed_off_by: str
    signed_off: bool
    at: Moment


class PolicyList(Model):
    """``patients``: version by patient, for those who have a policy of their own. ``documents``: the newest version of each."""

    default: PolicyOut
    patients: dict[str, str]
    documents: list[DocumentOut]


class ScopePolicy(PolicyOut):
    """``document``: what this scope itself says; null = nothing, wider ones hold."""

    document: DocumentOut | None


class PatientPolicy(ScopePolicy):
    """``own`` False: the patient has no document of his own."""

    patient_id: str
    own: bool


class History(Model):
    """Newest first."""

    items: list[DocumentOut]


class LimitSpan(Model):
    """One limit for as long as it was the same. ``end`` null: it still held at the end of the time that was asked for."""

    vital: str
    side: Literal["low", "high"]
    limit: float
    severe: float | None
    set_by: str
    source: SourceOut
    start: Moment = Field(alias="from")
    end: Moment | None = Field(alias="to")


class LimitSpans(Model):
    """By vital and side, oldest first. Of a time from which no document is known: the starting values of this Vigil."""

    items: list[LimitSpan]


class LimitChange(Model):
    """``vital`` and ``side`` name the limit; the other fields that are given replace what held before."""

    vital: Annotated[str, Field(max_length=40)]
    side: Literal["low", "high"]
    limit: Number | None = None
    delay_s: Number | None = None
    hysteresis: Number | None = None
    priority: PriorityName | None = None
    severe: Number | None = None
    severe_priority: PriorityName | None = None
    enabled: Truth | None = None


class PolicyChange(Model):
    """One of three: ``limits`` changes some limits of the document; ``toml`` or ``document`` (the same shape in JSON) replaces
    all of it, an empty one says nothing any more. The reason and who signed off may stand in the document too."""

    model_config = example(
        limits=[{"vital": "spo2", "side": "low", "limit": 88}],
        reason="known COPD, target 88 to 92 %",
        signed_off_by="Dr Wang",
    )

    limits: Annotated[list[LimitChange], Field(min_length=1, max_length=100)] | None = None
    document: dict[str, Any] | None = None
    toml: Annotated[str, Field(max_length=60_000)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""
    signed_off_by: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> PolicyChange:
        if [self.limits, self.document, self.toml].count(None) != 2:
            raise ValueError("give one of limits, document and toml")
        return self
