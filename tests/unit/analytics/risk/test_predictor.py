"""A predictor: the same for a row whatever came later, honest about what it lacks, never without an answer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.candidates import CANDIDATES
from analytics.risk.evaluate.news2 import URGENT, news2_of
from analytics.risk.features import FEATURE_SETS
from analytics.risk.hours import VITALS, Hours
from analytics.risk.predictor import MODEL, NEWS2, Needs, Predictor, raw_score
from analytics.risk.skops_file import dumped, loaded
from analytics.risk.train.learn import scored
from analytics.risk.train.sepsis import sepsis
from tests.unit.analytics.risk.stays import cut, stays

SETS = pytest.mark.parametrize("name", FEATURE_SETS)
KINDS = pytest.mark.parametrize("kind", CANDIDATES)
RATES = st.sampled_from([0.0, 0.1, 0.4, 1.0])


def fitted(kind: str, name: str = "home") -> Any:
    """On few hours and, where there are many trees, with few of them: it is not asked how well it foretells."""
    hours = stays([20] * 20, 1)
    estimator = CANDIDATES[kind](1)
    if kind == "boosting":
        estimator.set_params(max_iter=5, min_samples_leaf=20)
    return estimator.fit(FEATURE_SETS[name].compute(hours, None), hours.columns["HR"] > 90)


@cache
def predictor(kind: str = "boosting", name: str = "home") -> Predictor:
    return Predictor(
        feature_set=name,
        estimator=fitted(kind, name),
        calibration=(np.linspace(-6, 6, 25), np.linspace(0.001, 0.5, 25)),
        threshold=0.2,
        needs=Needs(),
        news2_risk=np.linspace(0.01, 0.2, 22),
        bands=(np.array([0.1, 0.3]), np.array([0.0, 0.1, 0.3]), np.array([0.1, 0.3, 1.0])),
        earlier_h=(12, 24),
    )


@SETS
@settings(max_examples=8)
@given(seed=st.integers(0, 1000), measured=RATES, data=st.data())
def test_a_prediction_uses_its_own_hour_and_earlier_ones_only(
    name: str, seed: int, measured: float, data: st.DataObject
) -> None:
    lengths = [30, 90, 1]
    hours, model = stays(lengths, seed, measured=measured), predictor(name=name)
    patient = data.draw(st.integers(0, 2))
    after = data.draw(st.integers(0, lengths[patient] - 1))
    whole, row = model.predict(hours), hours.starts[patient] + after
    short = model.predict(cut(hours, patient, after))
    assert short.probability[-1] == whole.probability[row]
    assert short.alert[-1] == whole.alert[row]
    assert short.source[-1] == whole.source[row]


@KINDS
@settings(max_examples=5)
@given(seed=st.integers(0, 1000), measured=RATES)
def test_every_row_has_a_probability_whatever_is_missing(kind: str, seed: int, measured: float) -> None:
    hours = stays([50, 1, 7], seed, measured=measured, feature_set="home")
    found = predictor(kind).predict(hours)
    assert ((found.probability >= 0) & (found.probability <= 1)).all()
    model = found.source == MODEL
    np.testing.assert_array_equal(found.alert[model], found.probability[model] >= 0.2)
    points = news2_of(hours)
    np.testing.assert_array_equal(found.alert[~model], points[~model] >= URGENT)
    np.testing.assert_array_equal(found.probability[~model], np.linspace(0.01, 0.2, 22)[points[~model]])


def test_a_score_is_steadied_by_those_of_half_a_day_and_a_day_before() -> None:
    """Now counts twice; what the patient before him said, or the model without what it needs, counts not at all."""
    hours = stays([5, 40], 3, feature_set="home")
    for column in VITALS:
        hours.columns[column][:25] = np.nan  # of the second patient, his first 20 hours
    steady, matrix = predictor(), FEATURE_SETS["home"].compute(hours, None)
    raw, own, answers = steady.look(hours).raw, steady.raw(matrix), steady.answers(matrix)
    assert answers[25:].all()
    assert not answers[5:25].any()
    np.testing.assert_allclose(raw[25:37], own[25:37])
    np.testing.assert_allclose(raw[37:], (2 * own[37:] + own[25:33]) / 3)
    whole = stays([40], 3, feature_set="home")
    own = steady.raw(FEATURE_SETS["home"].compute(whole, None))
    np.testing.assert_allclose(steady.look(whole).raw[24:], (2 * own[24:] + own[12:28] + own[:16]) / 4)


def test_training_steadies_as_the_predictor_does() -> None:
    task, steady, hours = sepsis("home"), predictor(), stays([30, 1, 50], 4, feature_set="home")
    trained = scored(task, steady.estimator, FEATURE_SETS["home"].compute(hours, None), hours.patient)
    np.testing.assert_allclose(steady.look(hours).raw, trained)
    assert task.earlier_h == steady.earlier_h


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), measured=RATES)
def test_rows_asked_for_are_those_of_the_whole_table(seed: int, measured: float) -> None:
    hours = stays([40, 3, 80], seed, measured=measured)
    rows = np.random.default_rng(seed).permutation(len(hours))[:9].astype(np.int64)
    some, whole = predictor().predict(hours, rows), predictor().predict(hours)
    np.testing.assert_array_equal(some.probability, whole.probability[rows])
    np.testing.assert_array_equal(some.source, whole.source[rows])
    np.testing.assert_array_equal(some.alert, whole.alert[rows])


def test_it_abstains_where_it_has_too_few_vitals_or_too_old_ones() -> None:
    hours = stays([30], 1, measured=0.0, feature_set="home")
    for column in ("HR", "Resp", "O2Sat"):
        hours.columns[column][5] = 90
    source = predictor().predict(hours).source.tolist()
    assert source == [NEWS2] * 5 + [MODEL] * 13 + [NEWS2] * 12  # within twelve hours of the three


@pytest.mark.parametrize("column", [*VITALS, "Age", "Gender"])
def test_a_column_that_was_never_measured_or_never_changes_is_no_obstacle(column: str) -> None:
    hours = stays([40, 40], 1, feature_set="home")
    for value in (np.nan, 50.0):
        columns = {**hours.columns, column: np.full(len(hours), value, np.float32)}
        found = predictor().predict(Hours(hours.ids, hours.starts, hours.hour, columns))
        assert np.isfinite(found.probability).all()


def test_the_interval_is_that_of_the_band() -> None:
    low, high = predictor().interval(np.array([0.0, 0.1, 0.29, 0.3, 1.0]))
    assert low.tolist() == [0.0, 0.1, 0.1, 0.3, 0.3]
    assert high.tolist() == [0.1, 0.3, 0.3, 1.0, 1.0]
    # Of people between 0.1 and 0.3 the event came to 0.25 to 0.3: who is at 0.15 is told "0.15 (0.15 to 0.3)".
    edges, _, highest = predictor().bands
    narrow = replace(predictor(), bands=(edges, np.array([0.0, 0.25, 0.3]), highest))
    assert [each.tolist() for each in narrow.interval(np.array([0.15, 0.27]))] == [[0.15, 0.25], [0.3, 0.3]]


@KINDS
def test_same_seed_same_model_and_its_file_says_the_same(kind: str) -> None:
    matrix = FEATURE_SETS["home"].compute(stays([20] * 5, 2), None)
    again, model = fitted(kind), predictor(kind).estimator
    np.testing.assert_array_equal(raw_score(again, matrix), raw_score(model, matrix))
    np.testing.assert_array_equal(raw_score(loaded(dumped(model)), matrix), raw_score(model, matrix))
