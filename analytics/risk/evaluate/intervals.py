"""95 % intervals by bootstrap over patients: whole stays are drawn again, because the hours of one patient are alike.

A metric is a function of weights (stays,): how often each stay was drawn; nobody changes that array afterwards. All
metrics of one table and seed see the same draws, so an interval of a difference is paired:
``by_patient(difference(first, second), starts)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Bools, Floats
from vigil.domain.readings import I64

Metric = Callable[[Floats], float]

DRAWS = 200
_COVERED = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 95 % interval; None where it is not defined, as a PPV without an alert."""

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Figure(None)

#: (1 + draws,) the metric over all stays as they are, then in each draw.
Sampled = Floats


@lru_cache(maxsize=4)
def _drawn(stays: int, n: int, seed: int) -> NDArray[np.uint16]:
    random = np.random.default_rng([seed, stays])
    every = [np.bincount(random.integers(0, stays, stays), minlength=stays) for _ in range(n)]
    return np.array(every, np.uint16).reshape(n, stays)


def draws(stays: int, n: int = DRAWS, seed: int = 0) -> Iterator[Floats]:
    """``n`` times how often each of the stays was drawn; the same for the same three numbers."""
    for row in _drawn(stays, n, seed):
        yield row.astype(np.float64)


def sample(
    metrics: Mapping[str, Metric], starts: I64, n: int = DRAWS, seed: int = 0, of: Bools | None = None
) -> dict[str, Sampled]:
    """All metrics in all draws; differences of two of them are paired. ``of`` (stays,): the metrics are about these stays only,
    drawn from all, so that two parts of a table meet in the same draws too."""
    stays = len(starts) - 1
    found = {name: np.empty(1 + n) for name in metrics}
    for i, weights in enumerate(chain([np.ones(stays)], draws(stays, n, seed))):
        counted = weights if of is None else weights[of]
        for name, metric in metrics.items():
            found[name][i] = metric(counted)
    return found


def by_patient(metric: Metric, starts: I64, n: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """The 2.5 % and 97.5 % points of the metric over ``n`` draws."""
    return interval(np.array([metric(weights) for weights in draws(len(starts) - 1, n, seed)]))


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the defined values; not defined (NaN) itself when more than half of the values are not.

    >>> interval(np.array([1.0, 2.0, 3.0, np.nan]))
    (1.05, 2.95)
    """
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values) or not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, _COVERED)
    return float(low), float(high)


def figure(metric: Metric, starts: I64, n: int = DRAWS, seed: int = 0) -> Figure:
    """The metric over all stays with its interval."""
    return summary(sample({"": metric}, starts, n, seed)[""])


def summary(values: Sampled) -> Figure:
    return figure_of(float(values[0]), *interval(values[1:]))


def figure_of(value: float, low: float = math.nan, high: float = math.nan) -> Figure:
    """Six digits are more than any interval here carries, and keep a report small."""
    return Figure(_plain(value), _plain(low), _plain(high))


def _plain(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def ratio(above: Floats, below: Floats, times: float = 1.0) -> Metric:
    """A share or rate from sums by stay (stays,) each: ``times`` x above / below.

    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 2.0]))(np.ones(2))
    0.25
    """

    def metric(weights: Floats) -> float:
        whole = float(weights @ below)
        return times * float(weights @ above) / whole if whole > 0 else math.nan

    return metric


def difference(first: Metric, second: Metric) -> Metric:
    """First minus second, on the same draws."""
    return lambda weights: first(weights) - second(weights)
