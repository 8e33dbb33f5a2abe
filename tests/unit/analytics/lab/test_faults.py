"""What a fault hides and what it raises, told by the same people without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.lab.alarms import Alarm, Lane
from analytics.lab.baseline import RAW
from analytics.lab.evaluate import judge
from analytics.lab.faults import fault_rows
from analytics.lab.lab import Tables
from analytics.lab.labels import FaultSpan
from tests.unit.analytics.lab.given import alarm, at, event, ward
from vigil.domain.alerts import Priority

EVENT = event("e-1", 100, 200, fault="stuck")
CATCHES = alarm("a", 150)
TECHNICAL = alarm("t", 120, lane=Lane.TECHNICAL)
HIGH = alarm("h", 130, priority=Priority.HIGH)


def of(sound: list[Alarm], faulty: list[Alarm]) -> dict[str, list[dict[str, str]]]:
    plain = ward(EVENT)
    labels = replace(plain.labels, spans=(FaultSpan("p-1", "stuck", at(90), at(210)),))
    place = replace(plain, labels=labels)
    tables = [
        Tables(place, [judge(name, "1", alarms, place) for name in ("ours", RAW)], {}) for alarms in (sound, faulty)
    ]
    (row,) = fault_rows(*tables)
    assert row["policy"] == "ours"
    found: dict[str, list[dict[str, str]]] = row["by_fault"]["stuck"]
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
        ([], [CATCHES], 0),
        ([], [alarm("h", 215, priority=Priority.HIGH)], 0),
        ([], [alarm("h", 130, priority=Priority.HIGH, lane=Lane.UNVERIFIED)], 0),
    ],
)
def test_raised_is_a_high_call_that_would_not_have_been(sound: list[Alarm], faulty: list[Alarm], raised: int) -> None:
    assert len(of(sound, faulty)["high_physiological_raised"]) == raised
