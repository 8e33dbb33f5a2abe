from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.apnoea import Apnoea, ApnoeaNights
from simulators.noise import Floats
from simulators.patient import VirtualPatient
from simulators.person import Description
from simulators.scenario import load_scenario
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, values

HOUR = 3600.0


def kind(severity: str) -> Apnoea:
    plan = load_scenario("apnoea").apnoea
    assert plan is not None
    return replace(plan, severity=severity)


def hours(severity: str, count: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Oxygen and heart rate each second, cut into hours."""
    nights = ApnoeaNights(kind(severity), seed)
    moved = [nights.deltas(hour * HOUR + np.arange(HOUR)) for hour in range(count)]
    return np.array([one["spo2_asleep"] for one in moved]), np.array([one["hr_asleep"] for one in moved])


def nadirs(oxygen: Floats) -> Floats:
    line = oxygen.ravel()
    return line[1:-1][(line[1:-1] < line[:-2]) & (line[1:-1] <= line[2:]) & (line[1:-1] < -1.0)]


@pytest.mark.parametrize(("severity", "per_h"), [("mild", 10), ("moderate", 22), ("severe", 45)])
def test_cycles_come_as_often_as_the_severity_says(severity: str, per_h: int) -> None:
    oxygen, _ = hours(severity, 40)
    assert nadirs(oxygen).size / 40 == pytest.approx(per_h, rel=0.1)


def test_a_cycle_falls_for_twenty_seconds_and_rises_in_twelve() -> None:
    oxygen, _ = hours("moderate", 40)
    assert np.median(nadirs(oxygen)) == pytest.approx(-20 * 0.26, abs=0.4)
    slope = np.diff(oxygen.ravel())
    assert np.median(slope[slope < -0.1]) == pytest.approx(-0.26, abs=0.01)
    assert np.median(slope[slope > 0.1]) == pytest.approx(0.44, abs=0.01)
    assert oxygen.min() >= -40 * 0.26 - 1e-9


def test_the_heart_dips_and_jumps_at_the_arousal() -> None:
    _, heart = hours("severe", 10)
    assert heart.min() == pytest.approx(-5.0, abs=0.5)
    assert 10 < heart.max() <= 15


def test_an_hour_is_the_same_whoever_asks_and_another_person_has_another() -> None:
    seconds = 7 * HOUR + np.arange(HOUR)
    whole, cut = ApnoeaNights(kind("severe"), 3), ApnoeaNights(kind("severe"), 3)
    pieces = np.concatenate([cut.deltas(part)["spo2_asleep"] for part in np.split(seconds, 60)])
    assert np.array_equal(pieces, whole.deltas(seconds)["spo2_asleep"])
    assert not np.array_equal(pieces, ApnoeaNights(kind("severe"), 4).deltas(seconds)["spo2_asleep"])


@pytest.mark.parametrize(("start_h", "asleep"), [(11, True), (0, False)])
def test_the_oximeter_shows_the_nights_and_not_the_days(start_h: int, asleep: bool) -> None:
    """02:00 or 15:00 local time, two hours of the same person with and without apnoea."""
    start_us = AFTERNOON_US + (1 + start_h) * 3600 * SECOND
    shown = []
    for scenario in ("apnoea", "stable"):
        patient = VirtualPatient(5, scenario, (), start_us, who=Description(50, "M"))
        packs = patient.advance(start_us + 7199 * SECOND)
        shown.append(values(packs, "spo2"))
        truth = patient.truth()
        assert (truth.onset_us, truth.critical_at_us) == (None, None)
    lost = shown[1] - shown[0]
    assert np.nanquantile(lost, 0.99) >= 4 if asleep else np.nanmax(lost) == 0
