"""NEWS2 of many sets of inputs at once, exactly as ``vigil.domain.news2`` scores one.

Who is in scope (adults, not pregnant) is decided for each patient outside.
"""

from __future__ import annotations

import numpy as np

from analytics.scores.bands import I16, U8, Versions, as_written, score, table
from vigil.domain.news2 import (
    BODY_TEMP,
    BP_SYS,
    HEART_RATE,
    INPUTS,
    NOT_ALERT_POINTS,
    OXYGEN_POINTS,
    RESP_RATE,
    SPO2_SCALE_1,
    SPO2_SCALE_2_AIR,
    SPO2_SCALE_2_OXYGEN,
    WORST_POINTS,
    Bands,
)
from vigil.domain.readings import F64

_OXYGEN: Bands = ((0, 0), (1, OXYGEN_POINTS))
_CONSCIOUSNESS: Bands = ((0, 0), (1, NOT_ALERT_POINTS))
_SPO2, _ON_OXYGEN = INPUTS.index("spo2"), INPUTS.index("oxygen")
_SCALE_1, _AIR, _OXYGEN_2 = range(3)

TABLE = table(
    [
        [(RESP_RATE, 0), (spo2, 0), (_OXYGEN, 0), (BP_SYS, 0), (HEART_RATE, 0), (_CONSCIOUSNESS, 0), (BODY_TEMP, 1)]
        for spo2 in (SPO2_SCALE_1, SPO2_SCALE_2_AIR, SPO2_SCALE_2_OXYGEN)
    ],
    [OXYGEN_POINTS if name == "oxygen" else WORST_POINTS for name in INPUTS],
)


def news2_columns(inputs: F64, scale2: U8, kernels: Versions = as_written) -> I16:
    """i16 (n, 11): the columns of ``analytics.scores.bands``.

    ``inputs`` f64 (n, 7) in the order of ``vigil.domain.news2.INPUTS``, NaN = not known; oxygen 0 = air, 1 = oxygen;
    consciousness 0 = alert, 1 = not alert. ``scale2`` u8 (n,): 1 where SpO2 scale 2 is prescribed.

    >>> news2_columns(np.array([[16, 97, np.nan, 120, 70, 0, 37.0]]), np.array([1], np.uint8)).tolist()
    [[0, 5, 0, 0, 0, -1, -1, 0, 0, 0, 0]]
    """
    if not scale2.any():
        scale_1 = np.full(scale2.size, _SCALE_1, np.uint8)
        return score(inputs, scale_1, scale_1, TABLE, kernels)
    oxygen = inputs[:, _ON_OXYGEN]
    on_scale_2 = scale2 != 0
    # On scale 2 oxygen never lowers the points of SpO2, so where it is not known air is the better case for both together.
    best = np.where(on_scale_2, np.where(oxygen > 0, _OXYGEN_2, _AIR), _SCALE_1).astype(np.uint8)
    worst = np.where(on_scale_2, np.where(oxygen == 0, _AIR, _OXYGEN_2), _SCALE_1).astype(np.uint8)
    return score(inputs, best, worst, TABLE, kernels)
