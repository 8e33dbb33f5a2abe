"""What a value was in the last hours: one kernel over all columns and rows, plain Python or compiled by numba."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analytics.risk.compiled import compiled
from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.features.derived import DERIVED, F64, I64, derive, table
from analytics.risk.hours import Hours
from analytics.risk.sides import side_by_side

#: Statistics of a column, in the order in which the kernel writes them. Windows are hours up to now, now included.
#: ``last``: newest value; ``age``: hours since it. ``change``, ``day_change``: the newest minus the newest of those that are 6
#: (24) hours old or older, or the oldest where none is: a gap would tell who came lately. ``mean``: over 12 h. ``usual``: the
#: newest minus the mean of 72 h. ``sd_24``: standard deviation. ``rough_24``: root mean square of the steps from value to value.
STATS = (
    "last", "age", "change", "day_change", "mean", "mean_24", "mean_72", "usual", "min_12", "max_12", "min_24", "max_24",
    "min_72", "max_72", "sd_24", "rough_24",
)  # fmt: skip
_STATS = len(STATS)

#: The longest window. It is capped, so that no feature tells how long somebody has been watched beyond it.
LOOKBACK_H = 71


def describe(
    values: F64, hour: I64, count: int, from_24: int, from_12: int, from_6: int, carry: int, out: NDArray[np.float32]
) -> None:
    """The statistics of one column: ``values`` of ``count`` hours, the last one now; NaN = not measured. The hours from the
    place ``from_24`` on are less than 24 hours old, and so on. All are not known where the newest value is older than ``carry``
    hours.

    Each value is counted once, in the part of the window that it lies in: the 48 hours before the last day, its first half, its
    second half. Sums are of differences from the first value: they stay exact where all values are alike.
    """
    out[:] = math.nan
    newest = count - 1
    while newest >= 0 and math.isnan(values[newest]):
        newest -= 1
    if newest < 0 or hour[count - 1] - hour[newest] > carry:
        return
    base, last, before_6, before_24 = math.nan, math.nan, math.nan, math.nan
    number_72, total_72, least_72, greatest_72 = 0, 0.0, math.inf, -math.inf
    for at in range(from_24):
        value = values[at]
        if not math.isnan(value):
            if number_72 == 0:
                base = value
            last = value
            number_72 += 1
            total_72 += value - base
            least_72 = min(least_72, value)
            greatest_72 = max(greatest_72, value)
    before_6, before_24 = last, last
    steps, squared_steps = 0, 0.0
    number_24, total_24, squares_24, least_24, greatest_24 = 0, 0.0, 0.0, math.inf, -math.inf
    number, total, squares, least, greatest = 0, 0.0, 0.0, math.inf, -math.inf
    for begin, end in ((from_24, from_12), (from_12, count)):
        number_24, total_24, squares_24, least_24, greatest_24 = number, total, squares, least, greatest
        number, total, squares, least, greatest = 0, 0.0, 0.0, math.inf, -math.inf
        for at in range(begin, end):
            value = values[at]
            if math.isnan(value):
                continue
            if math.isnan(base):
                base, before_6, before_24 = value, value, value
            elif number + number_24 > 0:  # the one before lies in the last 24 hours too
                steps += 1
                squared_steps += (value - last) * (value - last)
            last = value
            if at < from_6:
                before_6 = value
            away = value - base
            number += 1
            total += away
            squares += away * away
            least = min(least, value)
            greatest = max(greatest, value)
    out[0] = last
    out[1] = hour[count - 1] - hour[newest]
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
    kept: I64,
    places: I64,
    cuts: F64,
    steps: F64,
    out: Matrix,
) -> None:
    """``values`` (columns, n). ``first``: the first row of the patient of each of ``rows``. ``derived``: how many columns follow
    from the first seven; 0 = none. ``kept``: the statistics that are wanted, as ``column * len(STATS) + statistic``. The first
    ``len(kept)`` columns of ``out`` (len(rows), features) are filled."""
    measured = values.shape[0]
    window, known = np.empty((measured + derived, LOOKBACK_H + 1)), np.empty((measured, LOOKBACK_H + 1))
    at_hour = np.empty(LOOKBACK_H + 1, np.int64)
    found = np.empty((measured + derived, _STATS), np.float32)
    for i in range(rows.shape[0]):
        now, begin = hour[rows[i]], rows[i]
        while begin > first[i] and now - hour[begin - 1] <= LOOKBACK_H:
            begin -= 1
        count = rows[i] - begin + 1
        from_24, from_12, from_6 = 0, 0, 0
        for place in range(count):
            at_hour[place] = hour[begin + place]
            ago = now - hour[begin + place]
            from_24 += 1 if ago >= 24 else 0
            from_12 += 1 if ago >= 12 else 0
            from_6 += 1 if ago >= 6 else 0
        for column in range(measured):
            given, here, carried = values[column, begin : begin + count], window[column], known[column]
            newest, seen_at = math.nan, 0
            for place in range(count):
                value = float(given[place])
                here[place] = value
                if not math.isnan(value):
                    newest, seen_at = value, at_hour[place]
                elif at_hour[place] - seen_at > carry:
                    newest = math.nan
                carried[place] = newest
        if derived > 0:
            derive(window, known, count, places, cuts, steps, window[measured:])
        for column in range(measured + derived):
            describe(window[column], at_hour, count, from_24, from_12, from_6, carry, found[column])
        for place in range(kept.shape[0]):
            out[i, place] = found[kept[place] // _STATS, kept[place] % _STATS]


def windows(
    hours: Hours,
    columns: tuple[str, ...],
    rows: Rows | None,
    carry: int,
    kept: I64,
    out: Matrix,
    *,
    derived: bool = False,
) -> None:
    """Fill the first ``len(kept)`` columns of ``out`` (len(rows), features), see ``window_kernel``; with ``derived`` (columns =
    the vitals) those that follow from them come after the columns. ``carry``: hours for which a value stands for the time after
    it."""
    wanted = np.arange(len(hours), dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
    first = hours.starts[np.searchsorted(hours.starts, wanted, side="right") - 1].astype(np.int64)
    values = np.stack([hours.columns[name] for name in columns], dtype=np.float32)
    kernel, count = compiled(window_kernel, describe, derive), len(DERIVED) if derived else 0

    def fill(some: slice) -> None:
        kernel(values, hours.hour, first[some], wanted[some], carry, count, kept, *table(), out[some])

    side_by_side(len(wanted), fill)
