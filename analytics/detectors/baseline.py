"""Personal baseline: how unusual a value is for this person."""

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
from vigil.domain.usual import SPREADS, WARM_UP_S, WINDOW_S

_NAN = float("nan")


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """Mean and variance weighted by the time that a reading stands for and by its quality: all of the past alike until one
    window is learnt, exponentially forgotten from then on. Nothing is learnt from a value that raises. Score: distance from
    the mean in personal SD."""
    mean, variance, learnt = state
    window, warm_up, most, floor, low, high, inner = param
    if learnt < 0.0:
        return _NAN, 0, (value, variance, 0.0)
    score, bits = _NAN, 0
    deviation = value - mean
    if learnt >= warm_up:
        spread = math.sqrt(variance)
        spread = spread if spread > floor else floor
        z = deviation / spread
        if z < low * inner:
            bits |= NOT_NORMAL_LOW
            if z < low:
                bits |= LOW
        if z > high * inner:
            bits |= NOT_NORMAL_HIGH
            if z > high:
                bits |= HIGH
        score = abs(z)
    step = (since if since < most else most) * weight
    if step > 0.0 and (bits & (LOW | HIGH)) == 0:
        share = step / (learnt + step)
        mean += share * deviation
        variance = (1.0 - share) * (variance + share * deviation * deviation)
        learnt += step
        learnt = learnt if learnt < window else window
    return score, bits, (mean, variance, learnt)


def _row(vital: str, low: float, high: float) -> dict[str, float]:
    """``most_s`` also says how many readings there must be at least: warm_up_s / most_s."""
    return {
        "window_s": WINDOW_S,
        "warm_up_s": WARM_UP_S,
        "most_s": SPREADS[vital].most_s,
        "floor": SPREADS[vital].floor,
        "low": low,
        "high": high,
        "inner": 0.8,
    }


DETECTOR = Detector(
    name="baseline",
    title="Unusual for this person",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A value far from the person's own mean of the last days, in units of the person's own spread.",
    blind_to=(
        "a person who is ill from the first hour on; a change so slow that the mean follows it (drift and trend see that); "
        "a new level that is here to stay keeps it raised, for it does not learn from what it raises"
    ),
    source=(
        "floors of the spread: about the within-person SD at rest of the reference page 'Physiology', section 1; thresholds: "
        "ours, set on simulated people at home. The spread of heart rate and breathing holds effort, which only raises them: so "
        "breathing is unusually low at 2 SD already"
    ),
    state=(("mean", 0.0), ("variance", 0.0), ("learnt_s", NOTHING_YET)),
    parameters=(
        Parameter("window_s", "s", "time constant of mean and variance", "ours: two days, to hold the day's rhythm"),
        Parameter("warm_up_s", "s", "time it must have learnt from before it speaks; at most the window", "ours"),
        Parameter("most_s", "s", "time that one reading can stand for", "ours"),
        Parameter(
            "floor", "the vital's unit", "least spread that is believed", "reference page 'Physiology', section 1"
        ),
        Parameter("low", "SD", "z below which it is raised, negative", "ours"),
        Parameter("high", "SD", "z above which it is raised", "ours"),
        Parameter("inner", "1", "share of the threshold below which it counts as normal again", "ours"),
    ),
    vitals={
        "heart_rate": _row("heart_rate", -3.0, 3.0),
        "resp_rate": _row("resp_rate", -2.0, 4.0),
        "spo2": _row("spo2", -2.5, _NAN),
        "bp_sys": _row("bp_sys", -3.0, 3.0),
        "body_temp": _row("body_temp", -2.5, 2.5),
    },
    delay_s={"heart_rate": 600.0, "resp_rate": 300.0, "spo2": 600.0, "body_temp": 600.0},
    judge=judge,
)
