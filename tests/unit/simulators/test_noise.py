from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.noise import Lowpass, MovingMean, OrnsteinUhlenbeck, mean_variance, normal_share

TAU_S = {"quick": 12.0, "slow": 3600.0}


@given(cuts=st.lists(st.integers(1, 30), min_size=1, max_size=6), step_s=st.sampled_from([1.0, 60.0, 3600.0]))
def test_blocks_of_any_size_give_the_numbers_of_one_run(cuts: list[int], step_s: float) -> None:
    whole = OrnsteinUhlenbeck(TAU_S, 3, np.random.default_rng(4)).advance(sum(cuts), step_s)
    pieces = OrnsteinUhlenbeck(TAU_S, 3, np.random.default_rng(4))
    parts = [pieces.advance(cut, step_s) for cut in cuts]
    for name in TAU_S:
        assert np.array_equal(np.concatenate([part[name] for part in parts]), whole[name])


def test_an_ornstein_uhlenbeck_process_has_unit_variance_and_its_time_constant() -> None:
    values = OrnsteinUhlenbeck({"one": 10.0}, 200, np.random.default_rng(1)).advance(2000, 1.0)["one"]
    assert values.std() == pytest.approx(1.0, abs=0.03)
    assert (values[10:] * values[:-10]).mean() == pytest.approx(math.exp(-1.0), abs=0.03)


def test_the_variance_of_a_mean_is_that_of_averaged_seconds() -> None:
    seconds = OrnsteinUhlenbeck({"one": 12.0}, 400, np.random.default_rng(2)).advance(6000, 1.0)["one"]
    minutes = seconds.reshape(100, 60, 400).mean(axis=1)
    assert minutes.var() == pytest.approx(mean_variance(60.0, 12.0), rel=0.05)


def test_a_filter_in_minutes_is_the_mean_of_the_filter_in_seconds() -> None:
    minutes = np.array([[0.0], [5.0], [5.0], [1.0]])
    start = {"y": np.zeros(1)}
    coarse = Lowpass({"y": 78.0}, start).advance({"y": minutes}, 60.0)["y"]
    fine = Lowpass({"y": 78.0}, start).advance({"y": np.repeat(minutes, 60, axis=0)}, 1.0)["y"]
    assert coarse[:, 0] == pytest.approx(fine.reshape(4, 60).mean(axis=1))


def test_a_filter_at_its_end_answers_a_step_by_the_exponential() -> None:
    answer = Lowpass({"y": 90.0}, {"y": np.zeros(1)}, at_end=True).advance({"y": np.ones((3, 1))}, 60.0)["y"]
    assert answer[:, 0] == pytest.approx([1 - math.exp(-(k + 1) * 60 / 90) for k in range(3)])


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_a_moving_mean_can_be_split_anywhere(cuts: list[int]) -> None:
    values = np.random.default_rng(3).standard_normal(sum(cuts))
    whole = MovingMean(5, lag=7).advance(values)
    pieces = MovingMean(5, lag=7)
    parts = [pieces.advance(part) for part in np.split(values, np.cumsum(cuts)[:-1])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_moving_mean_shows_what_was_lag_steps_ago() -> None:
    ramp = np.arange(30, dtype=np.float64)
    assert MovingMean(3, lag=4).advance(ramp)[20] == pytest.approx(20 - 4 - 1)


def test_the_normal_table_is_the_normal_distribution() -> None:
    z = np.linspace(-5, 5, 777)
    exact = [0.5 * math.erfc(-value / math.sqrt(2)) for value in z]
    assert normal_share(z) == pytest.approx(np.array(exact), abs=1e-6)
