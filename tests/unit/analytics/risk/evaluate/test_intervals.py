"""Intervals by patient: how wide, how paired, how repeatable."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from analytics.risk.evaluate.discrimination import Ranked
from analytics.risk.evaluate.intervals import by_patient, difference, draws, figure, figure_of, interval, ratio
from tests.unit.analytics.risk.evaluate.tables import starts_of

STAYS = 500


def test_every_draw_has_as_many_stays_as_there_are() -> None:
    drawn = list(draws(7, 20, 3))

    assert len(drawn) == 20
    assert {float(weights.sum()) for weights in drawn} == {7.0}


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    first, again, other = (np.array(list(draws(50, 5, seed))) for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).any()


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(0, 1, STAYS)
    low, high = by_patient(ratio(values, np.ones(STAYS)), starts_of(*[1] * STAYS), 2000, 1)

    assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(STAYS), rel=0.1)


def test_hours_of_one_patient_count_as_one_observation() -> None:
    """Ten copies of each value: the interval must not get narrower."""
    values = np.random.default_rng(1).normal(0, 1, STAYS)
    one = by_patient(ratio(values, np.ones(STAYS)), starts_of(*[1] * STAYS), 400, 1)
    ten = by_patient(ratio(10 * values, np.full(STAYS, 10.0)), starts_of(*[10] * STAYS), 400, 1)

    assert ten == pytest.approx(one)


def test_a_difference_is_paired() -> None:
    """Two metrics that rise and fall together differ by the same in every draw."""
    values = np.random.default_rng(1).normal(0, 1, STAYS)
    above = ratio(values + 0.1, np.ones(STAYS))
    found = figure(difference(above, ratio(values, np.ones(STAYS))), starts_of(*[1] * STAYS), 100, 1)

    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_what_most_draws_do_not_define_has_no_interval() -> None:
    assert all(math.isnan(edge) for edge in interval(np.array([1.0, math.nan, math.nan])))
    assert interval(np.array([1.0, 1.0, math.nan])) == (1.0, 1.0)


def test_what_is_not_defined_is_none_in_a_figure() -> None:
    found = figure_of(math.nan)

    assert (found.value, found.low, found.high) == (None, None, None)


def test_set_a_takes_seconds_not_minutes() -> None:
    """A tenth of set A's stays, twenty draws: a hundredth of the work, and far below a hundredth of 30 s on an idle machine; the
    limit here leaves room for a busy one."""
    random = np.random.default_rng(1)
    starts = starts_of(*[39] * 2034)
    ranked = Ranked(random.random(starts[-1]) < 0.02, random.random(starts[-1]), starts)
    list(draws(2034, 20, 1))
    began = time.process_time()

    by_patient(ranked.auroc, starts, 20, 1)

    assert time.process_time() - began < 0.3
