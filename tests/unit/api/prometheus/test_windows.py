"""Windows over samples, against the plain way of computing them one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.prometheus.samples import Series
from api.prometheus.windows import CHANGES, OVER_TIME, change, over_time, quantile, quantile_over_time, windows_of
from vigil.domain.readings import F64, I64

PLAIN: dict[str, Callable[[F64], Any]] = {
    "avg_over_time": np.mean,
    "min_over_time": np.min,
    "max_over_time": np.max,
    "sum_over_time": np.sum,
    "count_over_time": np.size,
    "last_over_time": lambda values: values[-1],
    "stddev_over_time": np.std,
    "stdvar_over_time": np.var,
    "present_over_time": lambda _values: 1.0,
}


def test_every_function_has_its_plain_twin() -> None:
    assert set(PLAIN) == set(OVER_TIME)


def series(at: I64, value: F64) -> Series:
    return Series((), at, value, 300)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.floats(-500, 500)), max_size=30, unique_by=lambda one: one[0]),
    st.integers(1, 40),
    st.integers(-20, 20),
)
def test_windows_hold_what_lies_after_their_start_up_to_their_end(
    samples: list[tuple[int, float]], length: int, offset: int
) -> None:
    samples.sort()
    at = np.array([one for one, _ in samples], np.int64)
    value = np.array([one for _, one in samples], np.float64)
    times = np.arange(-10, 90, 7, dtype=np.int64)
    windows = windows_of(series(at, value), times, offset, length)
    for name, plain in PLAIN.items():
        found, there = over_time(name, windows)
        for k, time in enumerate(times - offset):
            inside = value[(at > time - length) & (at <= time)]
            assert there[k] == bool(inside.size)
            if inside.size:
                # Squares of up to 500 around the mean of all windows cancel to 1.5e-8 of them in a deviation.
                assert found[k] == pytest.approx(float(plain(inside)), rel=1e-9, abs=1e-5), name
    shares = np.full(times.size, 0.25)
    found, there = quantile_over_time(shares, windows)
    for k, time in enumerate(times - offset):
        inside = value[(at > time - length) & (at <= time)]
        if inside.size:
            assert found[k] == pytest.approx(float(np.quantile(inside, 0.25)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", CHANGES)
def test_a_steady_climb_has_its_slope_wherever_the_window_lies(name: str) -> None:
    at = np.arange(0, 100_000_000, 1_000_000, dtype=np.int64) + 250_000
    steady = series(at, np.arange(100.0) * 3 + 50)
    found, there = change(name, windows_of(steady, np.array([60_000_000, 61_000_000], np.int64), 0, 30_000_000))
    assert there.all()
    assert found == pytest.approx([3.0, 3.0] if name == "rate" else [90.0, 90.0])


def test_a_counter_that_starts_again_goes_on_and_a_gauge_falls() -> None:
    at = np.array([1, 2, 3, 4], np.int64) * 1_000_000
    restarted = series(at, np.array([8.0, 10.0, 1.0, 3.0]))
    windows = windows_of(restarted, np.array([4_000_000], np.int64), 0, 4_000_000)
    assert change("increase", windows)[0] == pytest.approx([5 * 4 / 3])
    assert change("delta", windows)[0] == pytest.approx([-5 * 4 / 3])


def test_one_sample_is_no_change() -> None:
    alone = series(np.array([5], np.int64), np.array([1.0]))
    assert not change("rate", windows_of(alone, np.array([5, 90], np.int64), 0, 10))[1].any()


def test_quantiles_of_nothing_and_of_no_number() -> None:
    assert np.isnan(quantile(0.5, np.empty(0)))
    assert np.isnan(quantile(float("nan"), np.array([1.0])))
    assert np.isnan(quantile(0.0, np.array([1.0, np.nan])))
    assert quantile(1.0, np.array([1.0, np.nan])) == 1.0


def test_the_end_of_a_value_is_no_sample() -> None:
    ended = Series((), np.array([1, 2], np.int64), np.array([5.0, 0.0]), 300, np.array([False, True]))
    assert over_time("count_over_time", windows_of(ended, np.array([3], np.int64), 0, 3))[0].tolist() == [1.0]
