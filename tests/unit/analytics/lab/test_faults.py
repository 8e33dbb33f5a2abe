"""What a fault hides and what it raises, told by the same people without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analytics.lab.alarms import Alarm, Lane, Notice, alarms
from analytics.lab.baseline import RAW
from analytics.lab.evaluate import judge
from analytics.lab.faults import fault_rows
from analytics.lab.lab import Tables
from analytics.lab.labels import FaultSpan
from analytics.lab.report_tables import faults as fault_table
from tests.unit.analytics.lab.given import alarm, at, event, ward
from vigil.domain.alerts import Priority
from vigil.domain.times import to_iso

EVENT = event("e-1", 100, 200, fault="stuck")
CATCHES = alarm("a", 150)
TECHNICAL = alarm("t", 120, lane=Lane.TECHNICAL)
HIGH = alarm("h", 130, priority=Priority.HIGH)
LOW_SPO2 = replace(HIGH, rule="limit.spo2.low")


def stood(start: int, end: int | None) -> Alarm:
    """Of high priority for so long, without a call near the time that is asked for."""
    return replace(alarm("h", 100, priority=Priority.HIGH), stood_high=[(start, end)])


def of(sound: list[Alarm], faulty: list[Alarm]) -> dict[str, list[dict[str, Any]]]:
    plain = ward(EVENT)
    labels = replace(plain.labels, spans=(FaultSpan("p-1", "stuck", at(90), at(210)),))
    place = replace(plain, labels=labels)
    tables = [
        Tables(place, [judge(name, "1", alarms, place) for name in ("ours", RAW)], {}) for alarms in (sound, faulty)
    ]
    (row,) = fault_rows(*tables)
    assert row["policy"] == "ours"
    found: dict[str, list[dict[str, Any]]] = row["by_fault"]["stuck"]
    return found


@pytest.mark.parametrize(
    ("sound", "faulty", "hidden"),
    [
        ([CATCHES], [CATCHES], 0),
        ([CATCHES], [], 1),
        ([], [], 0),
        ([CATCHES], [TECHNICAL], 0),
        ([CATCHES], [alarm("t", 120, lane=Lane.TECHNICAL, priority=Priority.LOW)], 1),
        ([CATCHES], [alarm("t", 201, lane=Lane.TECHNICAL)], 1),
        ([CATCHES], [alarm("t", 97, lane=Lane.TECHNICAL)], 0),
        ([CATCHES], [alarm("t", 50, lane=Lane.TECHNICAL)], 1),
        ([CATCHES], [alarm("t", 50, (50, 120), lane=Lane.TECHNICAL)], 0),
        ([CATCHES], [alarm("t", 120, (), lane=Lane.TECHNICAL)], 1),
        ([CATCHES], [replace(alarm("t", 120, (), lane=Lane.TECHNICAL), answered=[at(150)])], 0),
        ([CATCHES], [replace(alarm("t", 120, (), lane=Lane.TECHNICAL), answered=[at(201)])], 1),
    ],
)
def test_hidden_is_missed_and_not_told(sound: list[Alarm], faulty: list[Alarm], hidden: int) -> None:
    assert len(of(sound, faulty)["hidden"]) == hidden


@pytest.mark.parametrize(
    ("sound", "faulty", "raised"),
    [
        ([], [HIGH], 1),
        ([HIGH], [HIGH], 0),
        ([alarm("h", 131.5, priority=Priority.HIGH)], [HIGH], 0),
        ([alarm("h", 133, priority=Priority.HIGH)], [HIGH], 1),
        ([stood(at(100), at(140))], [HIGH], 0),
        ([stood(at(100), None)], [HIGH], 0),
        ([stood(at(100), at(130))], [HIGH], 1),
        ([replace(stood(at(100), None), rule="limit.spo2.low")], [HIGH], 1),
        ([], [CATCHES], 0),
        ([], [alarm("h", 215, priority=Priority.HIGH)], 0),
        ([], [alarm("h", 130, priority=Priority.HIGH, lane=Lane.UNVERIFIED)], 0),
    ],
)
def test_raised_is_a_high_call_that_would_not_have_been(sound: list[Alarm], faulty: list[Alarm], raised: int) -> None:
    assert len(of(sound, faulty)["high_physiological_raised"]) == raised


def doubted(confirmed: float | None) -> Alarm:
    """An unverified critical value of minute 100, confirmed or not."""
    line: dict[str, Any] = {"patient": "p-1", "alert": "u", "rule": "unverified.spo2.low", "handling": "unacknowledged"}
    told = [("opened", "technical", 100.0), *([] if confirmed is None else [("confirmed", "physiological", confirmed)])]
    times = [(step, kind, to_iso(at(minute))) for step, kind, minute in told]
    (found,) = alarms(Notice(at=when, step=step, kind=kind, priority="high", **line) for step, kind, when in times)
    return found


@pytest.mark.parametrize(
    ("sound", "faulty", "raised"),
    [
        ([doubted(130)], [LOW_SPO2], 0),
        ([doubted(110)], [LOW_SPO2], 0),
        ([doubted(133)], [LOW_SPO2], 1),
        ([doubted(None)], [LOW_SPO2], 1),
        ([], [doubted(None)], 0),
        ([], [doubted(130)], 1),
        ([LOW_SPO2], [doubted(130)], 0),
        ([doubted(130)], [doubted(131)], 0),
        ([doubted(130)], [replace(LOW_SPO2, rule="limit.spo2.high")], 1),
    ],
)
def test_a_confirmed_critical_value_is_the_alert_of_its_limit(
    sound: list[Alarm], faulty: list[Alarm], raised: int
) -> None:
    """A spoilt value a while before, which the fault moved or lifted above the limit, changes the name of the rule and nothing
    else: the same sound value calls somebody at the same minute."""
    assert len(of(sound, faulty)["high_physiological_raised"]) == raised


def test_each_hidden_event_and_each_raised_alert_is_shown() -> None:
    found = of([CATCHES], [replace(HIGH, rule="limit.spo2.low", said="SpO2 79 %.", opened_at=at(95))])
    (raised,) = found["high_physiological_raised"]
    assert (raised["minute"], raised["said"]) == (40, "SpO2 79 %.")
    page = fault_table([{"policy": "ours", "by_fault": {"stuck": found}}])
    for cells in (("hidden", "e-1", "sepsis"), ("raised", "p-1", "limit.spo2.low, minute 40", "SpO2 79 %.")):
        assert "".join(f"<td>{each}</td>" for each in cells) in page


def test_when_an_alert_was_high_and_what_its_first_high_call_said() -> None:
    line: dict[str, Any] = {
        "patient": "p",
        "alert": "a",
        "rule": "news2",
        "kind": "physiological",
        "handling": "unacknowledged",
    }
    told = [
        ("opened", "medium", "true", "NEWS2 is 5."),
        ("worsened", "high", "true", "NEWS2 is 7."),
        ("escalated", "high", "unknown", "NEWS2 is 9."),
        ("cleared", "high", "false", "NEWS2 is 9."),
        ("acknowledged", "high", "false", "NEWS2 is 9."),
    ]
    notices = [
        Notice(at=f"2026-01-01T00:0{minute}:00Z", step=step, priority=priority, condition=condition, text=text, **line)
        for minute, (step, priority, condition, text) in enumerate(told)
    ]
    (found,) = alarms(notices)
    assert (found.said, len(found.highs)) == ("NEWS2 is 7.", 2)
    assert (found.stood_high, found.answered) == ([(at(1), at(3))], [at(4)])
    assert [found.was_high(at(minute)) for minute in range(5)] == [False, True, True, False, False]
