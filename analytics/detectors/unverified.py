"""A value of bad quality or with a weak signal beyond a severe limit: somebody must check; shock itself spoils the signal."""

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
#: A sound severe value this recent has called somebody already, microseconds (ours).
_KNOWN_FOR = 60e6


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """The only one that looks at gated values: at the bad ones, because one that waits for confirmation is judged with the next,
    and a self test means nothing. A sound severe value carries the severe bits: it confirms a doubt. Score: 1 for a value in
    doubt, else 0."""
    low_at, high_at = state
    low, high = param
    sound = gate == 0 and weight > WEAK_SIGNAL
    score, bits = 0.0, 0
    if value < low:
        if sound:
            low_at = at
            bits |= LOW | SEVERE_LOW | NOT_NORMAL_LOW
        elif low_at == 0.0 or at - low_at > _KNOWN_FOR:
            score = 1.0
            bits |= LOW | NOT_NORMAL_LOW
    if value > high:
        if sound:
            high_at = at
            bits |= HIGH | SEVERE_HIGH | NOT_NORMAL_HIGH
        elif high_at == 0.0 or at - high_at > _KNOWN_FOR:
            score = 1.0
            bits |= HIGH | NOT_NORMAL_HIGH
    return score, bits, (low_at, high_at)


def severe_columns(vital: str) -> dict[str, float]:
    found = {f"{rule.side}_severe": rule.severe for rule in DEFAULT_POLICY.limits if rule.vital == vital}
    return {name: _NAN if found.get(name) is None else found[name] for name in ("low_severe", "high_severe")}  # type: ignore[misc]


DETECTOR = Detector(
    name="unverified",
    title="Unverified critical value",
    kind=Kind.TECHNICAL,
    sided=True,
    what="A value of bad quality or with a weak signal beyond a severe limit, until a sound value confirms or contradicts it.",
    blind_to="critical values that no severe limit is set for, and those of a device's self test",
    source="reference page 'Alarms and alerts', section 6",
    state=(("severe_low_at", 0.0), ("severe_high_at", 0.0)),
    parameters=(
        Parameter("low_severe", "the vital's unit", "severe limit on the low side", "the patient's policy"),
        Parameter("high_severe", "the vital's unit", "severe limit on the high side", "the patient's policy"),
    ),
    vitals={vital: severe_columns(vital) for vital in sorted({rule.vital for rule in DEFAULT_POLICY.limits})},
    delay_s={},
    judge=judge,
    of_gated=True,
)
