"""Areas under the curves from one sort, against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from analytics.risk.evaluate.discrimination import Ranked, auprc, auroc
from tests.unit.analytics.risk.evaluate.tables import labels_of, starts_of
from vigil.domain.errors import InvalidInput

seeds = st.integers(0, 100_000)


def drawn(seed: int, digits: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores with many ties, and the starts of ten stays of twenty hours."""
    random = np.random.default_rng(seed)
    y = np.r_[0, 1, random.integers(0, 2, 198)]
    return y, np.round(random.random(200) + 0.3 * y, digits), starts_of(*[20] * 10)


@given(seeds)
def test_the_areas_are_those_of_scikit_learn(seed: int) -> None:
    y, score, _ = drawn(seed)

    assert auroc(y, score) == pytest.approx(roc_auc_score(y, score))
    assert auprc(y, score) == pytest.approx(average_precision_score(y, score))


@given(seeds, st.lists(st.integers(0, 3), min_size=10, max_size=10))
def test_a_stay_drawn_twice_counts_twice(seed: int, times: list[int]) -> None:
    y, score, starts = drawn(seed)
    ranked, weights = Ranked(y, score, starts), np.array(times, np.float64)
    rows = np.repeat(weights, 20)
    if not rows[y > 0].any() or not rows[y == 0].any():
        assert math.isnan(ranked.auroc(weights))
        return

    assert ranked.auroc(weights) == pytest.approx(roc_auc_score(y, score, sample_weight=rows))
    assert ranked.auprc(weights) == pytest.approx(average_precision_score(y, score, sample_weight=rows))


@given(seeds, st.integers(1, 9))
def test_alerted_hours_at_a_sensitivity_that_a_threshold_reaches(seed: int, tenth: int) -> None:
    y, score, starts = drawn(seed)
    alerts = score >= tenth / 10
    if not (alerts & (y > 0)).any():
        return

    share = Ranked(y, score, starts).alerted_at((alerts & (y > 0)).sum() / y.sum(), np.ones(10))

    # A lower threshold may add hours without adding a labelled one; the least of them is meant.
    assert share <= alerts.mean() + 1e-12
    assert share == pytest.approx(
        min(
            (score >= each).mean()
            for each in np.unique(score)
            if ((score >= each) & (y > 0)).sum() >= (alerts & (y > 0)).sum()
        )
    )


def test_inside_a_tie_the_alerted_share_is_in_proportion() -> None:
    ranked = Ranked(labels_of("1100"), np.array([1, 1, 1, 0]), starts_of(4))

    assert ranked.alerted_at(0.5, np.ones(1)) == pytest.approx(0.375)


def test_one_kind_of_hour_alone_has_no_area() -> None:
    assert math.isnan(auroc(labels_of("000"), np.arange(3)))
    assert math.isnan(auroc(labels_of("111"), np.arange(3)))
    assert math.isnan(auprc(labels_of("000"), np.arange(3)))
    assert Ranked(labels_of("000"), np.arange(3), starts_of(3)).curves()[0].x == ()


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a number"):
        auroc(labels_of("01"), np.array([0.5, np.nan]))


def test_the_curve_keeps_its_area_when_thinned() -> None:
    random = np.random.default_rng(3)
    y = (random.random(20_000) < 0.1).astype(int)
    score = random.normal(0, 1, 20_000) + y
    ranked = Ranked(y, score, starts_of(*[20] * 1000))

    roc, precision_recall = ranked.curves(200)

    assert np.trapezoid(roc.y, roc.x) == pytest.approx(auroc(y, score), abs=0.002)
    assert len(roc.x) <= 200
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert precision_recall.y[-1] == pytest.approx(y.mean(), abs=1e-5)
