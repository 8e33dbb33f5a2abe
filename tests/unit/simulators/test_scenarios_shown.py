"""What each scenario does to the true values and to what the devices send."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulators.apnoea import Apnoea
from simulators.faults import Fault, FaultKind
from simulators.noise import Floats
from simulators.packs import Pack
from simulators.patient import Prognosis, VirtualPatient, foresee
from simulators.person import Description
from simulators.scenario import load_scenario, scenario_names
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, records, values, watch

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
MIDDLE_AGED = Description(50, "F")
#: A seed whose heart stays below what it can do.
MILD_FIBRILLATION = 2


def true(seed: int, scenario: str, hours: Floats, who: Description = MIDDLE_AGED) -> dict[str, Floats]:
    """True values so many hours after the onset, which is in the afternoon."""
    patient = VirtualPatient(seed, scenario, (), AFTERNOON_US, 60.0, who=who)
    rows = []
    for hour in hours:
        at = AFTERNOON_US + round(hour * HOUR)
        patient.advance(at)
        rows.append(patient.true_values(at))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def moved(seed: int, scenario: str, hours: Floats, who: Description = MIDDLE_AGED) -> dict[str, Floats]:
    """By how much the scenario changed the true values of the person."""
    ill, well = true(seed, scenario, hours, who), true(seed, "stable", hours, who)
    return {name: ill[name] - well[name] for name in ill}


def fate(seed: int, scenario: str, who: Description = MIDDLE_AGED) -> Prognosis:
    return foresee(seed, scenario, who)


@pytest.mark.parametrize("scenario", scenario_names())
def test_a_scenario_sends_the_same_for_a_seed_however_the_time_is_cut(scenario: str) -> None:
    whole = watch(5, scenario, 700)
    pieces = VirtualPatient(5, scenario, (), AFTERNOON_US)
    cut: list[Pack] = []
    for until in (0, 1, 59, 60, 300, 699):
        cut += pieces.advance(AFTERNOON_US + until * SECOND)
    assert cut == whole == watch(5, scenario, 700)
    assert whole != watch(6, scenario, 700)


def test_fast_fibrillation_starts_at_once_and_the_optical_sensor_shows_less() -> None:
    onset_s = 900
    patient = VirtualPatient(MILD_FIBRILLATION, "af_fast", (), AFTERNOON_US, offset_h=-onset_s / 3600, who=MIDDLE_AGED)
    strength = fate(MILD_FIBRILLATION, "af_fast").course.strength["hr"]
    assert strength < 1.3
    packs: list[Pack] = []
    rates = []
    for second in range(2 * onset_s):
        packs += patient.advance(AFTERNOON_US + second * SECOND)
        rates.append(patient.true_values(AFTERNOON_US + second * SECOND)["hr"])
    jump = np.mean(rates[onset_s + 10 : onset_s + 20]) - np.mean(rates[onset_s - 10 : onset_s])
    assert jump == pytest.approx(65 * strength, abs=4)
    missed = np.array(rates) - values(packs, "hr")
    assert np.nanmedian(missed[:onset_s]) == pytest.approx(0, abs=1)
    assert np.nanmedian(missed[onset_s + 10 :]) == pytest.approx(15 * strength, abs=2)


def test_fibrillation_makes_the_shown_rate_and_the_beats_irregular() -> None:
    sick = watch(7, "af_fast", 901, offset_h=0.05, who=MIDDLE_AGED)
    well = watch(7, "stable", 901, who=MIDDLE_AGED)
    unrest = [np.nanmedian(np.abs(np.diff(values(packs, "hr")))) for packs in (sick, well)]
    assert unrest[0] >= unrest[1] + 2
    variability = values(sick, "hrv")
    rate = np.nanmean([record.value for record in records(sick, "hr")[:100]])
    assert variability.size == 4
    assert np.all(variability > 0.2 * 60_000 / float(rate))


def test_fast_fibrillation_is_critical_after_a_quarter_of_an_hour_at_131() -> None:
    seeds = [seed for seed in range(40) if fate(seed, "af_fast").labels.harm_h is not None]
    assert 15 <= len(seeds) <= 35
    for seed in seeds:
        found = fate(seed, "af_fast")
        assert found.labels.harm_h == pytest.approx(0.25, abs=0.01)
        assert found.people.hr[0] + 65 * found.course.strength["hr"] >= 130.5


def test_a_bleeding_heart_races_unless_a_beta_blocker_holds_it() -> None:
    blocked = Description(50, "F", beta_blocker=True)
    for who, at_four in ((MIDDLE_AGED, 32.0), (blocked, 8.0)):
        course = fate(3, "bleed", who).course
        hours = course.pace * np.array([2.0, 4.0, 4.5])
        change = moved(3, "bleed", hours, who)
        strength = course.strength["hr"]
        assert change["hr"][1] == pytest.approx(at_four * strength, abs=0.7)
        assert change["hr"][2] < change["hr"][1]
        assert change["sbp"] == pytest.approx(np.array([-4, -35, -60]) * course.strength["sbp"], abs=1.2)
        narrowed = change["sbp"][0] - change["dbp"][0]
        assert narrowed < 0


def test_a_cuff_shows_the_bleeding_late() -> None:
    pace = fate(3, "bleed").course.pace
    sick, well = (
        watch(3, name, round(4.5 * pace * 3600) + 900, (), 60.0, who=MIDDLE_AGED) for name in ("bleed", "stable")
    )
    lost = values(well, "sbp") - values(sick, "sbp")
    early = round(1.5 * pace * 4)
    assert np.all(np.abs(lost[:early]) <= 5)
    assert lost[-1] > 25


def test_a_fever_drives_heart_and_breathing_by_its_slopes_and_is_no_harm() -> None:
    course = fate(4, "fever").course
    change = moved(4, "fever", course.pace * np.array([6.0, 12.0, 24.0]))
    assert change["temp"] == pytest.approx(np.array([1.0, 1.5, 1.5]) * course.strength["temp"], abs=0.02)
    assert change["hr"] == pytest.approx(7.2 * change["temp"], abs=0.1)
    assert change["rr"] == pytest.approx(1.4 * change["temp"], abs=0.1)
    assert change["sbp"] == pytest.approx(np.zeros(3))
    assert fate(4, "fever").labels.harm_h is None
    sick, well = (values(watch(4, name, 60, offset_h=12.0 * course.pace), "temp") for name in ("fever", "stable"))
    assert sick[0] - well[0] == pytest.approx(1.5 * course.strength["temp"], abs=0.11)


def test_heart_failure_shows_on_the_scale_days_before_breathing_unless_it_is_silent() -> None:
    gains, silent = [], 0
    for seed in range(12):
        course = fate(seed, "hf").course
        if course.strength["weight"] == 0.0:
            silent += 1
            continue
        pace, strength = course.pace, course.strength["weight"]
        sick = watch(seed, "hf", round(600 * pace * 3600), (), 3600.0, who=MIDDLE_AGED)
        well = watch(seed, "stable", round(600 * pace * 3600), (), 3600.0, who=MIDDLE_AGED)
        kilograms = values(sick, "wt") - values(well, "wt")
        assert len(records(sick, "wt")) == pytest.approx(25 * pace, abs=1.1)
        gains.append(kilograms[-1] / strength)
    assert 2 <= silent <= 10
    assert np.all(np.abs(np.array(gains) - 1.7) < 0.25)


def test_people_in_heart_failure_move_less() -> None:
    course = next(one for one in (fate(seed, "hf").course for seed in range(50)) if one.strength["activity"] < 1.2)
    factor = course.at(course.pace * np.array([0.0, 480.0, 720.0]))["activity"]
    assert factor == pytest.approx(1.0 + course.strength["activity"] * np.array([0.0, -0.1, -0.6]))


def test_hypoglycaemia_falls_along_its_absolute_curve_and_harms_below_54() -> None:
    found = fate(2, "hypo")
    course, strength = found.course, found.course.strength["glucose"]
    hours = course.pace * np.array([0.5, 0.9, 1.2, 1.7])
    glucose = true(2, "hypo", np.round(hours * 60) / 60)["glucose"]
    assert glucose == pytest.approx(120 + strength * (np.array([80, 58, 48, 85]) - 120), abs=2.5)
    assert found.labels.harm_h is not None
    at_harm = true(2, "hypo", np.ceil(np.array([found.labels.harm_h]) * 60) / 60)["glucose"]
    assert at_harm[0] == pytest.approx(54.5, abs=1.5)


def test_a_glucose_monitor_shows_the_fall_later() -> None:
    course = fate(2, "hypo").course
    packs = watch(2, "hypo", round(1.7 * course.pace * 3600), (), 60.0, who=MIDDLE_AGED)
    shown = values(packs, "glu-mgdl")
    lowest_min = 5 * int(np.argmin(shown))
    assert shown.min() < 75 < shown[0]
    assert 0 <= lowest_min - 60 * 1.2 * course.pace <= 20


def test_sleep_apnoea_has_no_onset_and_a_severity_by_a_key() -> None:
    plan = load_scenario("apnoea")
    assert isinstance(plan.apnoea, Apnoea)
    assert plan.apnoea.cycles_per_h == 22.0
    truth = VirtualPatient(1, "apnoea", (), AFTERNOON_US).truth()
    assert (truth.onset_us, truth.critical_at_us, truth.harm_at_us) == (None, None, None)


def test_an_active_day_is_full_of_what_looks_like_trouble_and_nobody_is_ill() -> None:
    day = 86_400
    fast, fooled = [], []
    for scenario in ("active_day", "stable"):
        packs = [watch(seed, scenario, day, (), 60.0, who=MIDDLE_AGED) for seed in range(8)]
        shown = np.concatenate([values(one, "hr") for one in packs])
        fast.append(np.nanmean(shown >= 111))
        fooled.append(np.mean(shown == 115))
    assert fast[0] > 2.5 * fast[1]
    assert fooled[0] > 0.008 > fooled[1]
    assert VirtualPatient(1, "active_day", (), AFTERNOON_US).truth().onset_us is None


def test_an_arterial_line_shows_the_low_wandering_baseline_and_then_the_cliff() -> None:
    seed = next(seed for seed in range(50) if fate(seed, "hypotension").labels.harm_h is not None)
    found = fate(seed, "hypotension")
    course = found.course
    packs = watch(seed, "hypotension", round(3.6 * course.pace * 3600), (), 60.0, who=MIDDLE_AGED)
    assert len(records(packs, "map")) == len(packs)
    minutes = (60 * course.pace * np.array([0.0, 1.0, 2.75, 3.0, 3.33, 3.6])).astype(int)
    change = [
        course.at(np.array([minutes[0] / 60]))["map"][0],
        *(np.mean(course.at(np.arange(a, b) / 60)["map"]) for a, b in pairwise(minutes)),
    ]
    shown = values(packs, "map")
    means = np.array([shown[a:b].mean() for a, b in pairwise(minutes)])
    assert means[-1] < means[0] - 10
    assert change[-1] == pytest.approx(-21.4 * course.strength["map"], abs=0.1)


def test_people_with_hypotension_start_lower_than_other_intensive_care() -> None:
    levels = [fate(seed, "hypotension").people.mean_pressure[0] for seed in range(300)]
    assert np.mean(levels) == pytest.approx(74.7, abs=2)


def test_at_the_end_of_life_some_hearts_race_and_some_slow_down() -> None:
    by_branch: dict[str, float] = {}
    for seed in range(30):
        course = fate(seed, "terminal").course
        last = course.at(np.array([48.0 * course.pace]))
        by_branch.setdefault(course.branch, float(last["hr"][0]) / course.strength["hr"])
    assert by_branch == {"": pytest.approx(20.0), "fall": pytest.approx(-30.0)}
    seed = 1
    pace = fate(seed, "terminal").course.pace
    packs = watch(seed, "terminal", 3600, (), 60.0, offset_h=47.5 * pace, who=MIDDLE_AGED)
    before = watch(seed, "terminal", 3600, (), 60.0, who=MIDDLE_AGED)
    assert np.nanmean(values(packs, "spo2")) < np.nanmean(values(before, "spo2")) - 4
    assert np.mean(values(packs, "sbp")) < np.mean(values(before, "sbp")) - 10


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_on_a_sick_person_leaves_the_truth_alone(kind: FaultKind) -> None:
    """A fault must not hide an event: the label is the same with and without."""
    fault = Fault(kind, 60.0, 120.0)
    for seed in range(3):
        with_it = VirtualPatient(seed, "sepsis_home", [fault], AFTERNOON_US, offset_h=20.0)
        without = VirtualPatient(seed, "sepsis_home", (), AFTERNOON_US, offset_h=20.0)
        assert with_it.truth() == without.truth()
        for patient in (with_it, without):
            patient.advance(AFTERNOON_US + 3 * MINUTE)
        at = AFTERNOON_US + 2 * MINUTE
        assert with_it.true_values(at) == without.true_values(at)
