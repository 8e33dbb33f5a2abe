"""The kinds of model that compete, the simplest first; each is told which features it may see and what it learns from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from analytics.risk.candidates import Straight
from analytics.risk.hypotension import features
from analytics.risk.hypotension.extended import COURSE, NAMES, NEAR

#: Which way a feature moves the risk: 1 up, 0 either; all others are levels, and a higher level never raises it.
_DIRECTION = {
    **dict.fromkeys(("share_5", "share_10", "share_5_600"), 1),
    **dict.fromkeys(("slope", "drop", "spread_60", "spread_600", "MAP_age"), 0),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """``make(seed)``: the estimator before it has seen data; ``names``: the features that it is given."""

    names: tuple[str, ...]
    make: Callable[[int], Any]

    def of(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its columns of a table with all features."""
        return x[:, [NAMES.index(name) for name in self.names]]


def logistic(seed: int) -> Any:
    """A strong L2, so that neighbouring levels share the weight."""
    return Straight(LogisticRegression(C=0.01, max_iter=500, random_state=seed))


def svm(seed: int) -> Any:
    """A linear support vector machine in the space of a Gaussian kernel, approximated by 100 points (Nystroem)."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        Nystroem(gamma=0.03, n_components=100, random_state=seed),
        LinearSVC(C=1.0, max_iter=5000, random_state=seed),
    )


def boosting(names: tuple[str, ...]) -> Callable[[int], Any]:
    """Forty small trees. Monotone: a lower pressure never means a lower risk."""

    def make(seed: int) -> Any:
        return HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=40,
            max_leaf_nodes=6,
            min_samples_leaf=50,
            l2_regularization=10,
            early_stopping=False,
            monotonic_cst=[_DIRECTION.get(name, -1) for name in names],
            random_state=seed,
        )

    return make


LEVELS = features.NAMES[:-1]
ALL = (*LEVELS, *COURSE)

CANDIDATES: Mapping[str, Candidate] = {
    "logistic: last hour": Candidate(("median_60",), logistic),
    "logistic: last hour, low of four hours": Candidate(("median_60", "low_240"), logistic),
    "logistic: last hour, lowest half hour": Candidate(("median_60", "lowest_half_hour"), logistic),
    "logistic: the same as nearness": Candidate(("near_60", "near_lowest"), logistic),
    "logistic: last hour, low, lowest as nearness": Candidate(NEAR, logistic),
    "logistic: levels": Candidate(LEVELS, logistic),
    "logistic: everything": Candidate(ALL, logistic),
    "boosting: levels": Candidate(LEVELS, boosting(LEVELS)),
    "boosting: everything": Candidate(ALL, boosting(ALL)),
    "support vector machine: levels": Candidate(LEVELS, svm),
}
