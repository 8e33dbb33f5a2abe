"""NEWS2 as a hospital without this model would have it: from the vitals in the table alone.

Breathing, SpO2 (scale 1), systolic pressure, pulse and temperature, each by its newest value of the stay however old, as a chart
carries the last entry; no oxygen and no consciousness, which the Challenge does not record; an input never measured adds 0.
With the ages at which live scoring calls an input stale (1 h, 12 h) NEWS2 does worse here (AUROC 0.606 instead of 0.614 an hour
on set A), so the comparison is with the stronger one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Floats
from analytics.risk.hours import Hours
from analytics.scores.bands import I16
from analytics.scores.news2 import TABLE
from vigil.domain.news2 import INPUTS
from vigil.domain.readings import I64

#: NEWS2 calls for an urgent response from this total on (Royal College of Physicians 2017).
URGENT = 5

#: Column of the Challenge for each input that is a vital.
_COLUMNS = {"resp_rate": "Resp", "spo2": "O2Sat", "bp_sys": "SBP", "heart_rate": "HR", "body_temp": "Temp"}


def news2_of(hours: Hours) -> NDArray[np.int16]:
    """(n,) points of each hour, 0 to 15. A vital whose column the table lacks counts as never measured."""
    total = np.zeros(len(hours), np.int16)
    for name, column in _COLUMNS.items():
        if column in hours.columns:
            total += _points(INPUTS.index(name), carried(hours.columns[column], hours.starts))
    return total


def carried(values: NDArray[np.floating], starts: I64) -> Floats:
    """(n,) the newest value of the stay up to each row; NaN before the first.

    >>> carried(np.array([np.nan, 7, np.nan, np.nan]), np.array([0, 3, 4])).tolist()
    [nan, 7.0, 7.0, nan]
    """
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    known[starts[:-1]] = starts[:-1]  # nothing is carried over from the stay before
    return np.asarray(values, np.float64)[np.maximum.accumulate(known)]


def _points(position: int, values: Floats) -> I16:
    """Points by the table of live scoring. Its cuts are decimals (38.05 is 38.1 on the chart), which a float32 falls short of."""
    band = np.searchsorted(TABLE.cuts[0, position], np.round(values, 3), side="right")
    return np.where(np.isnan(values), 0, TABLE.points[0, position][band]).astype(np.int16)
