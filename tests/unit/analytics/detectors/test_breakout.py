from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.breakout import DETECTOR
from analytics.detectors.contract import HIGH, LOW, NOT_NORMAL_HIGH
from tests.unit.analytics.detectors.series import Series, noise


def settled() -> Series:
    series = Series.of(DETECTOR, "heart_rate")
    series.feed(noise(70.0, 4.0, 1440))
    return series


def test_outside_by_the_margin_raises_either_side() -> None:
    top, bottom = settled().state("top"), settled().state("bottom")
    assert 72.0 < top < 85.0
    assert 55.0 < bottom < 68.0
    assert settled().feed(np.array([top + 10.1]))[1][0] & HIGH
    assert settled().feed(np.array([bottom - 5.1]))[1][0] & LOW
    score, code = settled().feed(np.array([top + 9.0]))
    assert score[0] == pytest.approx(9.0)
    assert code[0] == NOT_NORMAL_HIGH


def test_a_spike_leaves_no_trace() -> None:
    series = settled()
    top = series.state("top")
    series.feed(np.array([150.0]), 1.0)
    assert series.state("top") - top < 0.05


def test_a_new_level_ends_it_by_itself() -> None:
    series = settled()
    _, code = series.feed(np.full(240, 110.0))
    raised = np.flatnonzero(code & HIGH)
    assert raised[0] == 0
    assert 20 <= raised.size <= 60  # it follows within half an hour (widen_s)
    assert code[-1] == 0


def test_the_range_shrinks_over_days() -> None:
    series = settled()
    series.feed(np.full(60, 110.0))
    wide = series.state("top")
    series.feed(noise(70.0, 4.0, 2880, seed=2))
    shrunk = series.state("top")
    assert shrunk - 70.0 == pytest.approx((wide - 70.0) * np.exp(-1.0), rel=0.15)
    assert settled().state("top") < shrunk < wide


def test_it_says_nothing_in_the_first_half_day() -> None:
    score, code = Series.of(DETECTOR, "heart_rate").feed(np.concatenate([np.full(700, 70.0), [200.0]]))
    assert np.isnan(score).all()
    assert not code.any()
