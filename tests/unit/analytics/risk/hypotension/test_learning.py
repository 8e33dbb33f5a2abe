"""What is learned from: earlier hours only, with labels from the pressure itself, and no way from the future into a window."""

from __future__ import annotations

import numpy as np

from analytics.risk.hypotension.features import features
from analytics.risk.hypotension.learning import LIMITS, earlier_hours, forecast_minute
from analytics.risk.hypotension.records import BEFORE, Records
from tests.unit.analytics.risk.hypotension.people import records

WINDOWS = 29


def test_each_record_has_a_window_a_quarter_of_an_hour_at_each_limit() -> None:
    found = earlier_hours(records())

    assert len(found.y) == 12 * WINDOWS * len(LIMITS)
    assert np.bincount(found.record).tolist() == [WINDOWS * len(LIMITS)] * 12


def test_the_forecast_hour_is_not_learned_from() -> None:
    given = records()
    other = given.minutes.copy()
    other[:, BEFORE:] = 42

    one, two = earlier_hours(given), earlier_hours(Records(given.ids, other))

    np.testing.assert_array_equal(one.x, two.x)
    np.testing.assert_array_equal(one.y, two.y)


def test_the_label_of_the_judged_minute_is_the_authors() -> None:
    given = records()

    found = forecast_minute(given)

    assert found.y.tolist() == given.event.tolist()
    np.testing.assert_array_equal(found.x, features(given.minutes[:, :BEFORE]))


def test_a_window_knows_nothing_of_the_hour_that_follows() -> None:
    """Cut off behind a window, its row is the same; only its label hears of the fall."""
    steady = np.full((1, 660), 90.0, np.float32)
    falling = steady.copy()
    falling[0, 120:] = 50

    one, two = (earlier_hours(Records(("C1_1",), each)) for each in (steady, falling))
    first = np.arange(len(LIMITS)) * WINDOWS

    np.testing.assert_array_equal(one.x[first], two.x[first])
    assert one.y[first].tolist() == [0] * 5
    assert two.y[first].tolist() == [1] * 5


def test_labels_follow_the_limits() -> None:
    steady = np.full((1, 660), 72.0, np.float32)

    found = earlier_hours(Records(("C1_1",), steady))

    at = found.y.reshape(len(LIMITS), WINDOWS)
    assert at.all(axis=1).tolist() == [False, False, False, True, True]
    assert not at[:3].any()
    assert found.ahead.reshape(len(LIMITS), WINDOWS).all(axis=1).tolist() == [True, True, True, False, False]


def test_windows_of_which_nothing_is_known_are_left_out() -> None:
    silent = np.full((1, 660), np.nan, np.float32)
    silent[0, :300] = 80

    found = earlier_hours(Records(("C1_1",), silent))

    assert 0 < len(found.y) < WINDOWS * len(LIMITS)
    assert np.isfinite(found.x).all()
