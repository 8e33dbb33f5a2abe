"""Linear models on tables as hospitals give them: laboratory values that are seldom measured, on every scale, and alike."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from analytics.risk.candidates import CANDIDATES, Straight, logistic
from analytics.risk.predictor import raw_score

LINEAR = pytest.mark.parametrize("kind", ["logistic", "svm"])


def laboratory(seed: int, rows: int = 4000) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Two vitals that tell, and twenty laboratory values: one row in twenty has them, some are twins of others and missing with
    them, some are far out (platelets of a thousand beside pH), one was never measured, one never changes."""
    random = np.random.default_rng(seed)
    ill = random.random(rows) < 0.1
    vitals = random.normal([84, 18], [12, 3], (rows, 2)) + np.outer(ill, [12, 3])
    scale = 10.0 ** random.integers(-2, 4, 10)
    values = scale * np.exp(random.normal(0, 1, (rows, 10)))
    values[random.random(rows) < 0.005] *= 50  # typed wrong, or dying
    table = np.concatenate([vitals, values, values * 1.0001], axis=1)
    table[random.random(rows) < 0.95, 2:] = np.nan
    table[:, 2], table[:, 3] = np.nan, 7.4
    return table.astype(np.float32), ill


def fitted(kind: str, marked: bool) -> Any:
    x, ill = laboratory(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of equations that are ill-conditioned, or steps without end
        return CANDIDATES[kind](1, marked=marked).fit(x, ill, sample_weight=np.ones(len(x)))


@LINEAR
@pytest.mark.parametrize("marked", [False, True])
def test_values_that_are_seldom_measured_and_far_apart_do_not_drown_those_that_tell(kind: str, marked: bool) -> None:
    x, ill = laboratory(2)
    told = roc_auc_score(ill, raw_score(fitted(kind, marked), x))
    assert told > roc_auc_score(ill, x[:, 0] + 4 * x[:, 1]) - 0.03


@LINEAR
def test_one_wild_value_moves_a_score_no_further_than_a_far_one(kind: str) -> None:
    model, (x, _) = fitted(kind, False), laboratory(3, 50)
    far, wild = x.copy(), x.copy()
    far[:, 5], wild[:, 5] = 1e9, 1e30
    np.testing.assert_array_equal(raw_score(model, far), raw_score(model, wild))
    assert np.ptp(raw_score(model, wild) - raw_score(model, x)) < 5


def test_only_who_may_learn_from_gaps_does() -> None:
    x, ill = laboratory(4)
    ill[np.isnan(x[:, 4])] = False  # who was not asked for blood is well
    gap, middle = x[:1].copy(), x[:1].copy()
    gap[:, 2:], middle[:, 2:] = np.nan, np.nanmedian(x[:, 3:].astype(np.float64))
    for marked in (False, True):
        model = logistic(1, marked=marked).fit(x, ill)
        middle[0, 2:] = np.append(np.nan, model.steps[0][1].center_[3:])
        apart = abs(raw_score(model, gap) - raw_score(model, middle))[0]
        assert (apart > 1) if marked else (apart < 1e-6)


def test_weights_are_told_to_the_line() -> None:
    x, ill = laboratory(5)
    kept = np.random.default_rng(6).random(len(x)) < 0.5
    some, weighted = (Straight(logistic(1).linear) for _ in range(2))
    without = some.fit(x[kept], ill[kept]).steps[-1][1].coef_.copy()
    with_zeros = weighted.fit(x, ill, kept.astype(np.float32)).steps[-1][1].coef_
    assert np.abs(without[0, :2] - with_zeros[0, :2]).max() < 0.05
