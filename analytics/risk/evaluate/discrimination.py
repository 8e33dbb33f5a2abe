"""Does the model rank hours before an event above the others? Areas under the ROC and the precision-recall curve.

Everything is computed from one sort, so that a bootstrap over patients only has to weigh the sorted rows again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Floats, patients_of
from vigil.domain.errors import InvalidInput
from vigil.domain.readings import I64

#: A share times a sum may come out this much too large, and must not ask for the hours of the next score too.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve from the highest threshold to the lowest, thinned to what a plot can show."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class Ranked:
    """Rows sorted by score, highest first. ``weights`` (stays,): how often each stay was drawn; each row counts as often.

    ``y`` (n,) 0 or 1; ``p`` (n,) any score; ``starts`` (stays + 1,). ``InvalidInput`` when a score is not a number.
    """

    def __init__(self, y: NDArray[np.generic], p: NDArray[np.generic], starts: I64) -> None:
        score = np.asarray(p, np.float64)
        if np.isnan(score).any():
            raise InvalidInput("a score is not a number")
        order = np.argsort(-score, kind="stable")
        self.score: Floats = score[order]
        self._positive = (np.asarray(y) > 0)[order]
        self._negative = (~self._positive).astype(np.float64)
        self._stay = patients_of(starts)[order]
        first = np.flatnonzero(np.append(True, self.score[1:] != self.score[:-1]))
        ends = np.append(first[1:], len(score))
        at = np.flatnonzero(self._positive)
        tie = np.searchsorted(first, at, side="right") - 1
        self._ends = ends
        self._hits, self._above, self._through = self._stay[at], first[tie], ends[tie]
        self._found = np.searchsorted(at, self._through)
        self._last: tuple[Floats, Floats] | None = None

    def auroc(self, weights: Floats) -> float:
        """Chance that an hour before an event scores above another hour, ties counted half. NaN without both kinds."""
        false = self._false(weights)
        hits = weights[self._hits]
        pairs = hits.sum() * false[-1]
        if pairs == 0:
            return math.nan
        beaten = false[-1] - (false[self._above] + false[self._through]) / 2
        return float(hits @ beaten / pairs)

    def auprc(self, weights: Floats) -> float:
        """Mean precision over the hours before an event (average precision); by chance it is the share of such hours."""
        hits = weights[self._hits]
        found = hits.sum()
        if found == 0:
            return math.nan
        true = np.concatenate(([0.0], np.cumsum(hits)))[self._found]
        false = self._false(weights)[self._through]
        drawn = hits > 0  # where nobody up to here was drawn, true + false is 0
        return float(hits[drawn] @ (true[drawn] / (true[drawn] + false[drawn])) / found)

    def alerted_at(self, sensitivity: float, weights: Floats) -> float:
        """Share of all hours that alert when this share of the hours before an event must; inside ties in proportion."""
        rows = weights[self._stay]
        true = np.concatenate(([0.0], np.cumsum(np.where(self._positive, rows, 0.0))[self._ends - 1]))
        every = np.concatenate(([0.0], np.cumsum(rows)[self._ends - 1]))
        if true[-1] == 0:
            return math.nan
        needed = sensitivity * true[-1] * (1 - _ROUNDING)
        reached = int(np.searchsorted(true, needed))
        if reached == 0:
            return 0.0
        inside = (needed - true[reached - 1]) / (true[reached] - true[reached - 1])
        return float((every[reached - 1] + inside * (every[reached] - every[reached - 1])) / every[-1])

    def curves(self, points: int = 200) -> tuple[Curve, Curve]:
        """ROC (false alert share, sensitivity) and precision-recall (sensitivity, precision) over all rows."""
        true = np.cumsum(self._positive)[self._ends - 1].astype(np.float64)
        false = self._ends - true
        if true[-1] == 0 or false[-1] == 0:
            return Curve((), ()), Curve((), ())
        roc = _thin(np.append(0, false / false[-1]), np.append(0, true / true[-1]), points)
        return roc, _thin(true / true[-1], true / (true + false), points)

    def _false(self, weights: Floats) -> Floats:
        """(n + 1,) weight of the hours without an event among the first rows; kept for the next metric of the same draw."""
        if self._last is None or self._last[0] is not weights:
            rows = np.zeros(len(self._stay) + 1)
            np.multiply(weights[self._stay], self._negative, out=rows[1:])
            self._last = weights, np.cumsum(rows)
        return self._last[1]


def _thin(x: Floats, y: Floats, points: int) -> Curve:
    """Evenly along the greater of the two movements, so that steep parts keep their points."""
    way = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    keep = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points), side="left").clip(0, len(x) - 1))
    return Curve(tuple(np.round(x[keep], 5).tolist()), tuple(np.round(y[keep], 5).tolist()))


def auroc(y: NDArray[np.generic], p: NDArray[np.generic]) -> float:
    """Area under the ROC curve.

    >>> auroc(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    return Ranked(y, p, np.array([0, len(y)])).auroc(np.ones(1))


def auprc(y: NDArray[np.generic], p: NDArray[np.generic]) -> float:
    """Area under the precision-recall curve as average precision.

    >>> auprc(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.5, 0.8]))
    0.8333333333333333
    """
    return Ranked(y, p, np.array([0, len(y)])).auprc(np.ones(1))
