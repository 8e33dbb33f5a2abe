"""The stored model on minutes of mean pressure."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.risk.hypotension.candidates import boosting
from analytics.risk.hypotension.features import NAMES, NEEDED
from analytics.risk.hypotension.learning import earlier_hours
from analytics.risk.hypotension.predict import NEEDS, predict
from analytics.risk.predictor import Predictor
from tests.unit.analytics.risk.hypotension.people import records


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    learning = earlier_hours(records())
    estimator = boosting(NAMES)(1).fit(learning.x, learning.y)
    bands = (np.array([0.5]), np.array([0.0, 0.3]), np.array([0.3, 1.0]))
    return Predictor(
        "hypotension",
        estimator,
        (np.array([-8.0, 8.0]), np.array([0.01, 0.99])),
        0.5,
        NEEDS,
        np.zeros(22),
        bands,
    )


def test_a_low_person_is_at_higher_risk_than_a_high_one(predictor: Predictor) -> None:
    probability, answered = predict(predictor, np.array([[62.0] * 600, [95.0] * 600], np.float32))

    assert answered.all()
    assert probability[0] > probability[1]


def test_too_few_minutes_are_not_answered_for(predictor: Predictor) -> None:
    """A cuff once an hour, a cuff every five minutes, nothing at all, and a line that reads zero."""
    minutes = np.full((4, 600), np.nan, np.float32)
    minutes[0, 59::60] = 62
    minutes[1, 4::5] = 62
    minutes[3] = 0

    probability, answered = predict(predictor, minutes)

    assert answered.tolist() == [False, True, False, False]
    assert np.isnan(probability).tolist() == [True, False, True, True]


def test_nobody_is_asked(predictor: Predictor) -> None:
    probability, answered = predict(predictor, np.empty((0, 600), np.float32))

    assert len(probability) == len(answered) == 0


def test_how_old_a_value_is_moves_no_probability(predictor: Predictor) -> None:
    """``MAP_age`` is the same in all that was learned from, so nothing can hang on it."""
    row = np.full((2, len(NAMES)), 10, np.float32)
    row[:, NAMES.index("MAP_age")] = [NEEDED / 60, 0.9]

    one, other = predictor.predict_features(row)

    assert one == other
