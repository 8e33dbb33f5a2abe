"""In which order held calls are made: by priority, then by how often people found the rule true, then by waiting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.calling.budget import by_expected_value, worth
from tests.unit.analytics.calling.made import alert
from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.calls import interrupts
from vigil.domain.feedback import expected_share
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import HOUR

counts = st.integers(0, 1000).flatmap(lambda every: st.tuples(st.integers(0, every), st.just(every)))


def test_a_rule_that_was_true_more_often_is_called_first() -> None:
    often, seldom, unknown = alert("disagreement.spo2"), alert("flat.spo2", minutes_ago=9), alert("limit.bp_sys.low")
    shares = {"disagreement.spo2": (9, 10), "flat.spo2": (1, 10)}
    assert by_expected_value([seldom, unknown, often], shares) == [often, unknown, seldom]
    assert by_expected_value([seldom, unknown, often], {}) == [seldom, often, unknown], "else who waits longest"


def test_one_verdict_does_not_outweigh_many() -> None:
    once, often = alert("disagreement.spo2"), alert("flat.spo2")
    assert by_expected_value([once, often], {"disagreement.spo2": (1, 1), "flat.spo2": (80, 100)}) == [often, once]


@given(counts, counts)
def test_no_share_lifts_an_alert_above_a_higher_priority(lower: tuple[int, int], higher: tuple[int, int]) -> None:
    low, medium = alert("flat.spo2", "low", 60), alert("limit.bp_sys.low", "medium")
    assert worth(low, expected_share(*lower)) < worth(medium, expected_share(*higher))
    assert by_expected_value([low, medium], {"flat.spo2": lower, "limit.bp_sys.low": higher}) == [medium, low]


SUGAR, WARM = "limit.glucose_mgdl.low", "limit.body_temp.high"
OTHER, OTHER_DEVICE = "p-2", "w-2"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    """One interruption an hour for two patients; the one at 10 s was answered a minute later. At 3400 s sugar waits, at 3405 s
    the temperature does too."""
    ward = Ward.with_one_patient(tmp_path)
    ward.records.add_patient(patient(OTHER))
    ward.records.put_device(Device(OTHER_DEVICE, "wearable"))
    ward.records.bind(OTHER_DEVICE, OTHER, START - HOUR)
    for patient_id in (PATIENT, OTHER):
        policy = replace(BEDSIDE_POLICY, interruptions_per_nurse_hour=1.0)
        ward.records.put_policy(patient_id, policy, "doctor", "test", 0)
    ward.at(10)
    ward.send(Value("glucose_mgdl", 10, 65.0))
    ward.tick(60)
    ward.acknowledge(SUGAR)
    ward.tick(3399)
    ward.at(3400)
    ward.send(Value("glucose_mgdl", 3400, 65.0, device_id=OTHER_DEVICE))
    ward.at(3405)
    ward.send(Value("body_temp", 3405, 39.5, device_id=DEVICE))
    return ward


def first_called(ward: Ward) -> str:
    """Rule of the call that is made when the hour of the earlier one is over."""
    ward.tick(3610)
    (rule,) = {line.after.rule for line in ward.records.log if line.step.value == "called" and interrupts(line)}
    return rule


def test_the_ward_calls_the_longest_waiting_while_nobody_has_said_anything(ward: Ward) -> None:
    assert first_called(ward) == SUGAR


def test_the_ward_calls_what_people_found_true_first(ward: Ward) -> None:
    ward.records.shares = {WARM: (9, 10), SUGAR: (1, 10)}
    assert first_called(ward) == WARM


def test_what_people_say_is_read_once_a_minute_and_only_while_something_waits(ward: Ward) -> None:
    read = ward.records.shares_read
    for second in range(3500, 3560):
        ward.tick(second)
    assert ward.records.shares_read == read + 1
    ward.tick(3561)
    assert ward.records.shares_read == read + 2
    ward.tick(5000)  # both have called
    read = ward.records.shares_read
    for second in (5100, 5200):
        ward.tick(second)
    assert ward.records.shares_read == read


def test_what_was_decided_is_counted(ward: Ward) -> None:
    text = ward.metrics.text().decode()
    assert 'analytics_calls_total{how="now"} 1.0' in text
    # No data of the other device, then two calls beyond the budget.
    assert 'analytics_calls_total{how="held"} 3.0' in text
    assert 'how="joined"' not in text
