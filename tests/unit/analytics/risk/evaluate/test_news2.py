"""NEWS2 of a table, against the pure function of one patient and the floor measured on set A."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.risk.challenge import read_hours
from analytics.risk.evaluate.discrimination import auroc
from analytics.risk.evaluate.news2 import URGENT, news2_of
from analytics.risk.hours import Hours
from tests.unit.analytics.risk.evaluate.tables import starts_of
from vigil.domain.news2 import News2Inputs, news2

COLUMNS = ("Resp", "O2Sat", "SBP", "HR", "Temp")


def table(starts: list[int], **columns: list[float]) -> Hours:
    rows = starts[-1]
    return Hours(
        tuple(f"stay-{number}" for number in range(len(starts) - 1)),
        np.array(starts),
        np.arange(rows, dtype=np.int32),
        {name: np.array(values, np.float32) for name, values in columns.items()},
    )


tenth = st.integers(300, 420).map(lambda tenths: tenths / 10)
hundredth = st.integers(3000, 4200).map(lambda hundredths: hundredths / 100)


@given(st.integers(4, 40), st.integers(70, 100), st.integers(60, 240), st.integers(30, 160), tenth | hundredth)
def test_one_hour_scores_as_the_chart_says(resp: int, spo2: int, sys: int, pulse: int, temp: float) -> None:
    hours = table([0, 1], Resp=[resp], O2Sat=[spo2], SBP=[sys], HR=[pulse], Temp=[temp])

    chart = news2(News2Inputs(resp_rate=resp, spo2=spo2, bp_sys=sys, heart_rate=pulse, body_temp=temp))

    assert news2_of(hours).tolist() == [chart.lower]


def test_the_last_value_is_carried_on_within_the_stay_and_never_into_the_next() -> None:
    nothing = float("nan")
    hours = table([0, 4, 6], HR=[nothing, 135, nothing, nothing, nothing, 95])

    assert news2_of(hours).tolist() == [0, 3, 3, 3, 0, 1]


def test_a_table_without_any_vital_scores_nothing() -> None:
    assert news2_of(table(starts_of(2, 1).tolist(), Age=[50, 50, 60])).tolist() == [0, 0, 0]


@pytest.mark.recordings
def test_the_floor_measured_on_set_a(recordings: Path) -> None:
    hours = read_hours(recordings / "sepsis2019" / "training_setA.parquet", COLUMNS, label=True)
    points = news2_of(hours)

    assert auroc(hours.columns["SepsisLabel"], points) == pytest.approx(0.614, abs=0.0005)
    assert (points >= URGENT).mean() == pytest.approx(0.139, abs=0.0005)
