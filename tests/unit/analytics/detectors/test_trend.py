from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.contract import HIGH
from analytics.detectors.trend import DETECTOR
from tests.unit.analytics.detectors.series import Series, noise

QUIET = {"doubt": 0.0}


@pytest.mark.parametrize("every_s", [60.0, 600.0])
def test_a_ramp_is_measured_exactly(every_s: float) -> None:
    """0.1 /min an hour for two days: 0.6 over the window of 6 h."""
    series = Series.of(DETECTOR, "resp_rate", **QUIET, most_s=900.0)
    hours = np.arange(0.0, 60.0, every_s / 3600.0)
    score, _ = series.feed(14.0 + 0.1 * hours, every_s)
    assert score[-1] == pytest.approx(0.6, rel=0.01)


def test_single_outliers_do_not_move_it() -> None:
    clean, spiked = Series.of(DETECTOR, "resp_rate", **QUIET), Series.of(DETECTOR, "resp_rate", **QUIET)
    value = noise(16.0, 1.0, 1440)
    wild = value.copy()
    wild[::60] = 60.0
    (calm, _), (shaken, code) = clean.feed(value), spiked.feed(wild)
    assert not code.any()
    assert np.nanmax(np.abs(calm - shaken)) < 0.2


def test_a_rise_must_be_larger_than_its_doubt() -> None:
    """The same rise of 1.8 over the window: sure in calm breathing, not in restless."""
    hours = np.arange(0.0, 24.0, 1 / 60)
    raised = []
    for spread in (0.8, 4.0):
        series = Series.of(DETECTOR, "resp_rate")
        _, code = series.feed(12.0 + 0.3 * hours + noise(0.0, spread, hours.size))
        raised.append(bool(code[-1] & HIGH))
    assert raised == [True, False]


def test_it_says_nothing_before_a_window_is_learnt() -> None:
    score, code = Series.of(DETECTOR, "body_temp").feed(36.0 + 0.01 * np.arange(300))
    assert np.isnan(score).all()
    assert not code.any()


def test_it_ends_when_the_rise_ends() -> None:
    series = Series.of(DETECTOR, "body_temp")
    _, rising = series.feed(36.5 + np.arange(720) * 0.002)
    _, level = series.feed(np.full(2880, 37.94))
    assert rising[-1] & HIGH
    assert level[-1] == 0
