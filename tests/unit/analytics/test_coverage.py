"""The coverage light beyond missing data: a score that became incomplete, and Vigil itself being behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, patient
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import HOUR, SECOND

HALF_DAY_S = 12 * HOUR // SECOND
MANUAL = f"manual.{PATIENT}"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.records.put_device(Device(MANUAL, "entered by a person"))
    ward.records.bind(MANUAL, PATIENT, 0)
    ward.tick(0)
    return ward


def coverage(ward: Ward) -> tuple[str, str, int]:
    found = ward.bus.board.coverage(PATIENT)
    assert found is not None
    return found.state.value, found.why, (found.since - START) // SECOND


def hear(ward: Ward, start: int, seconds: int = 5) -> None:
    """A quarter of a minute's silence is no gap, so the jumps between two calls are not seen as missing data."""
    for second in range(start, start + seconds):
        ward.at(second)
        ward.send(Value("spo2", second, 97), Value("heart_rate", second, 70))
        ward.tick()


def entered(ward: Ward, second: int, *values: tuple[str, float]) -> None:
    ward.at(second)
    ward.send(*(Value(vital, second, value, device_id=MANUAL) for vital, value in values))


def test_an_input_that_grew_too_old_makes_it_partly(ward: Ward) -> None:
    entered(ward, 1, ("consciousness", 0), ("body_temp", 36.8))
    hear(ward, 2)
    assert coverage(ward)[:2] == ("watched", "")
    hear(ward, HALF_DAY_S - 5, 6)
    assert coverage(ward)[:2] == ("watched", "")
    hear(ward, HALF_DAY_S + 2)
    hear(ward, HALF_DAY_S + 65)  # an unchanged score is made again each minute
    state, why, since = coverage(ward)
    assert (state, why) == ("partly", "score incomplete: old consciousness, temperature")
    assert since >= HALF_DAY_S
    entered(ward, HALF_DAY_S + 71, ("consciousness", 0))
    hear(ward, HALF_DAY_S + 72)
    assert coverage(ward) == ("partly", "score incomplete: old temperature", since)
    entered(ward, HALF_DAY_S + 78, ("body_temp", 36.9))
    hear(ward, HALF_DAY_S + 79)
    assert coverage(ward)[0] == "watched"


def test_an_input_that_was_never_there_is_no_gap(ward: Ward) -> None:
    hear(ward, 1, 130)
    score = ward.bus.board.score(PATIENT)
    assert score is not None
    assert set(score.missing) >= {"consciousness", "body_temp"}
    assert coverage(ward)[0] == "watched"


def test_a_vital_that_is_silent_is_named_once(ward: Ward) -> None:
    ward.send(Value("spo2", 0, 97), Value("heart_rate", 0, 70))
    for second in range(1, 400):
        ward.at(second)
        ward.send(Value("heart_rate", second, 70))
        ward.tick()
    assert coverage(ward)[:2] == ("partly", "no SpO2")


def test_without_news2_no_score_can_be_incomplete(ward: Ward) -> None:
    ward.records._policies[PATIENT] = replace(BEDSIDE_POLICY, news2=False)
    ward.records.put_patient(patient())
    entered(ward, 1, ("body_temp", 36.8))
    hear(ward, 2)
    hear(ward, HALF_DAY_S + 65)
    assert coverage(ward)[0] == "watched"


def test_nobody_is_watched_while_vigil_is_behind(ward: Ward) -> None:
    ward.records.add_patient(patient("p-2"))
    hear(ward, 1)
    pipeline = ward.analytics._running()
    pipeline.on_tick(START + 6 * SECOND, START, behind=True)
    assert coverage(ward) == ("not_watched", "Vigil is behind with its readings", 6)
    pipeline.on_tick(START + 7 * SECOND, START, behind=True)
    assert coverage(ward)[2] == 6
    nobody = ward.bus.board.coverage("p-2")
    assert nobody is not None
    assert nobody.state.value == "no_device"
    hear(ward, 8, 2)
    assert coverage(ward)[0] == "watched"


def test_readings_that_wait_for_more_than_10_s_mean_that_it_is_behind(ward: Ward) -> None:
    hear(ward, 1)
    subscription = ward.bus.readings.subscribe(4)
    ward.analytics._subscription = subscription
    ward.bus.readings.publish(ward.stored([Value("spo2", 6, 97)]))
    ward.at(20)
    ward.tick()
    assert coverage(ward)[:2] == ("not_watched", "Vigil is behind with its readings")
    subscription.close()
    ward.analytics._subscription = None
    hear(ward, 21, 2)
    assert coverage(ward)[0] == "watched"
    assert DEVICE not in "".join(alert.rule for alert in ward.records.alerts()), "its own delay is nobody's silence"
