"""Limits of the policy, with hysteresis and a severe limit."""

from __future__ import annotations

from analytics.detectors.contract import (
    F32,
    HIGH,
    LOW,
    NOT_NORMAL_HIGH,
    NOT_NORMAL_LOW,
    ON,
    SEVERE_HIGH,
    SEVERE_LOW,
    U8,
    Detector,
    Parameter,
)
from vigil.domain.alerts import Kind
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.readings import F64, I64, U32, U64

_LOW, _LOW_INNER, _LOW_SEVERE, _HIGH, _HIGH_INNER, _HIGH_SEVERE = range(1, 7)
_NAN = float("nan")


def limit_kernel(
    slot: U64,
    at: I64,
    since: F64,
    value: F64,
    weight: F64,
    gate: U8,
    state: F64,
    param: F64,
    profile: U32,
    score: F32,
    code: U8,
) -> None:
    """A limit that is NaN compares false with everything, so it never raises anything. Score: how far beyond the limit, in the
    vital's unit; 0 inside."""
    for i in range(slot.size):
        code[i] = 0
        p = profile[slot[i]]
        if gate[i] != 0 or param[p, ON] == 0.0:
            score[i] = _NAN
            continue
        x = value[i]
        beyond = 0.0
        bits = 0
        if x < param[p, _LOW_INNER]:
            bits |= NOT_NORMAL_LOW
            if x < param[p, _LOW]:
                bits |= LOW
                beyond = param[p, _LOW] - x
                if x < param[p, _LOW_SEVERE]:
                    bits |= SEVERE_LOW
        if x > param[p, _HIGH_INNER]:
            bits |= NOT_NORMAL_HIGH
            if x > param[p, _HIGH]:
                bits |= HIGH
                beyond = x - param[p, _HIGH]
                if x > param[p, _HIGH_SEVERE]:
                    bits |= SEVERE_HIGH
        score[i] = beyond
        code[i] = bits


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
    kernel=limit_kernel,
)
