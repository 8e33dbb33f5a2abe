"""MEWS against the vectors and the table of the reference page "Early-warning scores", section 2."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.mews import INPUTS, NOT_ALERT, MewsInputs, at_least, mews
from vigil.domain.scores import ScoreStatus
from vigil.domain.vitals import ACVPU

# SBP, HR, RR, temperature, AVPU -> points SBP HR RR T A = total
VECTORS = """
120  70 12 37.0 A   0 0 0 0 0    0
101 100 14 35.0 A   0 0 0 0 0    0
100 101 15 38.4 A   1 1 1 0 0    3
 80 111 21 38.5 V   2 2 2 2 1    9
200  39  8 37.0 A   2 2 2 0 0    6
 70 130 30 34.9 U   3 3 3 2 3   14
"""
# parameter, value=points: both sides of every edge, at the resolution of the chart and between
EDGES = [
    ("bp_sys", "70=3 70.4=3 70.5=2 71=2 80=2 81=1 100=1 100.5=0 101=0 199=0 199.4=0 199.5=2 200=2"),
    ("heart_rate", "39=2 39.4=2 39.5=1 40=1 41=1 50=1 51=0 100=0 101=1 110=1 111=2 129=2 129.5=3 130=3"),
    ("resp_rate", "8=2 8.5=0 9=0 14=0 14.5=1 15=1 20=1 21=2 29=2 30=3"),
    ("body_temp", "34.9=2 34.94=2 34.95=0 35.0=0 38.4=0 38.44=0 38.45=2 38.5=2"),
    ("consciousness", "0=0 1=1 2=1 3=2 4=3"),
]


@pytest.mark.parametrize("row", VECTORS.strip().splitlines())
def test_vector(row: str) -> None:
    bp_sys, heart_rate, resp_rate, temp, letter, *points, total = row.split()
    result = mews(MewsInputs(float(bp_sys), float(heart_rate), float(resp_rate), float(temp), ACVPU.index(letter)))
    assert [result.points[name] for name in INPUTS] == [int(each) for each in points]
    assert (result.status, result.total, result.lower, result.upper) == (ScoreStatus.COMPLETE, *[int(total)] * 3)
    assert result.raised is (int(total) >= 5)


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [(name, *map(float, each.split("="))) for name, edges in EDGES for each in edges.split()],
)
def test_both_sides_of_each_edge(name: str, value: float, points: float) -> None:
    assert mews(replace(MewsInputs(), **{name: value})).points[name] == points


def test_missing_is_neither_0_nor_normal() -> None:
    result = mews(MewsInputs(120, None, 12, 37.0, 0))
    assert (result.status, result.total, result.lower, result.upper) == (ScoreStatus.PARTIAL, None, 0, 3)
    assert result.missing == ("heart_rate",)
    assert mews(MewsInputs(120, math.nan, 12, 37.0, 0)) == result


def test_nothing_known_is_0_to_14() -> None:
    result = mews(MewsInputs())
    assert (result.lower, result.upper, result.missing, result.raised) == (0, 14, INPUTS, None)


def test_not_alert_without_the_letter_is_1_to_3_points() -> None:
    result = mews(MewsInputs(120, 70, 12, 37.0, NOT_ALERT))
    assert (result.lower, result.upper, result.total) == (1, 3, None)
    assert result.missing == ("consciousness",)


# One value of each band, so that all completions are tried.
CHOICES = {
    "bp_sys": (60, 75, 90, 120, 210),
    "heart_rate": (30, 45, 70, 105, 120, 140),
    "resp_rate": (5, 12, 18, 25, 35),
    "body_temp": (34.0, 37.0, 39.0),
    "consciousness": (0, 1, 2, 3, 4),
}
maybe = st.builds(MewsInputs, **{name: st.none() | st.sampled_from(values) for name, values in CHOICES.items()})


@given(maybe)
def test_bounds_are_those_of_the_joint_completions(inputs: MewsInputs) -> None:
    fixed = {name: getattr(inputs, name) for name in CHOICES}
    ways = [[value] if value is not None else CHOICES[name] for name, value in fixed.items()]
    totals = [mews(MewsInputs(*values)).lower for values in itertools.product(*ways)]
    result = mews(inputs)
    assert (result.lower, result.upper) == (min(totals), max(totals))
    assert result.raised is at_least(5, min(totals), max(totals))
