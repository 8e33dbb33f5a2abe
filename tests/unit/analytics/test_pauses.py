"""A planned pause: the light says so, silence raises nothing, new alerts wait for its end, and what is severe does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward
from vigil.domain.alerts import Condition
from vigil.domain.calls import How, call_of
from vigil.domain.pauses import Pause
from vigil.domain.times import MINUTE, SECOND

NO_DATA = f"no_data.{DEVICE}"
LOW = "limit.heart_rate.low"
HIGH = "limit.heart_rate.high"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.tick(0)
    return ward


def paused(ward: Ward, start: int, end: int) -> Pause:
    """Seconds from the start of the test."""
    pause = Pause(PATIENT, START + start * SECOND, START + end * SECOND, "", "li")
    ward.records.put_pause(pause)
    return pause


def light(ward: Ward) -> tuple[str, str, int | None]:
    found = ward.bus.board.coverage(PATIENT)
    assert found is not None
    return found.state.value, found.why, found.until


def every(ward: Ward, start: int, end: int, step: int = 1, heart: float | None = None) -> None:
    """A tick each ``step`` seconds; with a heart rate measured then, or in silence."""
    for second in range(start, end, step):
        ward.at(second)
        if heart is not None:
            ward.send(Value("heart_rate", second, heart))
        ward.tick()


def calls(ward: Ward, rule: str) -> list[tuple[str, str]]:
    """Each line that asked for a person, with what became of it."""
    return [(line.step.value, call.how.value) for line in ward.lines(rule) if (call := call_of(line)) is not None]


def test_the_light_says_so_until_the_stored_end(ward: Ward) -> None:
    every(ward, 1, 5, heart=70)
    pause = paused(ward, 5, 20)
    every(ward, 5, 20, heart=70)
    assert light(ward) == ("paused", "monitoring is paused", pause.end_at)
    ward.restarted()
    ward.at(19)
    ward.tick()
    assert light(ward)[0] == "paused"
    every(ward, 20, 22, heart=70)
    assert light(ward) == ("watched", "", None)


def test_who_has_no_device_has_nothing_to_pause(ward: Ward) -> None:
    ward.records.unbind(DEVICE, START)
    paused(ward, 1, 100)
    ward.tick(2)
    assert light(ward)[0] == "no_device"


def test_silence_raises_nothing_and_counts_from_the_end(ward: Ward) -> None:
    every(ward, 1, 5, heart=70)
    paused(ward, 5, 600)
    every(ward, 5, 600, 5)
    assert ward.rules() == set()
    every(ward, 600, 661, 5)
    assert ward.rules() == set()
    assert light(ward)[0] == "not_watched"
    ward.tick(661)
    assert ward.alert(NO_DATA).active


def test_what_said_that_data_were_missing_is_withdrawn_with_the_reason(ward: Ward) -> None:
    every(ward, 1, 5, heart=70)
    every(ward, 5, 400, 5)
    assert ward.alert(NO_DATA).active
    paused(ward, 400, 1000)
    ward.tick(401)
    alert = ward.alert(NO_DATA)
    assert (alert.cleared, ward.steps(NO_DATA)[-1]) == (True, "withdrawn")
    assert alert.evidence.text.endswith("Withdrawn: monitoring is paused.")
    every(ward, 402, 1061, 20)
    assert ward.steps(NO_DATA)[-1] == "withdrawn"
    ward.tick(1061)
    assert ward.alert(NO_DATA).active


def test_a_device_that_never_spoke_is_missed_from_the_end_of_the_pause(ward: Ward) -> None:
    paused(ward, 1, 300)
    every(ward, 1, 421, 10)
    assert ward.rules() == set()
    ward.tick(421)  # without an interval of its own a device is missed after two minutes
    assert ward.alert(NO_DATA).active


def fast_heart(ward: Ward, start: int, end: int) -> None:
    """Above the limit of 130 and below the severe one."""
    every(ward, start, end, heart=135)


def test_a_new_alert_stands_at_once_and_calls_at_the_end(ward: Ward) -> None:
    every(ward, 1, 5, heart=70)
    pause = paused(ward, 5, 1800)
    fast_heart(ward, 5, 30)
    alert = ward.alert(HIGH)
    assert (alert.active, alert.held_until) == (True, pause.end_at)
    assert calls(ward, HIGH) == [("opened", "held")]
    every(ward, 30, 1800, 10, heart=135)
    assert calls(ward, HIGH) == [("opened", "held")]
    every(ward, 1800, 1802, heart=135)
    assert calls(ward, HIGH) == [("opened", "held"), ("called", "now")]
    due = ward.alert(HIGH).deadline_at
    assert due is not None
    assert due > pause.end_at


def test_one_that_is_over_by_then_stays_on_the_list_and_calls_nobody(ward: Ward) -> None:
    paused(ward, 1, 600)
    fast_heart(ward, 1, 30)
    every(ward, 30, 120, heart=70)
    assert ward.alert(HIGH).cleared
    every(ward, 120, 603, 3, heart=70)
    assert calls(ward, HIGH) == [("opened", "held"), ("called", "list")]


def test_a_severe_limit_calls_at_once(ward: Ward) -> None:
    paused(ward, 1, 600)
    every(ward, 1, 3, heart=25)
    assert calls(ward, LOW) == [("opened", "now")]


def test_what_gets_severe_calls_at_once(ward: Ward) -> None:
    paused(ward, 1, 600)
    fast_heart(ward, 1, 30)
    every(ward, 30, 33, heart=185)
    assert calls(ward, HIGH) == [("opened", "held"), ("worsened", "now")]


def test_ended_early_it_calls_at_once_and_not_again(ward: Ward) -> None:
    pause = paused(ward, 1, 3600)
    fast_heart(ward, 1, 60)
    ward.records.put_pause(replace(pause, ended_at=START + 60 * SECOND, ended_by="li"))
    fast_heart(ward, 60, 63)
    assert calls(ward, HIGH) == [("opened", "held"), ("called", "now")]
    assert light(ward)[0] == "watched"


def test_what_called_before_the_pause_goes_on_to_escalate(ward: Ward) -> None:
    fast_heart(ward, 1, 30)
    assert calls(ward, HIGH) == [("opened", "now")]
    due = ward.alert(HIGH).deadline_at
    assert due is not None
    paused(ward, 30, (due - START) // SECOND + 60)
    every(ward, 30, (due - START) // SECOND + 2, 5, heart=135)
    ward.at((due - START) // SECOND + 1)
    ward.tick()
    assert calls(ward, HIGH) == [("opened", "now"), ("escalated", "now")]


def test_an_open_alert_without_data_says_unknown_and_no_more_until_the_end(ward: Ward) -> None:
    fast_heart(ward, 1, 30)
    paused(ward, 30, 1800)
    every(ward, 30, 1800, 30)
    assert ward.alert(HIGH).condition is Condition.UNKNOWN
    assert f"signal_lost.{HIGH}" not in {line.after.rule for line in ward.lines()}
    every(ward, 1800, 1800 + 600, 10)
    assert ward.alert(f"signal_lost.{HIGH}").active


def test_a_restart_in_the_middle_changes_nothing(ward: Ward) -> None:
    pause = paused(ward, 1, 900)
    fast_heart(ward, 1, 30)
    ward.restarted()
    every(ward, 30, 900, 10, heart=135)
    assert ward.alert(HIGH).held_until == pause.end_at
    every(ward, 900, 902, heart=135)
    assert [how for step, how in calls(ward, HIGH) if how == How.NOW.value] == ["now"]


def test_nobody_else_is_paused(ward: Ward) -> None:
    ward.records.put_pause(Pause("p-2", START, START + 60 * MINUTE, "", "li"))
    fast_heart(ward, 1, 30)
    assert calls(ward, HIGH) == [("opened", "now")]
    assert light(ward)[0] == "watched"
