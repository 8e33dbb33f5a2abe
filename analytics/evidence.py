"""What an alert was decided on, in the form in which it is kept with it."""

from __future__ import annotations

from typing import Any

from analytics.changes import Change
from vigil.domain.policy import LimitRule
from vigil.domain.vitals import BY_NAME


def change_row(vital: str, change: Change) -> dict[str, Any]:
    """The reading that brought the change."""
    return reading_row(vital, change.value, change.measured_at, change.received_at, change.quality, change.ordinal)


def reading_row(
    vital: str, value: float, measured_at: int, received_at: int, quality: int, ordinal: int
) -> dict[str, Any]:
    return {
        "vital": vital,
        "value": value,
        "unit": BY_NAME[vital].display_unit,
        "measured_at": measured_at,
        "received_at": received_at,
        "quality": quality,
        "ordinal": ordinal,
    }


def limit_row(rule: LimitRule, severe: bool) -> dict[str, Any]:
    """The limit in force; the severe one has no delay."""
    by_severe = severe and rule.severe is not None
    return {
        "vital": rule.vital,
        "side": rule.side,
        "value": rule.severe if by_severe else rule.limit,
        "unit": BY_NAME[rule.vital].display_unit,
        "delay_s": 0.0 if by_severe else rule.delay_s,
        "severe": by_severe,
        "set_by": rule.set_by,
    }
