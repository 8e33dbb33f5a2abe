"""Trend: a slope over hours that is larger than its own uncertainty."""

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
#: Residuals are cut at that many mean absolute residuals (Huber): 3 is 2.4 SD of a normal distribution.
_CLIP = 3.0
#: Share of a window that must be learnt before anything is cut: until then the line itself may be the outlier.
_CUT_FROM = 0.1


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """Exponentially weighted regression on a line in its recursive form (Brown's double smoothing): smoothed once and smoothed
    twice lag a ramp by one and by two windows, so that their difference is the change over a window. What a reading differs
    from the line's forecast is cut before it is learnt. Score: the change over a window less its uncertainty, in the vital's
    unit; 0 when the uncertainty is larger."""
    once, twice, scale, learnt = state
    window, most, floor, doubted, low, high, inner = param
    if learnt < 0.0:
        return _NAN, 0, (value, value, scale, 0.0)
    score, bits = _NAN, 0
    believed = scale if scale > floor else floor
    change = once - twice
    if learnt >= window:
        doubt = doubted * believed
        if change - doubt > high * inner:
            bits = NOT_NORMAL_HIGH
            if change - doubt > high:
                bits |= HIGH
        elif change + doubt < low * inner:
            bits = NOT_NORMAL_LOW
            if change + doubt < low:
                bits |= LOW
        sure = abs(change) - doubt
        score = sure if sure > 0.0 else 0.0
    step = (since if since < most else most) * weight
    if step > 0.0:
        share = step / (learnt + step)
        forecast = once + change + share * change
        residual = value - forecast
        if learnt >= _CUT_FROM * window:
            bound = _CLIP * believed
            residual = residual if residual < bound else bound
            residual = residual if residual > -bound else -bound
        once += share * (forecast + residual - once)
        twice += share * (once - twice)
        scale = believed + share * (abs(residual) - believed)
        learnt += step
        learnt = learnt if learnt < window else window
    return score, bits, (once, twice, scale, learnt)


_HOUR = 3600.0
#: The regression weighs the past by h(u) = (1 - u / w) exp(-u / w) / w: the change over a window w has the variance
#: s2 * m / (2 w) where the scatter s2 forgets itself within m. One-sided 95 % and s = 1.25 mean absolute residuals.
_DOUBT_SOURCE = "1.64 x 1.25 x sqrt(m / 2 w) for scatter with a memory m of 4 % of the window w (15 min of 6 h)"


def _row(window_h: float, most_s: float, floor: float, low: float, high: float) -> dict[str, float]:
    return {
        "window_s": window_h * _HOUR,
        "most_s": most_s,
        "floor": floor,
        "doubt": 0.3,
        "low": low,
        "high": high,
        "inner": 0.7,
    }


DETECTOR = Detector(
    name="trend",
    title="Trend",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A rise or fall over hours that is larger than the scatter around it explains; single outliers do not move it.",
    blind_to=(
        "changes within a fraction of its window; slopes no steeper than the day's own rhythm; in its first windows it "
        "understates a slope"
    ),
    source="double exponential smoothing (Brown 1963) with Huber's cut; limits: ours, set on simulated people at home",
    state=(("once", 0.0), ("twice", 0.0), ("scale", 0.0), ("learnt_s", NOTHING_YET)),
    parameters=(
        Parameter("window_s", "s", "time constant of the regression; it speaks when that much is learnt", "ours"),
        Parameter("most_s", "s", "time that one reading can stand for", "ours"),
        Parameter(
            "floor", "the vital's unit", "least mean absolute residual that is believed", "half of the resolution"
        ),
        Parameter("doubt", "1", "uncertainty of the change over a window, in mean absolute residuals", _DOUBT_SOURCE),
        Parameter("low", "the vital's unit", "change over a window below which it is raised, negative", "ours"),
        Parameter("high", "the vital's unit", "change over a window above which it is raised", "ours"),
        Parameter("inner", "1", "share of the limit below which it counts as normal again", "ours"),
    ),
    vitals={
        "heart_rate": _row(12.0, 60.0, 1.0, -7.0, 5.0),
        "resp_rate": _row(6.0, 60.0, 0.5, -2.0, 1.2),
        "spo2": _row(6.0, 60.0, 0.5, -0.75, _NAN),
        "bp_sys": _row(12.0, 1800.0, 2.0, -8.0, 8.0),
        "body_temp": _row(6.0, 1800.0, 0.05, -0.2, 0.2),
    },
    delay_s={},
    judge=judge,
)
