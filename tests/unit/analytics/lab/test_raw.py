"""The raw baseline against a plain reading of its rule, value by value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.lab.raw import Values, judged, parameter_alerts, raw_alerts
from tests.unit.analytics.lab.given import START
from vigil.domain.news2 import News2Inputs, news2
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND
from vigil.domain.vitals import BY_NAME, VITALS

Reading = tuple[int, str, float, int]


def values(*rows: Reading, scale2: bool = False) -> Values:
    """Second, vital, value, quality; received two seconds later."""
    time = np.array([START + row[0] * SECOND for row in rows], np.int64)
    return Values(
        np.array([BY_NAME[row[1]].index for row in rows], np.int16),
        time,
        time + 2 * SECOND,
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint16),
        scale2,
    )


def calls(*rows: Reading, artefacts: bool = True, scale2: bool = False) -> list[float]:
    """Seconds at which the baseline calls, as measured."""
    found = raw_alerts(judged(values(*rows, scale2=scale2), artefacts=artefacts))
    return [(each - START) / SECOND - 2 for each in found.tolist()]


def hr(second: int, value: float, quality: int = 0) -> Reading:
    return second, "heart_rate", value, quality


def test_a_parameter_of_two_points_calls_at_once() -> None:
    assert calls(hr(0, 110), hr(60, 111), hr(120, 112)) == [60]


def test_runs_less_than_a_minute_apart_are_one() -> None:
    assert calls(hr(0, 120), hr(30, 80), hr(59, 120)) == [0]
    assert calls(hr(0, 120), hr(30, 80), hr(60, 120)) == [0, 60]


def test_a_total_of_five_calls_without_a_parameter_of_two() -> None:
    # 1 point each: breathing 10, SpO2 95, systolic 105, heart rate 95, temperature 38.5
    ones = [(0, "resp_rate", 10.0, 0), (10, "spo2", 95.0, 0), (20, "bp_sys", 105.0, 0), (30, "body_temp", 38.5, 0)]
    assert calls(*ones) == []
    assert calls(*ones, hr(40, 95)) == [40]
    # What a total adds up is forgotten after 300 s where values came once.
    assert calls(*ones, hr(400, 95)) == []


def test_artefacts_count_in_one_baseline_and_not_in_the_other() -> None:
    rows = (hr(0, 80), hr(60, 190, int(Quality.MOTION)), hr(120, 80))
    assert (calls(*rows), calls(*rows, artefacts=False)) == ([60], [])


@pytest.mark.parametrize("quality", [Quality.TEST, Quality.TEST | Quality.MOTION])
def test_a_self_test_is_nobodys_value(quality: Quality) -> None:
    assert calls(hr(0, 190, int(quality))) == []


def test_no_value_is_no_value() -> None:
    assert calls(hr(0, float("nan"), int(Quality.NO_VALUE))) == []
    assert raw_alerts(judged(values(), artefacts=True)).size == 0


def test_scale_2_is_used_where_it_is_prescribed() -> None:
    low = (0, "spo2", 89.0, 0)
    assert (calls(low), calls(low, scale2=True)) == ([0], [])


def test_each_parameter_alone_counts_more() -> None:
    both = values(hr(0, 120), (0, "spo2", 85.0, 0), hr(60, 120), (60, "spo2", 97.0, 0))
    assert parameter_alerts(judged(both, artefacts=True)) == 2
    assert len(calls(hr(0, 120), (0, "spo2", 85.0, 0), hr(60, 120), (60, "spo2", 97.0, 0))) == 1


_RANGES = {"heart_rate": (30, 150), "spo2": (80, 100), "resp_rate": (5, 35), "bp_sys": (80, 230), "body_temp": (34, 41)}


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from(sorted(_RANGES)), st.integers(0, 100), st.sampled_from([0, 1])),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[:2],
    ),
    st.booleans(),
)
def test_the_columns_say_what_the_rule_says(drawn: list[tuple[int, str, int, int]], artefacts: bool) -> None:
    rows = [
        (10 * step, name, _RANGES[name][0] + share / 100 * (_RANGES[name][1] - _RANGES[name][0]), bits)
        for step, name, share, bits in drawn
    ]
    assert calls(*rows, artefacts=artefacts) == _plain(rows, artefacts)


def _plain(rows: list[Reading], artefacts: bool) -> list[float]:
    """The rule in a loop, with the pure function; 200 s are too short for a value to be forgotten."""
    known: dict[str, float] = {}
    last_bad: float | None = None
    was_bad, found = False, []
    valid = [row for row in rows if artefacts or not row[3]]
    for second in sorted({row[0] for row in valid}):
        now = {row[1]: row[2] for row in valid if row[0] == second}
        known |= now
        total = news2(News2Inputs(**known)).lower or 0  # type: ignore[arg-type]
        single = max(points or 0 for points in news2(News2Inputs(**now)).points.values())  # type: ignore[arg-type]
        bad = total >= 5 or single >= 2
        if bad and not was_bad and (last_bad is None or second - last_bad >= 60):
            found.append(float(second))
        was_bad, last_bad = bad, second if bad else last_bad
    return found


def test_every_vital_of_the_score_is_judged() -> None:
    assert len(VITALS) > len(_RANGES)
    for name, (low, _) in _RANGES.items():
        assert calls((0, name, float(low), 0)) == [0], name
