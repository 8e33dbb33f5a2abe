"""Intervals by bootstrap over patients: people are drawn anew, with all that happened to them, never single alerts or events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigil.domain.readings import F64, I64

#: Draws, and the share that an interval holds.
DRAWS, SHARE = 2000, 0.95
SEED = 20_150_413


@dataclass(frozen=True, slots=True)
class Figure:
    """``low`` and ``high``: 95 % interval; all None where there is nothing to count."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def row(self) -> dict[str, float | None]:
        return {"value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def draws(patients: int, count: int = DRAWS, seed: int = SEED) -> I64:
    """i64 (draws, patients): how often each patient is drawn. The same for all policies, so differences are paired."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(patients, np.full(patients, 1.0 / patients), size=count).astype(np.int64)


def ratio(weights: I64, top: F64, bottom: F64) -> Figure:
    """Of sums over patients, such as alerts by days."""
    if not bottom.sum():
        return Figure(None)
    return _figure(float(top.sum() / bottom.sum()), _ratios(weights, top, bottom))


def difference(weights: I64, one: tuple[F64, F64], other: tuple[F64, F64]) -> Figure:
    """First ratio less the second, of the same people in each draw."""
    if not one[1].sum() or not other[1].sum():
        return Figure(None)
    value = one[0].sum() / one[1].sum() - other[0].sum() / other[1].sum()
    return _figure(float(value), _ratios(weights, *one) - _ratios(weights, *other))


def fewer(weights: I64, one: tuple[F64, F64], other: tuple[F64, F64]) -> Figure:
    """By what share the first ratio is smaller than the second."""
    if not one[1].sum() or not other[0].sum():
        return Figure(None)
    value = 1.0 - (one[0].sum() / one[1].sum()) / (other[0].sum() / other[1].sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = 1.0 - _ratios(weights, *one) / _ratios(weights, *other)
    return _figure(float(value), drawn)


def median_lead(weights: I64, lead_s: F64, owner: NDArray[np.intp]) -> Figure:
    """Median over events, seconds; ``lead_s`` -inf = missed, ``owner``: the patient of each event. None = most are missed."""
    if not lead_s.size:
        return Figure(None)
    return _finite(float(np.median(lead_s)), _medians(weights, lead_s, owner))


def longer(weights: I64, one_s: F64, other_s: F64, owner: NDArray[np.intp]) -> Figure:
    """Median of the first less that of the second, seconds, of the same events; None where most are missed by either."""
    if not one_s.size:
        return Figure(None)
    with np.errstate(invalid="ignore"):  # both missed: nothing can be said
        value = float(np.median(one_s) - np.median(other_s))
        return _finite(value, _medians(weights, one_s, owner) - _medians(weights, other_s, owner))


def _medians(weights: I64, lead_s: F64, owner: NDArray[np.intp]) -> F64:
    """Of each draw: the least of the longer half."""
    order = np.argsort(-lead_s, kind="stable")
    reached = np.cumsum(weights[:, owner[order]], axis=1)
    place = (reached >= reached[:, -1:] / 2).argmax(axis=1)
    result: F64 = lead_s[order][place]
    return result


def _finite(value: float, drawn: F64) -> Figure:
    known = (value, *_edges(drawn[~np.isnan(drawn)]))
    return Figure(*(each if np.isfinite(each) else None for each in known))


def _ratios(weights: I64, top: F64, bottom: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: F64 = (weights @ top) / (weights @ bottom)
    return result


def _figure(value: float, drawn: F64) -> Figure:
    return Figure(value, *_edges(drawn[np.isfinite(drawn)]))


def _edges(drawn: F64) -> tuple[float, float]:
    if not drawn.size:
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, ((1 - SHARE) / 2, (1 + SHARE) / 2), method="inverted_cdf")
    return float(low), float(high)
