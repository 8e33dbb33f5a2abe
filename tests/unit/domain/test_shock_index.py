"""The shock index against the vectors of the reference page "Early-warning scores", section 4."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import InvalidInput
from vigil.domain.scores import ScoreStatus
from vigil.domain.shock_index import HEART_RATES, PRESSURES, TOGETHER, ShockLevel, shock_index

VECTORS = [
    (70, 120, 0.58, ShockLevel.NORMAL),
    (90, 100, 0.90, ShockLevel.NORMAL),
    (91, 100, 0.91, ShockLevel.RAISED),
    (100, 100, 1.00, ShockLevel.RAISED),
    (101, 100, 1.01, ShockLevel.HIGH),
    (110, 90, 1.22, ShockLevel.HIGH),
]


@pytest.mark.parametrize(("heart_rate", "bp_sys", "index", "level"), VECTORS)
def test_vector(heart_rate: float, bp_sys: float, index: float, level: ShockLevel) -> None:
    result = shock_index(heart_rate, bp_sys)
    assert result.index is not None
    assert (round(result.index, 2), result.level, result.status) == (index, level, ScoreStatus.COMPLETE)
    assert result.lower == result.upper == result.index


@pytest.mark.parametrize(("heart_rate", "bp_sys"), [(70, 0), (70, 0.4), (None, 0), (70, -1), (-1, 120), (-0.2, None)])
def test_what_cannot_be_is_an_error(heart_rate: float | None, bp_sys: float) -> None:
    with pytest.raises(InvalidInput):
        shock_index(heart_rate, bp_sys)


def test_the_numbers_on_the_page_are_divided() -> None:
    assert shock_index(90.4, 99.5).index == 90 / 100
    assert shock_index(90.5, 100.4).index == 91 / 100


def test_exactly_nine_tenths_is_never_raised() -> None:
    for tens in range(3, 30):
        assert shock_index(9 * tens, 10 * tens).level is ShockLevel.NORMAL
        assert shock_index(9 * tens + 1, 10 * tens).level is not ShockLevel.NORMAL


def test_a_missing_value_leaves_bounds_and_no_index() -> None:
    result = shock_index(120, None)
    assert (result.status, result.index, result.missing) == (ScoreStatus.PARTIAL, None, ("bp_sys",))
    assert (result.lower, result.upper) == (120 / 280, 120 / 50)
    assert shock_index(math.nan, 100).missing == ("heart_rate",)
    nothing = shock_index(None, None)
    assert (nothing.lower, nothing.upper, nothing.level) == (20 / 280, 300 / 50, ShockLevel.NORMAL)
    assert shock_index(290, None).level is ShockLevel.HIGH  # whatever the pressure is


@pytest.mark.parametrize(
    ("apart", "missing"),
    [(TOGETHER, ()), (-TOGETHER, ()), (TOGETHER + 1, ("bp_sys",)), (-TOGETHER - 1, ("heart_rate",))],
)
def test_of_two_values_more_than_5_minutes_apart_the_older_is_stale(apart: int, missing: tuple[str, ...]) -> None:
    result = shock_index(91, 100, apart_us=apart)
    assert result.missing == missing
    assert (result.index is None) is bool(missing)


rates, pressures = st.integers(*map(int, HEART_RATES)), st.integers(*map(int, PRESSURES))


@given(rates, pressures, st.booleans(), st.booleans())
def test_bounds_hold_every_completion(rate: int, pressure: int, no_rate: bool, no_pressure: bool) -> None:
    whole = shock_index(rate, pressure)
    partial = shock_index(None if no_rate else rate, None if no_pressure else pressure)
    assert partial.lower <= whole.lower <= whole.upper <= partial.upper
    assert partial.level <= whole.level
