from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulators.device import DeviceSettings
from simulators.faults import Fault, FaultKind
from simulators.packs import Pack
from simulators.patient import VirtualPatient
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, records, values, watch
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality

START, LENGTH, END = 100, 120, 400


def pair(kind: FaultKind, seed: int = 21) -> tuple[list[Pack], list[Pack]]:
    """The same person with and without the fault."""
    return watch(seed, "stable", END, [Fault(kind, START, LENGTH)]), watch(seed, "stable", END)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_outside_its_time_a_fault_changes_nothing(kind: FaultKind) -> None:
    faulty, sound = pair(kind)
    assert values(faulty, "rr")[:START] == pytest.approx(values(sound, "rr")[:START], nan_ok=True)
    by_time = [{r.t_us: r for r in records(packs, "spo2")} for packs in (faulty, sound)]
    outside = [t for t in by_time[1] if not START <= (t - AFTERNOON_US) // SECOND < START + LENGTH]
    assert len(outside) == END - LENGTH
    assert all(by_time[0][t] == by_time[1][t] for t in outside)


def test_a_loose_probe_reads_falling_values_and_then_none_always_with_the_contact_bit() -> None:
    faulty, sound = pair(FaultKind.LOOSE_PROBE)
    during = records(faulty, "spo2")[START : START + LENGTH]
    assert all(record.quality & Quality.CONTACT_LOST for record in during)
    falling = values(faulty, "spo2")[START : START + 30]
    assert np.nanmin(falling) < np.nanmin(values(sound, "spo2")) - 10
    assert all(record.value is None for record in during[30:])
    assert np.array_equal(values(faulty, "rr"), values(sound, "rr"), equal_nan=True)


def test_motion_makes_saturation_read_low_and_says_so() -> None:
    faulty, sound = pair(FaultKind.MOTION)
    span = slice(START, START + LENGTH)
    assert np.nanmean(values(faulty, "spo2")[span] - values(sound, "spo2")[span]) == pytest.approx(-7, abs=1.5)
    for name in ("hr", "spo2", "rr"):
        assert all(record.quality & Quality.MOTION for record in records(faulty, name)[span])


def test_a_stuck_probe_repeats_itself_and_does_not_know() -> None:
    faulty, sound = pair(FaultKind.STUCK)
    span = slice(START, START + LENGTH)
    for name in ("hr", "spo2"):
        assert set(values(faulty, name)[span]) == {values(sound, name)[START - 1]}
    assert len(set(values(sound, "hr")[span])) > 1
    assert {record.quality for record in records(faulty, "spo2")[span]} == {0}


def test_what_an_offline_device_measured_comes_later_in_order_and_nothing_is_lost() -> None:
    faulty, sound = pair(FaultKind.OFFLINE)
    assert [pack.seconds for pack in faulty] == [pack.seconds for pack in sound]
    assert [pack.records for pack in faulty] == [pack.records for pack in sound]
    late = [index for index, pack in enumerate(faulty) if pack.backfill]
    assert late == list(range(START, START + LENGTH))


def test_an_offline_device_sends_nothing_until_it_is_back() -> None:
    away = Fault(FaultKind.OFFLINE, START, LENGTH)
    assert len(watch(21, "stable", START + LENGTH, [away])) == START
    assert len(watch(21, "stable", START + LENGTH + 1, [away])) == START + LENGTH + 1


def test_a_dying_battery_sinks_and_then_the_device_says_nothing_until_it_is_charged() -> None:
    faults = [Fault(FaultKind.DEAD_BATTERY, 600, 6000, amount=3600)]
    faulty, sound = watch(21, "stable", 7800, faults), watch(21, "stable", 7800)
    level = {(r.t_us - AFTERNOON_US) // SECOND: r.value for r in records(faulty, "batt")}
    usual = {(r.t_us - AFTERNOON_US) // SECOND: r.value for r in records(sound, "batt")}
    assert sorted(level) == [0, 600, 1200, 1800, 2400, 3000, 3600, 6600, 7200]
    left = [1.0, 1.0, *(1 - k / 6 for k in range(1, 6)), 1.0, 1.0]
    for share, at in zip(left, sorted(level), strict=True):
        assert float(level[at] or 0) == pytest.approx(share * float(usual[at] or 0), abs=1)
    said = [(pack.due_us - AFTERNOON_US) // SECOND for pack in faulty]
    assert said == [*range(4200), *range(6600, 7800)]
    assert values(faulty, "hr")[4200:].tolist() == pytest.approx(values(sound, "hr")[6600:].tolist(), nan_ok=True)


def test_a_device_that_dies_sends_the_pack_it_has_begun() -> None:
    dead = Fault(FaultKind.DEAD_BATTERY, 25, 1000, amount=10)
    patient = VirtualPatient(2, "stable", [dead], AFTERNOON_US, settings=DeviceSettings(joined_steps=10))
    assert [len(pack.seconds) for pack in patient.advance(AFTERNOON_US + 99 * SECOND)] == [10, 10, 10, 5]


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_clock_that_jumps_stamps_every_value_wrongly_and_changes_none(ahead_s: float) -> None:
    fault = Fault(FaultKind.CLOCK_JUMP, START, LENGTH, amount=ahead_s)
    faulty, sound = watch(21, "stable", END, [fault]), watch(21, "stable", END)
    assert [pack.seconds for pack in faulty] == [pack.seconds for pack in sound]
    for second, (wrong, right) in enumerate(zip(faulty, sound, strict=True)):
        off = round(ahead_s) * SECOND if START <= second < START + LENGTH else 0
        assert [replace(r, t_us=r.t_us + off) for r in right.records] == list(wrong.records)


def test_a_clock_can_be_wrong_for_good() -> None:
    faulty = watch(21, "stable", END, [Fault(FaultKind.CLOCK_JUMP, START, math.inf, amount=60.0)])
    assert {r.t_us - pack.due_us for pack in faulty[START:] for r in pack.records} == {60 * SECOND}


def test_a_clock_that_forgot_the_time_starts_at_1970_and_goes_on() -> None:
    faulty = watch(21, "stable", END, [Fault(FaultKind.CLOCK_RESET, START, LENGTH)])
    said = [r.t_us for pack in faulty for r in pack.records if r.name == "rr"]
    assert said[START : START + LENGTH] == [k * SECOND for k in range(LENGTH)]
    assert said[START + LENGTH] == AFTERNOON_US + (START + LENGTH) * SECOND


def test_in_a_storm_of_duplicates_the_same_packs_go_out_many_times() -> None:
    faulty, sound = pair(FaultKind.DUPLICATES)
    assert [replace(pack, copies=1) for pack in faulty] == sound
    assert [index for index, pack in enumerate(faulty) if pack.copies == 5] == list(range(START, START + LENGTH))
    assert {pack.copies for pack in faulty} == {1, 5}


def test_cold_fingers_read_low_say_so_and_lose_the_value_now_and_then() -> None:
    moved, lost = [], []
    for seed in range(20):
        fault = Fault(FaultKind.LOW_PERFUSION, START, 1200)
        faulty, sound = watch(seed, "stable", START + 1200, [fault]), watch(seed, "stable", START + 1200)
        moved.append(float(np.nanmedian(values(sound, "spo2")[START:] - values(faulty, "spo2")[START:])))
        lost.append(np.isnan(values(faulty, "spo2")[START:]).mean())
        assert np.nanmax(values(faulty, "pi")[START:]) < 0.4
        for name in ("hr", "spo2"):
            assert all(record.quality & Quality.LOW_PERFUSION for record in records(faulty, name)[START:])
        assert np.array_equal(np.isnan(values(faulty, "hr")), np.isnan(values(faulty, "spo2")))
        assert np.array_equal(values(faulty, "rr"), values(sound, "rr"), equal_nan=True)
    assert min(moved) >= 1
    assert max(moved) <= 3
    assert len(set(moved)) > 1
    assert 0.06 <= np.mean(lost) <= 0.20


@pytest.mark.parametrize("points", [0.0, 2.0, 4.0])
def test_a_biased_oximeter_reads_high_and_does_not_know(points: float) -> None:
    fault = Fault(FaultKind.OXIMETER_BIAS, START, LENGTH, amount=points)
    faulty, sound = watch(21, "opioid", END, [fault], offset_h=1.2), watch(21, "opioid", END, offset_h=1.2)
    span = slice(START, START + LENGTH)
    shift = values(faulty, "spo2")[span] - values(sound, "spo2")[span]
    assert set(shift[np.isfinite(shift)].tolist()) == {points}
    assert [r.quality for r in records(faulty, "spo2")] == [r.quality for r in records(sound, "spo2")]


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_sends_the_same_for_a_seed_however_the_time_is_cut(kind: FaultKind) -> None:
    faults = [Fault(kind, 50, 100, every_s=200)]
    pieces = VirtualPatient(9, "stable", faults, AFTERNOON_US)
    cut: list[Pack] = []
    for until in (0, 49, 50, 51, 120, 399):
        cut += pieces.advance(AFTERNOON_US + until * SECOND)
    assert cut == watch(9, "stable", END, faults)


def test_a_fault_can_come_again() -> None:
    fault = Fault(FaultKind.MOTION, 10.0, 5.0, every_s=100.0)
    into = fault.into(np.arange(0.0, 230.0))
    assert np.flatnonzero(np.isfinite(into)).tolist() == [*range(10, 15), *range(110, 115), *range(210, 215)]


@pytest.mark.parametrize(("start", "length", "every"), [(-1, 5, None), (0, 0, None), (0, 60, 30)])
def test_an_impossible_fault_is_refused(start: float, length: float, every: float | None) -> None:
    with pytest.raises(ScenarioError):
        Fault(FaultKind.STUCK, start, length, every)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        (FaultKind.OXIMETER_BIAS, 4.5),
        (FaultKind.OXIMETER_BIAS, -1.0),
        (FaultKind.DUPLICATES, 1.0),
        (FaultKind.DEAD_BATTERY, 0.0),
        (FaultKind.CLOCK_JUMP, math.inf),
        (FaultKind.STUCK, 1.0),
    ],
)
def test_an_impossible_amount_is_refused(kind: FaultKind, amount: float) -> None:
    with pytest.raises(ScenarioError, match="no amount"):
        Fault(kind, 0.0, 10.0, amount=amount)
