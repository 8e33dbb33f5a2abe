"""Is every deterioration noticed, by what and when; and what do harmless days cost? ``python -m tests.clinical.table`` prints it.

Only what the twin has not counts as noticed (``bed``). Known and not asserted, because it does not hold: hardly anybody is told
of ``hypo`` (no rule watches glucose); of ``hypotension`` only those whose cuff can show it (no rule watches the mean pressure);
of ``opioid`` about half are told after the critical time; in ``sepsis_treated_icu``, ``copd`` and ``hf`` the personal detectors
find about as much in the twin; stable and active days bring physiological alerts of high priority.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulators.patient import foresee
from simulators.scenario import load_scenario, scenario_names
from tests.clinical.bed import AFTERNOON, PLANS, Outcome, burden, critical_h, harmed, in_time, outcome
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import MINUTE, from_iso

#: Acute scenarios whose vitals the device shows: seeds looked at, and how many must be told of in time (all are now).
ACUTE = {"opioid": (8, 6), "af_fast": (8, 7), "bleed": (8, 7)}
#: Slow ones: seeds, and in how many something must be found before the critical time (in all now).
SLOW = {"sepsis_home": (4, 3), "terminal": (3, 2), "copd": (4, 3), "hf": (3, 2)}
EVENING = from_iso("2026-01-01T20:00:00Z")
#: Harmless ones: hours, spacing in seconds, start; most calls of medium priority or above a day. Ours: half as much again as the
#: worst measured (stable 72 and active day 90 of eight seeds, apnoea 130 and fever 128 of six): it stops a flood, it is no goal.
HARMLESS = {
    "stable": (24.0, 1.0, AFTERNOON, 110),
    "active_day": (24.0, 1.0, AFTERNOON, 135),
    "apnoea": (12.0, 1.0, EVENING, 195),
    "fever": (40.0, 15.0, AFTERNOON, 190),
}


def outcomes(scenario: str, count: int) -> list[Outcome]:
    return [outcome(scenario, seed) for seed in harmed(scenario, count)]


def test_every_scenario_that_does_harm_has_a_plan_and_every_other_one_is_counted() -> None:
    harmful = {name for name in scenario_names() if load_scenario(name).worsens and load_scenario(name).harm != "none"}
    assert set(PLANS) == harmful
    assert set(HARMLESS) == set(scenario_names()) - harmful


@pytest.mark.parametrize("scenario", ACUTE)
def test_an_acute_deterioration_is_told_in_time(scenario: str) -> None:
    count, least = ACUTE[scenario]
    found = outcomes(scenario, count)
    told = [each.call for each in found if each.call is not None]
    assert len(told) >= least
    assert all(each.onset <= each.call.at <= in_time(scenario, each.critical_at) for each in found if each.call)


def test_fast_fibrillation_is_told_within_minutes_by_the_heart_rate() -> None:
    found = [each for each in outcomes("af_fast", ACUTE["af_fast"][0]) if each.call is not None]
    delays = sorted((each.call.at - each.onset) / MINUTE for each in found if each.call)
    assert delays[len(delays) // 2] <= 2.0
    assert {each.call.rule for each in found if each.call} <= {"limit.heart_rate.high", "unverified.heart_rate.high"}


def test_bleeding_is_told_long_before_the_pressure_falls() -> None:
    leads = sorted((each.critical_at - each.call.at) / MINUTE for each in outcomes("bleed", 8) if each.call)
    assert leads[len(leads) // 2] >= 45.0


def systolic_at_harm(seed: int) -> float:
    """True systolic pressure, mmHg, when the mean pressure does harm."""
    found = foresee(seed, "hypotension")
    return float(found.people.sbp[0] + found.course.at(np.array([critical_h("hypotension", seed)]))["sbp"][0])


def test_hypotension_is_told_where_the_cuff_can_show_it() -> None:
    limit = BEDSIDE_POLICY.limit("bp_sys", "low")
    assert limit is not None
    # 5 mmHg: one SD of what a cuff is off by.
    shown = [seed for seed in harmed("hypotension", 60) if systolic_at_harm(seed) <= limit.limit - 5][:4]
    assert sum(outcome("hypotension", seed).call is not None for seed in shown) >= 3


@pytest.mark.parametrize("scenario", SLOW)
def test_a_slow_deterioration_is_found_before_it_is_critical(scenario: str) -> None:
    count, least = SLOW[scenario]
    found = outcomes(scenario, count)
    assert sum(each.finding is not None and each.finding.at < each.critical_at for each in found) >= least


def test_the_personal_detectors_tell_sepsis_at_home_from_the_same_person_well() -> None:
    found = outcomes("sepsis_home", SLOW["sepsis_home"][0])
    assert sum(each.new > 0 for each in found) >= 3
    assert sum(each.ill for each in found) >= 1.5 * sum(each.well for each in found)


@pytest.mark.parametrize("scenario", HARMLESS)
def test_harmless_days_bring_no_flood(scenario: str) -> None:
    hours, step_s, start, most = HARMLESS[scenario]
    for seed in (1, 3):
        assert burden(scenario, seed, hours, step_s, start).calls * 24 / hours <= most
