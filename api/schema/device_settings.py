"""What a device is told to do, and what it said to that."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Model, Moment, Number, Whole, example
from vigil.domain.device_settings import LONGEST_INTERVAL_S, Standing

Interval = Annotated[Number, Field(gt=0, le=LONGEST_INTERVAL_S)]


class LocalLimit(Model):
    """In the vital's unit: below ``low`` or above ``high`` the device sends at once. Nobody is called by it: policies do that."""

    low: Number | None = None
    high: Number | None = None


class SettingsChange(Model):
    """The whole of the next version; what is left out is the device's own choice again. ``after``: the version that was read,
    0 = none; another one by now is a conflict (409)."""

    model_config = example(
        interval_s={"heart_rate": 5, "spo2": 5}, limits={"spo2": {"low": 88}}, reason="battery for two weeks", after=0
    )

    interval_s: dict[str, Interval] = Field(default_factory=dict, max_length=100)
    limits: dict[str, LocalLimit] = Field(default_factory=dict, max_length=100)
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    after: Annotated[Whole, Field(ge=0)] | None = None


class AnswerOut(Model):
    """``text``: the device's own words."""

    accepted: bool
    text: str
    at: Moment


class SettingsVersion(Model):
    """``reason``: null for roles that see no names."""

    version: int
    interval_s: dict[str, float]
    limits: dict[str, LocalLimit]
    set_by: str
    reason: str | None
    set_at: Moment
    answer: AnswerOut | None


class SettingsOut(Model):
    """``wanted``: the newest version. ``confirmed``: the newest that the device accepted, which is what it goes by.
    ``state`` of the wanted one: ``waiting`` for an answer, ``overdue`` without one for 15 minutes, ``refused`` by the device."""

    device_id: str
    state: Standing
    wanted: SettingsVersion | None
    confirmed: SettingsVersion | None
    history: list[SettingsVersion]
