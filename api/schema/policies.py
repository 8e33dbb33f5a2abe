"""Monitoring policies: the limits of a patient."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schema.base import Model, example


class LimitOut(Model):
    vital: str
    side: Literal["low", "high"]
    limit: float
    delay_s: float
    hysteresis: float
    priority: Literal["high", "medium", "low"]
    severe: float | None
    severe_priority: Literal["high", "medium", "low"]
    enabled: bool
    set_by: str


class PolicyOut(Model):
    """``findings``: the detectors beside the limits that may call somebody, and at which priority."""

    version: str
    limits: list[LimitOut]
    news2: bool
    clear_delay_s: float
    continuous_staleness_s: float
    findings: dict[str, Literal["high", "medium", "low"]]
    escalate_s: dict[str, float]
    realarm_s: dict[str, float]


class PolicyList(Model):
    """``patients``: version by patient, for those who have a policy of their own."""

    default: PolicyOut
    patients: dict[str, str]


class PatientPolicy(PolicyOut):
    """``own`` False: the default holds for this patient."""

    patient_id: str
    own: bool


class LimitChange(Model):
    """``vital`` and ``side`` name the limit; the other fields that are given replace what held before."""

    vital: Annotated[str, Field(max_length=40)]
    side: Literal["low", "high"]
    limit: float | None = None
    delay_s: float | None = None
    hysteresis: float | None = None
    priority: Literal["high", "medium", "low"] | None = None
    severe: float | None = None
    severe_priority: Literal["high", "medium", "low"] | None = None
    enabled: bool | None = None


class PolicyChange(Model):
    model_config = example(
        limits=[{"vital": "spo2", "side": "low", "limit": 88}], reason="known COPD, target 88 to 92 %"
    )

    limits: Annotated[list[LimitChange], Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
