from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.baseline import DETECTOR
from analytics.detectors.contract import HIGH, LOW, NOT_NORMAL_HIGH
from tests.unit.analytics.detectors.series import Series, noise

DAY_OF_MINUTES = 1440


def settled(level: float = 70.0, spread: float = 8.0) -> Series:
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(noise(level, spread, 2 * DAY_OF_MINUTES))
    return series


def test_before_a_window_is_learnt_it_is_the_plain_mean_and_variance_over_time() -> None:
    value = noise(70.0, 8.0, 700)
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(value)
    # The first reading stands for no time: nothing is known of what was before it.
    assert series.state("mean") == pytest.approx(value[1:].mean(), rel=1e-12)
    assert series.state("variance") == pytest.approx(value[1:].var(), rel=1e-9)


def test_a_reading_counts_by_the_time_it_stands_for_and_by_its_quality() -> None:
    plain, doubtful = Series.of(DETECTOR, "heart_rate"), Series.of(DETECTOR, "heart_rate")
    for series in (plain, doubtful):
        series.feed(np.full(31, 60.0), 60.0)
    plain.feed(np.array([90.0]), 30.0)
    doubtful.feed(np.array([90.0]), 60.0, weight=0.5)
    assert plain.state("mean") == doubtful.state("mean") == pytest.approx(60.0 + 30.0 * 30 / 1830)


def test_it_is_silent_until_it_has_seen_enough_time_and_enough_readings() -> None:
    hourly = Series.of(DETECTOR, "heart_rate")
    score, code = hourly.feed(np.concatenate([np.full(100, 70.0), [150.0]]), 3600.0)
    assert np.isnan(score).all()  # four days, but a hundred readings stand for a minute each
    assert not code.any()
    quick = Series.of(DETECTOR, "heart_rate")
    score, _ = quick.feed(np.full(20_000, 70.0), 1.0)
    assert np.isnan(score).all()  # many readings, but not yet half a day


def test_it_says_how_many_spreads_away() -> None:
    series = settled()
    score, code = series.feed(np.array([70.0 + 5 * 8.0]))
    assert score[0] == pytest.approx(5.0, abs=0.3)
    assert code[0] == HIGH | NOT_NORMAL_HIGH


def test_a_very_calm_person_has_the_least_spread_that_is_believed() -> None:
    series = settled(spread=0.1)
    score, code = series.feed(np.array([82.0]))
    assert score[0] == pytest.approx(2.0, abs=0.05)
    assert not code[0] & HIGH


def test_it_does_not_learn_from_what_it_raises() -> None:
    series = settled()
    mean, variance = series.state("mean"), series.state("variance")
    _, code = series.feed(np.full(500, 130.0))
    assert (code & HIGH != 0).all()
    assert (series.state("mean"), series.state("variance")) == (mean, variance)
    _, code = series.feed(np.array([70.0]))
    assert code[0] == 0


def test_it_follows_a_change_that_it_does_not_raise() -> None:
    series = settled()
    series.feed(noise(80.0, 8.0, 4 * DAY_OF_MINUTES, seed=2))
    assert series.state("mean") == pytest.approx(80.0 - 10.0 * np.exp(-2.0), abs=1.0)


def test_both_sides() -> None:
    _, code = settled().feed(np.array([40.0]))
    assert code[0] & LOW
