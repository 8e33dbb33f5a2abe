"""Vital signs over time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schema.base import Model, Moment


class Point(Model):
    """One bucket; ``at`` is its start. ``bad`` counts the values of bad quality, which are in no other figure."""

    at: Moment
    min: float | str | None
    max: float | str | None
    mean: float | str | None
    last: float | str | None
    count: int
    bad: int


class Raw(Model):
    """One stored reading; ``value`` null = the sensor tried and got nothing."""

    at: Moment
    value: float | str | None
    quality: int
    received_at: Moment
    ordinal: int


class StreamSeries(Model):
    """Either ``points`` or ``raw`` is there, the other is null. ``truncated``: only the newest raw readings are shown."""

    device_id: str
    site: str
    points: list[Point] | None
    raw: list[Raw] | None
    truncated: bool


class Older(Model):
    """Readings measured before ``before`` are kept in InfluxDB and are not in this answer: of that time only figures by the hour
    are shown, and nothing where ``raw`` was asked for. ``unreachable``: InfluxDB gives no answer now. ``too_many``: they are more
    than one answer may bring."""

    before: Moment
    reason: Literal["unreachable", "too_many"]


class Series(Model):
    patient_id: str
    vital: str
    unit: str
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    server_at: Moment
    streams: list[StreamSeries]
    older: Older | None


class SeriesList(Model):
    series: list[Series]


class UsualHour(Model):
    """``low`` to ``high``: two SD to each side of the mean of the 48 h before ``from``."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    mean: float
    sd: float
    low: float
    high: float


class Usual(Model):
    vital: str
    hours: list[UsualHour]


class UsualList(Model):
    items: list[Usual]
