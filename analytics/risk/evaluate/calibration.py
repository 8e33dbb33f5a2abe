"""Is the risk honest? Of 100 hours with "5 %", five should come before an event.

Slope: how much of the spread of the predictions is real (1 ideal, below 1 = too extreme), from a logistic regression of the
event on the log-odds. Intercept: what must be added to all log-odds for the mean to be right (0 ideal), slope held at 1; this is
calibration in the large. Van Calster et al., BMC Medicine 2019;17:230.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Floats, by_stay, patients_of
from analytics.risk.evaluate.intervals import DRAWS, NOTHING, Figure, Metric, draws, figure, figure_of, interval, ratio
from analytics.risk.evaluate.privacy import hidden, shown
from vigil.domain.readings import I64

#: Tenths of the hours, the highest tenth divided again, for that is where alerts are.
QUANTILES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
#: Log-odds of predictions are cut here (1e-6), or a single 0 or 1 would be infinite.
_LEAST = 1e-6
_STEPS, _CLOSE = 50, 1e-10


@dataclass(frozen=True, slots=True)
class Bin:
    """Hours with a prediction from ``low`` to ``high``. Counts of fewer than 10 patients are None; where those with an event are,
    so is the rate."""

    low: float
    high: float
    predicted: float
    observed: Figure
    hours: int
    patients: int | None
    patients_with_event: int | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """``observed_expected``: events for each one predicted (1 ideal). ``brier``: mean squared error."""

    slope: Figure
    intercept: Figure
    observed_expected: Figure
    brier: Figure
    curve: tuple[Bin, ...]


def calibration(
    y: NDArray[np.generic], p: Floats, starts: I64 | None = None, n: int = DRAWS, seed: int = 0
) -> Calibration:
    """``y`` (n,) 0 or 1, ``p`` (n,) probabilities, ``starts`` (stays + 1,); without it every row is a patient of his own."""
    stays = np.arange(len(p) + 1) if starts is None else starts
    event = (np.asarray(y) > 0).astype(np.float64)
    slope, intercept = recalibration(event, p, stays, n, seed)
    return Calibration(
        slope,
        intercept,
        figure(ratio(by_stay(event, stays), by_stay(p, stays)), stays, n, seed),
        figure(brier(event, p, stays), stays, n, seed),
        reliability(event, p, stays, n, seed),
    )


def brier(y: Floats, p: Floats, starts: I64) -> Metric:
    return ratio(by_stay((y - p) ** 2, starts), by_stay(np.ones_like(p), starts))


def log_odds(p: Floats) -> Floats:
    inside = np.clip(p, _LEAST, 1 - _LEAST)
    return np.log(inside / (1 - inside))


def recalibration(y: Floats, p: Floats, starts: I64, n: int = DRAWS, seed: int = 0) -> tuple[Figure, Figure]:
    """Slope and intercept. Their intervals take one Newton step from the whole table's answer in each draw, which needs only sums
    by patient and differs from solving each draw by less than the third digit."""
    x = log_odds(p)
    both = _fit(y, np.stack([np.ones_like(x), x]), np.zeros_like(x), starts, n, seed)
    large = _fit(y, np.ones((1, len(x))), x, starts, n, seed)
    return (both[1] if both else NOTHING), (large[0] if large else NOTHING)


def _fit(y: Floats, columns: Floats, offset: Floats, starts: I64, n: int, seed: int) -> list[Figure]:
    """Logistic regression of ``y`` on ``columns`` (k, n): one figure a coefficient; empty where there is no answer (one kind of
    row only, one value only, or perfectly separated rows)."""
    found = np.zeros(len(columns))
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(y, columns, offset, found)
        if not _solvable(curvature.sum(axis=-1)):
            return []
        step = np.linalg.solve(curvature.sum(axis=-1), gradient.sum(axis=-1))
        found = found + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _CLOSE:
            return _intervals(found, gradient, curvature, starts, n, seed)
    return []


def _derivatives(y: Floats, columns: Floats, offset: Floats, at: Floats) -> tuple[Floats, Floats]:
    """(k, n) gradient and (k, k, n) curvature of the log-likelihood by row."""
    fitted = 1 / (1 + np.exp(-np.clip(at @ columns + offset, -500, 500)))
    return columns * (y - fitted), columns[:, None] * columns[None, :] * (fitted * (1 - fitted))


def _solvable(curvature: Floats) -> bool:
    return bool(np.linalg.cond(curvature) < 1 / _CLOSE)


def _intervals(found: Floats, gradient: Floats, curvature: Floats, starts: I64, n: int, seed: int) -> list[Figure]:
    slopes = np.add.reduceat(gradient, starts[:-1], axis=-1)
    bends = np.add.reduceat(curvature, starts[:-1], axis=-1)
    drawn = np.full((n, len(found)), math.nan)
    for i, weights in enumerate(draws(len(starts) - 1, n, seed)):
        bend = bends @ weights
        if _solvable(bend):
            drawn[i] = found + np.linalg.solve(bend, slopes @ weights)
    return [figure_of(float(value), *interval(drawn[:, i])) for i, value in enumerate(found)]


def reliability(y: Floats, p: Floats, starts: I64, n: int = DRAWS, seed: int = 0) -> tuple[Bin, ...]:
    """Observed against predicted in bins of the prediction; equal predictions are never split."""
    edges = np.unique(np.quantile(p, QUANTILES))
    inside = np.searchsorted(edges[1:-1], p, side="right")
    stay = patients_of(starts)
    bins = []
    for each in range(max(len(edges) - 1, 1)):
        rows = inside == each
        if rows.any():
            bins.append(_bin(y, p, rows, stay, starts, n, seed))
    return tuple(bins)


def _bin(y: Floats, p: Floats, rows: NDArray[np.bool_], stay: I64, starts: I64, n: int, seed: int) -> Bin:
    patients = len(np.unique(stay[rows]))
    with_event = len(np.unique(stay[rows & (y > 0)]))
    observed = NOTHING
    if not hidden(with_event):
        observed = figure(ratio(by_stay(y * rows, starts), by_stay(rows, starts)), starts, n, seed)
    low, high, mean = (float(f"{value:.6g}") for value in (p[rows].min(), p[rows].max(), p[rows].mean()))
    return Bin(low, high, mean, observed, int(rows.sum()), shown(patients), shown(with_event))
