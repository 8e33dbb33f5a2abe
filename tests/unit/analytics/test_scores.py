"""NEWS2 from streams, and the alert rule on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward
from vigil.domain.alerts import Condition, Handling, Priority
from vigil.domain.people import Device
from vigil.domain.phrases import chinese
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.quality import Quality
from vigil.domain.scores import Score, ScorePart, ScoreStatus
from vigil.domain.times import SECOND

RULE = "news2"
MANUAL = f"manual.{PATIENT}"


def ward_of(tmp_path: Path, **change: Any) -> Ward:
    """No limits, so that only the score alarms."""
    ward = Ward.with_one_patient(tmp_path, **change)
    ward.records.put_policy(PATIENT, replace(BEDSIDE_POLICY, limits=()), "doctor", "test", START)
    ward.records.put_device(Device(MANUAL, "entered by a person"))
    ward.records.bind(MANUAL, PATIENT, 0)
    ward.tick(0)
    return ward


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return ward_of(tmp_path)


NORMAL = {"resp_rate": 16.0, "spo2": 98.0, "bp_sys": 120.0, "heart_rate": 70.0, "body_temp": 37.0}
ENTERED = {"o2_flow": 0.0, "consciousness": 0.0}


def send_all(ward: Ward, second: int, **change: float) -> None:
    values = {**NORMAL, **ENTERED, **change}
    made = [
        Value(name, second, value, device_id=MANUAL if name in ENTERED else DEVICE) for name, value in values.items()
    ]
    ward.at(second)
    ward.send(*made)


def score(ward: Ward) -> Score:
    found = ward.bus.board.score(PATIENT)
    assert found is not None
    return found


def part(ward: Ward, name: str) -> ScorePart:
    return next(each for each in score(ward).parts if each.name == name)


def minute(ward: Ward, start: int, seconds: int = 61, **change: float) -> int:
    """Every second all vitals, and a tick."""
    for second in range(start, start + seconds):
        send_all(ward, second, **change)
        ward.tick()
    return start + seconds


def test_complete(ward: Ward) -> None:
    send_all(ward, 1, resp_rate=22, spo2=93, o2_flow=2, bp_sys=105, heart_rate=95)
    ward.tick()
    found = score(ward)
    assert (found.status, found.total, found.lower, found.upper) == (ScoreStatus.COMPLETE, 8, 8, 8)
    assert part(ward, "oxygen").value == "oxygen"
    assert part(ward, "consciousness").value == "A"
    assert part(ward, "heart_rate").measured_at == START + SECOND
    assert ward.readings.stored_scores == [found]


def test_a_continuous_vital_counts_by_the_median_of_its_last_minute(ward: Ward) -> None:
    for second in range(70):
        ward.at(second)
        ward.send(Value("spo2", second, 99 if second < 40 else 94))
    ward.tick()
    assert part(ward, "spo2").value == 97  # 30 times 99 and 30 times 94: 96.5, half up
    ward.send(Value("spo2", 70, 94))
    ward.tick(70)
    assert part(ward, "spo2").value == 94


def test_gated_values_do_not_count(ward: Ward) -> None:
    ward.send(Value("spo2", 0, 97))
    ward.send(*(Value("spo2", second, 60, int(Quality.MOTION)) for second in range(1, 60)))
    ward.tick(60)
    assert part(ward, "spo2").value == 97


# input -> stale after this many seconds
STALE = [("spo2", 300), ("heart_rate", 300), ("resp_rate", 300), ("bp_sys", 12 * 3600), ("body_temp", 12 * 3600)]


@pytest.mark.parametrize(("name", "seconds"), STALE)
def test_an_input_goes_stale_and_its_value_stays_visible(ward: Ward, name: str, seconds: int) -> None:
    ward.send(Value(name, 0, NORMAL[name]))
    ward.tick(seconds)
    ward.tick(seconds + 61)
    assert part(ward, name).stale
    assert part(ward, name).points is None
    assert part(ward, name).value == NORMAL[name]
    assert name in score(ward).missing


@pytest.mark.parametrize(("name", "seconds"), STALE)
def test_until_then_it_counts(ward: Ward, name: str, seconds: int) -> None:
    ward.send(Value(name, 0, NORMAL[name]))
    ward.tick(seconds)
    assert part(ward, name).points == 0
    assert part(ward, name).age_s == seconds


def test_a_spot_check_of_spo2_holds_for_an_hour(ward: Ward) -> None:
    ward.records.put_device(Device(DEVICE, "spot", {"spo2": 3600.0}))
    ward.send(Value("spo2", 0, 97))
    ward.tick(3600)
    assert not part(ward, "spo2").stale
    ward.tick(3661)
    assert part(ward, "spo2").stale


@pytest.mark.parametrize(
    ("vital", "value", "oxygen"),
    [("o2_flow", 0, "air"), ("o2_flow", 0.5, "oxygen"), ("fio2", 21, "air"), ("fio2", 28, "oxygen")],
)
def test_oxygen_by_flow_or_fraction(ward: Ward, vital: str, value: float, oxygen: str) -> None:
    ward.send(Value(vital, 0, value))
    ward.tick(1)
    assert part(ward, "oxygen").value == oxygen


def test_of_flow_and_fraction_the_newest_counts(ward: Ward) -> None:
    ward.send(Value("fio2", 0, 40), Value("o2_flow", 1, 0))
    ward.tick(2)
    assert part(ward, "oxygen").value == "air"
    ward.send(Value("fio2", 3, 40))
    ward.tick(4)
    assert part(ward, "oxygen").value == "oxygen"


@pytest.mark.parametrize(
    ("vital", "value", "points", "word"),
    [("consciousness", 0, 0, "A"), ("consciousness", 1, 3, "C"), ("consciousness", 4, 3, "U"), ("gcs", 15, 0, "GCS 15"),
     ("gcs", 14, 3, "GCS 14")],
)  # fmt: skip
def test_consciousness(ward: Ward, vital: str, value: float, points: int, word: str) -> None:
    ward.send(Value(vital, 0, value))
    ward.tick(1)
    assert (part(ward, "consciousness").points, part(ward, "consciousness").value) == (points, word)


def test_of_two_sensors_the_better_signal_then_the_fresher_then_the_lower_stream_counts(ward: Ward) -> None:
    ward.records.put_device(Device("w-2", "second"))
    ward.records.bind("w-2", PATIENT, START - SECOND)
    weak = int(Quality.LOW_PERFUSION)
    ward.send(Value("spo2", 0, 96), Value("spo2", 0, 92, device_id="w-2"))
    ward.tick(1)
    assert part(ward, "spo2").value == 96
    ward.send(Value("body_temp", 1, 37), Value("body_temp", 2, 38, device_id="w-2"))
    ward.tick(3)
    assert part(ward, "body_temp").value == 38
    ward.send(Value("body_temp", 4, 39, weak, device_id="w-2"))
    ward.tick(5)
    assert part(ward, "body_temp").value == 37


def test_a_weak_signal_is_in_doubt_until_another_sensor_says_it_too(ward: Ward) -> None:
    ward.records.put_device(Device("w-2", "second"))
    ward.records.bind("w-2", PATIENT, START - SECOND)
    ward.send(Value("spo2", 0, 91, int(Quality.LOW_PERFUSION)), Value("heart_rate", 0, 112))
    ward.tick(1)
    assert (part(ward, "spo2").doubt, part(ward, "heart_rate").doubt) == ("weak", "")
    ward.send(Value("spo2", 2, 91, device_id="w-2"))
    ward.tick(3)
    assert (part(ward, "spo2").points, part(ward, "spo2").doubt) == (3, "")


def test_a_value_that_stands_still_is_in_doubt_until_it_moves(ward: Ward) -> None:
    for second in range(0, 320, 10):
        assert second == 0 or part(ward, "heart_rate").doubt == ("still" if second > 300 else "")
        ward.at(second)
        ward.send(Value("heart_rate", second, 112), Value("spo2", second, 95 + second % 3))
        ward.tick()
    assert part(ward, "spo2").doubt == ""
    ward.at(320)
    ward.send(Value("heart_rate", 320, 113))
    ward.tick()
    assert part(ward, "heart_rate").doubt == ""


def test_scale_2_only_where_prescribed(tmp_path: Path) -> None:
    for by, points in (("", 3), ("dr-1", 0)):
        ward = ward_of(tmp_path, spo2_scale2_by=by)
        ward.send(Value("spo2", 0, 90), Value("o2_flow", 0, 0, device_id=MANUAL))
        ward.tick(1)
        assert part(ward, "spo2").points == points


def test_not_applicable_is_said_and_never_alarms(tmp_path: Path) -> None:
    ward = ward_of(tmp_path, pregnant=True)
    minute(ward, 1, 3, resp_rate=30, spo2=85)
    found = score(ward)
    assert (found.status, found.total, found.lower, found.parts) == (ScoreStatus.NOT_APPLICABLE, None, None, ())
    assert "pregnancy" in found.why
    assert RULE not in ward.rules()


def test_stored_when_it_changes_or_a_minute_has_passed(ward: Ward) -> None:
    minute(ward, 1, 50)
    assert len(ward.readings.stored_scores) == 1
    minute(ward, 51, 20)
    assert len(ward.readings.stored_scores) == 2
    send_all(ward, 72, bp_sys=100)
    ward.tick()
    assert [each.total for each in ward.readings.stored_scores] == [0, 0, 2]


def test_scored_at_most_once_a_tick_and_again_when_inputs_age(ward: Ward) -> None:
    send_all(ward, 1)
    send_all(ward, 1)
    ward.tick()
    ward.tick(30)
    assert "analytics_scores_total 1.0" in ward.metrics.text().decode()
    ward.tick(61)
    assert "analytics_scores_total 2.0" in ward.metrics.text().decode()


# --- the rule -------------------------------------------------------------------------------------------------------

CALLS = [
    ({}, None),
    ({"heart_rate": 120.0, "body_temp": 38.5, "bp_sys": 105.0}, None),  # 2 + 1 + 1
    ({"resp_rate": 25.0}, Priority.LOW),  # a single 3
    ({"heart_rate": 120.0, "resp_rate": 22.0, "bp_sys": 105.0}, Priority.MEDIUM),  # 5
    ({"heart_rate": 120.0, "resp_rate": 22.0, "bp_sys": 95.0}, Priority.MEDIUM),  # 6
    ({"heart_rate": 120.0, "resp_rate": 22.0, "bp_sys": 95.0, "body_temp": 38.5}, Priority.HIGH),  # 7
]


@pytest.mark.parametrize(("change", "priority"), CALLS)
def test_priority_by_the_lower_bound(ward: Ward, change: dict[str, float], priority: Priority | None) -> None:
    minute(ward, 1, 2, **change)
    assert {alert.priority for alert in ward.records.alerts()} == ({priority} if priority else set())


def test_the_text_names_what_scores_first(ward: Ward) -> None:
    minute(ward, 1, 1, resp_rate=26, spo2=92, heart_rate=112)
    alert = ward.alert(RULE)
    assert alert.title == "NEWS2 7"
    assert alert.evidence.text == "NEWS2 is 7: breathing 26, SpO2 92, pulse 112."
    assert alert.evidence.score is not None
    assert alert.evidence.score["total"] == 7


def told_policy(ward: Ward, **delays: float) -> None:
    """High, medium and low after these seconds, 0 where none is named."""
    policy = replace(BEDSIDE_POLICY, limits=(), news2_delay_s={"high": 0.0, "medium": 0.0, "low": 0.0, **delays})
    ward.records.put_policy(PATIENT, policy, "doctor", "test", START)


def kept(ward: Ward, start: int, end: int, **change: float) -> int:
    """All vitals and a tick every 20 s."""
    for second in range(start, end, 20):
        send_all(ward, second, **change)
        ward.tick()
    return end


ILL = {"resp_rate": 26.0, "spo2": 92.0}


def test_the_text_says_what_it_was_half_an_hour_before_it_rose_and_what_has_changed(ward: Ward) -> None:
    second = kept(ward, 1, 2400, heart_rate=95)
    kept(ward, second, 2500, resp_rate=26, spo2=92, heart_rate=70)
    alert = ward.alert(RULE)
    assert alert.evidence.text == (
        "NEWS2 is 5: breathing 26, SpO2 92. It was 1 at 00:10 UTC; since then breathing +3, SpO2 +2, pulse -1."
    )
    translated = chinese(alert)
    assert translated is not None
    assert "00:10 UTC 为 1 分；此后：呼吸频率 +3、血氧饱和度 +2、脉率 -1。" in translated.text
    assert alert.evidence.score is not None
    assert alert.evidence.score["before"] == {"known_at": START + 600 * SECOND, "lower": 1, "upper": 1}


def test_a_dip_while_the_delay_runs_is_no_beginning(ward: Ward) -> None:
    told_policy(ward, medium=1200, low=7200)
    second = kept(ward, 1, 2400)
    second = kept(ward, second, 3300, **ILL)
    second = kept(ward, second, 3600, resp_rate=26)
    kept(ward, second, 4700, **ILL)
    assert "It was 0 at 00:10 UTC; since then breathing +3, SpO2 +2." in ward.alert(RULE).evidence.text


def test_what_was_not_known_before_is_said(ward: Ward) -> None:
    usual = {"bp_sys": 120.0, "body_temp": 37.0, "heart_rate": 70.0, "resp_rate": 16.0, "spo2": 97.0}
    for at in range(1, 2400, 20):
        ward.at(at)
        ward.send(*(Value(name, at, value) for name, value in usual.items()))
        ward.tick()
    kept(ward, 2400, 2500, resp_rate=26, o2_flow=2)
    assert ward.alert(RULE).evidence.text == (
        "NEWS2 is 5: breathing 26, on oxygen."
        " It was 0 to 5 at 00:10 UTC; since then breathing +3, oxygen +2 (not known before)."
    )


def test_where_nothing_was_known_nothing_is_said_of_before(ward: Ward) -> None:
    kept(ward, 600, 700, **ILL)
    assert "It was" not in ward.alert(RULE).evidence.text


def test_what_a_score_was_while_nobody_judged_is_not_known(ward: Ward) -> None:
    kept(ward, 1, 600)
    ward.analytics.save()
    ward.at(2400)
    ward.restarted().catch_up()
    kept(ward, 2400, 2500, **ILL)
    assert "It was" not in ward.alert(RULE).evidence.text


def test_a_restart_remembers_what_it_was_before(ward: Ward) -> None:
    told_policy(ward, medium=600, low=7200)
    second = kept(ward, 1, 2400)
    second = kept(ward, second, 2700, **ILL)
    ward.analytics.save()
    ward.restarted().catch_up()
    kept(ward, second, 3400, **ILL)
    assert ward.alert(RULE).evidence.text.endswith("It was 0 at 00:10 UTC; since then breathing +3, SpO2 +2.")


def test_a_partial_score_is_never_called_news2(ward: Ward) -> None:
    ward.send(Value("resp_rate", 0, 26), Value("spo2", 0, 92), Value("heart_rate", 0, 112))
    ward.send(Value("bp_sys", 0, 120), Value("body_temp", 0, 37))
    ward.tick(1)
    alert = ward.alert(RULE)
    assert alert.title == "Partial score 7 to 12"
    assert alert.evidence.text == (
        "Score at least 7, at most 12: breathing 26, SpO2 92, pulse 112. "
        "Not known: oxygen (0 or 2), consciousness (0 or 3)."
    )


def test_worse_by_a_band_calls_again_and_better_eases_only_after_a_minute(ward: Ward) -> None:
    medium = {"bp_sys": 105.0, "body_temp": 38.5, "o2_flow": 2.0, "consciousness": 0.0, "spo2": 95.0}
    second = minute(ward, 1, 62, **medium)
    assert ward.alert(RULE).priority is Priority.MEDIUM
    ward.acknowledge(RULE)
    second = minute(ward, second, 2, **{**medium, "bp_sys": 95.0, "body_temp": 39.5})
    assert (ward.alert(RULE).priority, ward.alert(RULE).handling) == (Priority.HIGH, Handling.UNACKNOWLEDGED)
    second = minute(ward, second, 60, **medium)
    assert ward.alert(RULE).priority is Priority.HIGH
    second = minute(ward, second, 2, **medium)
    assert ward.alert(RULE).priority is Priority.MEDIUM
    second = minute(ward, second, 60)
    assert ward.alert(RULE).active
    minute(ward, second, 62)
    assert ward.alert(RULE).cleared
    assert [step for step in ward.steps(RULE) if step != "escalated"] == [
        "opened", "acknowledged", "worsened", "eased", "cleared",
    ]  # fmt: skip


def test_a_score_that_falls_because_inputs_went_stale_is_unknown_not_better(ward: Ward) -> None:
    second = minute(ward, 1, 3, resp_rate=26, spo2=92, heart_rate=112)
    for later in range(second, second + 700, 10):
        ward.at(later)
        ward.send(Value("spo2", later, 97), Value("heart_rate", later, 70))
        ward.tick()
    alert = ward.alert(RULE)
    assert alert.active
    assert alert.condition is Condition.UNKNOWN
    assert ward.alert(f"signal_lost.{RULE}").active
    minute(ward, second + 710, 130)
    assert ward.alert(RULE).cleared
    assert not ward.alert(f"signal_lost.{RULE}").active


def test_the_rule_can_be_off(ward: Ward) -> None:
    minute(ward, 1, 2, resp_rate=26, spo2=92, heart_rate=112)
    ward.records.put_policy(PATIENT, replace(BEDSIDE_POLICY, limits=(), news2=False), "doctor", "hospice", START)
    minute(ward, 3, 3, resp_rate=26, spo2=92, heart_rate=112)
    assert ward.steps(RULE) == ["opened", "withdrawn"]


def test_a_restart_does_not_open_it_twice(ward: Ward) -> None:
    minute(ward, 1, 3, resp_rate=26, spo2=92, heart_rate=112)
    ward.restarted().catch_up()
    minute(ward, 4, 3, resp_rate=26, spo2=92, heart_rate=112)
    assert ward.steps(RULE) == ["opened"]
