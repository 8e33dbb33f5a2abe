"""Values of a device that nobody wore when they were measured, and whose they were."""

from __future__ import annotations

from api.schema.base import Identifier, Model, Moment, Time, example


class Unclaimed(Model):
    """``first_at`` and ``last_at``: when the first and the last value were measured. ``from_at`` and ``to_at``: the span that is
    nobody's, null = without end."""

    from_at: Moment | None
    to_at: Moment | None
    first_at: Moment
    last_at: Moment
    values: int


class UnclaimedList(Model):
    device_id: str
    items: list[Unclaimed]


class Claim(Model):
    model_config = example(patient_id="p-0412", start_at="2026-01-01T08:00:00Z", end_at="2026-01-01T09:30:00Z")

    patient_id: Identifier
    start_at: Time
    end_at: Time
