"""Vital signs over time."""

from __future__ import annotations

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


class Series(Model):
    patient_id: str
    vital: str
    unit: str
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    server_at: Moment
    streams: list[StreamSeries]


class SeriesList(Model):
    series: list[Series]
