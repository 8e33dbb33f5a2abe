"""The quick look at a table in which nothing is to be refused or marked finds just those tables."""

from __future__ import annotations

import math
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.backtest import accept as module
from analytics.backtest import rows as marks
from analytics.backtest.accept import Wanted, accept
from analytics.backtest.rows import Rows, Source
from analytics.engine.compiled import Kernels
from tests.unit.analytics.backtest.given import START
from tests.unit.analytics.ward import compiled
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import BY_NAME

SPO2, CONSCIOUSNESS = BY_NAME["spo2"].index, BY_NAME["consciousness"].index
#: A row, and what may be wrong with one: place of the source, vital, value, quality, time.
SOUND = (0, SPO2, 97.0, 0, START)
ODD = [
    (1, SPO2, 97.0, 0, START),  # nobody
    (2, SPO2, 97.0, 0, START),  # another patient
    (marks.BLANK, SPO2, 97.0, 0, START),
    (marks.BAD_NAME, SPO2, 97.0, 0, START),
    (0, marks.NO_VITAL, 97.0, 0, START),
    (0, SPO2, math.nan, 0, START),
    (0, SPO2, math.inf, 0, START),
    (0, SPO2, -math.inf, 0, START),
    (0, SPO2, 20.0, 0, START),  # implausible
    (0, SPO2, 300.0, 0, START),  # out of range
    (0, CONSCIOUSNESS, 0.5, 0, START),
    (0, SPO2, 97.0, marks.BAD_QUALITY, START),
    (0, SPO2, 97.0, 0, marks.TIME_MISSING),
    (0, SPO2, 97.0, 0, 0),
    (0, SPO2, 97.0, 0, 2**62),
]
FINE = [SOUND, (0, CONSCIOUSNESS, 1.0, 0, START), (0, SPO2, 88.0, int(Quality.LOW_PERFUSION), START)]
Row = tuple[int, int, float, int, int]


def table(of: list[Row]) -> Rows:
    source, vital, value, quality, time = zip(*of, strict=True)
    at = np.array(time, np.int64)
    return Rows(
        [Source("p-1", "", ""), Source("", "", ""), Source("p-2", "", "")],
        lambda: np.arange(len(of)),
        np.array(source, np.int32),
        np.array(vital, np.int8),
        at,
        at,
        at,
        np.array(value),
        np.array(quality, np.uint16),
        np.zeros(len(of), np.uint32),
        np.full(len(of), NO_SEQUENCE, np.int64),
        np.empty(0, np.int64),
    )


def said(of: list[Row], wanted: Wanted, kernels: Kernels) -> tuple[object, ...]:
    rows = table(of)
    keep, faults = accept(rows, wanted, kernels)
    told = [(each.reason, each.column, each.rows.tolist()) for each in faults if each.rows.size]
    return keep.tolist(), told, rows.quality.tolist(), rows.measured_at.tolist()


@pytest.mark.parametrize("kernels", [Kernels(), None], ids=["plain", "compiled"])
@given(
    st.lists(st.sampled_from(FINE), min_size=1, max_size=6),
    st.lists(st.sampled_from(ODD), max_size=2),
    st.sampled_from([Wanted(), Wanted(patients=("p-1",)), Wanted(known=frozenset({"p-1"})), Wanted(first=START + 1)]),
)
@settings(max_examples=150, deadline=None)
def test_the_quick_look_changes_nothing(
    kernels: Kernels | None, fine: list[Row], odd: list[Row], wanted: Wanted
) -> None:
    version = kernels or compiled()
    found = said(fine + odd, wanted, version)
    with patch.object(module, "_all_sound", return_value=False):
        assert found == said(fine + odd, wanted, version)


def test_it_is_taken_where_nothing_is_odd() -> None:
    rows = table(FINE)
    assert module._all_sound(rows, Wanted(patients=("p-1",)), compiled())
    assert not module._all_sound(replace(rows, received_at=rows.received_at + 1), Wanted(), compiled())
    assert not any(module._all_sound(table([*FINE, odd]), Wanted(patients=("p-1",)), compiled()) for odd in ODD)
