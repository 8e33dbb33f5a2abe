"""What is no value of a living person becomes "not measured"; everything else stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.risk.clean import PLAUSIBLE, clean
from analytics.risk.hours import Hours


def cleaned(column: str, *values: float) -> list[float]:
    count = len(values)
    hours = Hours(
        ("p",),
        np.array([0, count], np.int64),
        np.arange(count, dtype=np.int32),
        {column: np.array(values, np.float32)},
    )
    found = clean(hours).columns[column]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(hours.columns[column], np.array(values, np.float32))  # the given table is not changed
    return [float(value) for value in found]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("HR", 999, np.nan),
        ("HR", 0, np.nan),
        ("HR", 20, 20),
        ("HR", 300, 300),
        ("O2Sat", 101, np.nan),
        ("O2Sat", 100, 100),
        ("Temp", 98.6, 37.0),
        ("Temp", 104, 40.0),
        ("Temp", 60, np.nan),
        ("Temp", 20, np.nan),
        ("Temp", 212, np.nan),
        ("FiO2", 40, 0.4),
        ("FiO2", 0.4, 0.4),
        ("FiO2", 4000, np.nan),
        ("Gender", 2, np.nan),
        ("Gender", 1, 1),
        ("Gender", 0, 0),
        ("Gender", -1, np.nan),
        ("Age", 250, np.nan),
        ("Age", 83.14, 83.14),
        ("Lactate", -1, np.nan),
        ("ICULOS", -4, -4),
    ],
)
def test_drawn_values(column: str, value: float, expected: float) -> None:
    assert cleaned(column, value)[0] == pytest.approx(expected, rel=1e-6, nan_ok=True)


@given(st.sampled_from(sorted(PLAUSIBLE)), st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_whatever_is_left_is_plausible_and_cleaning_twice_changes_nothing(column: str, values: list[float]) -> None:
    low, high = PLAUSIBLE[column]
    found = cleaned(column, *values)
    assert all(np.isnan(value) or np.float32(low) <= value <= np.float32(high) for value in found)
    np.testing.assert_array_equal(cleaned(column, *found), found)
