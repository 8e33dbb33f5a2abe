from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.beats import SINUS_CV, SINUS_LAG1, intervals, rmssd_ms
from simulators.device import DeviceSettings
from simulators.patient import VirtualPatient
from simulators.physiology import Block
from simulators.scenario import load_scenario
from simulators.sensors import ArterialLine, BeatVariability, ExtraSensors, GlucoseMonitor, Sensor
from tests.unit.simulators.cohort import body_of
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, records, values, watch

HOUR = 3600 * SECOND


def five_minutes(count: int) -> Block:
    return body_of(1, 3).advance(count, 300.0)


def test_beats_in_atrial_fibrillation_are_irregular_and_without_memory() -> None:
    """The page: coefficient of variation above .2, M .28 [.24 to .32]; correlation .10; RMSSD 237 ms at the rates of MIT-BIH."""
    rng = np.random.default_rng(1)
    strips = [intervals(135.0, 0.28, 0.10, 500, rng) for _ in range(90)]
    spread = [strip.std() / strip.mean() for strip in strips]
    assert np.min(spread) > 0.2
    assert np.median(spread) == pytest.approx(0.28, abs=0.02)
    assert np.median([np.corrcoef(strip[1:], strip[:-1])[0, 1] for strip in strips]) == pytest.approx(0.10, abs=0.05)
    assert np.mean([60 / strip.mean() for strip in strips]) == pytest.approx(135, rel=0.02)


def test_beats_in_sinus_rhythm_are_those_measured() -> None:
    rng = np.random.default_rng(2)
    strips = [intervals(66.0, SINUS_CV, SINUS_LAG1, 500, rng) for _ in range(90)]
    assert 0.03 <= np.median([strip.std() / strip.mean() for strip in strips]) <= 0.20
    assert np.median([np.corrcoef(strip[1:], strip[:-1])[0, 1] for strip in strips]) == pytest.approx(0.67, abs=0.05)
    assert 17 <= np.median([rmssd_ms(strip) for strip in strips]) <= 196


def test_a_glucose_monitor_is_off_by_a_tenth_and_late_by_minutes() -> None:
    """P: mean absolute relative difference 9.9 %, lag 5 to 15 min."""
    truth = five_minutes(2000)
    apart = []
    for seed in range(40):
        monitor = GlucoseMonitor(np.random.default_rng(seed), lambda _: 0.0)
        shown = np.array([monitor.read(truth, index)[1] for index in range(2000)])
        apart.append(np.mean(np.abs(shown / truth.glucose[:, 0] - 1.0)))
    assert 0.07 <= np.median(apart) <= 0.13
    step = replace(truth, glucose=np.where(np.arange(2000)[:, None] < 20, 100.0, 200.0))
    monitors = [GlucoseMonitor(np.random.default_rng(seed), lambda _: 0.0) for seed in range(200)]
    mean = [np.mean([monitor.read(step, index)[1] for monitor in monitors]) for index in range(25)]
    # Half of the way within 5 to 15 min of the step at 20.
    assert mean[19] < 105
    assert mean[20] < 150 < mean[22]


def test_a_glucose_monitor_shows_no_more_than_such_monitors_can_and_less_when_lain_upon() -> None:
    truth = five_minutes(10)
    low = replace(truth, glucose=np.full((10, 1), 20.0))
    assert GlucoseMonitor(np.random.default_rng(1), lambda _: 0.0).read(low, 9) == ("glu-mgdl", 40.0)
    free = GlucoseMonitor(np.random.default_rng(1), lambda _: 0.0).read(truth, 0)[1]
    pressed = GlucoseMonitor(np.random.default_rng(1), lambda _: -40.0).read(truth, 0)[1]
    assert free - pressed == 40.0


def test_variability_differs_between_people_as_measured() -> None:
    """M, Welltory: RMSSD 43 ms, its logarithm SD 0.46 between persons."""
    truth = five_minutes(40)
    each = []
    for seed in range(120):
        sensor = BeatVariability(np.random.default_rng(seed))
        each.append(np.mean(np.log([sensor.read(truth, index)[1] for index in range(40)])))
    assert np.exp(np.median(each)) == pytest.approx(43, rel=0.25)
    assert np.std(each) == pytest.approx(0.46, abs=0.12)


def test_an_arterial_line_shows_the_mean_pressure() -> None:
    truth = five_minutes(300)
    line = ArterialLine(np.random.default_rng(1))
    off = [line.read(truth, index)[1] - truth.map[index, 0] for index in range(300)]
    assert np.std(off) == pytest.approx(1.04, abs=0.15)


def test_what_a_sensor_shows_does_not_depend_on_the_others() -> None:
    truth = five_minutes(12)
    alone = ExtraSensors([Sensor.HRV], np.random.default_rng(4), lambda _: 0.0)
    together = ExtraSensors(Sensor, np.random.default_rng(4), lambda _: 0.0)
    for index in range(12):
        mine = alone.at(truth, index, 300.0 * index, 300.0, worn=True)
        assert set(mine) <= set(together.at(truth, index, 300.0 * index, 300.0, worn=True))
        assert [name for name, _ in mine] == ["hrv"]
    assert alone.at(truth, 0, 0.0, 300.0, worn=False) == []


def test_only_who_wears_a_sensor_sends_it_and_the_rest_stays_as_it_is() -> None:
    bare = watch(6, "stable", 601)
    wearing = VirtualPatient(6, "stable", (), AFTERNOON_US, settings=DeviceSettings(sensors=tuple(Sensor))).advance(
        AFTERNOON_US + 600 * SECOND
    )
    assert len(records(wearing, "glu-mgdl")) == len(records(wearing, "hrv")) == 3
    assert len(records(wearing, "map")) == 11
    assert not any(records(bare, name) for name in ("glu-mgdl", "hrv", "map"))
    for name in ("hr", "spo2", "temp", "sbp"):
        assert records(wearing, name) == records(bare, name)


def test_a_sleeper_on_the_sensor_is_shown_a_low_that_is_none() -> None:
    """The decoy takes up to 40 mg/dL for half an hour; here in most nights, in ``stable`` in one of ten."""
    midnight_us = AFTERNOON_US + 10 * HOUR
    plan = load_scenario("stable")
    press = next(decoy for decoy in plan.decoys if decoy.glucose_shown)
    assert (press.glucose_shown, press.minutes, press.per_day) == (-40.0, 30.0, 0.1)
    shown = []
    for decoys in ((replace(press, per_day=1.0),), ()):
        alone = replace(plan, decoys=decoys)
        settings = DeviceSettings(sensors=(Sensor.GLUCOSE,))
        patient = VirtualPatient(2, alone, (), midnight_us, 300.0, settings=settings)
        shown.append(values(patient.advance(midnight_us + 12 * 24 * HOUR - SECOND), "glu-mgdl"))
    less = (shown[1] - shown[0]).reshape(12, 288)
    assert less.max() == pytest.approx(40, abs=1)
    assert 5 <= less.any(axis=1).sum() <= 11
    assert not less[:, 78:].any()
