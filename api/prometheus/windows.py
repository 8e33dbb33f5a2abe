"""Functions of a range of time: what the samples of each window come to. A window holds the samples after its start, up to and
with its end, as in Prometheus 3. All windows of a series are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.prometheus.samples import Flags, Series
from vigil.domain.readings import F64, I64
from vigil.domain.times import SECOND


@dataclass(frozen=True, slots=True)
class Windows:
    """Samples ``at``, ``value`` of one series; window k holds those from ``low[k]`` to ``high[k]``, and is ``length``
    microseconds long up to ``end[k]``."""

    at: I64
    value: F64
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    end: I64
    length: int

    @property
    def count(self) -> NDArray[np.intp]:
        return self.high - self.low

    def reduced(self, ufunc: np.ufunc, value: F64) -> F64:
        """``ufunc`` over each window; anything where a window is empty."""
        # reduceat wants its places interleaved and inside; the value in between belongs to no window.
        padded = np.append(value, 0.0)
        places = np.stack([self.low, self.high], axis=1).ravel()
        found: F64 = ufunc.reduceat(padded, np.minimum(places, value.size))[::2]
        return found


def windows_of(series: Series, times: I64, offset: int, length: int) -> Windows:
    at, value = series.plain()
    end = times - offset
    low = np.searchsorted(at, end - length, side="right")
    high = np.searchsorted(at, end, side="right")
    return Windows(at, value, low, high, end, length)


def _sum(one: Windows) -> F64:
    return one.reduced(np.add, one.value)


def _mean(one: Windows) -> F64:
    return _sum(one) / one.count


def _variance(one: Windows) -> F64:
    # Around a value near to all of them, so that the squares do not cancel.
    near = float(np.mean(one.value)) if one.value.size else 0.0
    shifted = one.value - near
    mean = one.reduced(np.add, shifted) / one.count
    return np.maximum(one.reduced(np.add, shifted * shifted) / one.count - mean * mean, 0.0)


def _deviation(one: Windows) -> F64:
    return np.sqrt(_variance(one))


def _least(one: Windows) -> F64:
    return one.reduced(np.fmin, one.value)


def _most(one: Windows) -> F64:
    return one.reduced(np.fmax, one.value)


def _last(one: Windows) -> F64:
    return np.append(one.value, 0.0)[one.high - 1]


def _count(one: Windows) -> F64:
    return one.count.astype(np.float64)


def _present(one: Windows) -> F64:
    return np.ones(one.low.size)


#: Name in PromQL → one number a window that holds a sample.
OVER_TIME: dict[str, Callable[[Windows], F64]] = {
    "avg_over_time": _mean,
    "min_over_time": _least,
    "max_over_time": _most,
    "sum_over_time": _sum,
    "count_over_time": _count,
    "last_over_time": _last,
    "stddev_over_time": _deviation,
    "stdvar_over_time": _variance,
    "present_over_time": _present,
}


def over_time(name: str, one: Windows) -> tuple[F64, Flags]:
    there = one.count > 0
    with np.errstate(all="ignore"):
        return OVER_TIME[name](one), there


def quantile_over_time(share: F64, one: Windows) -> tuple[F64, Flags]:
    there = one.count > 0
    value = np.full(one.low.size, np.nan)
    for k in np.flatnonzero(there):
        value[k] = quantile(float(share[k]), one.value[one.low[k] : one.high[k]])
    return value, there


def quantile(share: float, values: F64) -> float:
    """As in Prometheus: between two values in proportion; below 0 and above 1 there is no value of that rank.

    >>> quantile(0.5, np.array([1.0, 4.0])), quantile(-1, np.array([1.0])), quantile(2, np.array([1.0]))
    (2.5, -inf, inf)
    """
    if np.isnan(share) or not values.size:
        return float("nan")
    if not 0 <= share <= 1:
        return float("-inf") if share < 0 else float("inf")
    ordered = np.sort(values)
    ordered = np.roll(ordered, int(np.isnan(ordered).sum()))  # there NaN is the smallest
    rank = share * (ordered.size - 1)
    low = int(np.floor(rank))
    high = min(low + 1, ordered.size - 1)
    part = rank - low
    return float(ordered[low] * (1 - part) + ordered[high] * part)


#: Name → (a counter, whose falls are restarts; a second).
CHANGES = {"rate": (True, True), "increase": (True, False), "delta": (False, False)}


def change(name: str, one: Windows) -> tuple[F64, Flags]:
    """Of each window with two samples or more: how much the value changed, drawn out to the whole window as Prometheus does."""
    counter, a_second = CHANGES[name]
    there = one.count > 1
    result = np.full(one.low.size, np.nan)
    low, high = one.low[there], one.high[there]
    if not low.size:
        return result, there
    first, last = one.value[low], one.value[high - 1]
    grown = last - first
    if counter:
        fell = np.r_[0.0, np.where(one.value[1:] < one.value[:-1], one.value[:-1], 0.0)]
        lost = np.cumsum(fell)
        grown = grown + lost[high - 1] - lost[low]
    covered = (one.at[high - 1] - one.at[low]) / SECOND
    before = (one.at[low] - (one.end[there] - one.length)) / SECOND
    after = (one.end[there] - one.at[high - 1]) / SECOND
    usual = covered / (high - low - 1)
    with np.errstate(all="ignore"):
        if counter:  # never drawn out to below zero
            to_zero = covered * (first / grown)
            before = np.where((grown > 0) & (first >= 0) & (to_zero < before), to_zero, before)
        near = usual * 1.1
        drawn = covered + np.where(before < near, before, usual / 2) + np.where(after < near, after, usual / 2)
        grown = grown * (drawn / covered)
    result[there] = grown / (one.length / SECOND) if a_second else grown
    return result, there
