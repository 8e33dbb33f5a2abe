"""Intervals between heart beats: regular in sinus rhythm, without memory in atrial fibrillation."""

from __future__ import annotations

import numpy as np

from simulators.noise import Floats

#: Sinus rhythm, M (MIT-BIH, 21 records): coefficient of variation of the intervals and their correlation from beat to beat.
SINUS_CV, SINUS_LAG1 = 0.065, 0.67
#: No heart beats faster than this twice, seconds (A: 300 beats/min).
_SHORTEST_S = 0.2


def intervals(rate: float, cv: float, lag1: float, count: int, rng: np.random.Generator) -> Floats:
    """``count`` intervals in seconds with mean 60 / ``rate``; lognormal (A), so that none is negative.

    ``cv``: coefficient of variation; ``lag1``: correlation of the logarithms of one interval and the next.
    """
    spread = float(np.sqrt(np.log1p(cv**2)))
    drawn = rng.standard_normal(count)
    fresh = float(np.sqrt(1.0 - lag1**2))
    for beat in range(1, count):
        drawn[beat] = lag1 * drawn[beat - 1] + fresh * drawn[beat]
    return np.maximum(60.0 / rate * np.exp(spread * drawn - spread**2 / 2.0), _SHORTEST_S)


def rmssd_ms(seconds: Floats) -> float:
    """Root mean square of the differences of neighbouring intervals, milliseconds.

    >>> round(rmssd_ms(np.array([0.8, 0.83, 0.79])), 1)
    35.4
    """
    return float(1000.0 * np.sqrt(np.mean(np.diff(seconds) ** 2)))
