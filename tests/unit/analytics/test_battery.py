"""A battery that runs low is said once, in the list, and is over when it is charged or the device is off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.analytics.ward import DEVICE, START, Value, Ward
from vigil.domain.alerts import Kind, Priority
from vigil.domain.calls import How, call_of
from vigil.domain.times import SECOND

RULE = f"battery.{DEVICE}"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.send(Value("battery_level", 0, 19.0), Value("spo2", 0, 97.0))
    ward.tick(0)
    return ward


def test_it_is_advisory_and_interrupts_nobody(ward: Ward) -> None:
    alert = ward.alert(RULE)
    assert (alert.kind, alert.priority, alert.device_id) == (Kind.ADVISORY, Priority.LOW, DEVICE)
    assert alert.evidence.text == f"Battery of {DEVICE} 19 % at 00:00 UTC, below 20 %."
    call = call_of(ward.lines(RULE)[0])
    assert call is not None
    assert call.how is How.LIST


def test_it_does_not_flap_around_the_limit(ward: Ward) -> None:
    for second, level in ((1, 21.0), (2, 18.0), (3, 29.0), (4, 19.0)):
        ward.at(second)
        ward.send(Value("battery_level", second, level))
        ward.tick()
    assert ward.steps(RULE) == ["opened"]


def test_it_is_over_when_charged(ward: Ward) -> None:
    ward.at(5)
    ward.send(Value("battery_level", 5, 30.0))
    ward.tick()
    assert ward.steps(RULE) == ["opened", "resolved"]


def test_of_two_batteries_of_one_device_the_lower_one_counts(ward: Ward) -> None:
    ward.send(Value("battery_level", 1, 100.0, site="charger"))
    for second in range(1, 5):
        ward.tick(second)
    assert ward.steps(RULE) == ["opened"]
    ward.at(5)
    ward.send(Value("battery_level", 5, 30.0))
    ward.tick()
    assert ward.steps(RULE) == ["opened", "resolved"]
    ward.at(6)
    ward.send(Value("battery_level", 6, 10.0, site="charger"))
    ward.tick()
    assert ward.steps(RULE) == ["opened", "resolved", "opened"]


def test_it_is_withdrawn_when_the_device_is_taken_off(ward: Ward) -> None:
    ward.records.unbind(DEVICE, START + 5 * SECOND)
    ward.tick(6)
    assert "withdrawn" in ward.steps(RULE)


def test_a_restart_says_nothing_twice(ward: Ward) -> None:
    ward.restarted().catch_up()
    ward.tick(1)
    ward.tick(2)
    assert ward.steps(RULE) == ["opened"]
