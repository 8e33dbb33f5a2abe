from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from simulators.device import DeviceSettings, Wearable
from simulators.noise import Floats
from simulators.packs import Pack
from simulators.patient import VirtualPatient
from simulators.signal import Bursts, Signal, log_uniform, rate_for_share
from tests.unit.simulators.cohort import body_of
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, records, values, watch
from vigil.domain.quality import DEVICE_BITS, Quality
from vigil.domain.vitals import BY_WIRE


@lru_cache(maxsize=1)
def dozen() -> tuple[list[Pack], ...]:
    """Twelve stable people, one hour and a half of an afternoon."""
    return tuple(watch(seed, "stable", 5400) for seed in range(12))


def unchanged(shown: Floats) -> float:
    change = np.diff(shown)
    return float((change[np.isfinite(change)] == 0).mean())


def test_shown_seconds_repeat_as_often_as_those_of_real_monitors() -> None:
    assert 0.95 <= np.median([unchanged(values(packs, "spo2")) for packs in dozen()]) <= 0.99
    assert 0.60 <= np.median([unchanged(values(packs, "hr")) for packs in dozen()]) <= 0.80


def test_every_value_has_the_resolution_and_the_range_of_its_vital() -> None:
    for packs in dozen():
        for record in (record for pack in packs for record in pack.records):
            kind = BY_WIRE[record.name]
            assert record.quality & ~DEVICE_BITS == 0
            if record.value is None:
                assert record.quality & Quality.CONTACT_LOST
                continue
            value = float(record.value)
            assert kind.reject[0] <= value <= kind.reject[1]
            assert round(value, kind.digits) == value
            assert value != 0.0


def test_pulse_and_saturation_are_lost_together() -> None:
    lost = 0
    for packs in dozen():
        pulse, oxygen = np.isnan(values(packs, "hr")), np.isnan(values(packs, "spo2"))
        assert np.array_equal(pulse, oxygen)
        lost += int(pulse.sum())
    assert lost > 0


def test_the_probe_shows_the_blood_of_fifteen_seconds_ago() -> None:
    patient = VirtualPatient(3, "opioid", (), AFTERNOON_US, settings=DeviceSettings(disturbed=False), offset_h=0.4)
    shown, true = [], []
    for second in range(600):
        shown += values(patient.advance(AFTERNOON_US + second * SECOND), "spo2").tolist()
        true.append(patient.true_values(AFTERNOON_US + second * SECOND)["spo2"])
    fit = [np.corrcoef(shown[60 + lag :], true[60 : 600 - lag])[0, 1] for lag in range(40)]
    # Half of the averaging window of 8 s comes on top.
    assert int(np.argmax(fit)) == pytest.approx(15 + 3.5, abs=6)


def test_a_breathing_sensor_is_right_or_wrong_for_the_whole_person() -> None:
    off = np.array([Wearable(np.random.default_rng(seed), 1.0, DeviceSettings()).rr_bias for seed in range(1500)])
    assert 0.10 <= (np.abs(off) > 2.5).mean() <= 0.20
    assert (np.abs(off) < 1.2).mean() >= 0.80
    assert not np.any((np.abs(off) > 1.5) & (np.abs(off) < 2.5))
    assert (np.abs(off[np.abs(off) < 2.5]) < 1.0).mean() >= 0.99


def test_a_breathing_sensor_wanders_little_within_a_person() -> None:
    quiet = DeviceSettings(disturbed=False)
    wander = []
    for seed in range(10):
        block = body_of(1, seed).advance(3600, 1.0)
        flat = np.full_like(block.rr, 16.0)
        block.rr[:] = flat
        shown = Wearable(np.random.default_rng(seed), 1.0, quiet).measure(
            block, np.arange(3600.0), np.full(3600, np.nan)
        )
        wander.append(shown["rr"].values.std())
    assert 0.4 <= np.median(wander) <= 0.8


def test_a_biased_oximeter_reads_high_by_its_bias() -> None:
    plain = watch(4, "stable", 300)
    biased = VirtualPatient(4, "stable", (), AFTERNOON_US, settings=DeviceSettings(spo2_bias=2.0)).advance(
        AFTERNOON_US + 299 * SECOND
    )
    shift = values(biased, "spo2") - values(plain, "spo2")
    assert np.nanmax(shift) == 2.0


def test_a_cuff_measures_at_once_and_then_every_quarter_of_an_hour() -> None:
    packs = dozen()[0]
    at = [(record.t_us - AFTERNOON_US) // SECOND for record in records(packs, "sbp")]
    assert at == [0, 900, 1800, 2700, 3600, 4500]
    assert np.all(values(packs, "sbp") > values(packs, "dbp"))


def test_the_other_readings_come_at_their_pace() -> None:
    packs = dozen()[0]
    assert len(records(packs, "batt")) == 9
    assert 60 <= len(records(packs, "temp")) <= 90
    assert len(records(packs, "wt")) == 1
    assert values(packs, "batt")[0] > values(packs, "batt")[-1]


def test_a_fooled_sensor_shows_the_steps() -> None:
    block = body_of(1, 1).advance(60, 1.0)
    fooled = np.where(np.arange(60) >= 30, 110.0, np.nan)
    shown = Wearable(np.random.default_rng(1), 1.0, DeviceSettings(disturbed=False)).measure(
        block, np.arange(60.0), fooled
    )
    assert np.all(shown["hr"].values[30:] == 110.0)
    assert np.all(np.abs(shown["hr"].values[:30] - block.hr[:30, 0]) < 8)


def test_bursts_cover_their_share_of_the_time() -> None:
    bursts = Bursts(np.random.default_rng(2), rate_for_share(0.04, 5.0, 60.0), log_uniform(5.0, 60.0))
    covered = [bursts.over(np.arange(start, start + 600.0))[0].mean() for start in range(0, 600_000, 600)]
    assert np.mean(covered) == pytest.approx(0.04, rel=0.15)


def test_a_lost_contact_is_never_a_zero() -> None:
    signal = Signal.of(np.array([70.0, 71.0]))
    signal.lose(np.array([False, True]))
    assert np.isnan(signal.values[1])
    assert signal.quality.tolist() == [0, int(Quality.CONTACT_LOST)]
