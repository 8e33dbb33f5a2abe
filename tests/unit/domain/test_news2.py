"""NEWS2 against every vector, rule and published bug of the reference page "Early-warning scores", section 1."""

from __future__ import annotations

import doctest
import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain import news2 as module
from vigil.domain.news2 import INPUTS, News2Inputs, half_up, news2
from vigil.domain.scores import Band, ScoreStatus

# no, RR, SpO2, on O2, SBP, pulse, ACVPU, temperature, scale -> points (RR, SpO2, O2, SBP, pulse, C, temp) = total, band
VECTORS = """
 1  16 98 no  120  70 A 37.0 s1   0 0 0 0 0 0 0    0 low
 2  12 96 no  111  51 A 36.1 s1   0 0 0 0 0 0 0    0 low
 3  20 96 no  219  90 A 38.0 s1   0 0 0 0 0 0 0    0 low
 4  11 95 no  110  50 A 36.0 s1   1 1 0 1 1 0 1    5 medium
 5  21 94 no  101  91 A 38.1 s1   2 1 0 1 1 0 1    6 medium
 6  24 93 no  100 110 A 39.0 s1   2 2 0 2 1 0 1    8 high
 7   8 91 no   90  40 U 35.0 s1   3 3 0 3 3 3 3   18 high
 8  25 91 yes 220 131 C 39.1 s1   3 3 2 3 3 3 2   19 high
 9   8 91 yes  90 131 P 35.0 s1   3 3 2 3 3 3 3   20 high
10  25 98 no  120  70 A 37.0 s1   3 0 0 0 0 0 0    3 single-3
11  16 98 no  120  70 C 37.0 s1   0 0 0 0 0 3 0    3 single-3
12  16 98 yes 120  70 A 37.0 s1   0 0 2 0 0 0 0    2 low
13  18 90 no  130  80 A 37.0 s1   0 3 0 0 0 0 0    3 single-3
14  18 90 no  130  80 A 37.0 s2   0 0 0 0 0 0 0    0 low
15  18 94 no  130  80 A 37.0 s2   0 0 0 0 0 0 0    0 low
16  18 94 yes 130  80 A 37.0 s2   0 1 2 0 0 0 0    3 low
17  18 92 yes 130  80 A 37.0 s2   0 0 2 0 0 0 0    2 low
18  18 97 yes 130  80 A 37.0 s2   0 3 2 0 0 0 0    5 medium+single-3
19  18 83 yes 130  80 A 37.0 s2   0 3 2 0 0 0 0    5 medium+single-3
20  18 86 no  130  80 A 37.0 s2   0 1 0 0 0 0 0    1 low
21  22 95 no  105  95 A 37.0 s1   2 1 0 1 1 0 0    5 medium
22  22 93 yes 105  95 A 37.0 s1   2 2 2 1 1 0 0    8 high
23  16 96 no  220  70 A 37.0 s1   0 0 0 3 0 0 0    3 single-3
24  16 96 no  120 131 A 37.0 s1   0 0 0 0 3 0 0    3 single-3
25  16 96 no  120  70 A 39.1 s1   0 0 0 0 0 0 2    2 low
26  16 96 no  120  70 A 35.0 s1   0 0 0 0 0 0 3    3 single-3
"""
BANDS = {
    "low": (Band.LOW, False),
    "single-3": (Band.LOW_MEDIUM, True),
    "medium": (Band.MEDIUM, False),
    "medium+single-3": (Band.MEDIUM, True),
    "high": (Band.HIGH, None),
}
NORMAL = News2Inputs(16, 98, False, 120, 70, True, 37.0)


