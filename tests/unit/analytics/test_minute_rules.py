"""Detectors over several streams, live: sensors that disagree, and vitals that are unusual together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.backtest.fold import fold
from analytics.backtest.world import History, World
from analytics.combination_rule import AtOnce, worn
from analytics.kernels import every_kernel
from analytics.patient_detectors import MULTIVARIATE
from analytics.patient_detectors.multivariate import EVERY
from analytics.scores.minutes import PatientSlots
from analytics.slots import FOREVER
from tests.unit.analytics.ward import PATIENT, START, Value, Ward, compiled, patient
from vigil.domain.alerts import Kind, Priority
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import DAY, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.domain.vitals import VITALS as TABLE

RULE = "disagreement.heart_rate"
OTHER = "w-2"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path, compiled())
    ward.records.put_device(Device(OTHER, "finger"))
    ward.records.bind(OTHER, PATIENT, START - 3600 * SECOND)
    return ward


def minutes(ward: Ward, first: int, count: int, one: float, other: float, step: int = 5) -> int:
    """``count`` minutes in which the two sensors tell these heart rates; the minute after them."""
    for second in range(60 * first, 60 * (first + count), step):
        ward.at(second)
        wobble = second % 3
        ward.send(
            Value("heart_rate", second, one + wobble), Value("heart_rate", second, other + wobble, device_id=OTHER)
        )
        ward.tick()
    return first + count


def test_two_sensors_that_disagree_for_five_minutes_are_a_technical_alert(ward: Ward) -> None:
    minute = minutes(ward, 0, 3, 72, 74)
    minute = minutes(ward, minute, 5, 72, 95)
    assert RULE not in ward.rules()
    minute = minutes(ward, minute, 1, 72, 95)
    alert = ward.alert(RULE)
    assert (alert.kind, alert.priority) == (Kind.TECHNICAL, Priority.LOW)
    assert alert.title == "Heart rate: sensors disagree"
    assert alert.evidence.text == "Heart rate 73/min by w-1, 96/min by w-2. One of them is wrong: check both sensors."
    assert alert.onset_at == START + 3 * MINUTE
    minutes(ward, minute, 4, 72, 74)
    assert not ward.alert(RULE).open


def test_one_minute_apart_is_scatter(ward: Ward) -> None:
    minute = 0
    for _ in range(4):
        minute = minutes(ward, minute, 3, 72, 74)
        minute = minutes(ward, minute, 1, 72, 95)
    assert RULE not in ward.rules()


def test_after_a_restart_it_ends_all_the_same(ward: Ward) -> None:
    minute = minutes(ward, 0, 7, 72, 95)
    assert ward.alert(RULE).active
    ward.analytics.save()
    ward.restarted().catch_up()
    minutes(ward, minute, 5, 72, 74)
    assert not ward.alert(RULE).open


def test_a_policy_may_silence_it(ward: Ward) -> None:
    quiet = replace(BEDSIDE_POLICY, findings={})
    ward.records.put_policy(PATIENT, quiet, "doctor", "one of them is known to be off", START)
    minutes(ward, 0, 8, 72, 95)
    assert RULE not in ward.rules()


# --- together -----------------------------------------------------------------------------------------------------------------


VITALS = ("heart_rate", "resp_rate", "spo2")


def a_day(seed: int, minutes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(minutes, 3): heart rate and breathing that rise and fall together, as they do with effort."""
    rng = np.random.default_rng(seed)
    effort = np.convolve(rng.standard_normal(minutes + 60), np.ones(60) / 8, "valid")[:minutes]
    scatter = rng.standard_normal((minutes, 3))
    return np.column_stack(
        [
            np.round(75 + 4 * effort + scatter[:, 0]),
            np.round(16 + 1.5 * effort + 0.4 * scatter[:, 1]),
            np.round(97 + 0.5 * scatter[:, 2]),
        ]
    )


