"""Risk models in the running stage: when is decided, what is kept, who is called, and what a restart changes (nothing)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.engine.compiled import Kernels
from analytics.risk.stream.decide import Job, decide, hours_of, person_of
from analytics.risk.stream.grid import KEPT_H, QUARTER, Grid, column_of, counting
from analytics.risk.stream.rule import NOT_ACTIVE
from tests.unit.analytics.risk.stream.bed import (
    CALLING,
    NAME,
    PATIENT,
    RULE,
    Pulse,
    RiskWard,
    Shelf,
    at_minute,
    model,
    quarters,
)
from tests.unit.analytics.ward import START, Value, patient
from vigil.domain.alerts import Kind, Priority
from vigil.domain.people import SELF_TEST_PREFIX, Device
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.quality import Quality
from vigil.domain.risk import ModelState, Prediction, Source
from vigil.domain.self_test import PLATFORM


def said(made: list[Prediction]) -> list[tuple[int, float]]:
    """Minute of each decision, and its probability."""
    return [((each.at - START) // 60_000_000, each.probability) for each in made]


def test_a_quarter_is_decided_about_a_minute_after_its_end_once(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    ward.minutes(0, [120.0] * 16)
    assert ward.made == []
    ward.minutes(16, [90.0] * 10)
    assert said(ward.made) == [(15, 0.5)]
    (made,) = ward.made
    assert (made.patient_id, made.model, made.version) == (PATIENT, NAME, "f" * 12)
    assert (made.state, made.source, made.alert, made.abstained) == (ModelState.ACTIVE, Source.MODEL, True, "")
    assert made.decided_at == at_minute(16) + 5_000_000
    assert made.position == ward.readings.head() - 3 * 9  # all that had come by then
    assert (made.low, made.high) == (0.2, 1.0)
    vitals = {each.vital: each for each in made.inputs}
    assert vitals.keys() == {"heart_rate", "resp_rate", "spo2"}
    assert (vitals["heart_rate"].value, vitals["heart_rate"].age_s) == (120.0, 0.0)
    assert {each.group for each in made.contributions} >= {"heart_rate", "age", "sex"}


def test_age_and_sex_come_from_the_records(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path, sex="male")
    ward.minutes(0, quarters(100, 100))
    told = {each.group: each.text for each in ward.made[0].contributions}
    assert (told["age"], told["sex"]) == ("Age 76", "Male")
    assert np.isnan(person_of(patient(sex="unknown"), START)[2])


def test_two_decisions_in_a_row_open_and_four_low_ones_end(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(140))
    minute = ward.minutes(minute, [140.0, 140.0])
    assert [each.alert for each in ward.made] == [True]
    assert RULE not in ward.rules()  # one odd quarter calls nobody
    minute = ward.minutes(minute, [140.0] * 15)
    alert = ward.alert(RULE)
    assert (alert.kind, alert.priority) == (Kind.PHYSIOLOGICAL, Priority.MEDIUM)
    assert alert.onset_at == at_minute(30)
    assert alert.title == "Risk of sepsis onset within 6 h"
    assert "Pulse 140 a minute" in alert.evidence.text
    assert "learned in intensive care, not at home. Decision support, not a diagnosis." in alert.evidence.text
    minute = ward.minutes(minute, [70.0] * 13 + quarters(70, 70, 70, 70, 70, 70))
    assert ward.steps(RULE) == ["opened", "cleared"]
    low = [each for each in ward.made if each.probability < 0.4]
    assert ward.alert(RULE).ended_at == low[0].at
    assert ward.lines(RULE)[1].at == low[3].decided_at


def test_near_the_threshold_it_does_not_flap(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(121, 121, 121, 121))
    for _ in range(3):  # below the threshold, not below 0.8 of it; an hour is the mean of four quarters
        minute = ward.minutes(minute, quarters(118, 118, 118, 118, 118, 123, 123, 123, 123))
    assert {each.alert for each in ward.made} == {True, False}
    assert ward.steps(RULE) == ["opened"]


@pytest.mark.parametrize("findings", [{}, {"risk": Priority.HIGH}, {RULE: None}, {"risk.other": Priority.HIGH}])
def test_it_calls_nobody_unless_the_policy_names_it(tmp_path: Path, findings: dict[str, Priority | None]) -> None:
    ward = RiskWard.of(tmp_path, replace(CALLING, findings=findings))
    ward.minutes(0, quarters(150, 150, 150, 150))
    assert len(ward.made) == 3
    assert all(each.alert for each in ward.made)
    assert not any(rule.startswith("risk.") for rule in ward.rules())


def test_a_policy_that_names_it_no_more_withdraws_its_alert(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(150, 150, 150))
    assert ward.alert(RULE).active
    ward.records.put_policy(PATIENT, replace(CALLING, findings={}), "doctor", "test", START)
    ward.minutes(minute, quarters(150))
    assert ward.steps(RULE) == ["opened", "withdrawn"]


def test_in_shadow_it_is_stored_and_counted_and_tells_nobody(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    ward.shelf.models = [(model(), ModelState.SHADOW)]
    minute = ward.minutes(0, quarters(80, 150, 150, 150, 150))
    assert {each.state for each in ward.made} == {ModelState.SHADOW}
    assert any(each.alert for each in ward.made)
    assert ward.records.log == []
    assert f'analytics_risk_shadow_alerts_total{{model="{NAME}"}} 1.0' in ward.metrics.text().decode()
    assert ward.made[0].contributions == ()
    assert next(each for each in ward.made if each.alert).contributions
    ward.shelf.models = [(model(), ModelState.ACTIVE)]
    ward.minutes(minute, quarters(150))
    assert ward.alert(RULE).active


def test_a_model_that_is_active_no_more_withdraws_its_alerts(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(150, 150, 150))
    ward.shelf.models = [(model(), ModelState.SHADOW)]
    ward.minutes(minute, quarters(150))
    assert ward.steps(RULE) == ["opened", "withdrawn"]
    assert ward.lines(RULE)[-1].note == NOT_ACTIVE


def test_where_the_model_abstains_the_live_news2_decides(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    for minute in range(17):
        ward.at(60 * minute)
        given = {"resp_rate": 26.0, "o2_flow": 2.0, "consciousness": 1.0}
        ward.send(*(Value(name, 60 * minute, value) for name, value in given.items()))
        ward.at(60 * minute + 5)
        ward.analytics.tick()
    (made,) = ward.made
    # Breathing 3, oxygen 2, not alert 3.
    assert (made.source, made.probability, made.alert) == (Source.NEWS2, 0.08, True)
    assert made.abstained.startswith("needs 2 of 5 vitals of the last 12 h: heart_rate not measured, ")
    assert made.contributions == ()


def test_abstaining_opens_nothing_and_ends_nothing(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    ward.shelf.models = [(model(needs=model().predictor.needs.__class__(count=3, max_age_h=12)), ModelState.ACTIVE)]
    minute = ward.minutes(0, quarters(150, 150, 150))
    for each in range(minute, minute + 15 * 60, 5):  # only breathing goes on
        ward.at(60 * each)
        ward.send(Value("resp_rate", 60 * each, 30.0))
        ward.at(60 * each + 5)
        ward.analytics.tick()
    assert ward.made[-1].source is Source.NEWS2
    assert ward.steps(RULE) == ["opened", "data_lost"]
    ward.minutes(minute + 15 * 60, quarters(150, 150))
    assert ward.steps(RULE) == ["opened", "data_lost", "data_back"]


def test_who_is_silent_is_not_decided_about_and_his_alert_becomes_unknown(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(150, 150, 150))
    ward.quiet(minute, 105)
    assert [minute for minute, _ in said(ward.made)] == [15, 30, 45, 60, 75, 90]
    assert ward.steps(RULE) == ["opened"]
    assert f"signal_lost.{RULE}" not in ward.rules()
    ward.quiet(minute + 105, 2)  # an hour after the last decision
    assert ward.steps(RULE) == ["opened", "data_lost"]
    assert ward.alert(f"signal_lost.{RULE}").active


def test_a_late_reading_counts_from_the_next_decision_on(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(90, 90))
    before = list(ward.made)
    ward.at(60 * minute)
    ward.send(Value("heart_rate", 600, 180.0, received_s=60 * minute))
    ward.minutes(minute, quarters(90))
    assert ward.made[: len(before)] == before
    # The second decision's hour holds two quarters: 90 and, with the late one, (15 * 90 + 180) / 16.
    late = np.float32((round((15 * 90 + 180) / 16, 2) + 90) / 2)
    assert ward.made[1].at == at_minute(30)
    assert ward.made[1].probability == pytest.approx(1 / (1 + np.exp(-(late - 120) / 10)), rel=1e-3)


def test_gated_readings_and_those_of_the_self_test_do_not_count(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    who = f"{SELF_TEST_PREFIX}up"
    ward.records.add_patient(patient(who))
    ward.records.put_device(Device("w-9", "wearable"))
    ward.records.bind("w-9", who, START)

    def more(minute: int) -> None:
        ward.send(
            Value("heart_rate", 60 * minute + 5, 250.0, quality=int(Quality.MOTION)),
            Value("heart_rate", 60 * minute + 5, 250.0, device_id="w-9"),
        )

    ward.minutes(0, quarters(90, 90), more)
    assert {each.patient_id for each in ward.made} == {PATIENT}
    assert ward.made[-1].inputs[0].value == 90.0


@pytest.mark.parametrize("change", [{"pregnant": True}, {"born": patient().born.replace(year=2015)}])
def test_it_is_not_for_children_and_not_in_pregnancy(tmp_path: Path, change: dict[str, Any]) -> None:
    ward = RiskWard.of(tmp_path, **change)
    ward.minutes(0, quarters(90, 90))
    assert ward.made == []


def test_after_the_discharge_nobody_asks_the_model(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(150, 150, 150))
    count = len(ward.made)
    ward.records.discharge(PATIENT, at_minute(minute))
    ward.quiet(minute, 40)
    assert len(ward.made) == count
    assert ward.lines(RULE)[-1].note == "patient discharged"


# --- made again ------------------------------------------------------------------------------------------------------------


def again(ward: RiskWard, made: Prediction) -> Prediction:
    """From the stored readings up to its position alone, in one batch a quarter."""
    batch = ward.readings.all.take(ward.readings.all.ordinal <= made.position)
    vital = np.array([each.vital for each in ward.readings.known])[batch.stream]
    rows = np.flatnonzero(counting(batch, vital))
    grid = Grid()
    for row in rows.tolist():
        one = np.array([grid.place(made.patient_id)])
        grid.add(one, column_of(vital[[row]]), batch.measured_at[[row]], batch.value[[row]])
    cells = grid.cells([made.patient_id], made.at, KEPT_H, Kernels())
    hours = hours_of([person_of(ward.records.patient(made.patient_id), made.at)], cells)
    job = Job(made.at, made.decided_at, made.position, hours, np.zeros(1, np.int64), cells)
    (found,) = decide(job, model(), made.state).predictions
    return found


def test_every_prediction_can_be_made_again_from_the_store(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    rng = np.random.default_rng(3)

    def late(minute: int) -> None:
        if minute % 7 == 0 and minute > 90:
            back = 60 * (minute - int(rng.integers(1, 90)))
            ward.send(Value("heart_rate", back + 1, float(rng.integers(60, 180)), received_s=60 * minute + 5))

    ward.minutes(0, (100 + 30 * rng.standard_normal(300)).round(1).clip(40, 200).tolist(), late)
    assert len(ward.made) == 19
    assert [again(ward, each) for each in ward.made] == ward.made  # probabilities to the bit, reasons and all
    changed = [again(ward, replace(each, position=ward.readings.head())) for each in ward.made[:18]]
    assert changed != [replace(each, position=ward.readings.head()) for each in ward.made[:18]]


# --- restart ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False], ids=["with snapshots", "without"])
def test_killed_at_any_minute_it_makes_the_same_predictions_and_alerts(tmp_path: Path, keeps: bool) -> None:
    pulses = quarters(90, 140, 140, 140, 70, 70, 70, 70, 70, 70, 140, 140)
    calm = RiskWard.of(tmp_path / "calm")
    killed = RiskWard.of(tmp_path / "killed")

    def kill(minute: int) -> None:
        if minute % 4 == 3:
            if keeps and minute % 3 == 0:
                killed.analytics.save()
            if not keeps:
                for file in killed.path.parent.glob("*.npz"):
                    file.unlink()
            killed.restarted()

    for path in (calm.path, killed.path):
        path.parent.mkdir(exist_ok=True)
    calm.minutes(0, pulses)
    killed.minutes(0, pulses, kill)
    assert [(each.at, each.probability, each.inputs) for each in killed.made] == [
        (each.at, each.probability, each.inputs) for each in calm.made
    ]
    assert killed.steps(RULE) == calm.steps(RULE)
    assert [line.after.onset_at for line in killed.lines(RULE)] == [line.after.onset_at for line in calm.lines(RULE)]


def test_what_was_missed_while_it_was_down_is_decided_about_once(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(90, 90, 90))
    for each in range(minute, minute + 40):
        ward.stored(
            Value(name, 60 * each, value) for name, value in (("heart_rate", 130.0), ("resp_rate", 16), ("spo2", 97))
        )
    ward.at(60 * (minute + 40))
    ward.restarted()
    ward.analytics.tick()
    ward.analytics.tick()
    assert [each for each, _ in said(ward.made)] == [15, 30, 75]


def test_a_damaged_snapshot_is_rebuilt_from_the_store(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    minute = ward.minutes(0, quarters(90, 100, 110, 120, 130))
    path = ward.path.with_name("risk.npz")
    assert path.exists()
    path.write_bytes(path.read_bytes()[:-100])
    ward.restarted()
    ward.minutes(minute, quarters(130))
    assert [again(ward, each) for each in ward.made] == ward.made


# --- models that cannot be used ------------------------------------------------------------------------------------------


def test_a_refused_model_is_a_technical_alert_that_names_it_and_ends(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    ward.shelf = Shelf([], {NAME: f"model {NAME}: card.json was changed since the model was stored"})
    ward.restarted()
    minute = ward.minutes(0, [90.0] * 3)
    alert = ward.alert(f"model_refused.{NAME}")
    assert (alert.patient_id, alert.kind, alert.priority) == (PLATFORM, Kind.TECHNICAL, Priority.LOW)
    assert "card.json was changed" in alert.evidence.text
    assert "analytics_risk_models_refused 1.0" in ward.metrics.text().decode()
    ward.shelf.models, ward.shelf.refused = [(model(), ModelState.ACTIVE)], {}
    ward.minutes(minute, quarters(90, 90))
    assert ward.steps(f"model_refused.{NAME}") == ["opened", "resolved"]
    assert ward.made


def test_a_model_that_fails_stops_alone(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path, replace(CALLING, findings={"risk.other": Priority.LOW}))
    other = replace(model(name="other"), hash="a" * 64)
    ward.shelf.models = [(model(Pulse(fails=True)), ModelState.ACTIVE), (other, ModelState.ACTIVE)]
    ward.minutes(0, quarters(150, 150, 150))
    assert {each.model for each in ward.made} == {"other"}
    assert "ZeroDivisionError" in ward.alert(f"model_refused.{NAME}").evidence.text
    assert ward.alert("risk.other").active


def test_a_model_that_asks_for_more_than_there_is_is_refused(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path)
    ward.shelf.models = [(model(feature_set="hospital"), ModelState.ACTIVE)]
    ward.minutes(0, quarters(150, 150))
    assert ward.made == []
    assert "which are not measured here" in ward.alert(f"model_refused.{NAME}").evidence.text


def test_without_models_nothing_is_decided_and_nothing_is_said(tmp_path: Path) -> None:
    ward = RiskWard.of(tmp_path, BEDSIDE_POLICY)
    ward.shelf.models = []
    ward.minutes(0, quarters(80, 80))
    assert ward.made == []
    assert not any(rule.startswith(("risk.", "model_")) for rule in ward.rules())


def test_many_are_decided_about_as_each_alone(tmp_path: Path) -> None:
    ward, alone = RiskWard.of(tmp_path / "many", people=9), RiskWard.of(tmp_path / "one")
    for minute in range(77):
        for each, people in ((ward, range(1, 10)), (alone, range(1, 2))):
            each.at(60 * minute)
            for number in people:
                if number % 3 or minute < 10:
                    each.send(
                        *(
                            Value(name, 60 * minute, base + number, device_id=f"w-{number}")
                            for name, base in (("heart_rate", 100.0), ("resp_rate", 15.0), ("spo2", 90.0))
                        )
                    )
            each.at(60 * minute + 5)
            each.analytics.tick()
    assert [each for each in ward.made if each.patient_id == PATIENT] == [
        replace(each, position=every.position)
        for each, every in zip(alone.made, [one for one in ward.made if one.patient_id == PATIENT], strict=True)
    ]
    last = [each.patient_id for each in ward.made if each.at == START + 5 * QUARTER]
    assert last == ["p-1", "p-2", "p-4", "p-5", "p-7", "p-8"]  # the others were not measured in that hour