@pytest.mark.parametrize("row", VECTORS.strip().splitlines())
def test_vector(row: str) -> None:
    _, rr, spo2, oxygen, sbp, pulse, letter, temp, scale, *points, total, band = row.split()
    inputs = News2Inputs(float(rr), float(spo2), oxygen == "yes", float(sbp), float(pulse), letter == "A", float(temp))
    result = news2(inputs, scale2=scale == "s2")
    assert [result.points[name] for name in INPUTS] == [int(each) for each in points]
    assert (result.total, result.lower, result.upper) == (int(total),) * 3
    assert result.status is ScoreStatus.COMPLETE
    expected, single_3 = BANDS[band]
    assert result.band is expected
    if single_3 is not None:
        assert result.single_3 is single_3


@pytest.mark.parametrize(("age", "pregnant"), [(15, False), (0, False), (30, True)])
def test_vector_27_out_of_scope_is_not_applicable_and_never_0(age: int, pregnant: bool) -> None:
    result = news2(NORMAL, age=age, pregnant=pregnant)
    assert result.status is ScoreStatus.NOT_APPLICABLE
    assert (result.total, result.lower, result.upper, result.band) == (None, None, None, None)
    assert result.why
    assert news2(NORMAL, age=16).total == 0


def test_vector_28_oxygen_unknown_is_incomplete() -> None:
    result = news2(News2Inputs(16, 98, None, 120, 70, True, 37.0))
    assert result.status is ScoreStatus.PARTIAL
    assert result.missing == ("oxygen",)
    assert result.total is None
    assert (result.lower, result.upper) == (0, 2)


# parameter, value -> points: both sides of every edge of the chart, at its resolution and between
EDGES = [
    ("resp_rate", "8=3 8.4=3 8.5=1 9=1 11=1 12=0 20=0 20.4=0 20.5=2 21=2 24=2 25=3"),
    ("spo2", "91=3 91.4=3 91.5=2 92=2 93=2 94=1 95=1 95.5=0 96=0"),
    ("bp_sys", "90=3 91=2 100=2 101=1 110=1 111=0 219=0 219.4=0 219.5=3 220=3"),
    ("heart_rate", "40=3 41=1 50=1 51=0 90=0 91=1 110=1 111=2 130=2 131=3"),
    ("body_temp", "35.0=3 35.04=3 35.05=1 35.1=1 36.0=1 36.1=0 38.0=0 38.04=0 38.05=1 38.1=1 39.0=1 39.1=2 42=2"),
]


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [(name, *map(float, each.split("="))) for name, edges in EDGES for each in edges.split()],
)
def test_both_sides_of_each_edge(name: str, value: float, points: float) -> None:
    assert news2(replace(News2Inputs(), **{name: value})).points[name] == points  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spo2", "air", "oxygen"),
    [(83, 3, 3), (84, 2, 2), (85, 2, 2), (86, 1, 1), (87, 1, 1), (88, 0, 0), (92, 0, 0), (93, 0, 1), (94, 0, 1),
     (95, 0, 2), (96, 0, 2), (97, 0, 3), (100, 0, 3)],
)  # fmt: skip
def test_scale_2_edges(spo2: float, air: int, oxygen: int) -> None:
    assert news2(News2Inputs(spo2=spo2, oxygen=False), scale2=True).points["spo2"] == air
    assert news2(News2Inputs(spo2=spo2, oxygen=True), scale2=True).points["spo2"] == oxygen


def test_scale_2_97_with_oxygen_unknown_is_0_to_5_and_its_points_are_unknown() -> None:
    result = news2(News2Inputs(16, 97, None, 120, 70, True, 37.0), scale2=True)
    assert (result.lower, result.upper) == (0, 5)
    assert result.points["spo2"] is None
    assert not result.single_3
    certain = news2(News2Inputs(16, 83, None, 120, 70, True, 37.0), scale2=True)
    assert certain.points["spo2"] == 3
    assert certain.single_3


# --- published bugs -------------------------------------------------------------------------------------------------


def test_low_values_score_too() -> None:
    """``8 <= rr >= 25`` never scores a low rate."""
    assert news2(News2Inputs(resp_rate=5)).points["resp_rate"] == 3


