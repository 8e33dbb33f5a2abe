"""Limits from readings to changes: drawn tables, and the same answer for any split into batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.changes import Change
from analytics.directory import Directory
from analytics.lapses import reconfigure
from analytics.quality import COUNTS, gated
from analytics.slots import LATENESS_WINDOW
from analytics.state import State
from tests.unit.analytics.ward import PATIENT, START, Value, Ward
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import SECOND

BAD = int(Quality.MOTION)


class Engine:
    """Intake and telling alone, fed with batches; late readings are only set aside."""

    def __init__(self, ward: Ward) -> None:
        self.directory = Directory(ward.records)
        self.directory.refresh()
        self.state = State(self.directory, ward.readings)
        self.slots = self.state.slots
        self.late = 0
        self._configured = 0

    def feed(self, batch: ReadingBatch) -> list[Change]:
        state = self.state
        slot = state.slots.resolve(batch)
        state.extend()
        policy = self.directory.policy(PATIENT)
        for new in range(self._configured, state.slots.size):
            reconfigure(state, new, policy, policy.version)
        self._configured = state.slots.size
        keep = (slot >= 0) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW)
        slot, batch = slot[keep], batch.take(keep)
        if not slot.size:
            return []
        taken = state.intake.take(slot, batch, START)
        self.late += taken.late.size
        counts = ~gated(batch)
        counts[taken.rows] = taken.judged.gate == COUNTS
        state.slots.note(slot, batch, counts)
        state.windows.add(slot, batch, ~counts)
        found = state.telling.take(slot[taken.rows], batch.take(taken.rows), taken)
        limits = {state.engine.numbers[name] for name in ("limit", "unverified")}
        return [each for each in found if each.detector in limits]


def changes(path: Path, values: list[Value], sizes: list[int] | None = None) -> tuple[list[Change], Engine]:
    ward = Ward.with_one_patient(path)
    engine = Engine(ward)
    batch = ward.stored(values)
    found: list[Change] = []
    start = 0
    for size in sizes or [len(values)]:
        if start < len(batch):
            found += engine.feed(batch.take(slice(start, start + size)))
        start += size
    if start < len(batch):
        found += engine.feed(batch.take(slice(start, None)))
    return found, engine


def told(found: list[Change]) -> list[str]:
    return [f"{each.what.value}@{(each.measured_at - START) // SECOND}" for each in found]


# One value a second as runs of value x seconds -> changes as what@second. SpO2 low: limit 90, delay 15 s, normal again from 91
# for 60 s, severe below 80 without delay.
SPO2 = [
    ("97x200", ""),
    ("90x200", ""),  # the limit itself is normal
    ("97x5 89x15 97x60", ""),  # 0 to 14 s: back before the delay is over
    ("97x5 89x16 97x5", "began@20"),
    (
        "97x5 89x10 90x10 89x1 97x5",
        "began@25",
    ),  # inside the hysteresis the delay runs on, but only an abnormal value alarms
    ("97x5 89x10 91x1 89x15 97x5", ""),  # beyond the hysteresis it starts anew
    ("97x5 79x1 97x59", "began@5"),  # severe: at once
    ("97x5 80x1 97x59", ""),  # the severe limit itself is not severe
    ("97x5 79x1 97x61", "began@5 ended@66"),
    ("97x5 79x1 97x59 90x1 97x61", "began@5 ended@126"),  # not yet normal again: 60 s anew
    ("97x5 85x20 79x1 85x61 97x61", "began@20 worse@25 eased@86 ended@147"),
    ("97x5 85x20 79x1 85x30 78x1 85x30 97x61", "began@20 worse@25 ended@147"),
    ("97x5 85x20 97x30 85x1 97x61", "began@20 ended@116"),
]


@pytest.mark.parametrize(("runs", "expected"), SPO2)
def test_spo2_low(tmp_path: Path, runs: str, expected: str) -> None:
    values: list[Value] = []
    for run in runs.split():
        value, seconds = run.split("x")
        values += [Value("spo2", len(values) + second, float(value)) for second in range(int(seconds))]
    found, _ = changes(tmp_path, values)
    assert told(found) == expected.split()


# vital, value -> does one spot check alarm, and is it severe? (limits of the default policy; the limit itself is normal)
SPOT = [
    ("bp_sys", 91, 0),
    ("bp_sys", 90, 1),
    ("bp_sys", 75, 1),
    ("bp_sys", 74, 2),
    ("bp_sys", 219, 0),
    ("bp_sys", 220, 1),
    ("bp_sys", 251, 2),
    ("body_temp", 39.0, 0),
    ("body_temp", 39.1, 1),
    ("body_temp", 35.1, 0),
    ("body_temp", 35.0, 1),
    ("body_temp", 31.9, 2),
    ("heart_rate", 181, 2),
    ("heart_rate", 180, 0),
    ("heart_rate", 29, 2),
    ("resp_rate", 4, 2),
    ("resp_rate", 41, 2),
    ("glucose_mgdl", 900, 0),
]


@pytest.mark.parametrize(("vital", "value", "level"), SPOT)
def test_a_single_value(tmp_path: Path, vital: str, value: float, level: int) -> None:
    found, _ = changes(tmp_path, [Value(vital, 0, value)])
    assert [each.level for each in found] == ([level] if level else [])


def test_one_normal_spot_check_ends_a_condition(tmp_path: Path) -> None:
    found, _ = changes(tmp_path, [Value("bp_sys", 0, 85), Value("bp_sys", 900, 92), Value("bp_sys", 1800, 94)])
    assert told(found) == ["began@0", "ended@1800"]  # 92 is inside the limit of 91, but not yet by the hysteresis of 3


def test_a_silence_breaks_the_count_of_normal_seconds(tmp_path: Path) -> None:
    values = [Value("spo2", 0, 79), Value("spo2", 1, 97), Value("spo2", 400, 97), Value("spo2", 430, 97)]
    assert [each.what.value for each in changes(tmp_path, values)[0]] == ["began"]
    values.append(Value("spo2", 460, 97))
    assert [each.what.value for each in changes(tmp_path, values)[0]] == ["began", "ended"]


def test_gated_values_neither_alarm_nor_clear_nor_break_a_delay(tmp_path: Path) -> None:
    values = [Value("spo2", second, 85, BAD) for second in range(60)]
    assert changes(tmp_path, values)[0] == []
    values = [Value("spo2", 0, 79)] + [Value("spo2", 1 + second, 97, BAD) for second in range(120)]
    assert [each.what.value for each in changes(tmp_path, values)[0]] == ["began"]
    mixed = [Value("spo2", second, 85, BAD if second % 2 else 0) for second in range(17)]
    assert [each.what.value for each in changes(tmp_path, mixed)[0]] == ["began"]


@pytest.mark.parametrize(
    "quality", [Quality.LOW_PERFUSION, Quality.EARLY_ESTIMATE, Quality.CLOCK_AHEAD, Quality.MANUAL]
)
def test_doubtful_values_still_count(tmp_path: Path, quality: Quality) -> None:
    found, _ = changes(tmp_path, [Value("spo2", second, 85, int(quality)) for second in range(17)])
    assert told(found) == ["began@15"]


@pytest.mark.parametrize("quality", [Quality.EARLY_ESTIMATE, Quality.CLOCK_AHEAD, Quality.MANUAL])
def test_of_doubtful_values_only_a_weak_signal_needs_another_to_be_severe(tmp_path: Path, quality: Quality) -> None:
    found, _ = changes(tmp_path, [Value("spo2", 0, 79, int(quality))])
    assert told(found) == ["began@0"]
    assert found[0].level == 2


def test_a_weak_signal_beyond_a_severe_limit_is_a_doubt_and_after_its_delay_a_limit(tmp_path: Path) -> None:
    found, _ = changes(tmp_path, [Value("spo2", second, 79, int(Quality.LOW_PERFUSION)) for second in range(100)])
    assert told(found) == ["doubted@0", "began@15"]
    assert [each.level for each in found] == [2, 1]


def test_a_severe_condition_stays_severe_when_its_signal_becomes_weak(tmp_path: Path) -> None:
    values = [Value("spo2", 0, 79)] + [Value("spo2", second, 78, int(Quality.LOW_PERFUSION)) for second in range(1, 59)]
    assert told(changes(tmp_path, values)[0]) == ["began@0"]


def test_no_value_is_no_value(tmp_path: Path) -> None:
    values = [Value("spo2", second, float("nan"), int(Quality.NO_VALUE)) for second in range(30)]
    values += [Value("spo2", 30, float("nan"))]
    found, engine = changes(tmp_path, values)
    assert found == []
    assert engine.slots.valid_at[0] == 0


DOUBT = [
    ("79g", "doubted@0"),
    ("80g", ""),
    ("79g 78g", "doubted@0"),
    ("79g 79v", "doubted@0 began@1 doubt_confirmed@1"),
    ("79v 78g", "began@0"),
    ("79w", "doubted@0"),
    ("80w", ""),
    ("79g 78w", "doubted@0"),
    ("79w 78v", "doubted@0 began@1 doubt_confirmed@1"),
    ("79v 78w", "began@0"),
    ("79t", ""),  # a self test is nobody's pulse
    ("79g 85v", "doubted@0"),
]


@pytest.mark.parametrize(("values", "expected"), DOUBT)
def test_unverified_critical_value(tmp_path: Path, values: str, expected: str) -> None:
    quality = {"g": BAD, "v": 0, "w": int(Quality.LOW_PERFUSION), "t": int(Quality.TEST)}
    made = [Value("spo2", s, float(each[:-1]), quality[each[-1]]) for s, each in enumerate(values.split())]
    found, _ = changes(tmp_path, made)
    assert told(found) == expected.split()


def test_a_doubt_ends_with_a_minute_of_valid_values(tmp_path: Path) -> None:
    values = [Value("spo2", 0, 70, BAD)] + [Value("spo2", 1 + second, 96) for second in range(61)]
    assert [each.what.value for each in changes(tmp_path, values)[0]] == ["doubted", "doubt_ended"]


# --- late readings --------------------------------------------------------------------------------------------------


def test_a_reading_out_of_order_is_set_aside(tmp_path: Path) -> None:
    values = [Value("spo2", 10, 97), Value("spo2", 8, 75, received_s=11), Value("spo2", 10, 97, received_s=12)]
    found, engine = changes(tmp_path, values)
    assert found == []
    assert engine.late == 1  # the third is the first once more


def test_older_than_24_h_never_alarms(tmp_path: Path) -> None:
    old = [Value("spo2", -3500, 70, received_s=-3500 + 86_401)]
    found, engine = changes(tmp_path, old)
    assert found == []
    assert engine.slots.seen_at[0] == 0
    assert [each.what.value for each in changes(tmp_path, [replace(old[0], received_s=-3500 + 86_400)])[0]] == []


def test_a_backfill_in_order_is_held_until_a_fresh_abnormal_value_comes(tmp_path: Path) -> None:
    old = [Value("spo2", second, 85, received_s=4000) for second in range(60)]
    assert changes(tmp_path, old)[0] == []
    found, _ = changes(tmp_path, [*old, Value("spo2", 4000, 86)])
    assert told(found) == ["began@4000"]
    assert found[0].onset_at == START
    over = [*old, *(Value("spo2", 60 + second, 97, received_s=4000) for second in range(61))]
    found, _ = changes(tmp_path, over)
    assert [(each.what.value, each.peak) for each in found] == [("passed", 85)]


def test_a_sensor_whose_clock_is_slow_is_not_held_back_for_long(tmp_path: Path) -> None:
    slow = [Value("spo2", second, 85, received_s=second + 360) for second in range(100)]
    assert told(changes(tmp_path, slow)[0]) == ["began@75"]  # 15 s of delay, then a minute


# --- any split ------------------------------------------------------------------------------------------------------

reading = st.builds(
    Value,
    vital=st.sampled_from(["spo2", "heart_rate", "bp_sys"]),
    measured_s=st.just(0.0),
    value=st.sampled_from([97.0, 91.0, 90.0, 85.0, 79.0, 30.0, 120.0, 200.0, float("nan")]),
    quality=st.sampled_from([0, 0, 0, 0, BAD, int(Quality.LOW_PERFUSION), int(Quality.TEST)]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Value]:
    """Runs of equal values, gaps, jumps back in time and late receipt."""
    at, received = 0.0, 0.0
    values: list[Value] = []
    for _ in range(draw(st.integers(1, 12))):
        model = draw(reading)
        at += draw(st.sampled_from([0, 1, 1, 30, 400, -20, -2000]))
        for _ in range(draw(st.integers(1, 40))):
            at += draw(st.sampled_from([1, 1, 1, 5]))
            received = max(received, at + draw(st.sampled_from([0, 0, 0, 350])))
            values.append(replace(model, measured_s=at, received_s=received))
    return values


def _comparable(each: Change) -> tuple[Any, ...]:
    return tuple("nan" if value != value else value for value in (getattr(each, name) for name in each.__slots__))


@settings(max_examples=120)
@given(values=histories(), sizes=st.lists(st.integers(1, 60), max_size=40))
def test_the_same_for_any_split_into_batches(
    values: list[Value], sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp()
    whole, one = changes(path, values)
    split, other = changes(path, values, sizes)
    single, third = changes(path, values, [1] * len(values))
    assert [_comparable(each) for each in whole] == [_comparable(each) for each in split]
    assert [_comparable(each) for each in whole] == [_comparable(each) for each in single]
    for engine in (one, other, third):
        engine.state.windows.refresh()
    expected = one.state.saved()
    for engine in (other, third):
        found = engine.state.saved()
        for key in expected:
            np.testing.assert_array_equal(expected[key], found[key], err_msg=key)


def test_many_slots_grow_the_arrays(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    engine = Engine(ward)
    values = [Value("spo2", 0, 97, device_id=f"w-{n}") for n in range(700)]
    for n in range(700):
        ward.records.bind(f"w-{n}", PATIENT, 0)
    engine.directory.refresh()
    assert engine.feed(ward.stored(values)) == []
    assert engine.slots.size == 700
    assert engine.slots.limit[699, 0] == BEDSIDE_POLICY.limits[0].limit
