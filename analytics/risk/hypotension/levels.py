"""Levels of the last minutes, robust to single wrong values: one kernel, plain Python or compiled by numba."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analytics.risk.compiled import compiled
from analytics.risk.hypotension.records import BEFORE, Minutes

#: Minutes looked back over, and what is told of each.
SPANS = (5, 15, 60, 120, 240, 600)
QUANTILES = (0.1, 0.16, 0.5, 0.84)
#: Of the last hour, for a line fitted through it.
HOUR_MIN = 60

_HALF_HOUR_MIN, _STEP_MIN, _HALF_KNOWN = 30, 5, 6


def level_kernel(
    minutes: Minutes,
    spans: NDArray[np.int64],
    quantiles: NDArray[np.float64],
    half: int,
    step: int,
    enough: int,
    out: Minutes,
) -> None:
    """``minutes`` (n, m), the last is now, NaN = not known. ``out`` (n, spans * quantiles + 1): quantiles of each span, straight
    between neighbours, then the lowest mean of ``half`` minutes, begun every ``step``, of which ``enough`` are known. NaN where
    nothing is known."""
    total = minutes.shape[1]
    known = np.empty(total, np.float32)
    for i in range(minutes.shape[0]):
        count = 0
        place = 0
        for s in range(spans.shape[0]):
            before = spans[s - 1] if s > 0 else 0
            for ago in range(before, min(spans[s], total)):
                value = minutes[i, total - 1 - ago]
                if not math.isnan(value):
                    known[count] = value
                    count += 1
            known[:count].sort()
            for q in range(quantiles.shape[0]):
                out[i, place] = math.nan
                if count > 0:
                    at = quantiles[q] * (count - 1)
                    low = int(at)
                    high = min(low + 1, count - 1)
                    out[i, place] = known[low] + (at - low) * (known[high] - known[low])
                place += 1
        lowest = math.inf
        for end in range(total, half - 1, -step):
            sum_, found = 0.0, 0
            for at_minute in range(end - half, end):
                value = minutes[i, at_minute]
                if not math.isnan(value):
                    sum_ += value
                    found += 1
            if found >= enough:
                lowest = min(lowest, sum_ / found)
        out[i, place] = lowest if lowest < math.inf else math.nan


def levels(minutes: Minutes) -> tuple[NDArray[np.float32], Minutes]:
    """(n, spans, quantiles) mmHg of (n, m) minutes, and (n,) the lowest half hour of the last ten hours."""
    lately = np.ascontiguousarray(minutes[:, -BEFORE:], np.float32)
    out = np.empty((len(lately), len(SPANS) * len(QUANTILES) + 1), np.float32)
    compiled(level_kernel)(lately, np.array(SPANS), np.array(QUANTILES), _HALF_HOUR_MIN, _STEP_MIN, _HALF_KNOWN, out)
    return out[:, :-1].reshape(-1, len(SPANS), len(QUANTILES)), out[:, -1]
