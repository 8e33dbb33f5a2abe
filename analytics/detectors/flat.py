"""Flat line: a value that stays the same for longer than a living body allows."""

from __future__ import annotations

from analytics.detectors.contract import F32, HIGH, NOT_NORMAL_HIGH, ON, U8, Detector, Parameter
from vigil.domain.alerts import Kind
from vigil.domain.readings import F64, I64, U32, U64

_VALUE, _RUN = range(2)
_LONGEST, _MOST = range(1, 3)
_NAN = float("nan")
#: No vital has this value: the first reading repeats nothing.
_NEVER = -1e300


def flat_kernel(
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
    """A repeat adds the time since the reading before it, but no more than ``most_s``: so a long run needs both the time and
    longest_s / most_s repeats, and a silence between two equal values proves nothing. Score: the run in seconds."""
    for i in range(slot.size):
        code[i] = 0
        s = slot[i]
        p = profile[s]
        if gate[i] != 0 or param[p, ON] == 0.0:
            score[i] = _NAN
            continue
        x = value[i]
        step = since[i]
        step = step if step < param[p, _MOST] else param[p, _MOST]
        run = state[s, _RUN] + step
        run = run if x == state[s, _VALUE] else 0.0
        state[s, _VALUE] = x
        state[s, _RUN] = run
        score[i] = run
        if run >= param[p, _LONGEST]:
            code[i] = HIGH | NOT_NORMAL_HIGH


_MINUTE, _HOUR = 60.0, 3600.0


def _row(longest_s: float, most_s: float) -> dict[str, float]:
    return {"longest_s": longest_s, "most_s": most_s}


DETECTOR = Detector(
    name="flat",
    title="Value does not move",
    kind=Kind.TECHNICAL,
    sided=False,
    what="The same value again and again, longer than this vital stays the same in anybody: the sensor or its software hangs.",
    blind_to=(
        "a sensor that hangs for a shorter time, or repeats a pattern; a pacemaker or a ventilator at a fixed rate looks like a "
        "hanging sensor; vitals that may rightly stay the same for a day, such as weight"
    ),
    source=(
        "unchanged seconds: heart rate 69 %, breathing 91 %, SpO2 97 % (BIDMC; reference page 'Physiology', section 3); longest "
        "runs measured: heart rate 2 min on BIDMC (8 min a person) and 3 min on simulated people, breathing 7 min, SpO2 128 min, "
        "cuff 45 min, temperature 22 min; one of 27 on BIDMC showed one breathing rate all the time"
    ),
    state=(("value", _NEVER), ("run_s", 0.0)),
    parameters=(
        Parameter("longest_s", "s", "run at which it is raised", "ours, on the longest runs measured"),
        Parameter("most_s", "s", "time that one repeat can stand for", "ours"),
    ),
    vitals={
        "heart_rate": _row(5 * _MINUTE, _MINUTE / 2),
        "resp_rate": _row(20 * _MINUTE, _MINUTE),
        "spo2": _row(6 * _HOUR, 5 * _MINUTE),
        "bp_sys": _row(2 * _HOUR, 20 * _MINUTE),
        "bp_dia": _row(2 * _HOUR, 20 * _MINUTE),
        "body_temp": _row(6 * _HOUR, 15 * _MINUTE),
        "skin_temp": _row(6 * _HOUR, 15 * _MINUTE),
    },
    delay_s={},
    kernel=flat_kernel,
)
