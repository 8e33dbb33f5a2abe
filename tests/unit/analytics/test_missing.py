"""Missing data and the coverage light."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.alerts import Kind, Priority
from vigil.domain.people import Device
from vigil.domain.quality import Quality
from vigil.domain.scores import CoverageState
from vigil.domain.times import SECOND

NO_DATA = f"no_data.{DEVICE}"
NO_SPO2 = "no_signal.spo2"
BAD = int(Quality.CONTACT_LOST)


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.tick(0)
    return ward


def ticks(ward: Ward, start: int, end: int, *values: Value) -> None:
    """One tick a second; each of ``values`` comes every second with that second's time."""
    for second in range(start, end):
        ward.tick(second)
        ward.send(*(Value(v.vital, second, v.value, v.quality, device_id=v.device_id) for v in values))


def coverage(ward: Ward, patient_id: str = PATIENT) -> tuple[str, str, int]:
    found = ward.bus.board.coverage(patient_id)
    assert found is not None
    return found.state.value, found.why, (found.since - START) // SECOND


def test_silence_of_a_device_is_low_after_60_s_and_medium_after_300_s(ward: Ward) -> None:
    ward.send(Value("heart_rate", 0, 88))
    ticks(ward, 1, 61)
    assert ward.rules() == set()
    ward.tick(61)
    alert = ward.alert(NO_DATA)
    assert (alert.kind, alert.priority, alert.title) == (Kind.TECHNICAL, Priority.LOW, "No data")
    assert alert.evidence.text == (
        f"No data from the device {DEVICE} for 61 s. This person is not watched. Last: Heart rate 88/min at 00:00 UTC."
    )
    ward.tick(300)
    assert ward.alert(NO_DATA).priority is Priority.LOW
    ward.tick(301)
    assert ward.alert(NO_DATA).priority is Priority.MEDIUM
    assert ward.steps(NO_DATA) == ["opened", "worsened"]


def test_when_data_come_a_low_one_ends_and_a_medium_one_latches(ward: Ward) -> None:
    ward.send(Value("heart_rate", 0, 88))
    ticks(ward, 1, 70)
    ticks(ward, 70, 73, Value("heart_rate", 0, 88))
    assert ward.steps(NO_DATA) == ["opened", "resolved"]
    for second in range(100, 400, 20):
        ward.tick(second)
    ticks(ward, 400, 403, Value("heart_rate", 0, 88))
    assert ward.steps(NO_DATA) == ["opened", "resolved", "opened", "worsened", "cleared"]


def test_a_device_with_its_own_interval_has_its_own_patience(ward: Ward) -> None:
    ward.records.put_device(Device(DEVICE, "spot", {"heart_rate": 120.0}))
    ward.send(Value("heart_rate", 0, 88))
    for second in range(0, 241, 60):
        ward.tick(second)
    assert ward.rules() == set()
    ward.tick(241)
    assert ward.alert(NO_DATA).priority is Priority.LOW
    ward.tick(480)
    assert ward.alert(NO_DATA).priority is Priority.LOW
    ward.tick(481)
    assert ward.alert(NO_DATA).priority is Priority.MEDIUM


def test_blood_pressure_every_quarter_of_an_hour_is_missed_after_half_an_hour(ward: Ward) -> None:
    ward.send(Value("bp_sys", 0, 120))
    heart = Value("heart_rate", 0, 70)
    for second in range(0, 1801, 30):
        ward.at(second)
        ward.send(Value("heart_rate", second, 70))
        ward.tick()
    assert "no_signal.bp_sys" not in ward.rules()
    ticks(ward, 1801, 1804, heart)
    assert ward.alert("no_signal.bp_sys").title == "No BP"
    assert coverage(ward) == ("partly", "no BP", 0)


