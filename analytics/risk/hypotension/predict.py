"""What the model says of mean pressure minute by minute: the matrix, who is answered for, and the probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hypotension.features import NAMES, features
from analytics.risk.hypotension.records import Minutes, clean
from analytics.risk.predictor import Needs, Predictor

#: ``NEEDED`` minutes of the last hour, told by ``MAP_age``.
NEEDS = Needs(vitals=("bp_mean",), count=1, max_age_h=1.0)


def answers(matrix: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(rows,) True where enough minutes of the last hour are known; elsewhere NEWS2 decides."""
    result: NDArray[np.bool_] = matrix[:, NAMES.index("MAP_age")] <= NEEDS.max_age_h
    return result


def predict(predictor: Predictor, minutes: Minutes) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) probability, NaN where the model abstains, and whether it answers, for (n, m) minutes of mean pressure in mmHg, the
    last column is now, NaN = not known. A mean of a quarter of an hour may stand in all of its minutes."""
    matrix = features(clean(minutes))
    answered = answers(matrix)
    probability = np.full(len(minutes), np.nan)
    if answered.any():
        probability[answered] = predictor.predict_features(matrix[answered])
    return probability, answered
