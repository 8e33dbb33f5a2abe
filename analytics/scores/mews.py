"""MEWS of many sets of inputs at once, exactly as ``vigil.domain.mews`` scores one."""

from __future__ import annotations

import numpy as np

from analytics.scores.bands import I16, Versions, as_written, score, table
from vigil.domain.mews import (
    BODY_TEMP,
    BP_SYS,
    CONSCIOUSNESS_BEST,
    CONSCIOUSNESS_WORST,
    HEART_RATE,
    RESP_RATE,
    WORST_POINTS,
)
from vigil.domain.readings import F64

TABLE = table(
    [
        [(BP_SYS, 0), (HEART_RATE, 0), (RESP_RATE, 0), (BODY_TEMP, 1), (consciousness, 0)]
        for consciousness in (CONSCIOUSNESS_BEST, CONSCIOUSNESS_WORST)
    ],
    WORST_POINTS,
)


def mews_columns(inputs: F64, kernels: Versions = as_written) -> I16:
    """i16 (n, 9): the columns of ``analytics.scores.bands``.

    ``inputs`` f64 (n, 5) in the order of ``vigil.domain.mews.INPUTS``, NaN = not known; consciousness coded 0 to 5 as there.

    >>> mews_columns(np.array([[120, 70, 12, np.nan, 5.0]])).tolist()
    [[1, 5, 0, 0, 0, 0, 0, -1, -1]]
    """
    best = np.zeros(inputs.shape[0], np.uint8)
    return score(inputs, best, best + np.uint8(1), TABLE, kernels)
