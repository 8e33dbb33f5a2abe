"""What the model sees of mean pressure at one minute.

Levels only, each in mmHg above ``limit``: at a higher limit a person looks like one whose pressure is lower, and that is how ten
quiet hours can teach what comes before a rare episode. Course, spread and shares of low minutes were tried and left out
(``extended``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hypotension.levels import HOUR_MIN, QUANTILES, SPANS, levels
from analytics.risk.hypotension.records import BEFORE, LIMIT, Minutes

#: ``median_N``, ``low_N`` (10th percentile): over the last N minutes, mmHg above the limit. ``lowest_half_hour``: the lowest mean
#: of half an hour in ten hours, likewise. ``MAP_age``: hours since the ``NEEDED``-th newest value; the same for all that learn.
NAMES = (
    *("median_5", "median_15", "median_60", "median_120", "median_600"),
    *("low_60", "low_240", "low_600", "lowest_half_hour", "MAP_age"),
)
GROUPS = ("bp_mean",) * len(NAMES)
#: The model needs so many minutes of the last hour: a cuff every five minutes. Our choice.
NEEDED = 12

_LOW, _MIDDLE = QUANTILES.index(0.1), QUANTILES.index(0.5)


def features(minutes: Minutes, limit: float = LIMIT) -> NDArray[np.float32]:
    """(n, features) of (n, m) minutes in mmHg, the last column is now and NaN is not known; no more than ten hours count. A row
    is NaN, apart from ``MAP_age``, where nothing is known of the last hour."""
    level, lowest = levels(minutes)
    middle = {span: level[:, place, _MIDDLE] for place, span in enumerate(SPANS)}
    low = {span: level[:, place, _LOW] for place, span in enumerate(SPANS)}
    for shorter, longer in ((15, 60), (5, 15)):  # where the shortest spans hold nothing, the next longer one speaks
        middle[shorter] = np.where(np.isnan(middle[shorter]), middle[longer], middle[shorter])
    table = np.stack(
        (
            *(middle[span] for span in (5, 15, 60, 120, 600)),
            *(low[span] for span in (60, 240, 600)),
            np.fmin(lowest, middle[600]),  # scattered values may fill no half hour
        ),
        axis=1,
    )
    table[np.isnan(middle[60])] = np.nan
    return np.column_stack([table - np.float32(limit), _age(ten_hours(minutes))]).astype(np.float32)


def ten_hours(minutes: Minutes) -> Minutes:
    """(n, 600): what came before the first minute is not known."""
    lately = np.full((len(minutes), BEFORE), np.nan, np.float32)
    kept = min(minutes.shape[1], BEFORE)
    lately[:, BEFORE - kept :] = minutes[:, minutes.shape[1] - kept :]
    return lately


def _age(minutes: Minutes) -> NDArray[np.float64]:
    """Hours since the minute of the ``NEEDED``-th newest value began, so that up to 1 is within the hour; NaN where there
    are fewer in ten hours."""
    back = np.cumsum(~np.isnan(minutes[:, ::-1]), axis=1)
    reached = back >= NEEDED
    return np.where(reached[:, -1], (reached.argmax(axis=1) + 1) / HOUR_MIN, np.nan)