def test_temperature_edges_are_inclusive() -> None:
    """Bands written ``< 35`` and ``< 36`` score 35.0 and 36.0 one band too low."""
    assert news2(News2Inputs(body_temp=35.0)).points["body_temp"] == 3
    assert news2(News2Inputs(body_temp=36.0)).points["body_temp"] == 1


def test_missing_is_neither_0_nor_normal() -> None:
    """Breathing "0" by default reads as respiratory arrest, a default of 16 hides that nobody knows."""
    result = news2(News2Inputs(None, 98, False, 120, 70, True, 37.0))
    assert result.points["resp_rate"] is None
    assert (result.total, result.lower, result.upper) == (None, 0, 3)
    assert news2(News2Inputs(math.nan, 98, False, 120, 70, True, 37.0)) == result


def test_nothing_known_is_0_to_20() -> None:
    result = news2(News2Inputs())
    assert (result.lower, result.upper, result.missing) == (0, 20, INPUTS)


# --- properties -----------------------------------------------------------------------------------------------------

numbers = {
    "resp_rate": st.integers(0, 60),
    "spo2": st.integers(60, 100),
    "oxygen": st.booleans(),
    "bp_sys": st.integers(40, 260),
    "heart_rate": st.integers(20, 220),
    "alert": st.booleans(),
    "body_temp": st.integers(300, 430).map(lambda tenths: tenths / 10),
}
complete = st.builds(News2Inputs, **numbers)
some_missing = st.builds(News2Inputs, **{name: st.none() | strategy for name, strategy in numbers.items()})


@given(complete)
def test_oxygen_adds_2_on_scale_1_and_2_to_5_on_scale_2(inputs: News2Inputs) -> None:
    def total(oxygen: bool, scale2: bool) -> int:
        known = News2Inputs(
            inputs.resp_rate, inputs.spo2, oxygen, inputs.bp_sys, inputs.heart_rate, inputs.alert, inputs.body_temp
        )
        result = news2(known, scale2=scale2).total
        assert result is not None
        return result

    assert total(True, False) - total(False, False) == 2
    added = total(True, True) - total(False, True)
    assert inputs.spo2 is not None
    assert added == 2 if inputs.spo2 <= 92 else added in (3, 4, 5)


# One value of each band, so that all completions are tried.
CHOICES: dict[str, tuple[float | bool, ...]] = {
    "resp_rate": (8, 10, 16, 22, 30),
    "spo2": (83, 85, 87, 90, 91, 93, 95, 97),
    "oxygen": (False, True),
    "bp_sys": (80, 95, 105, 120, 230),
    "heart_rate": (35, 45, 70, 100, 120, 140),
    "alert": (True, False),
    "body_temp": (34.0, 35.5, 37.0, 38.5, 40.0),
}


@given(some_missing, st.booleans())
def test_bounds_are_reached_by_joint_completions_and_never_passed(inputs: News2Inputs, scale2: bool) -> None:
    given_values = {name: getattr(inputs, name) for name in CHOICES}
    unknown = [name for name, value in given_values.items() if value is None]
    if len(unknown) > 3:
        unknown = unknown[:3]
        given_values.update((n, CHOICES[n][0]) for n, v in given_values.items() if v is None and n not in unknown)
    result = news2(News2Inputs(**given_values), scale2=scale2)
    totals = []
    for values in itertools.product(*(CHOICES[name] for name in unknown)):
        filled = News2Inputs(**{**given_values, **dict(zip(unknown, values, strict=True))})
        total = news2(filled, scale2=scale2).total
        assert total is not None
        totals.append(total)
    assert (result.lower, result.upper) == (min(totals), max(totals))


@given(st.integers(-10_000, 10_000))
def test_half_up_is_decimal(hundredths: int) -> None:
    expected = (abs(hundredths) + 5) // 10 * (1 if hundredths >= 0 else -1)
    assert half_up(hundredths / 100, 1) == expected / 10


def test_examples_in_the_module() -> None:
    assert doctest.testmod(module).failed == 0
