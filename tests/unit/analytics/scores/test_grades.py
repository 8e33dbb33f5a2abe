"""What a NEWS2 calls for when the signal of some of its inputs is doubtful, one by one and in columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.scores.grades import PRIORITY, grade, graded
from analytics.scores.news2 import news2_columns
from vigil.domain.alerts import Priority
from vigil.domain.news2 import INPUTS, News2Inputs, news2
from vigil.domain.scores import Score, ScorePart

WEAK = "weak"
# breathing, SpO2, pulse, pressure, which of them are doubtful -> priority
TABLE: list[tuple[float, float, float, float, tuple[str, ...], Priority | None]] = [
    (25, 91, 70, 100, (), Priority.HIGH),  # 3 + 3 + 0 + 2
    (25, 91, 70, 100, ("spo2",), Priority.MEDIUM),
    (25, 91, 70, 100, ("heart_rate",), Priority.HIGH),  # scores nothing
    (25, 91, 131, 100, ("spo2",), Priority.HIGH),  # 8 without it
    (25, 91, 131, 100, ("spo2", "heart_rate"), Priority.MEDIUM),
    (25, 91, 70, 120, ("spo2",), Priority.MEDIUM),  # 6: a doubt lowers nothing but high priority
    (25, 97, 70, 120, ("resp_rate",), Priority.LOW),
    (16, 97, 70, 120, ("spo2",), None),
]


def score_of(breathing: float, spo2: float, pulse: float, pressure: float, doubtful: tuple[str, ...]) -> Score:
    found = news2(News2Inputs(breathing, spo2, False, pressure, pulse, True, 37.0))
    parts = tuple(
        ScorePart(each, 0.0, found.points[each], 1, 0.0, doubt=WEAK if each in doubtful else "") for each in INPUTS
    )
    return Score(
        "news2", "p", 1, found.status, found.total, found.lower, found.upper, found.band, found.single_3, parts
    )  # fmt: skip


@pytest.mark.parametrize(("breathing", "spo2", "pulse", "pressure", "doubtful", "expected"), TABLE)
def test_drawn(
    breathing: float,
    spo2: float,
    pulse: float,
    pressure: float,
    doubtful: tuple[str, ...],
    expected: Priority | None,
) -> None:
    assert PRIORITY.get(grade(score_of(breathing, spo2, pulse, pressure, doubtful))) is expected


values = st.tuples(
    st.sampled_from([9.0, 16.0, 22.0, 25.0]),
    st.sampled_from([90.0, 92.0, 94.0, 97.0]),
    st.sampled_from([39.0, 70.0, 100.0, 120.0, 140.0]),
    st.sampled_from([85.0, 95.0, 105.0, 120.0]),
)


@given(values, st.frozensets(st.sampled_from(["resp_rate", "spo2", "heart_rate", "bp_sys"])))
def test_in_columns_as_one_by_one(drawn: tuple[float, float, float, float], doubtful: frozenset[str]) -> None:
    breathing, spo2, pulse, pressure = drawn
    inputs = np.array([[breathing, spo2, 0.0, pressure, pulse, 0.0, 37.0]])
    unsure = np.array([[name in doubtful for name in INPUTS]])
    (found,) = graded(news2_columns(inputs, np.zeros(1, np.uint8)), unsure).wanted.tolist()
    assert found == grade(score_of(*drawn, tuple(doubtful)))
