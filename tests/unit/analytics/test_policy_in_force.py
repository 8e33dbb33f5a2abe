"""The policy of the hour: limits that turn with the time of day, expected intervals, and nothing done where nothing changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from analytics.directory import Directory
from tests.unit.analytics.stores import MemoryRecords
from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import PolicyError
from vigil.domain.policy import BEDSIDE_POLICY, Policy, in_force
from vigil.domain.schedules import Schedule
from vigil.domain.times import MINUTE, SECOND
from vigil.store.records import SqlRecordStore

LOW = "limit.spo2.low"
EVERY_DAY = tuple(range(7))


def in_minutes(*spans: tuple[int, int], **values: Any) -> Policy:
    """SpO2 low differs in these minutes after ``START``, which is a midnight."""
    paths = {f"{LOW}.{name}": value for name, value in values.items()}
    return replace(BEDSIDE_POLICY, schedules=tuple(Schedule(start, end, EVERY_DAY, paths) for start, end in spans))


def put(ward: Ward, policy: Policy) -> None:
    ward.records.put_policy(PATIENT, policy, "doctor", "test", ward.clock.now_us())


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward.with_one_patient(tmp_path)


def test_a_wider_limit_at_night_withdraws_with_the_schedule_as_reason_each_night(ward: Ward) -> None:
    put(ward, in_minutes((1, 2), (3, 4), limit=85))
    ward.run(0, [87] * 290)
    lines = ward.lines(LOW)
    said = [(line.step.value, (line.at - START) // SECOND, line.note) for line in lines]
    assert said == [
        ("opened", 15, ""),
        ("withdrawn", 60, "schedule"),
        ("recurred", 135, ""),
        ("withdrawn", 180, "schedule"),
        ("recurred", 255, ""),
    ]
    assert [line.cause for line in lines if line.step.value == "withdrawn"] == [
        f"deadline:{START + minute * MINUTE}:withdrawn" for minute in (1, 3)
    ]
    assert lines[1].after.evidence.text.endswith("Withdrawn: schedule.")


def test_beyond_the_limit_of_the_night_too_nothing_happens(ward: Ward) -> None:
    put(ward, in_minutes((1, 2), limit=86))
    ward.run(0, [84] * 150)
    assert ward.steps(LOW) == ["opened"]


def test_a_rule_that_is_off_at_night(ward: Ward) -> None:
    put(ward, in_minutes((1, 3), enabled=False))
    ward.run(0, [87] * 100)
    assert [(line.step.value, line.note) for line in ward.lines(LOW)] == [("opened", ""), ("withdrawn", "schedule")]
    version = ward.lines(LOW)[0].after.evidence.policy_version
    assert version == in_force(in_minutes((1, 3), enabled=False), START).version


def test_a_turn_that_came_while_the_process_was_down(ward: Ward) -> None:
    put(ward, in_minutes((1, 2), limit=85))
    ward.run(0, [87] * 20)
    ward.analytics.save()
    ward.at(70)
    ward.restarted().catch_up()
    assert [(line.step.value, line.note) for line in ward.lines(LOW)] == [("opened", ""), ("withdrawn", "schedule")]
    assert ward.lines(LOW)[-1].cause == f"deadline:{START + 70 * SECOND}:withdrawn"


def test_a_rule_that_went_off_while_a_process_without_memory_was_down(ward: Ward) -> None:
    put(ward, in_minutes((1, 3), enabled=False))
    ward.run(0, [87] * 20)
    ward.at(70)
    ward.restarted().catch_up()
    last = ward.lines(LOW)[-1]
    assert (last.step.value, last.note, last.cause) == (
        "withdrawn",
        "schedule",
        f"deadline:{START + 70 * SECOND}:withdrawn",
    )


def test_a_limit_that_somebody_edits_at_night_is_not_the_schedules_doing(ward: Ward) -> None:
    put(ward, in_minutes((1, 10), limit=88))
    second = ward.run(0, [87] * 100)
    assert ward.steps(LOW) == ["opened"]
    put(ward, in_minutes((1, 10), limit=85))
    ward.run(second, [87] * 2)
    assert ward.lines(LOW)[-1].note == "limit changed"
    assert ward.lines(LOW)[-1].cause.startswith("command:revision-")


# --- the directory ----------------------------------------------------------------------------------------------------


def directory(*policies: Policy | None) -> Directory:
    """Patients p-1, p-2, … with these policies, at ``START``."""
    records = MemoryRecords()
    for number, policy in enumerate(policies, 1):
        records.add_patient(patient(f"p-{number}"))
        if policy is not None:
            records.put_policy(f"p-{number}", policy, "doctor", "test", START)
    found = Directory(records)
    assert found.move_to(START) == []
    assert found.refresh()
    return found


def test_who_has_other_limits_after_a_turn() -> None:
    night = in_minutes((1, 2), limit=85)
    of = directory(night, None, night, in_minutes((1, 2), limit=90), in_minutes((5, 6), limit=85))
    day = [of.policy(f"p-{number}") for number in range(1, 6)]
    assert of.move_to(START + MINUTE - 1) == []
    assert [of.policy(f"p-{number}") for number in range(1, 6)] == day
    assert of.move_to(START + MINUTE) == ["p-1", "p-3"], "the fourth sets at night what holds by day"
    assert of.policy("p-1") is of.policy("p-3")
    assert of.policy("p-2") is BEDSIDE_POLICY
    assert of.policy_version("p-1") == of.policy("p-1").version != of.policy_version("p-2")
    assert (of.turned("p-1"), of.turned("p-2"), of.turned_at) == (True, False, START + MINUTE)
    assert of.move_to(START + MINUTE) == []
    assert of.move_to(START + 2 * MINUTE) == ["p-1", "p-3"]
    assert of.policy("p-1") == day[0]
    assert of.move_to(START + 5 * MINUTE) == ["p-5"]


def test_the_documents_of_a_real_store_at_the_time_of_day(tmp_path: Path) -> None:
    store = SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", Fernet.generate_key())
    for number, ward in enumerate(("A", "A", "B"), 1):
        store.add_patient(patient(f"p-{number}", ward=ward))
    night = {"vital": "spo2", "side": "low", "limit": 85}
    content = {"schedule": [{"from": "00:01", "to": "00:02", "days": ["thu"], "limit": [night]}]}
    store.put_policy(PolicyDocument(Scope.PROGRAMME, "", content, "doctor"))
    store.put_policy(PolicyDocument(Scope.WARD, "B", {"limit": [{**night, "limit": 93}]}, "doctor"))
    of = Directory(store)
    of.move_to(START)
    of.refresh()
    assert [of.policy(f"p-{number}").limits[0].limit for number in (1, 2, 3)] == [
        BEDSIDE_POLICY.limits[0].limit
    ] * 2 + [93]
    assert of.move_to(START + MINUTE) == ["p-1", "p-2"]
    assert [of.policy(f"p-{number}").limits[0].limit for number in (1, 2, 3)] == [85, 85, 93]
    assert of.policy("p-1") is of.policy("p-2")
    store.close()


def test_where_nobody_says_what_time_it_is_a_schedule_is_refused() -> None:
    records = MemoryRecords()
    records.add_patient(patient())
    records.put_policy(PATIENT, in_minutes((1, 2), limit=85), "doctor", "test", START)
    of = Directory(records)
    of.refresh()
    with pytest.raises(PolicyError, match="cannot follow times of day"):
        of.policy(PATIENT)


# --- expected intervals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expected_s", "missing"), [(None, True), (600.0, False)])
def test_the_policy_says_how_often_a_value_is_due(ward: Ward, expected_s: float | None, missing: bool) -> None:
    intervals = {} if expected_s is None else {"heart_rate": expected_s}
    put(ward, replace(BEDSIDE_POLICY, interval_s=intervals))
    for second in range(400):
        ward.at(second)
        values = [Value("spo2", second, 97)] + ([Value("heart_rate", second, 70)] if second < 60 else [])
        ward.send(*values)
        ward.tick()
    assert ("no_signal.heart_rate" in ward.rules()) is missing
    assert f"no_data.{DEVICE}" not in ward.rules()


def test_an_expected_interval_changes_nothing_but_missing_data(ward: Ward) -> None:
    put(ward, replace(BEDSIDE_POLICY, interval_s={"spo2": 3600.0}))
    ward.run(0, [97] * 5 + [84] * 16)
    assert ward.steps(LOW) == ["opened"]
    slots = ward.analytics._running().state.slots
    assert (int(slots.interval[0]), bool(slots.quick[0]), bool(slots.spot[0])) == (3600 * SECOND, True, False)
    assert int(slots.gap[0]) == 300 * SECOND
