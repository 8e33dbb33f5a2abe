"""What a vital was in the last hours: one kernel over all vitals and rows, plain Python or compiled by numba."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.hours import Hours

#: Statistics of each vital, in the order of the kernel's columns.
#: ``last``: newest value. ``age``: hours since it. ``change``: newest minus the newest that is at least 6 h older than now.
#: ``mean``: over 12 h. ``missing``: 1 where this very hour has no value.
STATS = ("last", "age", "change", "mean", "missing")
LAST, AGE, CHANGE, MEAN, MISSING = range(len(STATS))

LOOKBACK_H = 24
_CHANGE_H = 6
_MEAN_H = 12


def window_kernel(
    values: NDArray[np.float32], hour: NDArray[np.int32], first: Rows, rows: Rows, lookback: int, out: Matrix
) -> None:
    """``values`` (vitals, n). ``first``: the first row of the patient of each of ``rows``. ``out`` (len(rows), vitals * STATS)."""
    for i in range(rows.shape[0]):
        row = rows[i]
        for vital in range(values.shape[0]):
            last, age, before, total, count = math.nan, math.nan, math.nan, 0.0, 0
            at = row
            while at >= first[i] and hour[row] - hour[at] <= lookback:
                value = values[vital, at]
                ago = hour[row] - hour[at]
                if not math.isnan(value):
                    if math.isnan(last):
                        last, age = value, ago
                    if ago >= _CHANGE_H and math.isnan(before):
                        before = value
                    if ago < _MEAN_H:
                        total += value
                        count += 1
                at -= 1
            base = vital * 5
            out[i, base] = last
            out[i, base + 1] = age
            out[i, base + 2] = last - before
            out[i, base + 3] = total / count if count > 0 else math.nan
            out[i, base + 4] = 1.0 if math.isnan(values[vital, row]) else 0.0


@cache
def compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    """numba is imported when the first table is scored, not at start; machine code is cached on disk beside the source."""
    import numba

    made: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(kernel)
    return made  # type: ignore[no-any-return]


def windows(hours: Hours, columns: tuple[str, ...], rows: Rows | None = None) -> Matrix:
    """(len(rows), columns x STATS)."""
    if rows is None:
        rows = np.arange(len(hours), dtype=np.int64)
    first = hours.starts[np.searchsorted(hours.starts, rows, side="right") - 1].astype(np.int64)
    values = np.ascontiguousarray(np.stack([hours.columns[name] for name in columns]), dtype=np.float32)
    out = np.empty((len(rows), len(columns) * len(STATS)), np.float32)
    compiled(window_kernel)(values, hours.hour, first, rows.astype(np.int64), LOOKBACK_H, out)
    return out
