from __future__ import annotations

import numpy as np
import pytest

from analytics.patient_detectors.multivariate import (
    EVERY,
    LEARNT_FROM,
    LEAST_MINUTES,
    Model,
    train,
    training_end,
)
from vigil.domain.errors import InvalidInput
from vigil.domain.readings import F64
from vigil.domain.times import HOUR, MINUTE

#: Heart rate and breathing rise together with effort (correlation 0.8), saturation stands apart.
MEAN = np.array([75.0, 16.0, 96.5])
COVARIANCE = np.array([[64.0, 12.8, 0.0], [12.8, 4.0, 0.0], [0.0, 0.0, 0.6]])


def minutes(n: int, seed: int) -> F64:
    drawn = np.random.default_rng(seed).multivariate_normal(MEAN, COVARIANCE, n)
    return np.round(drawn, 0).astype(np.float64)


@pytest.fixture(scope="module")
def day() -> F64:
    return minutes(1440, 1)


@pytest.fixture(scope="module")
def model(day: F64) -> Model:
    return train(day, 5)


def test_a_joint_anomaly_that_no_single_vital_shows(model: Model) -> None:
    """Heart rate 1.5 SD up, breathing 1.5 SD down: each is met by one minute in fifteen, both together never."""
    together = np.array([[75.0 + 12.0, 16.0 + 3.0, 96.5]])
    apart = np.array([[75.0 + 12.0, 16.0 - 3.0, 96.5]])
    assert model.score(together)[0] < 1.5
    assert model.score(apart)[0] > 3.5
    assert model.score(apart)[0] > model.odd_above
    assert np.nanargmin(model.parts(apart)[0]) == 2  # saturation adds least


def test_what_is_usual_scores_like_a_normal_variable(model: Model) -> None:
    score = model.score(minutes(5000, 2))
    assert abs(score.mean()) < 0.2
    assert 0.8 < score.std() < 1.2
    assert (score > model.odd_above).mean() < 0.015


def test_the_same_minutes_and_seed_give_the_same_model(day: F64, model: Model) -> None:
    again = train(day.copy(), 5)
    assert again.version == model.version
    assert again.odd_above == model.odd_above
    for name in ("learnt", "location", "covariance"):
        assert getattr(again, name).tobytes() == getattr(model, name).tobytes()


def test_other_minutes_or_another_seed_have_another_version(day: F64, model: Model) -> None:
    other = day.copy()
    other[700, 1] += 1.0
    assert len({model.version, train(other, 5).version, train(day, 6).version}) == 3


def test_an_episode_in_the_training_day_does_not_become_normal(day: F64, model: Model) -> None:
    ill = day.copy()
    ill[1200:] += np.array([40.0, 10.0, -5.0])  # four hours of 24
    sick = np.array([[115.0, 26.0, 91.5]])
    assert train(ill, 5).score(sick)[0] > 0.7 * model.score(sick)[0]


def test_missing_columns_are_left_out_and_scores_stay_comparable(model: Model) -> None:
    score = model.score(np.where(np.array([0, 0, 1]), np.nan, minutes(5000, 3)))
    assert abs(score.mean()) < 0.2
    assert 0.8 < score.std() < 1.2


def test_one_vital_alone_is_no_combination(model: Model) -> None:
    rows = np.array([[140.0, np.nan, np.nan], [np.nan] * 3, [75.0, 16.0, np.nan]])
    assert np.isnan(model.score(rows)).tolist() == [True, True, False]
    assert np.isnan(model.parts(rows)[0]).all()


def test_parts_add_up_to_the_distance(model: Model) -> None:
    rows = minutes(50, 4)
    away = rows - model.location
    distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(model.covariance), away)
    assert model.parts(rows).sum(axis=1) == pytest.approx(distance)


def test_a_column_that_is_mostly_missing_is_not_learnt(day: F64) -> None:
    pressure = np.full((1440, 1), np.nan)
    pressure[::15] = 120.0
    model = train(np.hstack([day, pressure]), 5)
    assert model.learnt.tolist() == [True, True, True, False]
    assert np.isnan(model.location[3])
    row = np.array([[75.0, 16.0, 96.0, 60.0]])
    assert model.score(row)[0] == model.score(np.where(np.arange(4) == 3, np.nan, row))[0]


def test_a_column_that_stands_still_all_day_is_learnt(day: F64) -> None:
    still = day.copy()
    still[:, 2] = 98.0
    model = train(still, 5)
    assert model.score(np.array([[75.0, 16.0, 98.0]]))[0] < 1.0
    assert model.score(np.array([[75.0, 16.0, 90.0]]))[0] > 5.0


def test_too_little_data_is_refused_with_how_much_is_needed(day: F64) -> None:
    train(day[:LEAST_MINUTES], 5)
    with pytest.raises(InvalidInput, match="3 columns in 719 whole minutes, needs 2 in 720"):
        train(day[: LEAST_MINUTES - 1], 5)
    with pytest.raises(InvalidInput, match="1 columns in 1440"):
        train(day[:, :1], 5)
    with pytest.raises(InvalidInput, match="0 columns in 0"):
        train(day[:0], 5)


def test_nothing_given_is_changed(day: F64) -> None:
    kept = day.copy()
    train(day, 5).score(day)
    assert day.tobytes() == kept.tobytes()


def test_the_schedule_follows_the_minute_clock() -> None:
    start = 1_767_225_600_000_000  # midnight UTC
    ends = [start + (minute + 1) * MINUTE for minute in range(24 * 60)]
    begins = [end for end in ends if training_end(end) == end]
    assert [end - start for end in begins] == [6 * HOUR, 12 * HOUR, 18 * HOUR, 24 * HOUR]
    assert training_end(start + 7 * HOUR + 30 * MINUTE) == start + 6 * HOUR
    assert LEARNT_FROM == 4 * EVERY