def test_a_silent_sensor_of_a_device_whose_cuff_goes_on_is_told_once(ward: Ward) -> None:
    """The cuff's quarter of an hour is not the device's silence; nor is it one second, as the oximeter's is, for ever after."""
    for second in range(0, 300, 30):
        ward.at(second)
        ward.send(Value("spo2", second, 97))
        ward.tick()
    for second in range(300, 7500, 30):
        ward.at(second)
        if second % 900 == 0:
            ward.send(Value("bp_sys", second, 120))
        ward.tick()
    turns = ("opened", "worsened", "cleared", "resolved", "recurred")
    assert [step for step in ward.steps(NO_DATA) if step in turns] == ["opened", "worsened", "cleared"]
    assert [step for step in ward.steps(NO_SPO2) if step in turns] == ["opened"]
    ward.restarted().catch_up()
    for second in range(7500, 9300, 30):
        ward.tick(second)
    assert [step for step in ward.steps(NO_DATA) if step in turns] == ["opened", "worsened", "cleared"]
    ward.tick(9301)
    told = [step for step in ward.steps(NO_DATA) if step in turns]
    assert told == ["opened", "worsened", "cleared", "recurred"], "the cuff has been silent for half an hour too"


def test_a_bad_signal_of_one_vital_is_told_while_the_device_talks(ward: Ward) -> None:
    ticks(ward, 1, 10, Value("heart_rate", 0, 70), Value("spo2", 0, 97))
    ticks(ward, 10, 75, Value("heart_rate", 0, 70), Value("spo2", 0, 85, BAD))
    alert = ward.alert(NO_SPO2)
    assert (alert.title, alert.priority) == ("Bad SpO2 signal", Priority.LOW)
    assert alert.evidence.text == "Bad SpO2 signal for 61 s. Check the sensor. Last: 97 % at 00:00 UTC."
    assert ward.rules() == {NO_SPO2}
    assert coverage(ward) == ("partly", "bad SpO2 signal", 9)
    ticks(ward, 75, 78, Value("heart_rate", 0, 70), Value("spo2", 0, 97))
    assert ward.steps(NO_SPO2) == ["opened", "resolved"]
    assert coverage(ward)[0] == "watched"


def test_a_silent_device_is_one_alert_and_leaves_those_of_its_vitals_as_they_are(ward: Ward) -> None:
    ticks(ward, 1, 10, Value("heart_rate", 0, 70), Value("spo2", 0, 97))
    ticks(ward, 10, 75, Value("heart_rate", 0, 70), Value("spo2", 0, 85, BAD))
    for second in range(75, 400, 5):
        ward.tick(second)
    assert {alert.rule for alert in ward.records.alerts() if alert.rule != "news2"} == {NO_SPO2, NO_DATA}
    assert ward.alert(NO_SPO2).active
    assert coverage(ward) == ("not_watched", f"no data from {DEVICE}", 74)


def test_another_sensor_of_the_same_vital_keeps_the_person_watched(ward: Ward) -> None:
    ward.records.put_device(Device("w-2", "second"))
    ward.records.bind("w-2", PATIENT, START - SECOND)
    other = Value("spo2", 0, 97, device_id="w-2")
    ticks(ward, 1, 5, Value("spo2", 0, 97), other)
    ticks(ward, 5, 70, other)
    assert ward.rules() == {NO_DATA}
    assert "not watched" not in ward.alert(NO_DATA).evidence.text
    assert coverage(ward)[0] == "watched"


def test_a_device_that_never_sent_anything(ward: Ward) -> None:
    for second in range(0, 330, 10):
        ward.tick(second)
    alert = ward.alert(NO_DATA)
    assert alert.priority is Priority.MEDIUM
    assert ward.steps(NO_DATA) == ["opened", "worsened"]
    assert coverage(ward)[:2] == ("not_watched", f"no data from {DEVICE}")


def test_a_device_that_measures_nothing_a_person_is_watched_by_is_never_missed(ward: Ward) -> None:
    ward.send(Value("body_weight", 0, 80))
    for second in range(0, 1000, 50):
        ward.tick(second)
    assert ward.rules() == set()


