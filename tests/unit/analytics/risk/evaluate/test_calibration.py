"""Calibration of predictions whose truth is known because the events were drawn from it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analytics.risk.evaluate.calibration import calibration, log_odds
from tests.unit.analytics.risk.evaluate.tables import labels_of, starts_of

N = 40_000


def drawn(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities about 10 %, and events that came as often."""
    random = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(2.5 - random.normal(0, 1, N)))
    return (random.random(N) < p).astype(int), p


def moved(p: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(intercept + slope * log_odds(p))))


def refitted(y: np.ndarray, p: np.ndarray) -> float:
    """Slope by scikit-learn, without a penalty."""
    model = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    return float(model.fit(log_odds(p)[:, None], y).coef_[0, 0])


def test_an_honest_model_has_slope_1_and_intercept_0_inside_its_intervals() -> None:
    y, p = drawn()
    found = calibration(y, p)

    for figure, ideal in ((found.slope, 1), (found.intercept, 0), (found.observed_expected, 1)):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < ideal < figure.high


def test_predictions_twice_too_extreme_have_slope_one_half() -> None:
    y, p = drawn()

    found = calibration(y, moved(p, 2, 2.5))

    assert found.slope.value == pytest.approx(0.5, abs=0.02)


def test_predictions_too_low_everywhere_are_told_by_intercept_and_ratio() -> None:
    y, p = drawn()

    found = calibration(y, moved(p, 1, -1))

    assert found.slope.value == pytest.approx(1, abs=0.04)
    assert found.intercept.value == pytest.approx(1, abs=0.06)
    assert found.observed_expected.value == pytest.approx(y.sum() / moved(p, 1, -1).sum(), rel=1e-5)


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    y, p = drawn()
    theirs = refitted(y, p)

    assert calibration(y, p).slope.value == pytest.approx(theirs, rel=1e-4)


def test_the_interval_of_the_slope_is_as_wide_as_refitting_every_draw_makes_it() -> None:
    y, p = (column[:3000] for column in drawn())
    random = np.random.default_rng(5)
    drawn_rows = (random.integers(0, 3000, 3000) for _ in range(150))
    slopes = [refitted(y[rows], p[rows]) for rows in drawn_rows]
    low, high = np.quantile(slopes, (0.025, 0.975))

    found = calibration(y, p)

    assert found.slope.high is not None
    assert found.slope.low is not None
    assert found.slope.high - found.slope.low == pytest.approx(high - low, rel=0.25)


def test_brier_is_the_mean_squared_error() -> None:
    assert calibration(labels_of("10"), np.array([0.8, 0.4])).brier.value == pytest.approx((0.04 + 0.16) / 2)


def test_the_curve_has_every_hour_once_and_follows_the_truth() -> None:
    y, p = drawn()
    curve = calibration(y, p, starts_of(*[4] * (N // 4))).curve

    assert sum(each.hours for each in curve) == N
    assert [each.low for each in curve] == sorted(each.low for each in curve)
    for each in curve:
        assert each.observed.value == pytest.approx(each.predicted, abs=0.03)


def test_fewer_than_ten_patients_with_an_event_leave_no_rate_and_no_count() -> None:
    """Hours are many, but they are those of nine patients."""
    y = np.repeat([1] * 9 + [0] * 91, 20)
    curve = calibration(y, np.full(2000, 0.1), starts_of(*[20] * 100)).curve

    assert [(each.patients_with_event, each.observed.value, each.patients) for each in curve] == [(None, None, 100)]


@pytest.mark.parametrize(
    ("y", "p"),
    [("0000", [0.1, 0.2, 0.3, 0.4]), ("0101", [0.5, 0.5, 0.5, 0.5]), ("0011", [0.1, 0.2, 0.3, 0.4])],
    ids=["one kind of hour", "one prediction", "separated"],
)
def test_a_slope_that_no_fit_can_find_is_none(y: str, p: list[float]) -> None:
    assert calibration(labels_of(y), np.array(p)).slope.value is None


def test_predictions_of_exactly_0_and_1_are_no_accident() -> None:
    y, p = drawn()

    assert calibration(y, np.where(p > 0.8, 1.0, np.where(p < 0.01, 0.0, p))).slope.value is not None
