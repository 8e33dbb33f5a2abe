"""Flat line: a value that stays the same for longer than a living body allows."""

from __future__ import annotations

from analytics.detectors.contract import (
    HIGH,
    NOT_NORMAL_HIGH,
    Detector,
    Parameter,
    Row,
    Said,
)
from vigil.domain.alerts import Kind

_NAN = float("nan")
#: No vital has this value: the first reading repeats nothing.
_NEVER = -1e300


def judge(value: float, at: float, since: float, weight: float, gate: int, state: Row, param: Row) -> Said:
    """A repeat adds the time since the reading before it, but no more than ``most_s``: so a long run needs both the time and
    longest_s / most_s repeats, and a silence between two equal values proves nothing. Score: the run in seconds."""
    last, run = state
    longest, most = param
    run += since if since < most else most
    run = run if value == last else 0.0
    return run, HIGH | NOT_NORMAL_HIGH if run >= longest else 0, (value, run)


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
    judge=judge,
)
