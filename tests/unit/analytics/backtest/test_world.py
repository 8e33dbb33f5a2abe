"""One patient's history keeps the promises of the stores that live judging reads from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.analytics.backtest.given import START, Row, delayed, history, world
from vigil.domain.alerts import Evidence, Kind, Priority, Transition
from vigil.domain.errors import VersionConflict
from vigil.domain.lifecycle import Acknowledge, Began, Finding, Stamp, apply
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME

FOREVER = 2_000_000_000


def opened(rule: str = "limit.spo2.low", ordinal: int = 1) -> Transition:
    finding = Finding("p-1", rule, Kind.PHYSIOLOGICAL, Priority.MEDIUM, "title", Evidence("text"), START)
    line = apply(None, Began(Stamp(f"ordinal:{ordinal}", START), finding), BEDSIDE_POLICY)
    assert line is not None
    return line


def test_readings_after_an_ordinal_come_in_order_and_no_more_than_asked() -> None:
    of = world(delayed(history("p-1", 1, pieces=3), 1))
    head = of.head()
    assert of.after(0, 5).ordinal.tolist() == [1, 2, 3, 4, 5]
    assert of.after(head - 1, 5).ordinal.tolist() == [head]
    assert len(of.after(head, 5)) == 0


def test_a_range_is_by_measured_time_its_end_left_out_and_the_newest_kept() -> None:
    rows = [Row("p-1", "spo2", START + n * SECOND, 90.0 + n, START + (9 - n) * SECOND) for n in range(10)]
    of = world([*rows, Row("p-1", "heart_rate", START + 3 * SECOND, 70.0, START)])
    stream = next(each.stream for each in of.streams() if each.vital == BY_NAME["spo2"].index)
    found = of.range([stream], START + 2 * SECOND, START + 5 * SECOND, FOREVER)
    assert found.value.tolist() == [92, 93, 94]
    assert of.range([stream], START, START + DAY, 3).value.tolist() == [97, 98, 99]
    assert len(of.range([stream], START + DAY, START + 2 * DAY, FOREVER)) == 0
    both = of.range([each.stream for each in of.streams()], START, START + DAY, FOREVER)
    assert (both.measured_at[1:] >= both.measured_at[:-1]).all()
    assert len(both) == 11


def test_a_device_is_expected_as_often_as_its_values_come() -> None:
    rows = [Row("p-1", "bp_sys", START + n * HOUR, 120.0, START + n * HOUR) for n in range(5)]
    rows += [Row("p-1", "spo2", START + n * 5 * SECOND, 97.0, START + n * 5 * SECOND) for n in range(5)]
    rows += [Row("p-1", "body_temp", START, 36.6, START, device="w-2")]
    devices = {device.device_id: device.interval_s for device in world(rows).devices()}
    assert devices == {"w-1": {"bp_sys": 3600.0, "spo2": 5.0}, "w-2": {}}


def test_too_late_and_equal_times_have_no_part_in_the_spacing() -> None:
    rows = [Row("p-1", "spo2", START + n * MINUTE, 97.0, START + n * MINUTE) for n in range(5)]
    rows += [replace(row, value=96.0) for row in rows]
    rows += [Row("p-1", "spo2", START + n * SECOND, 97.0, START + n * SECOND + DAY + 1) for n in range(50)]
    assert world(rows).devices()[0].interval_s == {"spo2": 60.0}


def test_every_device_is_worn_by_the_one_patient_all_the_time() -> None:
    of = world(history("p-1", 1, pieces=2))
    assert {(each.device_id, each.patient_id, each.start, each.end) for each in of.bindings()} == {
        ("w-1", "p-1", 0, None),
        ("w-2", "p-1", 0, None),
    }
    assert [patient.patient_id for patient in of.patients()] == ["p-1"]
    assert of.policy("p-1") is BEDSIDE_POLICY
    assert of.policy("p-2") is None


def test_a_line_is_recorded_once_and_a_stale_one_is_refused() -> None:
    of = world([Row("p-1", "spo2", START, 97.0, START)])
    first = of.record(opened())
    assert first is not None
    assert (first.seq, of.last_seq()) == (1, 1)
    assert of.record(opened()) is None
    event = Acknowledge(Stamp("command:1", START, "nurse"), 1)
    line = apply(first.after, event, BEDSIDE_POLICY)
    assert line is not None
    with pytest.raises(VersionConflict):
        of.record(replace(line, cause="command:2", after=replace(line.after, version=3)))
    second = of.record(line)
    assert second is not None
    assert of.transitions(after_seq=1) == [second]
    assert of.transitions(alert_id=first.after.alert_id, limit=1) == [first]
    assert of.alerts() == [line.after]
    assert of.alerts(patient_id="p-2") == []


def test_open_alerts_and_those_resolved_since() -> None:
    of = world([Row("p-1", "spo2", START, 97.0, START)])
    for number, rule in enumerate(("a", "b", "c")):
        line = opened(rule, number)
        of.record(replace(line, after=replace(line.after, opened_at=START + number)))
    done = replace(of.alerts()[0], version=2, resolved_at=START + HOUR, resolved_reason="over")
    of.record(replace(opened("c", 9), cause="x", after=done))
    assert [alert.rule for alert in of.alerts()] == ["c", "b", "a"]
    assert [alert.rule for alert in of.alerts(open_only=True)] == ["b", "a"]
    assert [alert.rule for alert in of.alerts(resolved_since=START + HOUR)] == ["c", "b", "a"]
    assert [alert.rule for alert in of.alerts(resolved_since=START + HOUR + 1)] == ["b", "a"]
