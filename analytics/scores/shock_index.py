"""The shock index of many pairs at once, exactly as ``vigil.domain.shock_index`` gives one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.scores.bands import Versions, as_written
from vigil.domain.readings import F64, I64
from vigil.domain.shock_index import HEART_RATES, HIGH_ABOVE, PRESSURES, RAISED_ABOVE, TOGETHER

I8 = NDArray[np.int8]

INDEX, LOWER, UPPER = range(3)
#: Level of a pair that the pure function refuses (negative, or a pressure of 0); its row is NaN.
INVALID = -1

#: Arguments of the kernel and no constants in it, as ``analytics.scores.bands.Table`` explains.
_LIMITS = np.array([*HEART_RATES, *PRESSURES, RAISED_ABOVE, HIGH_ABOVE, TOGETHER])
_SLOWEST, _FASTEST, _WEAKEST, _STRONGEST, _RAISED, _HIGH, _TOGETHER = range(7)


def shock_index_kernel(inputs: F64, apart_us: I64, limits: F64, out: F64, level: I8) -> None:
    """As ``shock_index_columns`` says. Whole numbers are rounded by the fraction above the floor, which is exact."""
    for row in range(inputs.shape[0]):
        rate, pressure = inputs[row, 0], inputs[row, 1]
        no_rate, no_pressure = math.isnan(rate), math.isnan(pressure)
        out[row, INDEX] = math.nan
        out[row, LOWER] = math.nan
        out[row, UPPER] = math.nan
        level[row] = INVALID
        if rate < 0.0 or pressure < 0.5:
            continue
        if not no_rate and not no_pressure:
            no_pressure = apart_us[row] > limits[_TOGETHER]
            no_rate = apart_us[row] < -limits[_TOGETHER]
        slowest, fastest = limits[_SLOWEST], limits[_FASTEST]
        if not no_rate:
            whole = math.floor(rate)
            slowest = whole + 1.0 if rate - whole >= 0.5 else whole + 0.0
            fastest = slowest
        weakest, strongest = limits[_WEAKEST], limits[_STRONGEST]
        if not no_pressure:
            whole = math.floor(pressure)
            weakest = whole + 1.0 if pressure - whole >= 0.5 else whole + 0.0
            strongest = weakest
        lower = slowest / strongest
        out[row, LOWER] = lower
        out[row, UPPER] = fastest / weakest
        level[row] = 2 if lower > limits[_HIGH] else 1 if lower > limits[_RAISED] else 0
        if not no_rate and not no_pressure:
            out[row, INDEX] = lower


def shock_index_signature(numba_types: Any) -> Any:
    """The compiled signature of ``shock_index_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    pairs, apart = t.Array(t.float64, 2, "C", readonly=True), t.Array(t.int64, 1, "C", readonly=True)
    out, limits, level = t.Array(t.float64, 2, "C"), t.Array(t.float64, 1, "C"), t.Array(t.int8, 1, "C")
    return t.void(pairs, apart, limits, out, level)


def shock_index_columns(inputs: F64, apart_us: I64, kernels: Versions = as_written) -> tuple[F64, I8]:
    """f64 (n, 3): index (NaN unless both are known and go together), lower and upper bound; i8 (n,): level of the lower bound.

    ``inputs`` f64 (n, 2): heart rate, systolic pressure, NaN = not known; ``apart_us`` i64 (n,): measured time of the first less
    that of the second.

    >>> found, level = shock_index_columns(np.array([[91.0, 100.0]]), np.zeros(1, np.int64))
    >>> found.tolist(), level.tolist()
    ([[0.91, 0.91, 0.91]], [1])
    """
    out, level = np.empty((inputs.shape[0], 3)), np.empty(inputs.shape[0], np.int8)
    kernels(shock_index_kernel)(np.ascontiguousarray(inputs), apart_us, _LIMITS, out, level)
    return out, level
