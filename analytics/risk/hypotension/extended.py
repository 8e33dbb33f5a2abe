"""Features that were considered beside the levels: nearness, course, shares of low minutes and spread. Only the comparison of
candidates computes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hypotension import features as own
from analytics.risk.hypotension.levels import HOUR_MIN, QUANTILES, SPANS, levels
from analytics.risk.hypotension.records import LIMIT, Minutes

#: ``near_...``: how near median_60, low_240 and lowest_half_hour are to the limit, see ``nearness``. ``slope``: mmHg an hour, in
#: the last hour. ``drop``: last quarter of an hour less ten hours' median. ``share_5``, ``share_10``: minutes of the last hour
#: at most so many mmHg above the limit; ``share_5_600``: of ten hours. ``spread_N``: half the way from the 16th to the 84th
#: percentile, an SD without its tails. ``distance``: ten hours' median above the limit in such spreads.
NEAR = ("near_60", "near_low_240", "near_lowest")
COURSE = ("slope", "drop", "share_5", "share_10", "share_5_600", "spread_60", "spread_600", "distance")
NAMES = (*own.NAMES, *NEAR, *COURSE)

#: A pressure steadier than this (mmHg) is not steadier for a forecast, and a distance must stay finite.
_LEAST_SPREAD = 3.0
_HOUR, _TEN_HOURS = SPANS.index(60), SPANS.index(600)
_DOWN, _UP = QUANTILES.index(0.16), QUANTILES.index(0.84)


def features(minutes: Minutes, limit: float = LIMIT) -> NDArray[np.float32]:
    """(n, features) in the order of ``NAMES``; as ``features.features`` otherwise."""
    base = own.features(minutes, limit)
    known = dict(zip(own.NAMES, base.T, strict=True))
    lately = own.ten_hours(minutes)
    hour = lately[:, -HOUR_MIN:]
    level, _ = levels(minutes)
    spread = (level[:, :, _UP] - level[:, :, _DOWN]) / 2
    more = np.column_stack(
        [
            *(nearness(known[name]) for name in ("median_60", "low_240", "lowest_half_hour")),
            slope(hour),
            known["median_15"] - known["median_600"],
            *(_share(hour, limit + above) for above in (5, 10)),
            _share(lately, limit + 5),
            spread[:, _HOUR],
            spread[:, _TEN_HOURS],
            known["median_600"] / np.maximum(spread[:, _TEN_HOURS], _LEAST_SPREAD),
        ]
    ).astype(np.float32)
    more[np.isnan(known["median_60"])] = np.nan
    return np.concatenate([base, more], axis=1)


def nearness(above: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of ``above`` mmHg above the limit: from 35 to 15 it comes as much nearer as from 15 to 5. Higher is nearer; what lies more
    than 4 mmHg below the limit is as near as can be. The two numbers are our choice.

    >>> nearness(np.array([5.0, 15.0, 35.0], np.float32)).round(3).tolist()
    [-2.302999973297119, -2.996000051498413, -3.688999891281128]
    """
    near: NDArray[np.float32] = -np.log(np.maximum(above, -4) + 5)
    return near


def slope(hour: Minutes) -> NDArray[np.float64]:
    """mmHg an hour of the least-squares line through what is known; 0 where fewer than two minutes are.

    >>> slope(np.array([[80.0, np.nan, 78.0, 77.0]])).round().tolist()
    [-60.0]
    """
    known = ~np.isnan(hour)
    count = np.maximum(known.sum(axis=1), 1)
    at = np.arange(hour.shape[1]) / HOUR_MIN
    value = np.where(known, hour, 0.0)
    off = known * (at - (known * at).sum(axis=1, keepdims=True) / count[:, None])
    below = (off**2).sum(axis=1)
    found: NDArray[np.float64] = (off * value).sum(axis=1) / np.where(below > 0, below, 1.0)
    return found


def _share(minutes: Minutes, limit: float) -> NDArray[np.float64]:
    known = (~np.isnan(minutes)).sum(axis=1)
    share: NDArray[np.float64] = (minutes <= limit).sum(axis=1) / np.maximum(known, 1)
    return share