def history() -> list[Value]:
    """A usual day, then an hour in which the heart is quick while the breath is slow: each alone is usual."""
    day = a_day(1, DAY // MINUTE)
    odd = np.tile([83.0, 13.0, 97.0], (60, 1)) + a_day(2, 60) % 1
    rows = np.vstack([day, odd])
    return [
        Value(vital, 60.0 * minute + 30, float(row[place]))
        for minute, row in enumerate(rows)
        for place, vital in enumerate(VITALS)
    ]


def test_vitals_that_are_unusual_together_call_where_the_policy_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.combination_rule.ThreadPoolExecutor", lambda *_: AtOnce())  # as if it were quick
    assert START % EVERY == 0
    ward = Ward.with_one_patient(tmp_path, compiled())
    asked = replace(BEDSIDE_POLICY, findings={MULTIVARIATE: Priority.LOW})
    ward.records.put_policy(PATIENT, asked, "doctor", "trial", START)
    values = history()
    day = [value for value in values if value.measured_s < 86_400]
    ward.at(86_400)
    ward.send(*(replace(value, received_s=value.measured_s) for value in day))
    ward.tick()
    for value in values[len(day) :]:
        ward.at(value.measured_s)
        ward.send(value)
        if value.vital == VITALS[-1]:
            ward.tick(value.measured_s + 33)
    alert = ward.alert(MULTIVARIATE)
    assert (alert.kind, alert.priority) == (Kind.PHYSIOLOGICAL, Priority.LOW)
    assert alert.evidence.text.startswith("Together unusual for this person: ")
    assert "breathing rate 13/min" in alert.evidence.text
    assert "heart rate 83/min" in alert.evidence.text
    assert START + DAY <= alert.onset_at <= START + DAY + 10 * MINUTE
    # The episode log, by itself, says the same.
    world = World(History(patient(), ward.readings.streams(), ward.readings.all, asked))
    found = [logged.episode for logged in fold(world, compiled()).log if logged.rule == MULTIVARIATE]
    assert [START + DAY <= each.onset <= START + DAY + 10 * MINUTE for each in found] == [True]
    assert not any(rule.startswith("limit.") for rule in ward.rules())


def test_without_a_day_of_minutes_nothing_is_unusual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.combination_rule.ThreadPoolExecutor", lambda *_: AtOnce())  # as if it were quick
    ward = Ward.with_one_patient(tmp_path, compiled())
    asked = replace(BEDSIDE_POLICY, findings={MULTIVARIATE: Priority.LOW})
    ward.records.put_policy(PATIENT, asked, "doctor", "trial", START)
    for minute in range(30):
        ward.at(60 * minute + 30)
        ward.send(
            Value("heart_rate", 60 * minute + 30, 150 + minute), Value("resp_rate", 60 * minute + 30, 10 + minute)
        )
        ward.tick()
    assert MULTIVARIATE not in ward.rules()


def test_every_kernel_is_compiled_for_the_product() -> None:
    assert all(compiled()(kernel.function) is not kernel.function for kernel in every_kernel())


def test_a_model_learns_from_nobody_elses_readings(ward: Ward) -> None:
    """The device was on somebody else before and after: only what this patient wore counts, in order of time."""
    for second in range(60):
        ward.at(second)
        ward.send(Value("heart_rate", second, 60 + second), Value("spo2", second, 97))
    stream = {TABLE[one.vital].name: one.stream for one in ward.readings.streams()}
    heart, oxygen = stream["heart_rate"], stream["spo2"]
    starts = np.array([START + 10 * SECOND, START + 30 * SECOND, START + 25 * SECOND])
    ends = np.array([START + 20 * SECOND, START + 40 * SECOND, FOREVER])
    slots = PatientSlots(
        np.array([BY_NAME["heart_rate"].index] * 2 + [BY_NAME["spo2"].index], np.int16),
        np.full(3, MINUTE),
        np.zeros(3, np.bool_),
        np.array([heart, heart, oxygen], np.uint32),
        ends,
    )
    batch, slot = worn(ward.readings, slots, starts, START + 35 * SECOND)
    seconds = (batch.measured_at - START) // SECOND
    assert seconds[slot == 0].tolist() == list(range(10, 20))
    assert seconds[slot == 1].tolist() == list(range(30, 35))
    assert seconds[slot == 2].tolist() == list(range(25, 35))
    assert np.all(np.diff(batch.measured_at) >= 0)
