"""The self-test: how its watchdog sets it up, and how it does."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Model, Moment, Number, example
from api.schema.devices import Provisioned


class NewSelfTest(Model):
    """``name`` tells one watchdog from another; ``interval_s``: how often its device sends."""

    model_config = example(name="up", interval_s=5)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    interval_s: Annotated[Number, Field(gt=0, le=60)]


class SelfTestOut(Model):
    """``last_reading_at``, ``last_alert_at``: received and opened, server time; null = never."""

    patient_id: str
    last_reading_at: Moment | None
    last_alert_at: Moment | None


class SelfTestList(Model):
    """``missing``: the open alert says that one of them has not been heard."""

    items: list[SelfTestOut]
    missing: bool


class SelfTestAccess(Provisioned):
    """``id`` is that of the synthetic device, which is also that of the synthetic patient."""
