"""The steps inside the running stage: who is called, held, given back, handed over, and that a restart changes none of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analytics.book import Book
from analytics.calling.desk import Desk
from analytics.directory import Directory
from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.alerts import Alert, Evidence, Handling, Kind, Priority, Transition
from vigil.domain.calls import call_of, interrupts
from vigil.domain.lifecycle import Began, Event, Finding, Snooze, Stamp, apply
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.teams import Level, Member, Rota, Shift, Team
from vigil.domain.times import HOUR, MINUTE, SECOND

SUGAR = "limit.glucose_mgdl.low"
OTHER, OTHER_DEVICE = "p-2", "w-2"
MORNING = 6 * 3600.0


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.records.add_patient(patient(OTHER))
    ward.records.put_device(Device(OTHER_DEVICE, "wearable"))
    ward.records.bind(OTHER_DEVICE, OTHER, START - HOUR)
    return ward


def hows(ward: Ward, patient_id: str, rule: str) -> list[tuple[str, str]]:
    """(step, how) of the lines that asked for somebody."""
    found = [line for line in ward.lines(rule) if line.after.patient_id == patient_id]
    return [(line.step.value, call.how.value) for line in found if (call := call_of(line)) is not None]


def of(ward: Ward, patient_id: str, rule: str) -> Alert:
    return next(one for one in ward.records.alerts(patient_id=patient_id) if one.rule == rule)


def command(ward: Ward, alert: Alert, event: Event) -> Transition:
    line = apply(alert, event, BEDSIDE_POLICY)
    assert line is not None
    recorded = ward.records.record(line)
    assert recorded is not None
    return recorded


def budget(ward: Ward, most: float) -> None:
    for patient_id in (PATIENT, OTHER):
        policy = replace(BEDSIDE_POLICY, interruptions_per_nurse_hour=most)
        ward.records.put_policy(patient_id, policy, "doctor", "test", 0)


def low_sugar(ward: Ward, second: int) -> None:
    for device in (DEVICE, OTHER_DEVICE):
        ward.at(second)
        ward.send(Value("glucose_mgdl", second, 65.0, device_id=device))


def test_what_is_beyond_the_budget_waits_and_calls_after_ten_minutes(ward: Ward) -> None:
    budget(ward, 1)
    low_sugar(ward, 10)
    ward.tick(11)
    assert hows(ward, PATIENT, SUGAR) == [("opened", "now")]
    assert hows(ward, OTHER, SUGAR) == [("opened", "held")]
    assert of(ward, OTHER, SUGAR).held_until == START + 610 * SECOND
    ward.tick(609)
    assert len(hows(ward, OTHER, SUGAR)) == 1
    ward.tick(610)
    assert hows(ward, OTHER, SUGAR) == [("opened", "held"), ("called", "now")]


@pytest.mark.parametrize("restart", [False, True])
def test_it_calls_sooner_when_the_hour_of_an_earlier_call_is_over(ward: Ward, restart: bool) -> None:
    budget(ward, 1)
    ward.at(10)
    ward.send(Value("glucose_mgdl", 10, 65.0), Value("glucose_mgdl", 10, 90.0, device_id=OTHER_DEVICE))
    ward.tick(60)
    ward.acknowledge(SUGAR)
    ward.tick(3400)
    if restart:
        ward.restarted().catch_up()
    ward.send(Value("glucose_mgdl", 3400, 65.0, device_id=OTHER_DEVICE))
    ward.tick(3401)
    assert hows(ward, OTHER, SUGAR) == [("opened", "held")]
    ward.tick(3609)
    assert len(hows(ward, OTHER, SUGAR)) == 1
    ward.tick(3610)
    assert hows(ward, OTHER, SUGAR)[-1] == ("called", "now")


def test_high_priority_knows_no_budget(ward: Ward) -> None:
    budget(ward, 0)
    ward.run(0, [70])
    assert hows(ward, PATIENT, "limit.spo2.low") == [("opened", "now")]


def test_a_snoozed_alert_calls_again_when_the_snooze_is_over(ward: Ward) -> None:
    low_sugar(ward, 10)
    alert = of(ward, PATIENT, SUGAR)
    until = ward.clock.now_us() + 20 * MINUTE
    command(ward, alert, Snooze(Stamp("command:1", ward.clock.now_us(), "chen"), alert.version, until, "eats now"))
    ward.tick(1209)
    assert [each for each in hows(ward, PATIENT, SUGAR) if each[1] == "now"] == [("opened", "now")]
    ward.tick(1210)
    assert hows(ward, PATIENT, SUGAR)[-1] == ("snooze_ended", "now")


def test_nobody_answers(ward: Ward) -> None:
    """The chain begins anew, and an alert of its own says so until somebody comes."""
    ward.run(0, [70])
    for second in (120, 240):
        ward.tick(second)
    own = of(ward, PATIENT, "unanswered")
    assert (own.kind, own.priority, own.active) == (Kind.TECHNICAL, Priority.HIGH, True)
    assert "SpO2 low" in own.evidence.text
    ward.acknowledge("limit.spo2.low")
    ward.tick(241)
    assert not of(ward, PATIENT, "unanswered").active


# --- teams ----------------------------------------------------------------------------------------------------------------


def team(**change: Any) -> Team:
    """Chen until 06:00 UTC, then Li; both called as a second level."""
    shifts = (
        Shift(tuple(range(7)), 18 * 60, 6 * 60, "chen"),
        Shift(tuple(range(7)), 6 * 60, 18 * 60, "li"),
    )
    made = Team("t", "A", (Member("chen", "Chen"), Member("li", "Li")), Rota("UTC", shifts))
    return replace(made, **change)


def with_team(ward: Ward, one: Team) -> None:
    ward.records.all_teams = [one]
    ward.records.put_patient(patient())


def told(ward: Ward) -> list[tuple[str, list[str]]]:
    return [(line.step.value, [each.person for each in targets]) for line, targets in ward.records.told if targets]


def test_the_team_is_called_level_by_level_in_its_own_time(ward: Ward) -> None:
    chain = (Level(("on_call",)), Level(("everyone",), after_s={"high": 60.0}))
    with_team(ward, team(chain=chain))
    ward.run(0, [70])
    assert of(ward, PATIENT, "limit.spo2.low").deadline_at == START + 60 * SECOND
    ward.tick(60)
    assert told(ward) == [("opened", ["chen"]), ("escalated", ["chen", "li"])]


@pytest.mark.parametrize("restart", [False, True])
def test_at_the_change_of_shift_the_next_one_has_to_accept(ward: Ward, restart: bool) -> None:
    with_team(ward, team())
    ward.at(MORNING - 60)
    ward.send(Value("glucose_mgdl", MORNING - 60, 65.0))
    alert = of(ward, PATIENT, SUGAR)
    ward.acknowledge(SUGAR, "chen")
    ward.tick(MORNING - 1)
    assert of(ward, PATIENT, SUGAR).owner == "chen"
    if restart:
        ward.restarted().catch_up()
    ward.tick(MORNING + 5)
    ward.tick(MORNING + 6)
    after = of(ward, PATIENT, SUGAR)
    assert (after.owner, after.accept_by) == ("li", START + round((MORNING + 605) * SECOND))
    assert [line.step.value for line in ward.lines(SUGAR)].count("handed_over") == 1
    ward.tick(MORNING + 605)
    after = of(ward, PATIENT, SUGAR)
    assert after.handling is Handling.UNACKNOWLEDGED
    assert after.alert_id == alert.alert_id
    assert interrupts(ward.lines(SUGAR)[-1])


def test_what_is_taken_after_the_change_stays_with_who_took_it(ward: Ward) -> None:
    with_team(ward, team())
    ward.at(MORNING + 1)
    ward.send(Value("glucose_mgdl", MORNING + 1, 65.0))
    ward.acknowledge(SUGAR, "chen")
    ward.tick(MORNING + 2)
    assert of(ward, PATIENT, SUGAR).owner == "chen"


def test_what_is_wrong_with_vigil_itself_is_told_to_every_team(ward: Ward) -> None:
    with_team(ward, team())
    ward.records.all_teams.append(
        team(
            team_id="u", ward="B", members=(Member("chen", "Chen"), Member("zoe", "Zoe")), chain=(Level(("everyone",)),)
        )
    )
    directory = Directory(ward.records)
    directory.refresh()
    desk = Desk(directory, Book(ward.records))
    finding = Finding("", "self_test", Kind.TECHNICAL, Priority.MEDIUM, "Vigil", Evidence("text"), START)
    opened = apply(None, Began(Stamp("deadline:1", START), finding), BEDSIDE_POLICY)
    assert opened is not None
    called = desk.targets(desk.decided(opened, None))
    assert [each.person for each in called] == ["chen", "zoe"]


def test_missing_data_stand_in_the_list_before_they_call(ward: Ward) -> None:
    ward.run(0, [97.0] * 5)
    for second in (70, 310, 960):
        ward.tick(second)
    assert hows(ward, PATIENT, f"no_data.{DEVICE}") == [("opened", "list"), ("worsened", "held"), ("called", "now")]


def test_a_score_carries_its_parts_until_its_data_stop(ward: Ward) -> None:
    for second in range(30):
        ward.at(second)
        ward.send(Value("resp_rate", second, 26.0), Value("heart_rate", second, 135.0), Value("spo2", second, 91.0))
        ward.tick()
    assert hows(ward, PATIENT, "news2")[0] == ("opened", "now")
    fast = of(ward, PATIENT, "limit.heart_rate.high")
    assert fast.suppressed_by == of(ward, PATIENT, "news2").alert_id
    assert hows(ward, PATIENT, fast.rule) == [("opened", "inhibited")]
    for second in range(60, 480, 10):
        ward.tick(second)
    assert not of(ward, PATIENT, fast.rule).suppressed_by
    assert "unsuppressed" in ward.steps(fast.rule)
