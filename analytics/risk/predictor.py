"""A fitted model with all that turns its raw score into a decision; pure, and what a model folder stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.news2 import URGENT, news2_of
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.hours import COLUMN_OF, Hours
from analytics.risk.steady import earlier, steadied

MODEL, NEWS2 = 0, 1


@dataclass(frozen=True, slots=True)
class Needs:
    """The model decides where at least ``count`` of ``vitals`` were measured within ``max_age_h`` hours."""

    vitals: tuple[str, ...] = ("heart_rate", "resp_rate", "spo2", "body_temp", "bp_sys")
    count: int = 3
    max_age_h: float = 12.0

    def met(self, matrix: Matrix, names: Sequence[str]) -> NDArray[np.bool_]:
        """(rows,) of a matrix whose columns are the features ``names``."""
        ages = matrix[:, [names.index(f"{COLUMN_OF[vital]}_age") for vital in self.vitals]]
        result: NDArray[np.bool_] = (ages <= self.max_age_h).sum(axis=1) >= self.count
        return result


@dataclass(frozen=True, slots=True)
class Look:
    """(rows,) each: ``matrix``: the features; ``answers``: the model has what it needs; ``raw``: the steadied score."""

    matrix: Matrix
    answers: NDArray[np.bool_]
    raw: NDArray[np.float64]


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
    high): below ``edges[i]`` (last one: the rest) the event came in ``low[i]``..``high[i]`` of such hours (95 % interval).
    ``earlier_h``: the scores of so many hours before steady that of now, see ``steady``.
    ``quick``: gives what ``raw_score`` gives of the estimator, sooner; None = the estimator itself is asked."""

    feature_set: str
    estimator: Any
    calibration: tuple[NDArray[np.float64], NDArray[np.float64]]
    threshold: float
    needs: Needs
    news2_risk: NDArray[np.float64]
    bands: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    earlier_h: tuple[int, ...] = ()
    quick: Callable[[Matrix], NDArray[np.float64]] | None = field(default=None, compare=False, repr=False)

    def predict(self, hours: Hours, rows: Rows | None = None) -> Predicted:
        """``hours`` are cleaned; ``rows`` None = all. Each row from rows of its patient at or before it."""
        look = self.look(hours, rows)
        answers = look.answers
        points = np.zeros(len(answers), np.int16)
        if not answers.all():
            some, places = hours.of_rows((np.arange(len(hours)) if rows is None else rows)[~answers])
            points[~answers] = news2_of(some)[places]
        own = self.calibrated(look.raw)
        probability, alert = with_news2(own, answers, points, self.threshold, self.news2_risk)
        return Predicted(probability, np.where(answers, MODEL, NEWS2).astype(np.uint8), alert)

    def look(self, hours: Hours, rows: Rows | None = None, hidden: NDArray[np.bool_] | None = None) -> Look:
        """As ``predict``. ``hidden`` (features,) True: counts as not known."""
        now = np.arange(len(hours)) if rows is None else rows
        before = earlier(now, hours.starts, self.earlier_h)
        places = before
        if rows is not None:  # all that are needed, the earlier ones behind
            before = [each[each >= 0] for each in before]
            behind = len(now) + np.cumsum([0, *map(len, before)])
            for place, begin in zip(places, behind, strict=False):
                place[place >= 0] = np.arange(begin, begin + (place >= 0).sum())
            rows = np.concatenate([now, *before])
        matrix = FEATURE_SETS[self.feature_set].compute(hours, rows)
        if hidden is not None:
            matrix[:, hidden] = np.nan
        answers = self.answers(matrix)
        return Look(matrix[: len(now)], answers[: len(now)], steadied(self.raw(matrix), answers, places))

    def predict_features(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probability of the model alone, not steadied, whether or not it has what it needs."""
        return self.calibrated(self.raw(matrix))

    def calibrated(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        points, values = self.calibration
        result: NDArray[np.float64] = np.interp(raw, points, values)
        return result

    def raw(self, matrix: Matrix) -> NDArray[np.float64]:
        """See ``raw_score``."""
        return raw_score(self.estimator, matrix) if self.quick is None else self.quick(matrix)

    def answers(self, matrix: Matrix) -> NDArray[np.bool_]:
        """True where the model has what it needs."""
        return self.needs.met(matrix, FEATURE_SETS[self.feature_set].names)

    def interval(self, probability: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How often the event came among people with about this prediction: low and high, widened to hold the prediction itself,
        which may lie outside at the edge of a wide band: "3 of 100 (4 to 4)" helps nobody."""
        edges, low, high = self.bands
        band = np.searchsorted(edges, probability, side="right").clip(0, len(low) - 1)
        return np.minimum(low[band], probability), np.maximum(high[band], probability)


def with_news2(
    probability: NDArray[np.float64],
    answers: NDArray[np.bool_],
    points: NDArray[np.integer],
    threshold: float,
    news2_risk: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(rows,) probability and alert: the model's where it ``answers``, else NEWS2's. ``points`` elsewhere do not
    matter."""
    level = np.clip(points, 0, len(news2_risk) - 1)
    return (
        np.where(answers, probability, news2_risk[level]),
        np.where(answers, probability >= threshold, points >= URGENT),
    )


def raw_score(estimator: Any, matrix: Matrix) -> NDArray[np.float64]:
    """Log-odds, or the margin of a support vector machine: what rises with the risk. Of several estimators the mean."""
    parts = estimator if isinstance(estimator, list) else [estimator]
    result: NDArray[np.float64] = np.mean([part.decision_function(matrix) for part in parts], axis=0, dtype=np.float64)
    return result
