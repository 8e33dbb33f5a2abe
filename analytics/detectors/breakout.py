"""Break-out: a value outside everything seen of this person in the last day."""

from __future__ import annotations

from analytics.detectors.contract import (
    F32,
    HIGH,
    LOW,
    NOT_NORMAL_HIGH,
    NOT_NORMAL_LOW,
    NOTHING_YET,
    ON,
    U8,
    Detector,
    Parameter,
)
from vigil.domain.alerts import Kind
from vigil.domain.readings import F64, I64, U32, U64

_BOTTOM, _TOP, _LEARNT = range(3)
_WINDOW, _WIDEN, _WARM_UP, _MOST, _LOW, _HIGH, _INNER = range(1, 8)
_NAN = float("nan")


def breakout_kernel(
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
    """Both edges of the range move towards each value: the edge that the value lies beyond within ``widen_s``, so that a spike
    leaves no trace, the others within ``window_s``. It learns while it is raised: a new level ends it by itself. Score: how far
    outside the range, in the vital's unit; 0 inside."""
    for i in range(slot.size):
        code[i] = 0
        score[i] = _NAN
        s = slot[i]
        p = profile[s]
        if gate[i] != 0 or param[p, ON] == 0.0:
            continue
        x = value[i]
        learnt = state[s, _LEARNT]
        if learnt < 0.0:
            state[s, _BOTTOM] = x
            state[s, _TOP] = x
            state[s, _LEARNT] = 0.0
            continue
        below = state[s, _BOTTOM] - x
        above = x - state[s, _TOP]
        outside = above if above > below else below
        outside = outside if outside > 0.0 else 0.0
        if learnt >= param[p, _WARM_UP]:
            low, high = param[p, _LOW], param[p, _HIGH]
            if above > high * param[p, _INNER]:
                code[i] = NOT_NORMAL_HIGH
                if above > high:
                    code[i] = HIGH | NOT_NORMAL_HIGH
            elif below > low * param[p, _INNER]:
                code[i] = NOT_NORMAL_LOW
                if below > low:
                    code[i] = LOW | NOT_NORMAL_LOW
            score[i] = outside
        step, most = since[i], param[p, _MOST]
        step = (step if step < most else most) * weight[i]
        if step > 0.0:
            share = step / (param[p, _WINDOW] + step)
            down, up = share * below, share * above
            if outside > 0.0:
                share = step / (param[p, _WIDEN] + step)
                if above > below:
                    up = share * above
                else:
                    down = share * below
            state[s, _BOTTOM] -= down
            state[s, _TOP] += up
            learnt, enough = learnt + step, param[p, _WARM_UP]
            state[s, _LEARNT] = learnt if learnt < enough else enough


_HOUR = 3600.0


def _row(widen_s: float, most_s: float, low: float, high: float) -> dict[str, float]:
    return {
        "window_s": 48 * _HOUR,
        "widen_s": widen_s,
        "warm_up_s": 12 * _HOUR,
        "most_s": most_s,
        "low": low,
        "high": high,
        "inner": 0.6,
    }


DETECTOR = Detector(
    name="breakout",
    title="Outside the recent range",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A value outside everything seen of this person in the last day or two, by a margin, whatever its distribution.",
    blind_to=(
        "what happened before in the last day, such as an earlier episode; a change so slow that the range widens with it; it "
        "ends by itself when the new level stays"
    ),
    source="margins: ours, set on simulated people at home",
    state=(("bottom", 0.0), ("top", 0.0), ("learnt_s", NOTHING_YET)),
    parameters=(
        Parameter("window_s", "s", "time constant with which the range shrinks", "ours"),
        Parameter("widen_s", "s", "time constant with which the range follows a value outside", "ours"),
        Parameter("warm_up_s", "s", "time it must have learnt from before it speaks", "ours"),
        Parameter("most_s", "s", "time that one reading can stand for", "ours"),
        Parameter("low", "the vital's unit", "distance below the range beyond which it is raised", "ours"),
        Parameter("high", "the vital's unit", "distance above the range beyond which it is raised", "ours"),
        Parameter("inner", "1", "share of the margin below which it counts as normal again", "ours"),
    ),
    vitals={
        "heart_rate": _row(1800.0, 60.0, 5.0, 10.0),
        "resp_rate": _row(3600.0, 60.0, 1.0, 6.0),
        "spo2": _row(3600.0, 60.0, 1.0, _NAN),
        "bp_sys": _row(5400.0, 1800.0, 18.0, 25.0),
        "body_temp": _row(5400.0, 1800.0, 0.25, 0.25),
    },
    delay_s={"heart_rate": 600.0, "resp_rate": 300.0, "spo2": 300.0, "body_temp": 600.0},
    kernel=breakout_kernel,
)
