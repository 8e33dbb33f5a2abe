"""From a raw score to a probability that can be believed: an ascending line of straight pieces, see ``Predictor``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from analytics.risk.train.task import Floats

#: Points of the line, at equal steps of rank; ranks above the last tenth are divided as finely again, for alerts lie there.
_RANKS = np.unique(np.concatenate([np.linspace(0, 1, 33), np.linspace(0.9, 1, 33)]))


def platt(raw: Floats, y: NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Platt's: log-odds are a straight line of the raw score (Platt, "Probabilistic outputs for support vector machines", 1999),
    his targets a little inside 0 and 1 by a ridge that is too weak to be seen from some hundred rows on.

    A score that says nothing (one value only, or one that falls where the risk rises) gives the overall rate everywhere.
    """
    points = np.unique(np.quantile(raw, _RANKS))
    rate = float(np.mean(y))
    if len(points) < 2 or rate in (0.0, 1.0):
        return np.array([0.0, 1.0]), np.array([rate, rate])
    middle, spread = float(np.median(raw)), float(np.std(raw)) or 1.0
    line: Any = LogisticRegression(C=10.0).fit(((raw - middle) / spread)[:, None], y)
    if line.coef_[0, 0] <= 0:
        return np.array([0.0, 1.0]), np.array([rate, rate])
    return points, np.asarray(line.predict_proba(((points - middle) / spread)[:, None])[:, 1], np.float64)
