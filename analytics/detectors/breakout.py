"""Break-out: a value outside everything seen of this person in the last day."""

from __future__ import annotations

from analytics.detectors.contract import (
    HIGH,
    LOW,
    NOT_NORMAL_HIGH,
    NOT_NORMAL_LOW,
    NOTHING_YET,
    Detector,
    Parameter,
    Row,
    Said,
)
from vigil.domain.alerts import Kind

_NAN = float("nan")


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """Both edges of the range move towards each value: the edge that the value lies beyond within ``widen_s``, so that a spike
    leaves no trace, the others within ``window_s``. It learns while it is raised: a new level ends it by itself. Score: how far
    outside the range, in the vital's unit; 0 inside."""
    bottom, top, learnt = state
    window, widen, warm_up, most, low, high, inner = param
    if learnt < 0.0:
        return _NAN, 0, (value, value, 0.0)
    score, bits = _NAN, 0
    below = bottom - value
    above = value - top
    outside = above if above > below else below
    outside = outside if outside > 0.0 else 0.0
    if learnt >= warm_up:
        if above > high * inner:
            bits = NOT_NORMAL_HIGH
            if above > high:
                bits |= HIGH
        elif below > low * inner:
            bits = NOT_NORMAL_LOW
            if below > low:
                bits |= LOW
        score = outside
    step = (since if since < most else most) * weight
    if step > 0.0:
        share = step / (window + step)
        down, up = share * below, share * above
        if outside > 0.0:
            share = step / (widen + step)
            if above > below:
                up = share * above
            else:
                down = share * below
        bottom -= down
        top += up
        learnt += step
        learnt = learnt if learnt < warm_up else warm_up
    return score, bits, (bottom, top, learnt)


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
    judge=judge,
)
