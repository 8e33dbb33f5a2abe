from __future__ import annotations

import numpy as np
import pytest

from simulators.faults import Fault, FaultKind
from simulators.packs import Pack
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


def test_a_fault_can_come_again() -> None:
    fault = Fault(FaultKind.MOTION, 10.0, 5.0, every_s=100.0)
    into = fault.into(np.arange(0.0, 230.0))
    assert np.flatnonzero(np.isfinite(into)).tolist() == [*range(10, 15), *range(110, 115), *range(210, 215)]


@pytest.mark.parametrize(("start", "length", "every"), [(-1, 5, None), (0, 0, None), (0, 60, 30)])
def test_an_impossible_fault_is_refused(start: float, length: float, every: float | None) -> None:
    with pytest.raises(ScenarioError):
        Fault(FaultKind.STUCK, start, length, every)
