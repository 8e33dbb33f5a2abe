"""What every ``ReadingStore`` does with the predictions of the risk models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import NAN, T0, commit, readings, streams
from vigil.domain.errors import StoreError
from vigil.domain.risk import Contribution, ModelState, Prediction, RiskInput, Source
from vigil.store import ReadingStore

Stores = Opener[ReadingStore]


def prediction(at: int, patient_id: str = "p-1", model: str = "sepsis-home", **changes: Any) -> Prediction:
    made = Prediction(
        patient_id=patient_id,
        model=model,
        version="0a1b2c3d4e5f",
        at=at,
        decided_at=at + 5,
        position=17,
        state=ModelState.ACTIVE,
        source=Source.MODEL,
        probability=0.071,
        low=0.05,
        high=0.09,
        alert=False,
        contributions=(
            Contribution(
                "resp_rate", 0.81, "breathing 24 a minute, 6 above this person's usual (18), measured 12 min ago"
            ),
            Contribution("age", -0.25, "age 41"),
        ),
        inputs=(RiskInput("resp_rate", 24.0, at - 720_000_000, 720.0),),
    )
    return replace(made, **changes)


def test_predictions_come_back_whole_oldest_first_the_newest_of_them(reading_stores: Stores) -> None:
    store = reading_stores.open()
    shadow = prediction(T0 + 1, state=ModelState.SHADOW, alert=True, position=2**63 + 1)
    news2 = prediction(
        T0 + 2, source=Source.NEWS2, abstained="temperature is 9 h old", contributions=(), inputs=(), probability=0.0
    )
    store.append_predictions([prediction(T0), news2])
    store.append_predictions([shadow, prediction(T0, "p-2")])
    store.append_predictions([])
    for again in reading_stores.now_and_later(store):
        assert again.predictions("p-1", T0, T0 + 3, 10) == [prediction(T0), shadow, news2]
        assert again.predictions("p-1", T0, T0 + 2, 1) == [shadow]
        assert again.predictions("p-1", T0 + 1, T0 + 2, 0) == []
        assert again.predictions("p-3", T0, T0 + 3, 10) == []
    again.append_predictions([prediction(T0 + 2, probability=1.0)])
    assert [one.probability for one in again.predictions("p-1", T0 + 2, T0 + 3, 10)] == [0.0, 1.0]


def test_one_model_or_one_state_is_asked_for_before_the_limit_counts(reading_stores: Stores) -> None:
    store = reading_stores.open()
    mine = prediction(T0, model="hypotension")
    shadows = [prediction(T0 + 1 + place, state=ModelState.SHADOW) for place in range(3)]
    store.append_predictions([mine, *shadows])
    assert store.predictions("p-1", T0, T0 + 9, 1, model="hypotension") == [mine]
    assert store.predictions("p-1", T0, T0 + 9, 1, state=ModelState.ACTIVE) == [mine]
    assert store.predictions("p-1", T0, T0 + 9, 2, state=ModelState.SHADOW) == shadows[1:]
    assert store.predictions("p-1", T0, T0 + 9, 9, model="hypotension", state=ModelState.SHADOW) == []


def test_the_latest_of_each_patient_and_model_by_measured_time_then_by_order_of_storing(reading_stores: Stores) -> None:
    store = reading_stores.open()
    assert store.latest_predictions() == []
    newest = prediction(T0 + 9)
    again_scored = prediction(T0 + 4, "p-0", probability=0.5)
    other = prediction(T0 + 1, model="hypotension", state=ModelState.SHADOW)
    store.append_predictions([newest, other, prediction(T0 + 4, "p-0")])
    store.append_predictions([prediction(T0 + 8), again_scored])
    for again in reading_stores.now_and_later(store):
        assert again.latest_predictions() == [again_scored, other, newest]


def test_numbers_of_numpy_are_stored_as_numbers(reading_stores: Stores) -> None:
    store = reading_stores.open()
    half = np.float32(0.5)
    store.append_predictions(
        [
            prediction(
                T0,
                probability=np.float64(0.25),
                alert=np.bool_(True),
                contributions=(Contribution("spo2", half, "SpO2 90 %"),),  # type: ignore[arg-type]
                inputs=(RiskInput("spo2", half, np.int64(T0), half),),  # type: ignore[arg-type]
            )
        ]
    )
    (found,) = store.predictions("p-1", T0, T0 + 1, 1)
    assert (found.probability, found.alert) == (0.25, True)
    assert found.contributions[0].log_odds == found.inputs[0].value == found.inputs[0].age_s == 0.5
    assert found.inputs[0].measured_at == T0


def test_a_prediction_without_a_probability_is_refused_and_its_neighbours_with_it(reading_stores: Stores) -> None:
    store = reading_stores.open()
    with pytest.raises(StoreError):
        store.append_predictions([prediction(T0), prediction(T0 + 1, probability=NAN)])
    assert store.latest_predictions() == []
    store.append_predictions([prediction(T0 + 2)])
    store.commit(commit(readings([(0, T0, 97.0, 0)]), streams(1)))
    for again in reading_stores.now_and_later(store):
        assert again.latest_predictions() == [prediction(T0 + 2)]
