"""The small parts: calibration, choice, bands, NEWS2's own risk, the sepsis task."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.evaluate.calibration import calibration
from analytics.risk.predictor import Needs, Predictor
from analytics.risk.train.bands import bands
from analytics.risk.train.calibrate import platt
from analytics.risk.train.choose import choose
from analytics.risk.train.learn import NEWS2_LEVELS, Limits, news2_risk
from analytics.risk.train.sepsis import altered, hours_of, sepsis, splits
from analytics.risk.train.task import Data
from tests.unit.analytics.risk.train.made_up import HOURS, ward

ONES = np.ones(NEWS2_LEVELS) / 10


def data(stays: int = 40) -> Data:
    made = ward(stays)
    columns = {name: values.astype(np.float32) for name, values in made.items() if name not in ("patient_id", "ICULOS")}
    return {**columns, "hour": made["ICULOS"].astype(np.int32), "starts": np.arange(stays + 1) * HOURS}


@settings(max_examples=20)
@given(st.integers(0, 50), st.floats(0.2, 5), st.floats(-10, 10))
def test_calibration_finds_the_line_between_score_and_log_odds(seed: int, slope: float, middle: float) -> None:
    random = np.random.default_rng(seed)
    log_odds = random.normal(-2, 1, 20_000)
    y = (random.random(20_000) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    points, values = platt(log_odds * slope + middle, y)
    assert (np.diff(points) > 0).all()
    assert (np.diff(values) >= 0).all()
    probability = np.interp(log_odds * slope + middle, points, values)
    found = calibration(y, probability, n=2)
    assert found.slope.value == pytest.approx(1, abs=0.03)
    assert found.observed_expected.value == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("raw", [np.zeros(10), np.arange(10.0)[::-1]])
def test_a_score_that_says_nothing_is_the_overall_rate(raw: np.ndarray) -> None:
    y = (np.arange(10) >= 6).astype(np.int8)
    assert np.interp(raw, *platt(raw, y)).tolist() == [0.4] * 10


def test_nobody_ill_is_no_risk() -> None:
    assert np.interp(np.arange(5.0), *platt(np.arange(5.0), np.zeros(5, np.int8))).tolist() == [0.0] * 5


def test_the_simple_one_wins_ties_and_only_ties() -> None:
    draws = np.linspace(-0.01, 0.01, 101)
    close = {"simple": 0.70 + 0 * draws, "other": 0.705 + draws}
    apart = {"simple": 0.70 + 0 * draws, "other": 0.75 + draws}
    assert choose(close, None) == "simple"
    assert choose(apart, None) == "other"
    assert choose(apart, tie=0.1) == "simple"
    assert choose({"simple": 0.8 + 0 * draws, "other": 0.7 + draws}, None) == "simple"


def test_bands_hold_what_was_seen_and_enough_patients() -> None:
    random = np.random.default_rng(1)
    probability = random.random(4000) ** 3
    y = (random.random(4000) < probability).astype(np.int8)
    starts = np.arange(0, 4001, 4)
    edges, low, high = bands(y, probability, starts, 1)
    assert len(low) == len(high) == len(edges) + 1 >= 5
    assert (np.diff(edges) > 0).all()
    assert (np.diff(high) > 0).all()
    band = np.searchsorted(edges, probability, side="right")
    for each in range(len(low)):
        inside = band == each
        assert low[each] <= y[inside].mean() <= high[each]
        assert len(np.unique(np.arange(4000)[inside & (y > 0)] // 4)) >= 10


def test_too_few_patients_are_one_band() -> None:
    y = np.array([0, 1, 0, 0], np.int8)
    edges, low, high = bands(y, np.array([0.1, 0.9, 0.2, 0.3]), np.arange(5), 1)
    assert len(edges) == 0
    assert low[0] <= 0.25 <= high[0]


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=200))
def test_news2_risk_never_falls_with_the_points(rows: list[tuple[int, bool]]) -> None:
    points, y = (np.array(column) for column in zip(*rows, strict=True))
    risk = news2_risk(points.astype(np.int16), y.astype(np.int8))
    assert risk.shape == (NEWS2_LEVELS,)
    assert (np.diff(risk) >= 0).all()
    assert ((risk >= 0) & (risk <= 1)).all()


def test_where_the_model_abstains_news2_decides() -> None:
    limits = Limits((np.array([0.0, 1.0]), np.array([0.0, 1.0])), 0.5, np.arange(NEWS2_LEVELS) / 100)
    said = limits.say(
        np.array([0.6, 0.6, 0.6, 0.4]), np.array([True, False, False, True]), np.array([0, 4, 5, 9], np.int16)
    )
    assert said.probability.tolist() == [0.6, 0.04, 0.05, 0.4]
    assert said.alert.tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", ["home"])
def test_the_trainer_abstains_where_the_predictor_does(name: str) -> None:
    task = sepsis(name)
    x = task.features(data()).x.copy()
    x[::3, :] = np.nan
    none = np.zeros(2)
    predictor = Predictor(name, None, (none, none), 0.5, Needs(), ONES, (none, none, none))
    assert (task.answers(x) == predictor.answers(x)).all()
    assert not task.answers(x)[::3].any()
    assert task.answers(x).any()


def test_splits_keep_kinds_of_unit_apart() -> None:
    made = data(60)
    found = splits(made)
    assert [split.name.split(",")[0] for split in found] == ["stays in Unit2", "stays of unknown unit"]
    for split in found:
        assert not set(split.learned) & set(split.judged)
        assert (np.asarray(made["Unit1"])[np.asarray(made["starts"])[split.learned]] == 1).all()
        assert not (np.asarray(made["Unit1"])[np.asarray(made["starts"])[split.judged]] == 1).any()
    assert splits({**made, "Unit2": np.full(60 * HOURS, np.nan)})[0].name.startswith("stays of unknown")
    assert splits({**made, "Unit1": np.full(60 * HOURS, np.nan)}) == []


def test_altered_data_lack_what_they_say_and_nothing_else() -> None:
    made = data(10)
    found = dict(altered(made, 1))
    thinned = np.asarray(found["vital signs every 4 h only"]["HR"]).reshape(10, HOURS)
    known = np.flatnonzero(~np.isnan(thinned).all(axis=0))
    assert (~np.isnan(thinned)).any()
    for stay in thinned:
        assert len(set(np.flatnonzero(~np.isnan(stay)) % 4)) <= 1
    assert len(known) > 4  # rounds are not at the same hour for everybody
    lacking = found["no temperature"]
    assert np.isnan(lacking["Temp"]).all()
    assert np.array_equal(lacking["HR"], made["HR"], equal_nan=True)
    assert np.array_equal(dict(altered(made, 1))["vital signs every 4 h only"]["HR"], thinned.ravel(), equal_nan=True)


def test_every_hour_is_judged_and_no_label_is_a_feature() -> None:
    made = data(10)
    chosen = sepsis("home").features(made)
    assert chosen.judged.all()
    assert hours_of(made).ids[:2] == ("0", "1")
    other = {**made, "SepsisLabel": 1 - np.asarray(made["SepsisLabel"])}
    assert np.array_equal(sepsis("home").features(other).x, chosen.x, equal_nan=True)
