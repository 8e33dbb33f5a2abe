"""Rate of change: the value against its own recent past."""

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
#: A silence of that many windows hides what happened in it: start anew.
_GAP = 2.0


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """The past is a low-pass whose delay on a ramp is exactly the window plus the last interval, however irregular the readings
    are; so the difference, scaled to one window, is the change over a window. Score: that change without its sign, in the
    vital's unit. A limit that is NaN raises nothing."""
    past, learnt = state
    window, low, high, inner, below, above = param
    if learnt < 0.0 or since > _GAP * window:
        return _NAN, 0, (value, 0.0)
    score, bits, share, more = _NAN, 0, 0.0, learnt
    step = since * weight
    if step > 0.0:
        more = learnt + step
        share = step / more
        more = more if more < window else window
    difference = value - past
    if learnt >= window:
        change = difference * (1.0 - share)
        if change < low * inner and value < below:
            bits |= NOT_NORMAL_LOW
            if change < low:
                bits |= LOW
        if change > high * inner and value > above:
            bits |= NOT_NORMAL_HIGH
            if change > high:
                bits |= HIGH
        score = abs(change)
    return score, bits, (past + share * difference, more)


def _row(window_s: float, low: float, high: float, below: float, above: float) -> dict[str, float]:
    return {"window_s": window_s, "low": low, "high": high, "inner": 0.6, "below": below, "above": above}


DETECTOR = Detector(
    name="rate",
    title="Rate of change",
    kind=Kind.PHYSIOLOGICAL,
    sided=True,
    what="A change within minutes (cuff, thermometer: hours) that is larger than daily life explains, and stays.",
    blind_to=(
        "a change slower than its window, or one that ends inside the ordinary range; what happened in a silence longer than two "
        "windows; a quick rise of breathing, which it does not watch because effort makes nearly all of them; saturation falls "
        "in the effort of a person with a lung disease too, and it cannot tell that from an illness"
    ),
    source=(
        "limits: ours, set on simulated people at home. Effort moves heart rate by 25 to 38 /min and breathing by 6 to 15 /min "
        "(reference page 'Physiology', section 6), so that a change counts only where it leads out of the NEWS2 band without "
        "points: without that, falls of breathing after effort made 4.7 findings a patient-day, with it 0.2. Glucose: a fall of "
        "1 mg/dL a minute or more that has come below 100 will be at 70 within half an hour"
    ),
    state=(("past", 0.0), ("learnt_s", NOTHING_YET)),
    parameters=(
        Parameter("window_s", "s", "how long ago the past is that a value is compared with", "ours"),
        Parameter("low", "the vital's unit", "change over one window below which it is raised, negative", "ours"),
        Parameter("high", "the vital's unit", "change over one window above which it is raised", "ours"),
        Parameter("inner", "1", "share of the limit below which a change counts as normal again", "ours"),
        Parameter("below", "the vital's unit", "a fall counts only when it ends below this", "NEWS2: no points above"),
        Parameter("above", "the vital's unit", "a rise counts only when it ends above this", "NEWS2: no points below"),
    ),
    vitals={
        "heart_rate": _row(1800.0, -15.0, 30.0, 51.0, 90.0),
        "resp_rate": _row(3600.0, -4.0, _NAN, 12.0, _NAN),
        "spo2": _row(1800.0, -3.0, _NAN, 96.0, _NAN),
        "bp_sys": _row(7200.0, -25.0, 25.0, 111.0, 219.0),
        "body_temp": _row(10800.0, -0.5, 0.5, 36.1, 38.0),
        "glucose_mgdl": _row(900.0, -15.0, _NAN, 100.0, _NAN),
    },
    delay_s={"heart_rate": 300.0, "resp_rate": 180.0, "spo2": 300.0, "body_temp": 600.0},
    judge=judge,
)
