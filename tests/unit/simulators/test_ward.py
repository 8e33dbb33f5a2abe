from __future__ import annotations

import unicodedata
from collections import Counter

import numpy as np
import pytest

from simulators.faults import FaultKind
from simulators.patient import foresee
from simulators.ward import MARK, demo_ward
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, values
from vigil.domain.errors import ScenarioError
from vigil.domain.people import is_device_id


@pytest.mark.parametrize("count", [1, 2, 12, 1000])
def test_a_ward_has_as_many_people_as_asked_for_and_somebody_gets_worse(count: int) -> None:
    ward = demo_ward(count)
    assert len({bed.device_id for bed in ward}) == count
    assert all(is_device_id(bed.device_id) and bed.device_id.startswith("w-") for bed in ward)
    assert any(bed.scenario == "sepsis_home" for bed in ward)


def test_a_smaller_ward_is_the_beginning_of_a_larger_one() -> None:
    assert demo_ward(40)[:7] == demo_ward(7)
    assert demo_ward(12) == demo_ward(12)
    assert demo_ward(12, seed=2) != demo_ward(12, seed=3)


def test_the_default_ward_shows_three_deteriorations_and_four_faults_among_stable_people() -> None:
    ward = demo_ward()
    scenarios = Counter(bed.scenario for bed in ward)
    assert scenarios == {"stable": 9, "sepsis_home": 1, "copd": 1, "opioid": 1}
    shown = {FaultKind.LOOSE_PROBE, FaultKind.MOTION, FaultKind.STUCK, FaultKind.OFFLINE}
    assert {fault.kind for bed in ward for fault in bed.faults} == shown
    assert [bed.scale2 for bed in ward] == [bed.scenario == "copd" for bed in ward]


def test_a_large_ward_is_mostly_stable() -> None:
    scenarios = Counter(bed.scenario for bed in demo_ward(1000))
    assert 0.85 <= scenarios["stable"] / 1000 <= 0.95


def test_every_name_says_that_it_is_invented() -> None:
    ward = demo_ward(60)
    assert all(bed.family.endswith(MARK) for bed in ward)
    assert any(unicodedata.bidirectional(bed.family[0]) in {"R", "AL"} for bed in ward)
    assert max(len(bed.given + bed.family) for bed in ward) > 60
    assert all(18 <= bed.age <= 100 and bed.sex in "FM" for bed in ward)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_people_who_get_worse_do_so_within_minutes(seed: int) -> None:
    sepsis, opioid = (demo_ward(12, seed)[place] for place in (0, 3))
    for bed, minutes in ((sepsis, -30.0), (opioid, 9.0)):
        harm = bed.virtual(AFTERNOON_US).truth().harm_at_us
        assert harm is not None
        assert (harm - AFTERNOON_US) / (60 * SECOND) == pytest.approx(minutes, abs=0.1)
        assert foresee(bed.seed, bed.scenario, bed.who).labels.harm_h is not None


def test_a_bed_sends() -> None:
    packs = demo_ward(1)[0].virtual(AFTERNOON_US).advance(AFTERNOON_US + 60 * SECOND)
    assert np.isfinite(values(packs, "hr")).mean() > 0.9
    assert packs[0].device_id == "w-0001"


@pytest.mark.parametrize("count", [0, 1001])
def test_an_impossible_ward_is_refused(count: int) -> None:
    with pytest.raises(ScenarioError):
        demo_ward(count)
