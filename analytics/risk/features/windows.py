"""What a value was in the last hours: one kernel over all columns and rows, plain Python or compiled by numba."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.features.derived import DERIVED, F64, I64, derive, table
from analytics.risk.hours import Hours

#: Statistics of a column, in the order in which the kernel writes them. Windows are hours up to now, now included.
#: ``last``: newest value; ``age``: hours since it. ``change``, ``day_change``: the newest minus the newest of those that are 6
#: (24) hours old or older, or the oldest where none is: a gap would tell who came lately. ``mean``: over 12 h. ``usual``: the
#: newest minus the mean of 72 h. ``sd_24``: standard deviation. ``rough_24``: root mean square of the steps from value to value.
STATS = (
    "last", "age", "change", "day_change", "mean", "mean_24", "mean_72", "usual", "min_12", "max_12", "min_24", "max_24",
    "min_72", "max_72", "sd_24", "rough_24",
)  # fmt: skip

#: The longest window. It is capped, so that no feature tells how long somebody has been watched beyond it.
LOOKBACK_H = 71


def describe(values: F64, hour: I64, count: int, carry: int, out: Matrix) -> None:
    """The statistics of one column: ``values`` of ``count`` hours, the last one now; NaN = not measured. All are not known where
    the newest value is older than ``carry`` hours.

    Each value is counted once, in the part of the window that it lies in: the last 12 hours, the 12 before, the 48 before. Sums
    are of differences from the first value: they stay exact where all values are alike.
    """
    now = hour[count - 1]
    base, last, before_6, before_24, seen_at = math.nan, math.nan, math.nan, math.nan, 0
    steps, squared_steps, part = 0, 0.0, 2
    number, total, squares, least, greatest = 0, 0.0, 0.0, math.inf, -math.inf
    number_72, total_72, least_72, greatest_72 = 0, 0.0, math.inf, -math.inf
    number_24, total_24, squares_24, least_24, greatest_24 = 0, 0.0, 0.0, math.inf, -math.inf
    for at in range(count):
        ago = now - hour[at]
        if part == 2 and ago < 24:
            number_72, total_72, least_72, greatest_72 = number, total, least, greatest
            number, total, squares, least, greatest, part = 0, 0.0, 0.0, math.inf, -math.inf, 1
        if part == 1 and ago < 12:
            number_24, total_24, squares_24, least_24, greatest_24 = number, total, squares, least, greatest
            number, total, squares, least, greatest, part = 0, 0.0, 0.0, math.inf, -math.inf, 0
        value = values[at]
        if math.isnan(value):
            continue
        if math.isnan(base):
            base, before_6, before_24 = value, value, value
        elif now - seen_at < 24:  # both lie in the last 24 hours
            steps += 1
            squared_steps += (value - last) * (value - last)
        last, seen_at = value, hour[at]
        if ago >= 6:
            before_6 = value
        if ago >= 24:
            before_24 = value
        away = value - base
        number += 1
        total += away
        squares += away * away
        least = min(least, value)
        greatest = max(greatest, value)
    out[:] = math.nan
    if math.isnan(last) or now - seen_at > carry:
        return
    out[0] = last
    out[1] = now - seen_at
    out[2] = last - before_6
    out[3] = last - before_24
    if number > 0:
        out[4], out[8], out[9] = base + total / number, least, greatest
    number, total, squares = number + number_24, total + total_24, squares + squares_24
    least, greatest = min(least, least_24), max(greatest, greatest_24)
    if number > 0:
        out[5], out[10], out[11] = base + total / number, least, greatest
    if number > 1:
        out[14] = math.sqrt(max((squares - total * total / number) / (number - 1), 0.0))
    number, total = number + number_72, total + total_72
    out[6], out[12], out[13] = base + total / number, min(least, least_72), max(greatest, greatest_72)
    out[7] = last - (base + total / number)
    if steps > 0:
        out[15] = math.sqrt(squared_steps / steps)


def window_kernel(
    values: Matrix,
    hour: NDArray[np.int32],
    first: Rows,
    rows: Rows,
    carry: int,
    derived: int,
    places: I64,
    cuts: F64,
    steps: F64,
    out: NDArray[np.float32],
) -> None:
    """``values`` (columns, n). ``first``: the first row of the patient of each of ``rows``. ``derived``: how many columns follow
    from the first seven; 0 = none. ``out`` (len(rows), columns + derived, STATS)."""
    measured = values.shape[0]
    window, known = np.empty((measured + derived, LOOKBACK_H + 1)), np.empty((measured, LOOKBACK_H + 1))
    at_hour = np.empty(LOOKBACK_H + 1, np.int64)
    for i in range(rows.shape[0]):
        begin = rows[i]
        while begin > first[i] and hour[rows[i]] - hour[begin - 1] <= LOOKBACK_H:
            begin -= 1
        count = rows[i] - begin + 1
        for place in range(count):
            at_hour[place] = hour[begin + place]
        for column in range(measured):
            newest, seen_at = math.nan, 0
            for place in range(count):
                value = float(values[column, begin + place])
                window[column, place] = value
                if not math.isnan(value):
                    newest, seen_at = value, at_hour[place]
                elif at_hour[place] - seen_at > carry:
                    newest = math.nan
                known[column, place] = newest
        if derived > 0:
            derive(window, known, count, places, cuts, steps, window[measured:])
        for column in range(measured + derived):
            describe(window[column], at_hour, count, carry, out[i, column])


_HELPERS: tuple[Callable[..., None], ...] = (describe, derive)


@cache
def compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    """numba is imported when the first table is scored, not at start; machine code is cached on disk beside the source."""
    import numba

    for function in _HELPERS:
        numba.extending.register_jitable(function)
    made: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(kernel)
    return made  # type: ignore[no-any-return]


def windows(
    hours: Hours, columns: tuple[str, ...], rows: Rows | None, carry: int, *, derived: bool = False
) -> NDArray[np.float32]:
    """(len(rows), columns, STATS), and with ``derived`` (columns = the vitals) those that follow from them after the columns.
    ``carry``: hours for which a value stands for the time after it."""
    wanted = np.arange(len(hours), dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
    first = hours.starts[np.searchsorted(hours.starts, wanted, side="right") - 1].astype(np.int64)
    values = np.stack([hours.columns[name] for name in columns], dtype=np.float32)
    count = len(DERIVED) if derived else 0
    out = np.empty((len(wanted), len(columns) + count, len(STATS)), np.float32)
    compiled(window_kernel)(values, hours.hour, first, wanted, carry, count, *table(), out)
    return out
