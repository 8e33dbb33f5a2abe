"""Features: causal, blind to the length of the stay, the same compiled and plain, and what they say they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.candidates import CANDIDATES
from analytics.risk.evaluate.news2 import news2_of
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.derived import DERIVED, table
from analytics.risk.features.windows import LOOKBACK_H, STATS, window_kernel, windows
from analytics.risk.hours import VITALS, Hours
from tests.unit.analytics.risk.stays import cut, stays

SETS = pytest.mark.parametrize("name", FEATURE_SETS)
LENGTHS = st.lists(st.integers(1, 110), min_size=1, max_size=4)
SEEDS = st.integers(0, 10_000)
RATES = st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0])


def one(values: list[float], column: str = "HR", hour: list[int] | None = None) -> Hours:
    """One stay in which one vital was measured, NaN = not."""
    count = len(values)
    columns = {name: np.full(count, np.nan, np.float32) for name in FEATURE_SETS["home"].columns}
    columns[column] = np.array(values, np.float32)
    numbers = np.arange(1, count + 1, dtype=np.int32) if hour is None else np.array(hour, np.int32)
    return Hours(("p",), np.array([0, count], np.int64), numbers, columns)


def newest(hours: Hours, name: str) -> float:
    home = FEATURE_SETS["home"]
    return float(home.compute(hours, None)[-1, home.names.index(name)])


@SETS
@settings(max_examples=25)
@given(lengths=LENGTHS, seed=SEEDS, measured=RATES, data=st.data())
def test_a_row_is_the_same_when_all_that_came_later_is_cut_away(
    name: str, lengths: list[int], seed: int, measured: float, data: st.DataObject
) -> None:
    hours = stays(lengths, seed, measured=measured)
    patient = data.draw(st.integers(0, len(lengths) - 1))
    after = data.draw(st.integers(0, lengths[patient] - 1))
    whole = FEATURE_SETS[name].compute(hours, None)[hours.starts[patient] + after]
    np.testing.assert_array_equal(FEATURE_SETS[name].compute(cut(hours, patient, after), None)[-1], whole)


@SETS
@settings(max_examples=15)
@given(lengths=LENGTHS, seed=SEEDS, measured=RATES)
def test_rows_asked_for_are_those_of_the_whole_table(name: str, lengths: list[int], seed: int, measured: float) -> None:
    hours = stays(lengths, seed, measured=measured)
    rows = np.random.default_rng(seed).permutation(len(hours))[:7].astype(np.int64)
    features = FEATURE_SETS[name]
    np.testing.assert_array_equal(features.compute(hours, rows), features.compute(hours, None)[rows])


@settings(max_examples=15)
@given(seed=SEEDS, measured=RATES)
def test_nothing_older_than_the_lookback_is_seen(seed: int, measured: float) -> None:
    hours = stays([150], seed, measured=measured)
    home = FEATURE_SETS["home"]
    assert home.lookback_h == LOOKBACK_H
    from_here = slice(149 - LOOKBACK_H, 150)
    short = Hours(
        hours.ids,
        np.array([0, LOOKBACK_H + 1], np.int64),
        hours.hour[from_here],
        {name: column[from_here] for name, column in hours.columns.items()},
    )
    np.testing.assert_array_equal(home.compute(short, None)[-1], home.compute(hours, None)[-1])


def test_a_home_does_not_know_the_number_of_the_hour() -> None:
    hours = stays([40], 1)
    later = Hours(hours.ids, hours.starts, hours.hour + 500, hours.columns)
    features = FEATURE_SETS["home"]
    np.testing.assert_array_equal(features.compute(hours, None), features.compute(later, None))
    assert not {"ICULOS", "HospAdmTime", "Unit1", "Unit2"} & {*features.columns, *features.names}


def test_who_was_never_measured_differs_in_no_feature_however_long_the_stay() -> None:
    home = FEATURE_SETS["home"]
    rows = home.compute(stays([100], 3, measured=0.0, feature_set="home"), None)
    assert (np.nan_to_num(rows, nan=-1.0) == np.nan_to_num(rows[0], nan=-1.0)).all()


@settings(max_examples=8)
@given(lengths=LENGTHS, seed=SEEDS, measured=RATES)
def test_compiled_and_plain_are_equal(lengths: list[int], seed: int, measured: float) -> None:
    hours = stays(lengths, seed, measured=measured)
    rows = np.unique(np.random.default_rng(seed).integers(0, len(hours), 5))
    first = hours.starts[np.searchsorted(hours.starts, rows, side="right") - 1]
    values = np.stack([hours.columns[name] for name in VITALS])
    kept = np.random.default_rng(seed).permutation((len(VITALS) + len(DERIVED)) * len(STATS))[:100]
    plain, found = (np.full((len(rows), len(kept) + 1), 7, np.float32) for _ in range(2))
    with np.errstate(invalid="ignore", divide="ignore"):
        window_kernel(values, hours.hour, first, rows, 24, len(DERIVED), kept, *table(), plain)
    windows(hours, tuple(VITALS), rows, 24, kept, found, derived=True)
    np.testing.assert_array_equal(found, plain)
    assert (found[:, -1] == 7).all()


@SETS
def test_names_groups_and_columns_belong_together(name: str) -> None:
    features = FEATURE_SETS[name]
    width = features.compute(stays([3], 1), None).shape[1]
    assert width == len(features.names) == len(features.groups) == len(features.rises) == len(set(features.names))
    assert len(set(features.columns)) == len(features.columns)


@pytest.mark.parametrize(
    ("feature", "rises"),
    [
        ("HR_last", 1),
        ("Resp_max_24", 1),
        ("NEWS2_mean_72", 1),
        ("Fever_last", 1),
        ("O2Sat_min_12", -1),
        ("SBP_mean", -1),
        ("Temp_last", 0),  # too low is as bad as too high
        ("PulsePressure_last", 0),
        ("HR_change", 0),
        ("HR_usual", 0),
        ("SBP_sd_24", 0),
        ("HR_age", 0),
        ("Age", 0),
    ],
)
def test_which_way_a_feature_may_move_the_risk(feature: str, rises: int) -> None:
    for name in FEATURE_SETS:
        features = FEATURE_SETS[name]
        assert features.rises[features.names.index(feature)] == rises


def test_trees_never_say_less_of_a_faster_pulse_whatever_they_were_shown() -> None:
    """Learned from a ward in which the ill have a slow pulse: free trees follow, held ones do not."""
    hours, home = stays([40] * 30, 5, feature_set="home"), FEATURE_SETS["home"]
    x, place = home.compute(hours, None), home.names.index("HR_last")
    slow = hours.columns["HR"] < 75
    rows = np.repeat(x[-1:], 60, axis=0)
    rows[:, place] = np.arange(50, 110)
    free, held = (CANDIDATES["boosting"](1, rises).fit(x, slow).decision_function(rows) for rises in (None, home.rises))
    assert (np.diff(held) >= 0).all()
    assert np.diff(free).min() < 0


@pytest.mark.parametrize(
    ("values", "stat", "expected"),
    [
        ([80, 90, np.nan], "last", 90),
        ([80, 90, 95], "change", 15),  # nothing is six hours old yet: since the oldest
        ([80, 0.0 + 81, 82, 83, 84, 85, 95], "change", 15),
        ([*[80] * 24, 100], "day_change", 20),
        ([*[60] * 13, *[90] * 11], "mean", (60 + 11 * 90) / 12),
        ([*[60] * 12, *[90] * 12], "mean_24", 75),
        ([*[60] * 100, *[90] * 36, *[100] * 36], "mean_72", 95),
        ([*[60] * 36, *[90] * 36], "usual", 15),
        ([40, *[60] * 11, 70], "min_12", 60),
        ([40, *[60] * 11, 70], "min_24", 40),
        ([140, *[60] * 71], "max_72", 140),
        ([140, *[60] * 72], "max_72", 60),
        ([60, 70, 80], "sd_24", 10),
        ([60], "sd_24", np.nan),
        ([60, 70, np.nan, 50], "rough_24", np.sqrt((100 + 400) / 2)),
        ([60, *[np.nan] * 24], "last", 60),
        ([60, *[np.nan] * 25], "last", np.nan),  # a day old: no longer carried
        ([60, *[np.nan] * 12], "age", 12),
        ([60, *[np.nan] * 13], "age", 24),
    ],
)
def test_statistics_are_what_they_are_called(values: list[float], stat: str, expected: float) -> None:
    assert newest(one(values), f"HR_{stat}") == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_windows_count_hours_and_not_rows_where_hours_are_missing() -> None:
    gap = one([40, 60, 70], hour=[1, 20, 21])
    assert newest(gap, "HR_min_12") == 60
    assert newest(gap, "HR_change") == 30
    assert newest(one([40, np.nan], hour=[1, 40]), "HR_last") != 40


@settings(max_examples=20)
@given(seed=SEEDS, measured=st.sampled_from([0.3, 0.9]))
def test_news2_points_are_those_of_the_score(seed: int, measured: float) -> None:
    hours = stays([20], seed, measured=measured)
    home = FEATURE_SETS["home"]
    found = home.compute(hours, None)[:, home.names.index("NEWS2_last")]
    np.testing.assert_array_equal(found, news2_of(hours))


def test_marks_of_a_patient_in_septic_shock() -> None:
    hours = one([130], "HR")
    for column, value in (("SBP", 80), ("DBP", 40), ("O2Sat", 90), ("Resp", 30), ("Temp", 39)):
        hours.columns[column][0] = value
    assert newest(hours, "ShockIndex_last") == pytest.approx(130 / 80)
    assert newest(hours, "PulsePressure_last") == 40
    assert newest(hours, "SpO2Resp_last") == 3
    assert newest(hours, "SIRS_last") == 3
    assert newest(hours, "Fever_last") == pytest.approx(1.5)
    assert newest(hours, "FastBreathing_last") == 8


def test_constant_columns_vary_by_nothing() -> None:
    constant = one([37.3] * 60, "Temp")
    assert newest(constant, "Temp_sd_24") == 0
    assert newest(constant, "Temp_rough_24") == 0
    assert newest(constant, "Temp_usual") == 0
