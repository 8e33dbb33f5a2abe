"""Escalation and re-alarm: on server time, from the stored deadline, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.analytics.ward import START, Ward
from vigil.domain.alerts import Handling
from vigil.domain.times import SECOND

LOW = "limit.spo2.low"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    """One high alert, opened at second 0."""
    ward = Ward.with_one_patient(tmp_path)
    ward.run(0, [70])
    return ward


def test_a_high_alert_escalates_every_two_minutes_until_somebody_takes_it(ward: Ward) -> None:
    ward.tick(119)
    assert ward.steps(LOW) == ["opened"]
    ward.tick(120)
    ward.tick(121)
    ward.tick(240)
    assert ward.steps(LOW) == ["opened", "escalated", "escalated"]
    assert ward.lines(LOW)[1].cause == f"deadline:{START + 120 * SECOND}:escalated"
    ward.acknowledge(LOW)
    ward.tick(500)
    assert "data_lost" in ward.steps(LOW)
    assert ward.steps(LOW).count("escalated") == 2


def test_acknowledged_and_still_there_it_alarms_again_after_ten_minutes(ward: Ward) -> None:
    ward.tick(60)
    ward.acknowledge(LOW)
    ward.tick(659)
    assert ward.alert(LOW).handling is Handling.ACKNOWLEDGED
    ward.tick(660)
    assert ward.alert(LOW).handling is Handling.UNACKNOWLEDGED
    assert ward.steps(LOW)[-1] == "realarmed"


def test_returned_to_the_list_it_escalates_anew(ward: Ward) -> None:
    ward.tick(60)
    ward.acknowledge(LOW)
    ward.tick(100)
    ward.give_back(LOW)
    ward.tick(219)
    assert ward.steps(LOW) == ["opened", "acknowledged", "returned"]
    ward.tick(220)
    assert ward.steps(LOW)[-1] == "escalated"


@pytest.mark.parametrize("restart", [False, True])
def test_overdue_ones_fire_once_after_a_jump_or_a_restart(ward: Ward, restart: bool) -> None:
    ward.at(7200)
    if restart:
        ward.restarted().catch_up()
    ward.tick()
    ward.tick(7201)
    assert ward.steps(LOW).count("escalated") == 1
    assert ward.alert(LOW).deadline_at == START + 7320 * SECOND


def test_a_clock_that_is_set_back_lets_nobody_wait_for_the_same_time_again(ward: Ward) -> None:
    ward.tick(60)
    ward.tick(-3600)
    assert ward.steps(LOW) == ["opened", "escalated"]
    ward.tick(-3481)
    assert ward.steps(LOW).count("escalated") == 1
    ward.tick(-3480)
    assert ward.steps(LOW).count("escalated") == 2
    ward.acknowledge(LOW)
    ward.tick(-7200)
    assert ward.steps(LOW)[-2:] == ["acknowledged", "realarmed"]


def test_a_clock_that_jumps_back_fires_nothing_twice(ward: Ward) -> None:
    ward.tick(120)
    ward.at(60)
    ward.tick()
    ward.at(121)
    ward.tick()
    assert ward.steps(LOW).count("escalated") == 1
