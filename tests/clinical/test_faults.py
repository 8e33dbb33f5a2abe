"""Each device fault on a well person, and on top of each acute deterioration: it is told, and it hides nothing.

Both together, as the reference page "Evaluation" asks (rule 3): a fault raises no high physiological alert, and hides no event.
"""

from __future__ import annotations

import pytest

from simulators.faults import FaultKind
from tests.clinical.bed import FAULTS, on_top, on_well
from vigil.domain.alerts import Priority

#: Seeds of the well whose device is quiet in these two hours by itself.
WELL = (1, 4)

#: Faults of which no technical alert comes, and why that is as it must be or as it is.
NOT_TOLD = {
    "duplicates": "copies of a pack are dropped on arrival: nothing is missing and nothing is counted twice",
    "oximeter_bias": "nobody can see it in the numbers of one sensor (reference page 'Fairness')",
    "clock_ahead": "a value from the future is stored at its time of receipt and marked: nothing is missing",
    "low_perfusion": "the bit lowers the confidence but gates nothing, because shock itself lowers the perfusion",
}
#: What is told of the others; more may come.
RULE = {
    "loose_probe": "no_signal.",
    "motion": "no_signal.",
    "stuck": "flat.heart_rate",  # of low priority: it stands in a list, while the heart rate of af_fast is not seen
    "offline": "no_data.",
    "dead_battery": "no_data.",
    "clock_reset": "no_data.",
    "clock_behind": "no_data.",
}

#: Acute deteriorations that are caught without a fault.
ON_TOP = [("opioid", 1), ("opioid", 2), ("af_fast", 2), ("af_fast", 6), ("bleed", 2), ("hypotension", 8)]

#: Faults under which every vital still comes, and counts: a caught event must be caught. Of ``oximeter_bias`` see below.
STILL_MEASURED = ("duplicates", "clock_ahead", "low_perfusion", "oximeter_bias")


def test_every_kind_of_fault_is_tested() -> None:
    assert {kind for kind, _ in FAULTS.values()} == set(FaultKind)
    assert set(RULE) | set(NOT_TOLD) == set(FAULTS)
    assert not set(RULE) & set(NOT_TOLD)


@pytest.mark.parametrize("fault", RULE)
@pytest.mark.parametrize("seed", WELL)
def test_a_fault_on_a_well_person_is_a_technical_alert_and_no_high_physiological_one(fault: str, seed: int) -> None:
    effect = on_well(fault, seed)
    assert effect.technical is not None
    assert effect.technical.rule.startswith(RULE[fault])
    assert effect.high == ()


@pytest.mark.parametrize("fault", NOT_TOLD)
@pytest.mark.parametrize("seed", WELL)
def test_a_fault_that_is_not_told_brings_no_high_physiological_alert_either(fault: str, seed: int) -> None:
    assert on_well(fault, seed).high == ()


@pytest.mark.parametrize(("scenario", "seed"), ON_TOP)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_hides_an_event(scenario: str, seed: int, fault: str) -> None:
    found = on_top(scenario, seed, fault)
    assert found.sound is not None
    assert not found.hidden
    if fault in STILL_MEASURED:
        assert found.caught is not None


@pytest.mark.parametrize("fault", ["offline", "dead_battery", "clock_reset"])
def test_a_device_that_is_not_heard_brings_somebody_before_the_harm(fault: str) -> None:
    for scenario, seed in ON_TOP:
        told = on_top(scenario, seed, fault).told
        assert told is not None
        assert told.priority is Priority.MEDIUM
