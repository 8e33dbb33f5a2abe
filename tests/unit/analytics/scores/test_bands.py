"""Comparing with a cut is the same as rounding half up on the chart and comparing then."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics.scores import mews, news2, qsofa
from analytics.scores.bands import Table, cut_after
from vigil.domain.news2 import half_up

WHOLE = (8, 20, 40, 91, 100, 219)
TENTHS = (34.9, 35.0, 36.0, 38.0, 38.4, 39.0)
EDGES = [(float(edge), 0) for edge in WHOLE] + [(edge, 1) for edge in TENTHS]


def agrees(value: float, edge: float, digits: int) -> bool:
    return (value >= cut_after(edge, digits)) == (half_up(value, digits) > edge)


@pytest.mark.parametrize(("edge", "digits"), EDGES)
def test_at_the_cut_and_at_the_doubles_next_to_it(edge: float, digits: int) -> None:
    value = cut_after(edge, digits)
    for _ in range(40):
        value = math.nextafter(value, 0.0)
    for _ in range(80):
        assert agrees(value, edge, digits)
        value = math.nextafter(value, math.inf)


@pytest.mark.parametrize(("edge", "digits"), EDGES)
def test_every_thousandth_near_the_edge(edge: float, digits: int) -> None:
    first = round(edge * 1000) - 1500
    assert all(agrees(thousandths / 1000, edge, digits) for thousandths in range(first, first + 3000))


@given(st.floats(0, 1e6), st.sampled_from(EDGES))
@example(38.05, (38.0, 1))
@example(38.049999999999997, (38.0, 1))
def test_every_finite_value(value: float, edge: tuple[float, int]) -> None:
    assert agrees(value, *edge)


@given(st.decimals(30, 45, places=6), st.sampled_from(EDGES))
def test_values_of_six_decimals(value: float, edge: tuple[float, int]) -> None:
    assert agrees(float(value), *edge)


def test_medians_between_two_chart_values() -> None:
    """(38.0 + 38.1) / 2 is 38.05 or the double next to it: both ways of scoring see the same double."""
    for low in range(340, 400):
        for high in range(low, 400):
            median = (low / 10 + high / 10) / 2
            assert all(agrees(median, edge, 1) for edge in TENTHS)
    for low in range(220):
        assert half_up((low + low + 1) / 2) == low + 1


@pytest.mark.parametrize("table", [news2.TABLE, mews.TABLE, qsofa.TABLE])
def test_the_last_variant_never_scores_less_and_none_more_than_the_most(table: Table) -> None:
    """What the bounds of the kernel rest on, on both sides of every cut."""
    cuts = np.unique(table.cuts[np.isfinite(table.cuts)])
    for probe in [-1.0, *cuts, *np.nextafter(cuts, 0.0)]:
        band = (probe >= table.cuts).sum(axis=2)
        points = np.take_along_axis(table.points, band[:, :, None], axis=2)[:, :, 0]
        assert (points[-2:][0] <= points[-1]).all()
        assert (points >= 0).all()
        assert (points <= table.most).all()
