"""Limits of the policy, with hysteresis and a severe limit."""

from __future__ import annotations

from analytics.detectors.contract import (
    HIGH,
    LOW,
    NOT_NORMAL_HIGH,
    NOT_NORMAL_LOW,
    SEVERE_HIGH,
    SEVERE_LOW,
    WEAK_SIGNAL,
    Detector,
    Parameter,
    Row,
    Said,
)
from vigil.domain.alerts import Kind
from vigil.domain.policy import DEFAULT_POLICY

_NAN = float("nan")


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """A limit that is NaN compares false with everything, so it never raises anything. A weak signal is never severe: detector
    "unverified" says that. Score: how far beyond the limit, in the vital's unit; 0 inside."""
    low, low_inner, low_severe, high, high_inner, high_severe = param
    beyond, bits = 0.0, 0
    if value < low_inner:
        bits |= NOT_NORMAL_LOW
        if value < low:
            bits |= LOW
            beyond = low - value
            if value < low_severe and weight > WEAK_SIGNAL:
                bits |= SEVERE_LOW
    if value > high_inner:
        bits |= NOT_NORMAL_HIGH
        if value > high:
            bits |= HIGH
            beyond = value - high
            if value > high_severe and weight > WEAK_SIGNAL:
                bits |= SEVERE_HIGH
    return beyond, bits, ()


def _limits(vital: str) -> dict[str, float]:
    """The columns of a vital's row from the starting policy; NaN = no such limit."""
    row = dict.fromkeys((parameter.name for parameter in _PARAMETERS), _NAN)
    for rule in DEFAULT_POLICY.limits:
        if rule.vital == vital:
            row |= limit_columns(rule.side, rule.limit, rule.hysteresis, rule.severe)
    return row


def limit_columns(side: str, limit: float, hysteresis: float, severe: float | None) -> dict[str, float]:
    inward = 1.0 if side == "low" else -1.0
    return {
        side: limit,
        f"{side}_inner": limit + inward * hysteresis,
        f"{side}_severe": _NAN if severe is None else severe,
    }


_PARAMETERS = tuple(
    Parameter(f"{side}{part}", "the vital's unit", f"{meaning} on the {side} side", "the patient's policy")
    for side in ("low", "high")
    for part, meaning in (
        ("", "first normal value"),
        ("_inner", "first value that ends a condition"),
        ("_severe", "beyond it there is no delay"),
    )
)

DETECTOR = Detector(
    name="limit",
    title="Limit",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A value beyond a fixed limit for longer than its delay; beyond the severe limit without delay.",
    blind_to="what is unusual for this person but inside the limits; slow changes until they cross one",
    source="reference page 'Alarms and alerts', section 5; the outer NEWS2 bands",
    state=(),
    parameters=_PARAMETERS,
    vitals={vital: _limits(vital) for vital in sorted({rule.vital for rule in DEFAULT_POLICY.limits})},
    delay_s={},
    judge=judge,
)
