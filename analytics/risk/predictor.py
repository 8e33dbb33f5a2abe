"""A fitted model with all that turns its raw score into a decision; pure, and what a model folder stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.news2 import news2_of
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.hours import VITALS, Hours

MODEL, NEWS2 = 0, 1
#: Points from which NEWS2 asks for an urgent answer (Royal College of Physicians, 2017).
NEWS2_URGENT = 5
_COLUMN_OF = {vital: column for column, vital in VITALS.items()}


@dataclass(frozen=True, slots=True)
class Needs:
    """The model decides where at least ``count`` of ``vitals`` were measured within ``max_age_h`` hours."""

    vitals: tuple[str, ...] = ("heart_rate", "resp_rate", "spo2", "body_temp", "bp_sys")
    count: int = 3
    max_age_h: float = 12.0


@dataclass(frozen=True, slots=True)
class Predicted:
    """(rows,) each. ``probability`` float64 in 0..1; ``source`` uint8, ``MODEL`` or ``NEWS2``; ``alert`` bool."""

    probability: NDArray[np.float64]
    source: NDArray[np.uint8]
    alert: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Predictor:
    """``calibration``: (points, values), both ascending: log-odds of the estimator to probability, straight between points,
    level outside. ``news2_risk``: (22,) probability by NEWS2 points, in use where the model abstains. ``bands``: (edges, low,
    high): below ``edges[i]`` (last one: the rest) the event came in ``low[i]``..``high[i]`` of such hours (95 % interval)."""

    feature_set: str
    estimator: Any
    calibration: tuple[NDArray[np.float64], NDArray[np.float64]]
    threshold: float
    needs: Needs
    news2_risk: NDArray[np.float64]
    bands: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

    def predict(self, hours: Hours, rows: Rows | None = None) -> Predicted:
        """``hours`` are cleaned; ``rows`` None = all. Each row from rows of its patient at or before it."""
        features = FEATURE_SETS[self.feature_set]
        matrix = features.compute(hours, rows)
        probability = self.predict_features(matrix)
        abstains = ~self.answers(matrix)
        alert = probability >= self.threshold
        if abstains.any():
            points = np.clip(_news2(hours, rows, abstains), 0, len(self.news2_risk) - 1)
            probability[abstains], alert[abstains] = self.news2_risk[points], points >= NEWS2_URGENT
        return Predicted(probability, np.where(abstains, NEWS2, MODEL).astype(np.uint8), alert)

    def predict_features(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probability of the model alone, whether or not it has what it needs."""
        points, values = self.calibration
        result: NDArray[np.float64] = np.interp(raw_score(self.estimator, matrix), points, values)
        return result

    def answers(self, matrix: Matrix) -> NDArray[np.bool_]:
        """True where the model has what it needs."""
        names = FEATURE_SETS[self.feature_set].names
        ages = matrix[:, [names.index(f"{_COLUMN_OF[vital]}_age") for vital in self.needs.vitals]]
        result: NDArray[np.bool_] = (ages <= self.needs.max_age_h).sum(axis=1) >= self.needs.count
        return result

    def interval(self, probability: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How often the event came among people with about this prediction: low and high."""
        edges, low, high = self.bands
        band = np.searchsorted(edges, probability, side="right").clip(0, len(low) - 1)
        return low[band], high[band]


def _news2(hours: Hours, rows: Rows | None, chosen: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Points of the chosen ones of ``rows``, read from the patients whom they are of."""
    at = np.flatnonzero(chosen) if rows is None else np.asarray(rows)[chosen]
    number = np.searchsorted(hours.starts, at, side="right") - 1
    patients, place = np.unique(number, return_inverse=True)
    sizes = hours.starts[patients + 1] - hours.starts[patients]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    kept = np.arange(starts[-1]) + np.repeat(hours.starts[patients] - starts[:-1], sizes)
    some = Hours(
        tuple(hours.ids[one] for one in patients),
        starts,
        hours.hour[kept],
        {name: column[kept] for name, column in hours.columns.items()},
    )
    points: NDArray[np.int16] = news2_of(some)[at - hours.starts[number] + starts[place]]
    return points


def raw_score(estimator: Any, matrix: Matrix) -> NDArray[np.float64]:
    """Log-odds, or the margin of a support vector machine: what rises with the risk. Of several estimators the mean."""
    parts = estimator if isinstance(estimator, list) else [estimator]
    result: NDArray[np.float64] = np.mean([part.decision_function(matrix) for part in parts], axis=0, dtype=np.float64)
    return result
