"""Step 3 of learning: the kinds of model that compete, each as it is before it has seen data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler


def logistic(seed: int) -> Any:
    """What is not known counts as the middle of the others, with a mark of its own."""
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        RobustScaler(),
        LogisticRegression(C=0.01, max_iter=200, random_state=seed),
    )


def svm(seed: int) -> Any:
    """A linear support vector machine in the space of a Gaussian kernel, approximated by 200 points (Nystroem)."""
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        RobustScaler(),
        Nystroem(gamma=0.002, n_components=200, random_state=seed),
        SGDClassifier(loss="hinge", alpha=1e-5, max_iter=20, tol=1e-3, random_state=seed),
    )


def boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=100,
        max_leaf_nodes=15,
        min_samples_leaf=200,
        l2_regularization=10,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )


CANDIDATES: dict[str, Callable[[int], Any]] = {"logistic": logistic, "svm": svm, "boosting": boosting}
