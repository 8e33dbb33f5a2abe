"""Rate of change: the value against its own recent past."""

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

_PAST, _LEARNT = range(2)
_WINDOW, _LOW, _HIGH, _INNER, _BELOW, _ABOVE = range(1, 7)
_NAN = float("nan")
#: A silence of that many windows hides what happened in it: start anew.
_GAP = 2.0


def rate_kernel(
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
    """The past is a low-pass whose delay on a ramp is exactly the window plus the last interval, however irregular the readings
    are; so the difference, scaled to one window, is the change over a window. Score: that change without its sign, in the
    vital's unit. A limit that is NaN raises nothing."""
    for i in range(slot.size):
        code[i] = 0
        score[i] = _NAN
        s = slot[i]
        p = profile[s]
        if gate[i] != 0 or param[p, ON] == 0.0:
            continue
        x = value[i]
        learnt, window = state[s, _LEARNT], param[p, _WINDOW]
        if learnt < 0.0 or since[i] > _GAP * window:
            state[s, _PAST] = x
            state[s, _LEARNT] = 0.0
            continue
        step = since[i] * weight[i]
        share = 0.0
        if step > 0.0:
            share = step / (learnt + step)
            state[s, _LEARNT] = learnt + step if learnt + step < window else window
        difference = x - state[s, _PAST]
        if learnt >= window:
            change = difference * (1.0 - share)
            bits = 0
            if change < param[p, _LOW] * param[p, _INNER] and x < param[p, _BELOW]:
                bits |= NOT_NORMAL_LOW
                if change < param[p, _LOW]:
                    bits |= LOW
            if change > param[p, _HIGH] * param[p, _INNER] and x > param[p, _ABOVE]:
                bits |= NOT_NORMAL_HIGH
                if change > param[p, _HIGH]:
                    bits |= HIGH
            score[i] = abs(change)
            code[i] = bits
        state[s, _PAST] += share * difference


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
    kernel=rate_kernel,
)
