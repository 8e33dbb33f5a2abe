"""What follows from several vital signs of one hour: the marks by which illness is known before any one of them is severe."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hours import VITALS
from analytics.scores.news2 import TABLE
from vigil.domain.news2 import INPUTS

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

HR, SPO2, TEMP, SBP, MAP, DBP, RESP = range(len(VITALS))

#: Shock index (pulse / systolic pressure), pulse pressure (mmHg), saturation by breathing rate (the ROX index without oxygen:
#: Roca et al. 2016), NEWS2 from vital signs alone, SIRS criteria without white cells (0 to 3: Bone et al. 1992), degrees above
#: 37.5, breaths a minute above 22 (qSOFA's bound: Singer et al. 2016).
DERIVED = ("ShockIndex", "PulsePressure", "SpO2Resp", "NEWS2", "SIRS", "Fever", "FastBreathing")
#: The vital that each is told with; of several, that which moves it most.
TOLD_WITH = ("heart_rate", "bp_sys", "spo2", "scores", "scores", "body_temp", "resp_rate")

_FEVER_FROM, _FAST_FROM = 37.5, 22.0

_USED = {"resp_rate": RESP, "spo2": SPO2, "bp_sys": SBP, "heart_rate": HR, "body_temp": TEMP}
_ROWS = [INPUTS.index(name) for name in _USED]
_POINTS = TABLE.points[0, _ROWS]
#: NEWS2's table for the vitals above: (5,) place of the vital; (5, bands - 1) cuts; (5, bands) points of the lowest band, and
#: what each cut adds to them.
NEWS2_PLACES: I64 = np.array(list(_USED.values()), np.int64)
NEWS2_CUTS: F64 = np.ascontiguousarray(TABLE.cuts[0, _ROWS])
NEWS2_STEPS: F64 = np.ascontiguousarray(np.concatenate([_POINTS[:, :1], np.diff(_POINTS)], axis=1), dtype=np.float64)


def derive(measured: F64, known: F64, count: int, places: I64, cuts: F64, steps: F64, out: F64) -> None:
    """``measured`` (7, hours): vitals in the order of ``VITALS``, NaN = not in this hour; ``known``: the same, carried forward.
    The first ``count`` hours are filled. ``out`` (7, hours): the first three where one of their parts was measured, the others
    always."""
    for at in range(count):
        nothing = math.nan
        pulse, systolic, breathing = known[HR, at], known[SBP, at], known[RESP, at]
        new_systolic = not math.isnan(measured[SBP, at])
        out[0, at] = pulse / systolic if new_systolic or not math.isnan(measured[HR, at]) else nothing
        out[1, at] = systolic - known[DBP, at] if new_systolic or not math.isnan(measured[DBP, at]) else nothing
        either = not math.isnan(measured[SPO2, at]) or not math.isnan(measured[RESP, at])
        out[2, at] = known[SPO2, at] / breathing if either else nothing
        warm = known[TEMP, at]
        out[4, at] = (
            (1.0 if warm > 38.0 or warm < 36.0 else 0.0)
            + (1.0 if pulse > 90.0 else 0.0)
            + (1.0 if breathing > 20.0 else 0.0)
        )
        out[5, at] = 0.0 if warm < _FEVER_FROM else warm - _FEVER_FROM
        out[6, at] = 0.0 if breathing < _FAST_FROM else breathing - _FAST_FROM
    news2 = out[3]
    news2[:count] = 0.0
    for each in range(places.shape[0]):
        values, lowest = known[places[each]], steps[each, 0]
        for at in range(count):
            news2[at] += 0.0 if math.isnan(values[at]) else lowest
        for cut in range(cuts.shape[1]):
            edge, step = cuts[each, cut], steps[each, cut + 1]
            if edge == math.inf:
                break
            for at in range(count):
                news2[at] += step if values[at] >= edge else 0.0


def table() -> tuple[I64, F64, F64]:
    """NEWS2's table as ``derive`` takes it: arguments, because a cache of compiled code would not see it change."""
    return NEWS2_PLACES, NEWS2_CUTS, NEWS2_STEPS
