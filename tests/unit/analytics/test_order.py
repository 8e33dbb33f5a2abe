"""Order does not matter: any arrival inside the window of 24 h, with repetitions, batches and restarts, ends in the same state,
the same episodes, and alerts that cover them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.columns import Saved
from tests.unit.analytics.ward import PATIENT, START, Value, Ward, compiled
from vigil.domain.alerts import Condition
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND

LOW = "limit.spo2.low"
BAD = int(Quality.MOTION)
HOUR_S = 3600.0

run = st.tuples(
    st.sampled_from(["spo2", "heart_rate", "resp_rate", "bp_sys"]),
    st.sampled_from([97.0, 91.0, 89.0, 85.0, 79.0, 30.0, 120.0, 200.0, 12.0, 40.0, float("nan")]),
    st.sampled_from([0, 0, 0, BAD, int(Quality.LOW_PERFUSION)]),
    st.integers(1, 25),
    st.sampled_from([1.0, 1.0, 5.0, 60.0, 900.0]),
    st.sampled_from([0.0, 0.0, 30.0, 400.0, 7 * HOUR_S]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Value]:
    """Runs of equal values of several vitals with gaps, all inside a day."""
    values: list[Value] = []
    at = 0.0
    for vital, value, quality, count, step, gap in draw(st.lists(run, min_size=1, max_size=10)):
        at += gap
        for _ in range(count):
            if at < 20 * HOUR_S:
                values.append(Value(vital, at, value, quality))
            at += step
    return values


def _final(path: Path, batches: Sequence[Sequence[Value]], restarts: frozenset[int] = frozenset()) -> Ward:
    """Everything received after 23 h, batch by batch, then a quiet minute."""
    ward = Ward.with_one_patient(path, compiled())
    ward.path.unlink(missing_ok=True)
    ward.restarted()
    for number, batch in enumerate(batches):
        received = 23 * HOUR_S + number
        ward.at(received)
        ward.send(*(replace(value, received_s=received) for value in batch))
        ward.tick()
        if number in restarts:
            ward.analytics.save()
            ward.restarted().catch_up()
    for second in (1, 7, 20, 80):
        ward.tick(23 * HOUR_S + len(batches) + second)
    return ward


def _engine(ward: Ward) -> Saved:
    """By stream, because slots are numbered in order of arrival."""
    state = ward.analytics.state
    names = {slot: state.slots.stream[slot] for slot in range(state.slots.size)}
    vitals = {stream.stream: stream.vital for stream in ward.readings.streams()}
    order = sorted(range(state.slots.size), key=lambda slot: vitals[int(names[slot])])
    found: Saved = {"vital": np.array([vitals[int(names[slot])] for slot in order])}
    rows = [state.engine.copy_slot(slot) for slot in order]
    found["memory"] = np.array([row for row, _ in rows])
    running = [(place, number, row) for place, (_, of) in enumerate(rows) for number, row in sorted(of.items())]
    found["running_of"] = np.array([(place, number) for place, number, _ in running])
    for field in ("last_at", "onset", "normal_since", "eased_since", "peak", "peak_at", "status", "level"):
        found[field] = np.array([_told(row, field) for _, _, row in running])
    return found


def _told(row: Any, field: str) -> list[float]:
    """A side that is idle keeps old numbers, which mean nothing."""
    if field == "last_at":
        return [float(row[field])]
    return [float(row[field][side]) if row["status"][side] else 0.0 for side in (0, 1)]


@settings(max_examples=100)
@given(values=histories(), data=st.data())
def test_any_arrival_order_ends_in_the_same_state(
    values: list[Value], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp()
    expected = _engine(_final(path, [values]))
    shuffled = data.draw(st.permutations(values), label="arrival")
    again = data.draw(st.lists(st.sampled_from(values), max_size=8), label="again")
    arrival = [*shuffled, *again]
    sizes = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=8), label="sizes")
    batches, start = [], 0
    for size in [*sizes, len(arrival)]:
        if start < len(arrival):
            batches.append(arrival[start : start + size])
        start += size
    restarts = frozenset(data.draw(st.lists(st.integers(0, len(batches)), max_size=2), label="restarts"))
    found = _engine(_final(path, batches, restarts))
    assert expected.keys() == found.keys()
    for key in expected:
        np.testing.assert_array_equal(expected[key], found[key], err_msg=key)


# --- what late readings do to alerts ------------------------------------------------------------------------------------------


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward.with_one_patient(tmp_path, compiled())


def late(start: int, values: Sequence[float], received: int) -> list[Value]:
    return [Value("spo2", start + n, value, received_s=received) for n, value in enumerate(values)]


def settle(ward: Ward, second: int) -> None:
    for later in (1, 6, 12, 18):
        ward.tick(second + later)


def test_a_gap_that_is_filled_shows_an_episode_that_nobody_saw(ward: Ward) -> None:
    second = ward.run(0, [97] * 30)
    ward.run(second + 600, [97] * 90)
    ward.send(*late(100, [84] * 120 + [97] * 80, 720))
    settle(ward, 720)
    alert = ward.alert(LOW, retrospective=True)
    assert (alert.onset_at, alert.ended_at) == (START + 100 * SECOND, START + 220 * SECOND)
    assert alert.evidence.text == "Past event: SpO2 84 % from 00:01 UTC to 00:03 UTC, received 00:12 UTC."
    assert [each.retrospective for each in ward.records.alerts()] == [True]


def test_a_severe_reading_that_is_only_seconds_late_calls_at_once(ward: Ward) -> None:
    ward.run(0, [97] * 11)
    ward.send(Value("spo2", 8.5, 78, received_s=11))
    assert ward.alert(LOW).active
    assert ward.alert(LOW).onset_at == START + round(8.5 * SECOND)


def test_late_normal_values_contradict_an_alert_that_is_annotated_and_stays(ward: Ward) -> None:
    """Two odd values 20 s apart look like one spell until what lay between comes."""
    ward.send(Value("spo2", 0, 85))
    ward.at(20)
    ward.send(Value("spo2", 20, 85))
    assert ward.alert(LOW).active
    ward.at(22)
    ward.send(*late(1, [97.0] * 18, 22), Value("spo2", 22, 97))
    settle(ward, 22)
    alert = ward.alert(LOW)
    assert alert.condition is Condition.FALSE
    assert alert.open
    assert alert.evidence.text.endswith("Readings that came later show that this condition did not hold.")
    assert ward.steps(LOW) == ["opened", "amended"]
    ward.acknowledge(LOW)
    assert not ward.alert(LOW).open


def test_an_alert_that_is_over_is_annotated_too_and_only_once(ward: Ward) -> None:
    ward.send(Value("spo2", 0, 85))
    ward.at(20)
    ward.send(Value("spo2", 20, 85))
    second = ward.run(21, [97] * 90)
    ward.acknowledge(LOW)
    assert not ward.alert(LOW).open
    for start in (1, 11):
        ward.send(*late(start, [97.0] * 8, second))
        settle(ward, second)
        second += 20
    assert ward.steps(LOW) == ["opened", "cleared", "acknowledged", "amended"]


def test_late_readings_inside_a_told_episode_say_nothing_new(ward: Ward) -> None:
    second = ward.run(0, [84] * 40)
    ward.send(Value("spo2", 10.5, 84, received_s=second), Value("spo2", 12.5, 83, received_s=second))
    settle(ward, second)
    assert ward.steps(LOW) == ["opened"]


def test_a_backfill_waits_until_it_is_over_but_not_longer_than_a_minute(ward: Ward) -> None:
    second = ward.run(0, [97] * 30)
    second = ward.run(second + 900, [97] * 5)
    for n in range(75):
        ward.at(second + n)
        ward.send(*late(100 + 5 * n, [84.0] * 5, second + n), Value("spo2", second + n, 97))
        ward.tick()
        told = ward.analytics.state.telling.held
        if n < 60:
            assert not told
    assert ward.analytics.state.telling.held or ward.rules()


def test_a_day_of_backfill_is_judged_in_shares(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tick does not judge more than its share, and the rest waits for the next tick."""
    monkeypatch.setattr("analytics.pipeline.SHARE", 10)
    for number in range(3):
        ward.records.bind(f"d-{number}", PATIENT, START - SECOND)
    for number in range(3):
        ward.send(*(Value("spo2", n, 97, device_id=f"d-{number}") for n in range(50, 80)))
        ward.send(*(Value("spo2", n, 97, device_id=f"d-{number}", received_s=80) for n in range(30)))
    ward.at(80)
    assert ward.analytics.state.late.waiting == 3
    ward.tick(86)
    assert ward.analytics.state.late.waiting == 2
    ward.tick(87)
    ward.tick(88)
    assert ward.analytics.state.late.waiting == 0
