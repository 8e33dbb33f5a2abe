"""A value that does not count but lies beyond a severe limit: somebody must check, because shock itself spoils the signal."""

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

_SEVERE_LOW, _SEVERE_HIGH = 1, 2
_NAN = float("nan")
#: A valid severe value this recent has called somebody already, microseconds (ours).
_KNOWN_FOR = 60e6
_BAD = 1  # analytics.quality.BAD


def unverified_kernel(
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
    """The only kernel that looks at gated values: at the bad ones, because one that waits for confirmation is judged with the
    next, and a self test means nothing. A valid severe value carries the severe bits: it confirms a doubt. Score: 1 for a value
    in doubt, else 0."""
    for i in range(slot.size):
        code[i] = 0
        score[i] = _NAN
        s = slot[i]
        p = profile[s]
        if gate[i] > _BAD or param[p, ON] == 0.0:
            continue
        x = value[i]
        score[i] = 0.0
        for side in range(2):
            severe = x < param[p, _SEVERE_LOW] if side == 0 else x > param[p, _SEVERE_HIGH]
            if not severe:
                continue
            if gate[i] == 0:
                state[s, side] = float(at[i])
                code[i] |= (LOW | SEVERE_LOW | NOT_NORMAL_LOW) if side == 0 else (HIGH | SEVERE_HIGH | NOT_NORMAL_HIGH)
            elif state[s, side] == 0.0 or float(at[i]) - state[s, side] > _KNOWN_FOR:
                score[i] = 1.0
                code[i] |= (LOW | NOT_NORMAL_LOW) if side == 0 else (HIGH | NOT_NORMAL_HIGH)


def severe_columns(vital: str) -> dict[str, float]:
    found = {f"{rule.side}_severe": rule.severe for rule in DEFAULT_POLICY.limits if rule.vital == vital}
    return {name: _NAN if found.get(name) is None else found[name] for name in ("low_severe", "high_severe")}  # type: ignore[misc]


DETECTOR = Detector(
    name="unverified",
    title="Unverified critical value",
    kind=Kind.TECHNICAL,
    sided=True,
    what="A value of bad quality beyond a severe limit, until a valid value confirms or contradicts it.",
    blind_to="critical values that no severe limit is set for, and those of a device's self test",
    source="reference page 'Alarms and alerts', section 6",
    state=(("severe_low_at", 0.0), ("severe_high_at", 0.0)),
    parameters=(
        Parameter("low_severe", "the vital's unit", "severe limit on the low side", "the patient's policy"),
        Parameter("high_severe", "the vital's unit", "severe limit on the high side", "the patient's policy"),
    ),
    vitals={vital: severe_columns(vital) for vital in sorted({rule.vital for rule in DEFAULT_POLICY.limits})},
    delay_s={},
    kernel=unverified_kernel,
    of_gated=True,
)
