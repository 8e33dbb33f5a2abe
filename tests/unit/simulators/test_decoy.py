from __future__ import annotations

import numpy as np
import pytest

from simulators.decoy import Decoy, DecoyLife
from simulators.scenario import load_scenario

DAY = 86_400.0


def test_decoys_happen_as_often_as_stated() -> None:
    life = DecoyLife([Decoy("stairs", per_day=3.0, minutes=2.0, effort=7.0)], seed=1)
    minutes = np.arange(0.0, 400 * DAY, 60.0)
    none = np.zeros(1440)
    climbing = np.concatenate([life.deltas(day).get("effort", none) for day in np.split(minutes, 400)]) > 0
    assert climbing.sum() / 400 == pytest.approx(3 * 2, rel=0.1)
    hours = (minutes[climbing] % DAY) / 3600
    assert hours.min() >= 8
    assert hours.max() <= 21.6


def test_a_cold_raises_temperature_and_drives_the_heart_by_its_fever() -> None:
    life = DecoyLife([Decoy("viral", per_day=1.0, minutes=2160.0, temp=1.5, any_hour=True)], seed=2)
    moved = life.deltas(np.arange(0.0, 20 * DAY, 600.0))
    assert moved["temp"].max() >= 1.5
    assert np.array_equal(moved["temp"], moved["fever"])


def test_what_a_day_holds_does_not_depend_on_the_block_that_asks() -> None:
    seconds = np.arange(0.0, 3 * DAY, 30.0)
    whole = DecoyLife(load_scenario("stable").decoys, seed=5)
    cut = DecoyLife(load_scenario("stable").decoys, seed=5)
    assert whole.deltas(seconds)["effort"].max() == 7.0
    pieces = [cut.deltas(part).get("effort", np.zeros(part.size)) for part in np.split(seconds, 96)]
    assert np.array_equal(np.concatenate(pieces), whole.deltas(seconds)["effort"])


def test_a_sensor_that_counts_steps_reads_a_hundred_and_ten() -> None:
    life = DecoyLife([Decoy("lock", per_day=5.0, minutes=3.0, effort=2.5, hr_shown=110.0)], seed=3)
    shown = life.heart_rate_shown(np.arange(0.0, DAY, 10.0))
    assert set(shown[np.isfinite(shown)].tolist()) == {110.0}
    assert np.isnan(shown).mean() > 0.9


def test_a_sensor_is_lain_upon_at_night_and_twice_is_not_twice_as_low() -> None:
    press = Decoy("press", per_day=12.0, minutes=30.0, glucose_shown=-40.0, night=True)
    life = DecoyLife([press], seed=4)
    at = np.arange(0.0, 5 * DAY, 300.0)
    lost = np.array([life.glucose_pressed(float(second)) for second in at])
    assert lost.min() == -40.0
    assert np.all(at[lost < 0] % DAY < 6.5 * 3600)
    assert not life.deltas(at)
