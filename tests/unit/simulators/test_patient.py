from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.device import DeviceSettings
from simulators.faults import Fault, FaultKind
from simulators.patient import VirtualPatient, foresee
from simulators.person import Description
from simulators.scenario import load_scenario
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, records, watch
from vigil.domain.errors import ScenarioError

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 90), min_size=1, max_size=8))
def test_the_packs_do_not_depend_on_how_often_somebody_asks(cuts: list[int]) -> None:
    faults = [Fault(FaultKind.OFFLINE, 20, 40), Fault(FaultKind.MOTION, 50, 30)]
    patient = VirtualPatient(5, "sepsis_home", faults, AFTERNOON_US)
    asked, pieces = 0, []
    for cut in cuts:
        asked += cut
        pieces += patient.advance(AFTERNOON_US + asked * SECOND)
    assert pieces == watch(5, "sepsis_home", asked + 1, faults)


def test_the_same_seed_sends_the_same_and_another_seed_does_not() -> None:
    assert watch(8, "stable", 120) == watch(8, "stable", 120)
    assert watch(8, "stable", 120) != watch(9, "stable", 120)


def test_one_pack_a_second_and_no_second_twice() -> None:
    packs = watch(1, "stable", 200)
    assert [pack.seconds for pack in packs] == [(AFTERNOON_US + k * SECOND,) for k in range(200)]
    assert all(record.t_us == pack.due_us for pack in packs for record in pack.records)


def test_seconds_can_be_joined_without_changing_what_is_said() -> None:
    joined = VirtualPatient(2, "stable", (), AFTERNOON_US, settings=DeviceSettings(joined_steps=10)).advance(
        AFTERNOON_US + 124 * SECOND
    )
    assert [len(pack.seconds) for pack in joined] == [10] * 12
    single = watch(2, "stable", 120)
    assert [r for pack in joined for r in pack.records] == [r for pack in single for r in pack.records]


def test_a_joined_pack_never_mixes_live_and_late_seconds() -> None:
    patient = VirtualPatient(
        2, "stable", [Fault(FaultKind.OFFLINE, 25, 17)], AFTERNOON_US, settings=DeviceSettings(joined_steps=10)
    )
    packs = patient.advance(AFTERNOON_US + 99 * SECOND)
    late = {t for pack in packs if pack.backfill for t in pack.seconds}
    assert late == {AFTERNOON_US + k * SECOND for k in range(25, 42)}
    assert [t for pack in packs for t in pack.seconds] == sorted(t for pack in packs for t in pack.seconds)


def test_a_slower_device_measures_less_often() -> None:
    packs = watch(1, "stable", 121, step_s=10.0)
    assert [(pack.due_us - AFTERNOON_US) // SECOND for pack in packs] == list(range(0, 121, 10))
    assert len(records(packs, "temp")) == 3


def test_a_disease_moves_the_true_values_by_its_course_and_nothing_else() -> None:
    well, ill = (VirtualPatient(31, name, (), AFTERNOON_US, offset_h=20.0) for name in ("stable", "sepsis_home"))
    for patient in (well, ill):
        patient.advance(AFTERNOON_US + 90 * SECOND)
    at = AFTERNOON_US + 60 * SECOND
    course = foresee(31, "sepsis_home").course
    expected = course.at(np.array([20.0 + 60 / 3600]))
    for vital in ("hr", "rr", "temp", "sbp"):
        moved = ill.true_values(at)[vital] - well.true_values(at)[vital]
        assert moved == pytest.approx(float(expected[vital][0]), abs=1e-6)


def test_speed_runs_life_faster_and_leaves_the_time_stamps_alone() -> None:
    fast = VirtualPatient(31, "sepsis_home", (), AFTERNOON_US, speed=3600.0, offset_h=0.0)
    packs = fast.advance(AFTERNOON_US + 30 * SECOND)
    assert packs[-1].due_us == AFTERNOON_US + 30 * SECOND
    truth = fast.truth()
    assert truth.onset_us == AFTERNOON_US
    hours = foresee(31, "sepsis_home").labels.harm_h
    assert hours is not None
    assert truth.harm_at_us == AFTERNOON_US + round(hours * SECOND)


def test_the_truth_is_on_the_real_clock() -> None:
    patient = VirtualPatient(31, "sepsis_home", (), AFTERNOON_US, offset_h=6.0)
    truth = patient.truth()
    labels = foresee(31, "sepsis_home").labels
    assert truth.onset_us == AFTERNOON_US - 6 * HOUR
    assert labels.critical_h is not None
    assert truth.critical_at_us == pytest.approx(AFTERNOON_US + (labels.critical_h - 6) * HOUR, abs=2)
    nobody = VirtualPatient(31, "stable", (), AFTERNOON_US).truth()
    assert (nobody.onset_us, nobody.critical_at_us, nobody.harm_at_us) == (None, None, None)


def test_true_values_that_are_no_longer_kept_are_refused() -> None:
    patient = VirtualPatient(1, "stable", (), AFTERNOON_US)
    patient.advance(AFTERNOON_US + 60 * MINUTE)
    assert patient.true_values(AFTERNOON_US + 59 * MINUTE)["hr"] > 30
    with pytest.raises(ScenarioError):
        patient.true_values(AFTERNOON_US)


def test_treated_sepsis_lies_in_an_intensive_care_bed() -> None:
    patient = VirtualPatient(4, "sepsis_treated_icu", (), AFTERNOON_US)
    patient.advance(AFTERNOON_US + 10 * MINUTE)
    truth = patient.truth()
    assert truth.onset_us is not None
    assert truth.critical_at_us == truth.onset_us + 48 * HOUR


def test_a_copd_scenario_makes_a_copd_person() -> None:
    patient = VirtualPatient(4, "copd", (), AFTERNOON_US, who=Description(66, "M"))
    assert patient.who == Description(66, "M", copd=True)
    assert load_scenario("copd").decoys == load_scenario("stable").decoys


@pytest.mark.parametrize(("step_s", "speed"), [(0.5, 1.0), (1.0, 0.0)])
def test_an_impossible_clock_is_refused(step_s: float, speed: float) -> None:
    with pytest.raises(ScenarioError):
        VirtualPatient(1, "stable", (), AFTERNOON_US, step_s, speed)
