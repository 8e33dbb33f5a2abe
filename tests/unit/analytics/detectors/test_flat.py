from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.detectors.contract import HIGH, NOT_NORMAL_HIGH
from analytics.detectors.flat import DETECTOR
from simulators.replay.bidmc import load
from tests.unit.analytics.detectors.series import Series


def test_five_minutes_of_one_heart_rate_at_1_hz() -> None:
    score, code = Series.of(DETECTOR, "heart_rate").feed(np.full(302, 72.0), 1.0)
    assert score[300] == 300.0
    assert code[299] == 0
    assert code[300] == HIGH | NOT_NORMAL_HIGH


def test_it_needs_repeats_as_well_as_time() -> None:
    """Two equal values an hour apart prove nothing; ten of them, counted half a minute each, do."""
    _, code = Series.of(DETECTOR, "heart_rate").feed(np.full(12, 72.0), 3600.0)
    assert np.flatnonzero(code).tolist() == [10, 11]


def test_one_other_value_ends_it() -> None:
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(np.full(400, 72.0), 1.0)
    score, code = series.feed(np.array([73.0, 72.0, 72.0]), 1.0)
    assert score.tolist() == [0.0, 0.0, 1.0]
    assert not code.any()


def test_hours_of_the_same_saturation_are_normal() -> None:
    _, code = Series.of(DETECTOR, "spo2").feed(np.full(3 * 3600, 98.0), 1.0)
    assert not code.any()


@pytest.mark.recordings
def test_nobody_on_bidmc_is_flat(recordings: Path) -> None:
    longest = 0.0
    for person in load(recordings / "bidmc"):
        value = person.columns["hr", None]
        score, code = Series.of(DETECTOR, "heart_rate").feed(value[~np.isnan(value)], 1.0)
        assert not code.any()
        longest = max(longest, float(score.max()))
    assert longest == 121.0
