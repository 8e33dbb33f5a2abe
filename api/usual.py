"""The usual range of a person, hour by hour: mean and spread of the 48 hours before, from means of 5 minutes.

As the detector "baseline" has it, as far as the stored readings tell: weighted by the time that a value stands for, with the same
least spread, and nothing before there are 12 hours. Other than there, what was unusual counts too, and no time is forgotten
sooner than another; the spread is that of the 5-minute means, so that noise within them is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from api import shape
from api.series import Worn, windows
from api.shape import Json
from vigil.domain.readings import F64, I64
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.domain.usual import SPREADS, WARM_UP_S, WINDOW_S, Spread
from vigil.domain.vitals import VitalKind
from vigil.store.past import Past

STEP = 5 * MINUTE
#: The range reaches so many SD to each side of the mean (ours).
WIDE = 2.0
_WINDOW, _WARM_UP = round(WINDOW_S * SECOND), round(WARM_UP_S * SECOND)


def usual(past: Past, worn: Worn, kind: VitalKind, since: int, until: int) -> list[Json]:
    """Of each hour UTC that reaches into [since, until); hours of which nothing is known are left out."""
    spread = SPREADS.get(kind.name)
    if spread is None:
        return []
    first, last = since // HOUR * HOUR, (until - 1) // HOUR * HOUR
    start, mean = _means(past, worn, kind, first - _WINDOW, last)
    found = []
    for hour in range(first, last + 1, HOUR):
        rows = slice(*np.searchsorted(start, (hour - _WINDOW, hour)).tolist())
        middle_and_sd = _of_hour(start[rows], mean[rows], spread)
        if middle_and_sd is not None:
            middle, sd = middle_and_sd
            found.append(_row(kind, hour, middle, sd))
    return found


def _row(kind: VitalKind, hour: int, mean: float, sd: float) -> Json:
    low, high = (kind.rounded(mean + side * WIDE * sd) for side in (-1, 1))
    digits = kind.digits + 1
    return {
        "from": shape.iso(hour),
        "to": shape.iso(hour + HOUR),
        "mean": round(mean, digits),
        "sd": round(sd, digits),
        "low": low,
        "high": high if kind.display_unit != "%" else min(high, 100),
    }


def _of_hour(start: I64, mean: F64, spread: Spread) -> tuple[float, float] | None:
    most = max(round(spread.most_s * SECOND), STEP)
    stands_for = np.minimum(np.diff(start, prepend=start[:1] - STEP), most)
    total = int(stands_for.sum())
    if total < _WARM_UP:
        return None
    middle = float((mean * stands_for).sum() / total)
    variance = float((np.square(mean - middle) * stands_for).sum() / total)
    return middle, max(math.sqrt(variance), spread.floor)


def _means(past: Past, worn: Worn, kind: VitalKind, since: int, until: int) -> tuple[I64, F64]:
    """Starts of 5-minute steps that have a value, and its mean; of several sensors the mean of theirs."""
    starts: list[I64] = []
    means: list[F64] = []
    for stream in worn.streams:
        if stream.vital != kind.index:
            continue
        for first, last in windows(stream, worn.bindings, since, until):
            first = -(-first // STEP) * STEP
            points = -(-(last - first) // STEP)
            if points > 0:
                found = past.buckets([stream.stream], first, first + points * STEP, points)
                held = (found.count > 0) & (found.start < last)
                starts.append(found.start[held])
                means.append(found.mean[held])
    return _together(starts, means)


def _together(starts: Sequence[I64], means: Sequence[F64]) -> tuple[I64, F64]:
    if not starts:
        return np.empty(0, np.int64), np.empty(0)
    start, place = np.unique(np.concatenate(starts), return_inverse=True)
    counts = np.bincount(place, minlength=start.size)
    return start, np.bincount(place, np.concatenate(means), start.size) / counts
