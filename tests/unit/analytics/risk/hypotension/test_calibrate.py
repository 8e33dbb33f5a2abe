"""From score to probability without the labels, and the threshold between two records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.risk.hypotension.calibrate import calibrate, threshold

STARTS = np.arange(7)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60))
def test_a_higher_score_is_never_a_lower_probability(scores: list[float]) -> None:
    points, values = calibrate(np.array(scores), np.zeros(len(scores), np.int8))

    assert (np.diff(points) > 0).all()
    assert (np.diff(values) >= 0).all()
    assert ((values > 0) & (values < 1)).all()


def test_the_middle_score_is_even_odds_whatever_the_labels_say() -> None:
    scores = np.array([-3.0, -1.0, 0.5, 1.0, 2.0])

    one, two = (calibrate(scores, np.full(5, label, np.int8)) for label in (0, 1))

    np.testing.assert_array_equal(one, two)
    assert np.interp(0.5, *one) == pytest.approx(0.5, abs=0.01)


def test_equal_scores_tell_nothing() -> None:
    assert np.interp(3.0, *calibrate(np.full(4, 3.0), np.zeros(4, np.int8))) == 0.5


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 0, 0, 1, 1, 1], 0.35),  # between 0.3 and 0.4
        ([0, 0, 1, 0, 1, 1], 0.45),  # as good as 0.25: the higher of equals
        ([1, 1, 1, 0, 0, 0], 0.1),  # a score that is upside down: everybody
    ],
)
def test_the_threshold_lies_where_most_is_gained(labels: list[int], expected: float) -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])

    assert threshold(np.array(labels, np.int8), probability, STARTS) == pytest.approx(expected)
