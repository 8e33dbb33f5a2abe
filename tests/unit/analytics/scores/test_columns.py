"""Scores of columns against the pure functions, one by one: every vector, every boundary, any mixture of missing inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.engine.compiled import Kernels
from analytics.scores.bands import COMPLETE, LOWER, POINTS, SINGLE_3, UPPER
from analytics.scores.mews import mews_columns
from analytics.scores.news2 import news2_columns
from analytics.scores.qsofa import qsofa_columns
from analytics.scores.shock_index import INDEX, INVALID, shock_index_columns
from tests.unit.domain import test_mews, test_news2, test_qsofa
from vigil.domain import mews as pure_mews
from vigil.domain import news2 as pure_news2
from vigil.domain import qsofa as pure_qsofa
from vigil.domain.errors import InvalidInput
from vigil.domain.news2 import Bands, News2Inputs, news2
from vigil.domain.readings import F64
from vigil.domain.scores import ScoreStatus
from vigil.domain.shock_index import TOGETHER, shock_index
from vigil.domain.vitals import ACVPU

NAN = math.nan
Row = tuple[float, ...]


def values_at(bands: Iterable[Bands], digits: int = 0) -> list[float]:
    """Unknown, and both sides of every edge: chart values, and the halves between them with the doubles next to these."""
    found = {0.0}
    for greatest, _ in itertools.chain(*bands):
        if greatest < math.inf:
            step = 10.0**-digits
            half = float(f"{greatest + step / 2:.{digits + 1}f}")
            found |= {greatest, greatest + step, half, math.nextafter(half, 0), math.nextafter(half, math.inf)}
    return [NAN, *sorted(found)]


def pairs(values: Sequence[Sequence[float]], normal: Row) -> list[Row]:
    """All boundary values of any two inputs together, once with the others normal and once with them unknown."""
    rows = set()
    for others in (normal, (NAN,) * len(normal)):
        for one, two in itertools.combinations(range(len(values)), 2):
            for a, b in itertools.product(values[one], values[two]):
                row = list(others)
                row[one], row[two] = a, b
                rows.add(tuple(row))
    return sorted(rows, key=repr)


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


def flag(value: float, true: float) -> bool | None:
    return None if math.isnan(value) else value == true


def line(lower: int | None, upper: int | None, status: ScoreStatus, points: Iterable[int | None]) -> list[int | None]:
    told = [-1 if each is None else each for each in points]
    return [lower, upper, int(status is ScoreStatus.COMPLETE), int(3 in told), *told]


# --- NEWS2 ----------------------------------------------------------------------------------------------------------


def news2_line(row: Row, scale2: bool) -> list[int | None]:
    resp_rate, spo2, oxygen, bp_sys, heart_rate, consciousness, temp = row
    inputs = News2Inputs(
        known(resp_rate), known(spo2), flag(oxygen, 1), known(bp_sys), known(heart_rate), flag(consciousness, 0), temp
    )
    result = news2(inputs, scale2=scale2)
    found = line(result.lower, result.upper, result.status, (result.points[name] for name in pure_news2.INPUTS))
    assert found[SINGLE_3] == result.single_3
    return found


SPO2 = (pure_news2.SPO2_SCALE_1, pure_news2.SPO2_SCALE_2_AIR, pure_news2.SPO2_SCALE_2_OXYGEN)
NEWS2_VALUES = [
    values_at([pure_news2.RESP_RATE]),
    values_at(SPO2),
    [NAN, 0.0, 1.0],
    values_at([pure_news2.BP_SYS]),
    values_at([pure_news2.HEART_RATE]),
    [NAN, 0.0, 1.0],
    values_at([pure_news2.BODY_TEMP], 1),
]
NEWS2_NORMAL = (16.0, 98.0, 0.0, 120.0, 70.0, 0.0, 37.0)


def both_scales(rows: Sequence[Row]) -> tuple[F64, list[tuple[Row, bool]]]:
    cases = [(row, scale2) for row in rows for scale2 in (False, True)]
    return np.array([row for row, _ in cases]), cases


def news2_found(rows: Sequence[Row], kernels: Kernels | None) -> tuple[list[list[int]], list[list[int | None]]]:
    inputs, cases = both_scales(rows)
    scale2 = np.array([each for _, each in cases], np.uint8)
    found = news2_columns(inputs, scale2) if kernels is None else news2_columns(inputs, scale2, kernels)
    return found.tolist(), [news2_line(*case) for case in cases]


@pytest.mark.parametrize("row", test_news2.VECTORS.strip().splitlines())
def test_news2_vector(row: str) -> None:
    _, rr, spo2, oxygen, sbp, pulse, letter, temp, scale, *points, total, _ = row.split()
    inputs = [float(rr), float(spo2), oxygen == "yes", float(sbp), float(pulse), letter != "A", float(temp)]
    found = news2_columns(np.array([inputs], np.float64), np.array([scale == "s2"], np.uint8))[0].tolist()
    assert found[POINTS:] == [int(each) for each in points]
    assert (found[LOWER], found[UPPER], found[COMPLETE]) == (int(total), int(total), 1)


def test_news2_on_every_boundary(compiled: Kernels) -> None:
    rows = pairs(NEWS2_VALUES, NEWS2_NORMAL)
    assert len(rows) > 5_000
    found, expected = news2_found(rows, compiled)
    assert found == expected
    plain, _ = news2_found(rows[::7], None)
    assert plain == news2_found(rows[::7], compiled)[0]


def test_news2_spo2_and_oxygen_together_with_each_other_input(compiled: Kernels) -> None:
    """Scale 2 makes these two joint."""
    others = [(0, 3), (3, 5), (4, 5), (5, 2), (6, 3)]
    rows = [
        tuple({1: spo2, 2: oxygen, other: value}.get(i, NEWS2_NORMAL[i]) for i in range(7))
        for spo2, oxygen in itertools.product(NEWS2_VALUES[1], NEWS2_VALUES[2])
        for other, step in others
        for value in NEWS2_VALUES[other][::step]
    ]
    found, expected = news2_found(rows, compiled)
    assert found == expected


@given(st.lists(st.tuples(*(st.sampled_from(each) for each in NEWS2_VALUES)), min_size=1, max_size=20))
def test_news2_any_mixture(rows: list[Row]) -> None:
    found, expected = news2_found(rows, None)
    assert found == expected


@given(st.tuples(*(st.just(NAN) | st.floats(0, 300) for _ in range(4)), st.just(NAN) | st.floats(30, 45)))
def test_news2_any_number(values: Row) -> None:
    resp_rate, spo2, bp_sys, heart_rate, temp = values
    found, expected = news2_found([(resp_rate, spo2, NAN, bp_sys, heart_rate, NAN, temp)], None)
    assert found == expected


# --- MEWS, qSOFA ----------------------------------------------------------------------------------------------------


def mews_line(row: Row) -> list[int | None]:
    result = pure_mews.mews(pure_mews.MewsInputs(*row))
    return line(result.lower, result.upper, result.status, (result.points[name] for name in pure_mews.INPUTS))


def qsofa_line(row: Row) -> list[int | None]:
    inputs = pure_qsofa.QSofaInputs(row[0], row[1], flag(row[2], 0))
    result = pure_qsofa.qsofa(inputs, infection_suspected=True)
    return line(result.lower, result.upper, result.status, (result.points[name] for name in pure_qsofa.INPUTS))


MEWS_VALUES = [
    values_at([pure_mews.BP_SYS]),
    values_at([pure_mews.HEART_RATE]),
    values_at([pure_mews.RESP_RATE]),
    values_at([pure_mews.BODY_TEMP], 1),
    [NAN, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
]
QSOFA_VALUES = [values_at([pure_qsofa.RESP_RATE]), values_at([pure_qsofa.BP_SYS]), [NAN, 0.0, 1.0]]
SCORES = [
    (mews_columns, mews_line, pairs(MEWS_VALUES, (120.0, 70.0, 12.0, 37.0, 0.0))),
    (qsofa_columns, qsofa_line, sorted(itertools.product(*QSOFA_VALUES), key=repr)),
]


@pytest.mark.parametrize(("columns", "one", "rows"), SCORES, ids=["mews", "qsofa"])
def test_on_every_boundary(
    columns: Callable[..., F64], one: Callable[[Row], list[int | None]], rows: list[Row], compiled: Kernels
) -> None:
    found = columns(np.array(rows), compiled).tolist()
    assert found == [one(row) for row in rows]
    assert columns(np.array(rows[::3])).tolist() == found[::3]


@given(st.lists(st.tuples(*(st.sampled_from(each) for each in MEWS_VALUES)), min_size=1, max_size=20))
def test_mews_any_mixture(rows: list[Row]) -> None:
    assert mews_columns(np.array(rows)).tolist() == [mews_line(row) for row in rows]


def test_mews_vectors() -> None:
    for row in test_mews.VECTORS.strip().splitlines():
        *values, letter, _, _, _, _, _, total = row.split()
        inputs = np.array([[*map(float, values), ACVPU.index(letter)]])
        assert mews_columns(inputs)[0, [LOWER, UPPER]].tolist() == [int(total)] * 2


def test_qsofa_vectors() -> None:
    for resp_rate, bp_sys, letter, total in test_qsofa.VECTORS:
        assert qsofa_columns(np.array([[resp_rate, bp_sys, letter != "A"]], np.float64))[0, LOWER] == total


# --- shock index ----------------------------------------------------------------------------------------------------

RATES = [NAN, -1.0, -0.0, 0.4, 0.5, 89.5, 90.0, 90.49, 90.5, 100.0, 100.5, 280.0, 300.0]
PRESSURES = [NAN, -1.0, 0.0, 0.49, 0.5, 50.0, 99.49, 99.5, 100.0, 100.5, 280.0]
APART = [0, TOGETHER, -TOGETHER, TOGETHER + 1, -TOGETHER - 1]


def shock_line(rate: float, pressure: float, apart: int) -> tuple[list[float], int]:
    try:
        result = shock_index(rate, pressure, apart_us=apart)
    except InvalidInput:
        return [NAN, NAN, NAN], INVALID
    return [NAN if result.index is None else result.index, result.lower, result.upper], int(result.level)


def same_as_shock_index(cases: list[tuple[float, float, int]], kernels: Kernels | None) -> None:
    inputs, apart = np.array([case[:2] for case in cases]), np.array([case[2] for case in cases])
    for array in (inputs, apart):
        array.setflags(write=False)
    found, level = (
        shock_index_columns(inputs, apart) if kernels is None else shock_index_columns(inputs, apart, kernels)
    )
    expected = [shock_line(*case) for case in cases]
    np.testing.assert_array_equal(found, np.array([bounds for bounds, _ in expected]))
    assert level.tolist() == [each for _, each in expected]
    assert (np.isnan(found[:, INDEX]) == [math.isnan(bounds[0]) for bounds, _ in expected]).all()


def test_shock_index_on_every_boundary(compiled: Kernels) -> None:
    cases = list(itertools.product(RATES, PRESSURES, APART))
    same_as_shock_index(cases, compiled)
    same_as_shock_index(cases, None)


@given(st.floats(0, 300), st.floats(0, 300), st.sampled_from(APART))
def test_shock_index_any_number(rate: float, pressure: float, apart: int) -> None:
    same_as_shock_index([(rate, pressure, apart)], None)
