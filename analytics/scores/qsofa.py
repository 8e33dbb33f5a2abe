"""qSOFA of many sets of inputs at once, exactly as ``vigil.domain.qsofa`` scores one.

In whom an infection is suspected is decided for each patient outside.
"""

from __future__ import annotations

import numpy as np

from analytics.scores.bands import I16, Versions, as_written, score, table
from vigil.domain.qsofa import BP_SYS, CONSCIOUSNESS, RESP_RATE
from vigil.domain.readings import F64

TABLE = table([[(RESP_RATE, 0), (BP_SYS, 0), (CONSCIOUSNESS, 0)]], [1, 1, 1])


def qsofa_columns(inputs: F64, kernels: Versions = as_written) -> I16:
    """i16 (n, 7): the columns of ``analytics.scores.bands``; positive where ``LOWER`` is 2 or more.

    ``inputs`` f64 (n, 3) in the order of ``vigil.domain.qsofa.INPUTS``, NaN = not known; consciousness 0 = alert, 1 = not.

    >>> qsofa_columns(np.array([[22, 100, np.nan]])).tolist()
    [[2, 3, 0, 0, 1, 1, -1]]
    """
    only = np.zeros(inputs.shape[0], np.uint8)
    return score(inputs, only, only, TABLE, kernels)
