"""What the model sees: causal, robust, and defined for every record however poor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.risk.hypotension import extended
from analytics.risk.hypotension.features import GROUPS, NAMES, NEEDED, features
from analytics.risk.hypotension.levels import QUANTILES, SPANS, level_kernel
from analytics.risk.hypotension.predict import answers
from tests.unit.analytics.risk.hypotension.people import records

AGE = NAMES.index("MAP_age")
LEVELS = slice(0, AGE)


def _row(minutes: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(NAMES, features(np.array([minutes], np.float32))[0].tolist(), strict=True))


def test_levels_of_a_drawn_course() -> None:
    """Ten hours at 90, the last hour at 70 with a low half hour at 64 before it."""
    course = np.full(600, 90.0)
    course[500:530] = 64
    course[540:] = 70

    found = _row(course)

    assert found == {
        "median_5": 10,
        "median_15": 10,
        "median_60": 10,
        "median_120": 10,
        "median_600": 30,
        "low_60": 10,
        "low_240": pytest.approx(4, abs=0.01),
        "low_600": pytest.approx(10, abs=0.01),
        "lowest_half_hour": 4,
        "MAP_age": pytest.approx(NEEDED / 60),
    }


def test_every_feature_has_a_group() -> None:
    assert len(GROUPS) == len(NAMES)
    assert features(np.full((2, 600), 80, np.float32)).shape == (2, len(NAMES))


@settings(max_examples=30)
@given(st.integers(0, 600), st.floats(30, 230, width=32))
def test_no_minute_after_now_and_none_before_ten_hours_counts(shift: int, other: float) -> None:
    course = records(1).minutes[:, :600]
    longer = np.concatenate([np.full((len(course), shift), other, np.float32), course], axis=1)

    np.testing.assert_array_equal(features(longer), features(course))
    np.testing.assert_array_equal(extended.features(longer), extended.features(course))


def test_another_limit_is_another_pressure() -> None:
    course = records(1).minutes[:, :600]

    higher, lower = features(course, 70.0), features(course - 10)

    np.testing.assert_allclose(higher, lower, atol=1e-4)


@settings(max_examples=40)
@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_missing_minutes_at_any_rate_leave_numbers_or_an_abstention(rate: float, seed: int) -> None:
    course = records(1).minutes[:, :600].copy()
    course[np.random.default_rng(seed).random(course.shape) < rate] = np.nan

    matrix = extended.features(course)
    answered = answers(matrix[:, : len(NAMES)])

    assert np.isfinite(matrix[answered]).all()
    known = (~np.isnan(course[:, -60:])).sum(axis=1)
    assert (answered == (known >= NEEDED)).all()


def test_one_wild_value_moves_nothing_much() -> None:
    course = np.full(600, 80.0)
    course[595] = 200

    assert all(abs(value - 20) < 0.01 for name, value in _row(course).items() if name != "MAP_age")


def test_a_record_with_one_reading_abstains_with_a_level() -> None:
    course = np.full(600, np.nan)
    course[580] = 72.0

    found = _row(course)

    assert np.isnan(found["MAP_age"])
    assert found["median_5"] == found["median_600"] == found["lowest_half_hour"] == 12


def test_a_reading_older_than_an_hour_says_nothing_of_now() -> None:
    course = np.full(600, np.nan)
    course[100:130] = 72.0

    matrix = features(np.array([course], np.float32))

    assert np.isnan(matrix[0, LEVELS]).all()
    assert not answers(matrix)[0]


@pytest.mark.parametrize("minutes", [1, 11, 12, 59, 60, 240, 601])
def test_a_history_of_any_length_is_read(minutes: int) -> None:
    matrix = features(np.full((1, minutes), 80, np.float32))

    assert (matrix[0, LEVELS] == 20).all()
    assert answers(matrix)[0] == (minutes >= NEEDED)


def test_nobody_is_nothing() -> None:
    assert features(np.empty((0, 600), np.float32)).shape == (0, len(NAMES))


def test_the_kernel_gives_the_same_compiled_and_plain() -> None:
    course = records(1).minutes[:2, :600].copy()
    course[0, ::7] = np.nan
    plain = np.empty((2, len(SPANS) * len(QUANTILES) + 1), np.float32)
    level_kernel(course, np.array(SPANS), np.array(QUANTILES), 30, 5, 6, plain)

    known = course[0, -60:][~np.isnan(course[0, -60:])]
    place = SPANS.index(60) * len(QUANTILES) + QUANTILES.index(0.5)
    assert plain[0, place] == pytest.approx(np.median(known), abs=1e-4)
    np.testing.assert_allclose(plain[:, place] - 60, features(course)[:, NAMES.index("median_60")], atol=1e-4)
    np.testing.assert_allclose(plain[:, -1] - 60, features(course)[:, NAMES.index("lowest_half_hour")], atol=1e-4)
