"""Patients, their current values, scores and coverage."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schema.alerts import AlertOut, NameOut, WhyOut
from api.schema.base import Identifier, Model, Moment, Time, Truth, example

_VALUE: dict[str, Any] = {
    "value": 97,
    "unit": "%",
    "measured_at": "2026-01-01T08:30:00.000Z",
    "received_at": "2026-01-01T08:30:00.120Z",
    "quality": 0,
    "quality_words": [],
    "device_id": "w-0a1b2c3d",
    "state": "fresh",
    "doubtful": False,
    "bad_signal_at": None,
}


class Value(Model):
    """``value`` null: the sensor gives only unusable signal, of which ``measured_at`` is the newest. ``bad_signal_at``: the
    sensor has been unusable for some time, newest seen then; the value shown is the last usable one."""

    model_config = example(**_VALUE)

    value: float | str | None
    unit: str
    measured_at: Moment
    received_at: Moment | None
    quality: int
    quality_words: list[str]
    device_id: str
    state: Literal["fresh", "stale", "old"]
    doubtful: bool
    bad_signal_at: Moment | None


class PartOut(Model):
    name: str
    value: float | str | None
    points: int | None
    measured_at: Moment | None
    age_s: float | None
    stale: bool


class ScoreOut(Model):
    name: str
    at: Moment
    status: Literal["complete", "partial", "not_applicable"]
    total: int | None
    lower: int | None
    upper: int | None
    band: str | None
    single_3: bool
    parts: list[PartOut]
    missing: list[str]
    why: str
    zh: WhyOut | None


class ScoreList(Model):
    items: list[ScoreOut]


class OtherScoreOut(Model):
    """``value`` only when complete; ``lower`` to ``upper`` bound it. ``raised`` null: the bounds do not decide it."""

    name: Literal["mews", "qsofa", "shock_index"]
    status: Literal["complete", "partial"]
    value: float | None
    lower: float
    upper: float
    raised: bool | None
    missing: list[str]
    oldest_s: float | None
    note: str


class CurrentScores(Model):
    """``ask_for``: what NEWS2 lacks, first what could change the most. ``others``: from the same inputs, at the same moment."""

    news2: ScoreOut | None
    ask_for: list[str]
    others: list[OtherScoreOut]


class CoverageOut(Model):
    """``until_at``: the end of a planned pause. ``zh``: why in Chinese, null where nothing is to say or a person wrote it."""

    state: Literal["watched", "partly", "paused", "not_watched", "no_device"]
    since_at: Moment
    why: str
    zh: WhyOut | None
    until_at: Moment | None


class DeviceCoverage(Model):
    device_id: str
    last_received_at: Moment | None
    last_valid_at: Moment | None
    unproven: bool


class PatientCoverage(CoverageOut):
    devices: list[DeviceCoverage]


class AlertCounts(Model):
    high: int
    medium: int
    low: int
    technical: int


class OpenedRecord(Model):
    """Somebody of another ward sees the patient until then, in an emergency."""

    by: str
    until: Moment


class ScoreBefore(Model):
    """Bounds of NEWS2; the same number twice where the score was complete."""

    lower: int
    upper: int


class PatientCard(Model):
    """``name`` and ``born`` are null for a role that may not see names. ``rank``: place in the ward order, 1 first.

    ``score_before``: what the score was in the four hours before the last one (the median of each bound), null where it was not
    known. ``trend``: the last hour against the four before, by vital. ``sparks``: the last four hours as [Unix ms, mean of
    5 min].
    """

    id: str
    name: NameOut | None
    age: int
    sex: str
    born: str | None
    ward: str
    demo: bool
    vitals: dict[str, Value]
    trend: dict[str, Literal["up2", "up1", "flat", "down1", "down2", "unknown"]]
    sparks: dict[str, list[tuple[int, float]]]
    score: ScoreOut | None
    score_before: ScoreBefore | None
    coverage: CoverageOut
    alerts: list[AlertOut]
    alert_counts: AlertCounts
    rank: int
    break_glass: list[OpenedRecord]


class Ward(Model):
    items: list[PatientCard]
    server_at: Moment
    total: int


class BindingOut(Model):
    device_id: str
    model: str
    start_at: Moment
    end_at: Moment | None


class PatientDetail(PatientCard):
    bindings: list[BindingOut]
    policy_version: str


class NewPatient(Model):
    model_config = example(family="Chen", given="Wei", born="1948-03-12", sex="female", ward="home-north")

    id: Identifier | None = None
    family: Annotated[str, Field(min_length=1, max_length=200)]
    given: Annotated[str, Field(max_length=200)]
    born: date
    sex: Literal["female", "male", "other", "unknown"]
    ward: Annotated[str, Field(min_length=1, max_length=100)]
    pregnant: Truth = False
    spo2_scale2_by: str = Field(
        "",
        max_length=100,
        description="Who prescribed NEWS2 SpO2 scale 2 (confirmed hypercapnic failure, target 88-92 %); empty = scale 1.",
    )
    demo: Truth = False


class Created(Model):
    id: str


class EnteredValue(Model):
    """A number in the vital's unit, or a letter of ACVPU for ``consciousness``."""

    vital: Annotated[str, Field(max_length=40)]
    value: Annotated[float, Field(strict=True)] | Annotated[str, Field(max_length=10)]


class Observation(Model):
    model_config = example(values=[{"vital": "consciousness", "value": "A"}, {"vital": "o2_flow", "value": 2}])

    values: Annotated[list[EnteredValue], Field(min_length=1, max_length=30)]
    measured_at: Time | None = None


class Stored(Model):
    ordinals: list[int]
