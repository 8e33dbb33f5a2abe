from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.contract import HIGH, LOW
from analytics.detectors.rate import DETECTOR
from tests.unit.analytics.detectors.series import Series


@pytest.mark.parametrize("every_s", [1.0, 60.0, 300.0])
def test_a_ramp_is_measured_exactly_however_often_it_is_read(every_s: float) -> None:
    """1 /min a minute over a window of half an hour is 30; after ten windows the start is forgotten."""
    series = Series.of(DETECTOR, "heart_rate", window_s=1800.0)
    n = round(18_000 / every_s)
    score, _ = series.feed(60.0 + np.arange(n) * every_s / 60.0, every_s)
    assert score[-1] == pytest.approx(30.0, rel=1e-3)


def test_a_ramp_is_measured_exactly_with_irregular_readings() -> None:
    every_s = np.random.default_rng(3).uniform(1.0, 600.0, 400)
    series = Series.of(DETECTOR, "heart_rate", window_s=1800.0)
    score, _ = series.feed(60.0 + np.cumsum(every_s) / 600.0, every_s)
    assert score[-1] == pytest.approx(3.0, rel=1e-2)


def test_a_fall_that_ends_in_the_ordinary_range_is_recovery() -> None:
    series = Series.of(DETECTOR, "resp_rate")
    _, quiet = series.feed(np.full(120, 26.0))
    _, back = series.feed(np.full(60, 16.0))
    assert not quiet.any()
    assert not back.any()


def test_a_fall_out_of_the_ordinary_range_raises() -> None:
    series = Series.of(DETECTOR, "resp_rate")
    series.feed(np.full(120, 16.0))
    _, code = series.feed(np.array([9.0]))
    assert code[0] & LOW


def test_after_a_silence_of_two_windows_it_starts_anew() -> None:
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(np.full(120, 60.0))
    score, code = series.feed(np.array([140.0, 140.0]), np.array([3601.0, 60.0]))
    assert np.isnan(score).all()
    assert not code.any()
    assert series.state("past") == 140.0


def test_a_first_reading_that_is_an_outlier_is_outvoted() -> None:
    series = Series.of(DETECTOR, "heart_rate")
    _, code = series.feed(np.concatenate([[180.0], np.full(240, 70.0)]))
    assert not code.any()


def test_a_side_without_a_limit_never_raises() -> None:
    series = Series.of(DETECTOR, "spo2")
    series.feed(np.full(120, 80.0))
    score, code = series.feed(np.array([100.0]))
    assert score[0] > 15.0
    assert not code[0] & HIGH
