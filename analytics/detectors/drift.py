"""Drift: a small shift away from the personal level that does not go away (CUSUM)."""

from __future__ import annotations

import math

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
_HOURS = 1.0 / 3600.0
#: A single value counts for no more than that many SD, so that spikes do not add up.
_CLIP = 4.0
#: The sum stops at that many times its limit, so that a return is seen in bounded time, and above the inner limit it falls
#: that much faster than it rises.
_CAP, _RETURN = 1.25, 4.0


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """One signed sum over time of what lies beyond the allowance: it must come back to 0 before it can grow on the other side.
    The reference is learnt as in ``baseline``, from readings that leave the sum below half of its limits. Score: the sum
    without its sign, in SD hours. A limit of 0: that side is not watched."""
    mean, variance, learnt, total = state
    window, warm_up, most, floor, allowance, low, high, inner = param
    if learnt < 0.0:
        return _NAN, 0, (value, variance, 0.0, total)
    score, bits = _NAN, 0
    step = (since if since < most else most) * weight
    deviation = value - mean
    learns = step > 0.0
    if learnt >= warm_up:
        spread = math.sqrt(variance)
        spread = spread if spread > floor else floor
        z = deviation / spread
        z = z if z < _CLIP else _CLIP
        z = z if z > -_CLIP else -_CLIP
        before, hours = total, step * _HOURS
        total = before + hours * z
        size = abs(total) - hours * allowance
        size = size if size > 0.0 else 0.0
        total = size if total > 0.0 else -size
        if total > high * inner or total < low * inner:
            fall = abs(before) - size
            if fall > 0.0:
                size = abs(before) - _RETURN * fall
            limit = high if total > 0.0 else -low
            size = size if size < _CAP * limit else _CAP * limit
            total = size if total > 0.0 else -size
            if size > limit * inner:
                bits = NOT_NORMAL_HIGH if total > 0.0 else NOT_NORMAL_LOW
                if size > limit:
                    bits |= HIGH if total > 0.0 else LOW
        score = abs(total)
        learns = learns and 0.5 * low <= total <= 0.5 * high
    if learns:
        share = step / (learnt + step)
        mean += share * deviation
        variance = (1.0 - share) * (variance + share * deviation * deviation)
        learnt += step
        learnt = learnt if learnt < window else window
    return score, bits, (mean, variance, learnt, total)


_HOUR = 3600.0


def _row(most_s: float, floor: float, low: float, high: float) -> dict[str, float]:
    return {
        "window_s": 72 * _HOUR,
        "warm_up_s": 24 * _HOUR,
        "most_s": most_s,
        "floor": floor,
        "allowance": 1.0,
        "low": low,
        "high": high,
        "inner": 0.8,
    }


DETECTOR = Detector(
    name="drift",
    title="Drift",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A shift of one or two personal SD that lasts for hours, too small for any other rule.",
    blind_to=(
        "shifts shorter than hours; a person who is ill in the first day; a change slower than its reference of three days; "
        "a swing to the other side until the sum of the first has come down"
    ),
    source="CUSUM (Page 1954) in personal SD; thresholds: ours, set on simulated people at home",
    state=(("mean", 0.0), ("variance", 0.0), ("learnt_s", NOTHING_YET), ("sum_sd_h", 0.0)),
    parameters=(
        Parameter("window_s", "s", "time constant of the reference", "ours"),
        Parameter(
            "warm_up_s", "s", "time it must have learnt from before it speaks: a whole day, for its rhythm", "ours"
        ),
        Parameter("most_s", "s", "time that one reading can stand for", "ours"),
        Parameter(
            "floor", "the vital's unit", "least spread that is believed", "reference page 'Physiology', section 1"
        ),
        Parameter("allowance", "SD", "distance from the reference that adds nothing", "ours"),
        Parameter("low", "SD h", "sum below which it is raised, negative", "ours"),
        Parameter("high", "SD h", "sum above which it is raised", "ours"),
        Parameter("inner", "1", "share of the limit below which it counts as normal again", "ours"),
    ),
    vitals={
        "heart_rate": _row(60.0, 6.0, -3.0, 3.0),
        "resp_rate": _row(60.0, 1.5, -2.0, 2.0),
        "spo2": _row(60.0, 1.2, -2.0, 0.0),
        "bp_sys": _row(1800.0, 7.0, -5.0, 5.0),
        "body_temp": _row(1800.0, 0.25, -3.0, 3.0),
    },
    delay_s={},
    judge=judge,
)
