"""The table that candidates learn from: earlier hours of the records, whose following hour is known, at several limits.

Sixty labels are few. But what will be foretold is a level, the lowest half hour of the next hour, and every earlier hour has one:
whether it lay at or below 65, 70, 75 or 80 mmHg is the same question asked of a person whose pressure is that much higher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hypotension.features import features
from analytics.risk.hypotension.records import BEFORE, EPISODE_MIN, LIMIT, Minutes, Records, lowest_level

#: ``features(minutes, limit)`` of these features or of more.
Compute = Callable[..., NDArray[np.float32]]
#: mmHg. Beyond 80 it is no longer about low pressure.
LIMITS = (LIMIT, 65.0, 70.0, 75.0, 80.0)
HOUR_MIN = 60
#: A first window has two hours behind it; then one every quarter of an hour, as the stream scores.
_FIRST, _STEP = 120, 15


@dataclass(frozen=True, slots=True)
class Learning:
    """``x`` (rows, features), ``y`` (rows,) 0 or 1, ``record`` (rows,) number of the record that a row is of: what is left out is
    left out with all its rows. ``ahead`` (rows,) bool: no episode is going on yet, so that there is something to foretell."""

    x: NDArray[np.float32]
    y: NDArray[np.int8]
    record: NDArray[np.int64]
    ahead: NDArray[np.bool_]


def earlier_hours(records: Records, compute: Compute = features) -> Learning:
    """Windows ending at minutes 120, 135 ... 540: they and their following hour lie before the forecast. Hours in which an
    episode already goes on are among them: the stream does not know either whether it will last."""
    ends = np.arange(_FIRST, BEFORE - HOUR_MIN + 1, _STEP)
    past = np.concatenate([_before(records.minutes, int(end)) for end in ends])
    following = np.concatenate([records.minutes[:, end : end + HOUR_MIN] for end in ends])
    record = np.tile(np.arange(len(records)), len(ends))
    return _at_limits(compute, past, lowest_level(following), record)


def forecast_minute(records: Records, compute: Compute = features) -> Learning:
    """The sixty windows that are judged, with the labels of the Challenge's authors: x, y, record a row."""
    past = records.minutes[:, :BEFORE]
    ahead = lowest_level(past[:, -EPISODE_MIN:]) > LIMIT
    return Learning(compute(past), records.event.astype(np.int8), np.arange(len(records)), ahead)


def _before(minutes: Minutes, end: int) -> Minutes:
    """(n, 600) as it was known at minute ``end``."""
    past = np.full((len(minutes), BEFORE), np.nan, np.float32)
    past[:, BEFORE - end :] = minutes[:, :end]
    return past


def _at_limits(compute: Compute, past: Minutes, level: NDArray[np.float64], record: NDArray[np.int64]) -> Learning:
    known = np.isfinite(level)
    past, level, record = past[known], level[known], record[known]
    x = np.concatenate([compute(past, limit) for limit in LIMITS])
    y = np.concatenate([level <= limit for limit in LIMITS]).astype(np.int8)
    now = lowest_level(past[:, -EPISODE_MIN:])
    ahead = np.concatenate([now > limit for limit in LIMITS])
    usable = ~np.isnan(x).any(axis=1)
    return Learning(x[usable], y[usable], np.tile(record, len(LIMITS))[usable], ahead[usable])
