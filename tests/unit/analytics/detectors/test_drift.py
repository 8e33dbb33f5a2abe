from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.contract import HIGH, LOW
from analytics.detectors.drift import DETECTOR
from tests.unit.analytics.detectors.series import Series, noise


def settled() -> Series:
    """Two days at 70 SD 8: limit 3 SD hours, allowance 1 SD."""
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(noise(70.0, 8.0, 2880))
    return series


def hours_until(code: np.typing.NDArray[np.uint8], bit: int) -> float:
    return float(np.flatnonzero(code & bit)[0] / 60.0)


@pytest.mark.parametrize(("shift", "bit"), [(16.0, HIGH), (-16.0, LOW)])
def test_two_spreads_add_up_within_three_hours_or_so(shift: float, bit: int) -> None:
    _, code = settled().feed(np.full(720, 70.0 + shift))
    assert hours_until(code, bit) == pytest.approx(3.0, abs=0.5)


def test_half_a_spread_never_adds_up() -> None:
    score, code = settled().feed(np.full(2880, 74.0))
    assert not code.any()
    assert score[-1] == 0.0


def test_one_spike_of_any_size_adds_no_more_than_four_spreads_can() -> None:
    series = settled()
    before = series.state("sum_sd_h")
    series.feed(np.array([350.0]))
    assert series.state("sum_sd_h") - before == pytest.approx(3.0 / 60.0, abs=0.01)


def test_it_comes_back_in_bounded_time_and_can_rise_again() -> None:
    series = settled()
    _, code = series.feed(np.full(6 * 1440, 94.0))
    assert code[-1] & HIGH
    _, code = series.feed(np.full(180, 70.0))
    back = float(np.flatnonzero(code == 0)[0] / 60.0)
    assert back == pytest.approx(
        (3.75 - 2.4) / 4.0, abs=0.1
    )  # from the cap to the inner limit, four times as fast as up
    _, code = series.feed(np.full(300, 94.0))
    assert code[-1] & HIGH


def test_the_reference_stands_still_while_the_sum_is_large() -> None:
    series = settled()
    series.feed(np.full(240, 94.0))
    mean = series.state("mean")
    series.feed(np.full(1440, 94.0))
    assert series.state("mean") == mean


def test_the_side_that_is_not_watched_is_never_raised() -> None:
    series = Series.of(DETECTOR, "spo2")
    series.feed(noise(94.0, 1.0, 2880))
    score, code = series.feed(np.full(600, 99.0))
    assert not code.any()
    assert not score.any()