def test_values_entered_by_a_person_are_not_expected(ward: Ward) -> None:
    ward.records.put_device(Device(f"manual.{PATIENT}", "entered by a person"))
    ward.records.bind(f"manual.{PATIENT}", PATIENT, 0)
    ward.send(Value("heart_rate", 0, 80, int(Quality.MANUAL), device_id=f"manual.{PATIENT}"))
    heart = Value("heart_rate", 0, 70)
    for second in range(0, 1000, 20):
        ward.at(second)
        ward.send(Value("heart_rate", second, heart.value + second % 3))
        ward.tick()
    assert ward.rules() == set()
    assert coverage(ward)[0] == "watched"


def test_a_device_whose_clock_is_two_minutes_slow_is_not_silent(ward: Ward) -> None:
    for second in range(1, 200):
        ward.at(second)
        ward.send(Value("heart_rate", second - 120, 70, received_s=second))
        ward.tick()
    assert ward.rules() == set()
    assert coverage(ward)[0] == "watched"


def test_a_device_that_sends_only_old_values_does_not_watch_anybody(ward: Ward) -> None:
    ward.tick(1000)
    for second in range(1001, 1100):
        ward.at(second)
        ward.send(Value("heart_rate", second - 1000, 70, received_s=second))
        ward.tick()
    assert ward.alert(NO_DATA).priority is Priority.MEDIUM
    assert coverage(ward)[0] == "not_watched"


def test_the_platforms_own_downtime_is_not_the_devices_silence(ward: Ward) -> None:
    ticks(ward, 1, 5, Value("heart_rate", 0, 70))
    ward.restarted().catch_up()
    ward.tick(4000)
    assert ward.rules() == set()
    assert coverage(ward)[0] == "not_watched"
    ward.tick(4061)
    assert ward.alert(NO_DATA).priority is Priority.LOW


def test_what_the_broker_kept_during_the_downtime_is_not_silence(ward: Ward) -> None:
    ticks(ward, 1, 5, Value("heart_rate", 0, 70))
    ward.restarted().catch_up()
    ward.tick(4000)
    for second in range(4001, 4200):
        ward.at(second)
        ward.send(Value("heart_rate", 5 + 20 * (second - 4000), 70 + second % 2, received_s=second))
        ward.tick()
    assert ward.rules() == set()


def test_taking_the_device_off_withdraws_and_leaves_no_device(ward: Ward) -> None:
    ward.send(Value("heart_rate", 0, 70))
    ticks(ward, 1, 63)
    ward.records.unbind(DEVICE, START + 63 * SECOND)
    ward.tick(64)
    assert ward.steps(NO_DATA) == ["opened", "withdrawn"]
    assert coverage(ward) == (CoverageState.NO_DEVICE.value, "no device", 63)


def test_a_patient_without_any_device(ward: Ward) -> None:
    ward.records.add_patient(patient("p-2"))
    ward.tick(1)
    assert coverage(ward, "p-2")[0] == "no_device"


def test_the_board_changes_only_when_the_coverage_does(ward: Ward) -> None:
    ticks(ward, 1, 5, Value("heart_rate", 0, 70))
    first = ward.bus.board.coverage(PATIENT)
    ticks(ward, 5, 20, Value("heart_rate", 0, 70))
    assert ward.bus.board.coverage(PATIENT) is first


def test_what_a_person_entered_stands_after_a_crash(ward: Ward) -> None:
    """Nobody takes off the pseudo device of what is entered by hand, and no memory is needed to know it."""
    ward.records.put_device(Device(f"manual.{PATIENT}", "entered by a person"))
    ward.records.bind(f"manual.{PATIENT}", PATIENT, 0)
    ward.send(Value("bp_sys", 0, 60, int(Quality.MANUAL), device_id=f"manual.{PATIENT}"))
    ward.tick(1)
    assert ward.steps("limit.bp_sys.low") == ["opened"]
    ward.path.unlink(missing_ok=True)
    ward.restarted().catch_up()
    ward.tick(2)
    assert ward.alert("limit.bp_sys.low").active
    assert ward.steps("limit.bp_sys.low") == ["opened"]
