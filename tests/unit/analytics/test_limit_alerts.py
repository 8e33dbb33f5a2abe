"""From readings to the alert log: latching, unverified critical values, late data, data loss, two sensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.alerts import Condition, Handling, Kind, Priority
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY, with_limits
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND

LOW = "limit.spo2.low"
DOUBT = "unverified.spo2.low"
BAD = int(Quality.MOTION)


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward.with_one_patient(tmp_path)


def test_the_evidence_says_what_when_how_long_and_against_which_limit(ward: Ward) -> None:
    ward.run(0, [97] * 5 + [84] * 16)
    alert = ward.alert(LOW)
    assert alert.title == "SpO2 low"
    assert alert.evidence.text == "SpO2 84 %, below 90 % for 15 s. Good signal."
    assert (alert.onset_at, alert.opened_at) == (START + 5 * SECOND, START + 20 * SECOND)
    assert alert.evidence.values[0] == {
        "vital": "spo2",
        "value": 84.0,
        "unit": "%",
        "measured_at": START + 20 * SECOND,
        "received_at": START + 20 * SECOND,
        "quality": 0,
        "ordinal": 21,
    }
    limit = alert.evidence.limit
    assert limit is not None
    assert (limit["value"], limit["delay_s"], limit["side"]) == (90, 15, "low")
    assert alert.evidence.policy_version == BEDSIDE_POLICY.version
    assert alert.device_id == DEVICE
    line = ward.lines(LOW)[0]
    assert (line.actor, line.cause, line.measured_at) == ("vigil", "ordinal:21:opened", START + 20 * SECOND)


def test_each_line_is_published_with_its_seq_after_it_is_recorded(ward: Ward) -> None:
    told = ward.bus.transitions.subscribe(100)
    ward.run(0, [70])
    line = told.next(timeout=0)
    assert line is not None
    assert line in ward.records.log


def test_a_medium_alert_latches_and_a_person_closes_it(ward: Ward) -> None:
    second = ward.run(0, [84] * 20)
    ward.run(second, [97] * 61)
    alert = ward.alert(LOW)
    assert alert.cleared
    assert alert.ended_at == START + 20 * SECOND
    ward.acknowledge(LOW)
    assert not ward.alert(LOW).open


def test_a_low_alert_ends_by_itself(ward: Ward) -> None:
    low = replace(BEDSIDE_POLICY.limits[0], priority=Priority.LOW, severe=None)
    ward.records.put_policy(PATIENT, replace(BEDSIDE_POLICY, limits=(low,)), "doctor", "test", START)
    second = ward.run(0, [84] * 20)
    ward.run(second, [97] * 61)
    assert ward.steps(LOW) == ["opened", "resolved"]


def test_worse_calls_again_and_easing_does_not(ward: Ward) -> None:
    second = ward.run(0, [84] * 20)
    ward.acknowledge(LOW)
    second = ward.run(second, [78])
    alert = ward.alert(LOW)
    assert (alert.priority, alert.handling) == (Priority.HIGH, Handling.UNACKNOWLEDGED)
    assert alert.evidence.text == "SpO2 78 %, below the severe limit 80 %. Good signal."
    ward.run(second, [85] * 61)
    assert ward.steps(LOW) == ["opened", "acknowledged", "worsened", "eased"]
    assert ward.alert(LOW).priority is Priority.MEDIUM
    assert ward.alert(LOW).peak_priority is Priority.HIGH


def test_an_acknowledged_alert_recurs_as_itself_and_the_third_time_calls_again(ward: Ward) -> None:
    second = ward.run(0, [84] * 20)
    ward.acknowledge(LOW)
    for _ in range(2):
        second = ward.run(second, [97] * 61)
        assert not ward.alert(LOW).open
        second = ward.run(second, [84] * 20)
    assert ward.steps(LOW) == ["opened", "acknowledged", "resolved", "recurred", "resolved", "recurred"]
    handled = [line.after.handling.value for line in ward.lines(LOW) if line.step.value == "recurred"]
    assert handled == ["acknowledged", "unacknowledged"]
    assert len({line.after.alert_id for line in ward.lines(LOW)}) == 1


# --- unverified -----------------------------------------------------------------------------------------------------


def test_a_gated_critical_value_calls_as_a_technical_alert_of_that_priority(ward: Ward) -> None:
    ward.run(0, [78], quality=BAD)
    alert = ward.alert(DOUBT)
    assert (alert.kind, alert.priority, alert.handling) == (Kind.TECHNICAL, Priority.HIGH, Handling.UNACKNOWLEDGED)
    assert alert.evidence.text == "SpO2 may be 78 %: bad signal. Call and check the sensor. Not yet confirmed."
    assert LOW not in ward.rules()


def test_a_weak_signal_calls_at_once_as_a_technical_alert_of_that_priority(ward: Ward) -> None:
    ward.run(0, [78], quality=int(Quality.LOW_PERFUSION))
    alert = ward.alert(DOUBT)
    assert (alert.kind, alert.priority, alert.held_until) == (Kind.TECHNICAL, Priority.HIGH, None)
    assert alert.evidence.text == (
        "SpO2 may be 78 %: weak signal, as of cold hands or in shock. Call and check. Not yet confirmed."
    )
    assert LOW not in ward.rules()


@pytest.mark.parametrize("quality", [BAD, int(Quality.LOW_PERFUSION)])
def test_confirmed_it_goes_on_as_the_physiological_alert(ward: Ward, quality: int) -> None:
    second = ward.run(0, [78], quality=quality)
    second = ward.run(second, [77])
    alert = ward.alert(DOUBT)
    assert (alert.kind, alert.priority) == (Kind.PHYSIOLOGICAL, Priority.HIGH)
    assert LOW not in ward.rules()
    second = ward.run(second, [85] * 61)
    assert ward.alert(DOUBT).priority is Priority.MEDIUM
    ward.run(second, [97] * 61)
    assert ward.alert(DOUBT).cleared
    assert [step for step in ward.steps(DOUBT) if step != "escalated"] == ["opened", "confirmed", "eased", "cleared"]


def test_not_confirmed_it_latches(ward: Ward) -> None:
    second = ward.run(0, [78], quality=BAD)
    ward.run(second, [97] * 61)
    assert ward.steps(DOUBT) == ["opened", "cleared"]
    assert ward.alert(DOUBT).kind is Kind.TECHNICAL


def test_old_bad_values_raise_nothing_until_a_fresh_one_comes(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*(replace(value, quality=BAD) for value in backfill(0, [70.0] * 30, 4000)))
    ward.tick(4012)
    assert DOUBT not in ward.rules()
    ward.send(Value("spo2", 4012, 71, BAD))
    assert ward.alert(DOUBT).active


def test_old_bad_values_in_a_gap_raise_nothing_either(ward: Ward) -> None:
    ward.run(0, [97] * 10)
    second = ward.run(700, [97] * 10)
    ward.send(*(replace(value, quality=BAD) for value in backfill(100, [70.0] * 30, second)))
    for later in (1, 7, 14):
        ward.tick(second + later)
    assert DOUBT not in ward.rules()
    ward.run(second + 20, [71], quality=BAD)
    assert ward.alert(DOUBT).active


def test_beside_a_verified_lesser_alert_it_stays_technical_until_a_valid_value_says_so(ward: Ward) -> None:
    second = ward.run(0, [85] * 20)
    second = ward.run(second, [78], quality=BAD)
    assert ward.alert(LOW).priority is Priority.MEDIUM
    assert ward.alert(DOUBT).kind is Kind.TECHNICAL
    ward.run(second, [77])
    assert ward.alert(LOW).priority is Priority.HIGH
    assert ward.alert(DOUBT).cleared
    assert ward.lines(DOUBT)[-1].note == "confirmed by a valid value"


# --- late data ------------------------------------------------------------------------------------------------------


def backfill(start: int, values: list[float], received: int) -> list[Value]:
    return [Value("spo2", start + n, value, received_s=received) for n, value in enumerate(values)]


def test_a_past_episode_is_one_quiet_notice_per_backfill(ward: Ward) -> None:
    ward.at(4000)
    episodes = ([81.0] * 20 + [97.0] * 61) * 3
    ward.send(*backfill(0, [97.0, *episodes], 4000))
    ward.send(Value("spo2", 4000, 97))
    ward.tick(4003)
    assert LOW not in ward.rules()
    ward.tick(4006)
    alert = ward.alert(LOW, retrospective=True)
    assert (alert.priority, alert.deadline_at, alert.cleared) == (Priority.MEDIUM, None, True)
    assert (alert.onset_at, alert.ended_at) == (START + SECOND, START + 183 * SECOND)
    assert alert.evidence.text == "Past event: SpO2 81 % from 00:00 UTC to 00:03 UTC (3 times), received 01:06 UTC."
    assert ward.steps(LOW) == ["opened"]


def test_a_past_severe_episode_is_medium_too(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*backfill(0, [78.0] + [97.0] * 61, 4000))
    ward.tick(4006)
    assert ward.alert(LOW, retrospective=True).peak_priority is Priority.MEDIUM


def test_when_the_backfill_catches_up_and_it_is_still_true_it_opens_live(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*backfill(3000, [84.0] * 600, 4000))
    assert LOW not in ward.rules()
    ward.send(*backfill(3700, [84.0] * 10, 4000))
    alert = ward.alert(LOW)
    assert alert.active
    assert alert.onset_at == START + 3000 * SECOND


def test_a_backfill_that_ends_abnormal_opens_with_condition_unknown(ward: Ward) -> None:
    ward.at(4000)
    ward.tick()
    ward.send(*backfill(0, [84.0] * 60, 4000))
    ward.tick(4009)
    assert LOW not in ward.rules()
    ward.tick(4011)
    alert = ward.alert(LOW)
    assert alert.condition is Condition.UNKNOWN
    assert "Not known how it is now" in alert.evidence.text


def test_a_past_episode_inside_a_live_alert_is_no_news(ward: Ward) -> None:
    second = ward.run(0, [84] * 20)
    ward.run(second, [84] * 400)
    ward.send(Value("spo2", 30, 70, received_s=420))
    ward.tick(430)
    assert [alert.retrospective for alert in ward.records.alerts() if alert.rule == LOW] == [False]


# --- data loss ------------------------------------------------------------------------------------------------------


def test_data_that_stop_never_close_an_alert(ward: Ward) -> None:
    second = ward.run(0, [78] * 3)
    for later in range(second, second + 2000, 5):
        ward.tick(later)
    alert = ward.alert(LOW)
    assert (alert.condition, alert.handling) == (Condition.UNKNOWN, Handling.UNACKNOWLEDGED)
    assert alert.escalation_level > 0
    link = ward.alert(f"signal_lost.{LOW}")
    assert (link.kind, link.priority) == (Kind.TECHNICAL, Priority.HIGH)
    assert ward.steps(LOW).count("data_lost") == 1


def test_when_data_return_the_condition_is_known_again_and_the_link_ends(ward: Ward) -> None:
    second = ward.run(0, [78] * 3)
    ward.acknowledge(LOW)
    ward.tick(second + 301)
    assert ward.alert(LOW).condition is Condition.UNKNOWN
    ward.run(second + 310, [78] * 2)
    assert ward.alert(LOW).condition is Condition.TRUE
    assert ward.alert(LOW).handling is Handling.ACKNOWLEDGED
    assert ward.alert(f"signal_lost.{LOW}").cleared
    ward.run(second + 312, [97] * 61)
    assert ward.steps(LOW) == ["opened", "acknowledged", "data_lost", "data_back", "resolved"]


def test_gated_values_do_not_count_as_data(ward: Ward) -> None:
    second = ward.run(0, [85] * 20)
    ward.run(second, [97] * 310, quality=BAD)
    assert ward.alert(LOW).condition is Condition.UNKNOWN


def test_pending_when_the_data_stop_opens_with_condition_unknown(ward: Ward) -> None:
    second = ward.run(0, [97] * 3 + [85] * 3)
    ward.tick(second + 299)
    assert LOW not in ward.rules()
    ward.tick(second + 301)
    alert = ward.alert(LOW)
    assert alert.condition is Condition.UNKNOWN
    assert ward.alert(f"signal_lost.{LOW}").priority is Priority.MEDIUM
    ward.run(second + 400, [97] * 61)
    assert ward.alert(LOW).cleared


# --- people and records ---------------------------------------------------------------------------------------------


def test_two_sensors_are_one_condition_as_bad_as_the_worse_says(ward: Ward) -> None:
    ward.records.put_device(Device("w-2", "second wearable"))
    ward.records.bind("w-2", PATIENT, START - SECOND)
    for second in range(200):
        one = 84 if second < 40 else 97
        two = 78 if 30 <= second < 100 else 97
        ward.at(second)
        ward.send(Value("spo2", second, one), Value("spo2", second, two, device_id="w-2"))
    assert ward.steps(LOW) == ["opened", "worsened", "cleared"]
    assert ward.lines(LOW)[-1].measured_at == START + 160 * SECOND


def test_a_limit_moved_so_that_the_value_is_inside_withdraws_with_the_reason(ward: Ward) -> None:
    second = ward.run(0, [86] * 20)
    wider = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "limit": 85}], "doctor")
    ward.records.put_policy(PATIENT, wider, "doctor", "prescribed", ward.clock.now_us())
    ward.run(second, [86])
    alert = ward.alert(LOW)
    assert alert.cleared
    assert alert.evidence.text.endswith("Withdrawn: limit changed.")
    assert ward.lines(LOW)[-1].note == "limit changed"
    ward.run(second + 1, [84] * 20)
    assert ward.steps(LOW) == ["opened", "withdrawn", "recurred"]
    assert ward.lines(LOW)[-1].after.evidence.limit == {
        "vital": "spo2", "side": "low", "value": 85, "unit": "%", "delay_s": 15, "severe": False, "set_by": "doctor",
    }  # fmt: skip


def test_a_limit_moved_elsewhere_changes_nothing(ward: Ward) -> None:
    second = ward.run(0, [86] * 20)
    other = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "limit": 88}], "doctor")
    ward.records.put_policy(PATIENT, other, "doctor", "prescribed", ward.clock.now_us())
    ward.run(second, [86] * 5)
    assert ward.steps(LOW) == ["opened"]


def test_a_limit_switched_off_while_the_process_was_down_withdraws(ward: Ward) -> None:
    ward.run(0, [86] * 20)
    ward.analytics.save()
    off = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "enabled": False}], "doctor")
    ward.records.put_policy(PATIENT, off, "doctor", "not useful", ward.clock.now_us())
    ward.restarted().catch_up()
    assert ward.steps(LOW) == ["opened", "withdrawn"]


def test_a_limit_that_is_switched_off_never_alarms(ward: Ward) -> None:
    off = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "enabled": False}], "doctor")
    ward.records.put_policy(PATIENT, off, "doctor", "not useful", ward.clock.now_us())
    second = ward.run(0, [85] * 20 + [70] * 5)
    ward.run(second, [70], quality=BAD)
    assert not {LOW, DOUBT} & ward.rules()


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_device_taken_off_withdraws_its_alert(ward: Ward, acknowledged: bool) -> None:
    second = ward.run(0, [78] * 3)
    if acknowledged:
        ward.acknowledge(LOW)
    ward.records.unbind(DEVICE, START + second * SECOND)
    ward.tick(second + 1)
    ward.tick(second + 2)
    alert = ward.alert(LOW)
    assert alert.open is not acknowledged
    assert not alert.active
    assert ward.lines(LOW)[-1].note == "device unbound"


def test_a_discharge_withdraws_everything(ward: Ward) -> None:
    second = ward.run(0, [78] * 3)
    ward.records.discharge(PATIENT, START + second * SECOND)
    ward.tick(second + 1)
    assert ward.lines(LOW)[-1].note == "patient discharged"
    assert ward.bus.board.score(PATIENT) is None
    assert ward.bus.board.coverage(PATIENT) is None
    ward.run(second + 2, [70] * 3)
    assert ward.steps(LOW) == ["opened", "withdrawn"]


def test_a_device_that_changes_hands_starts_anew_and_readings_go_by_their_measured_time(ward: Ward) -> None:
    ward.run(0, [85] * 10)
    ward.records.add_patient(patient("p-2"))
    ward.records.bind(DEVICE, "p-2", START + 10 * SECOND)
    ward.run(10, [85] * 10)
    assert LOW not in ward.rules()
    ward.send(Value("spo2", 9.5, 70, received_s=20))
    ward.run(20, [85] * 6)
    found = {(alert.patient_id, alert.retrospective) for alert in ward.records.alerts() if alert.rule == LOW}
    assert found == {("p-1", True), ("p-2", False)}
    assert ward.alert(LOW).onset_at == START + 10 * SECOND


def test_readings_of_nobody_are_counted(ward: Ward) -> None:
    ward.send(Value("spo2", 0, 70, device_id="stranger"))
    assert "analytics_readings_unassigned_total 1.0" in ward.metrics.text().decode()
    assert ward.rules() == set()


def test_after_losing_its_memory_a_valid_normal_value_ends_what_stands(ward: Ward) -> None:
    """The day before the restart is gone from the state: the alert stays open until a value contradicts it."""
    second = ward.run(0, [85] * 20)
    ward.readings.all = ward.readings.all.take(slice(0, 0))
    ward.restarted().catch_up()
    ward.tick(second)
    assert ward.alert(LOW).active
    ward.run(second + 1, [97] * 2)
    assert ward.alert(LOW).cleared


def test_an_api_that_acknowledges_at_the_same_moment_is_not_overwritten(ward: Ward) -> None:
    second = ward.run(0, [84] * 20)
    ward.acknowledge(LOW)
    ward.send(Value("spo2", second, 78))
    assert [line.after.version for line in ward.lines(LOW)] == [1, 2, 3]
    assert ward.steps(LOW) == ["opened", "acknowledged", "worsened"]
