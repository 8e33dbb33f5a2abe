from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.course import draw_course, reference_course
from simulators.disease import HarmLimit
from simulators.label import label, points
from simulators.person import Description, People, draw_people
from simulators.scenario import load_scenario, parse_scenario, scenario_names
from vigil.domain.errors import ScenarioError

HARMFUL = [name for name in scenario_names() if load_scenario(name).worsens and load_scenario(name).harm != "none"]
HARMLESS = sorted(set(scenario_names()) - set(HARMFUL))


APNOEA = """
[apnoea]
severity = "severe"
per_h = { mild = 10.0, severe = 45.0 }
fall_s = 20.0
fall_per_s = -0.26
rise_per_s = 0.44
cycle_s = [40.0, 90.0]
"""


def reference_person(copd: bool = False) -> People:
    """Heart rate 70, breathing 16, SpO2 96, systolic 125, mean pressure 74.7, glucose 120; with COPD 78, 19, 92.1."""
    drawn = draw_people([Description(50, "F", copd=copd)], np.random.default_rng(1))
    hr, rr, spo2 = (78.0, 19.0, 92.1) if copd else (70.0, 16.0, 96.0)
    return replace(
        drawn,
        hr=np.array([hr]),
        rr=np.array([rr]),
        spo2=np.array([spo2]),
        sbp=np.array([125.0]),
        temp=np.array([36.6]),
        mean_pressure=np.array([74.7]),
        glucose=np.array([120.0]),
    )


def test_the_scenarios_of_the_reference_page_are_there() -> None:
    page = {
        "sepsis_treated_icu",
        "sepsis_home",
        "hypotension",
        "terminal",
        "copd",
        "opioid",
        "bleed",
        "af_fast",
        "hf",
        "hypo",
    }
    assert {*page, "apnoea", "stable", "fever", "active_day"} <= set(scenario_names())


@pytest.mark.parametrize("name", HARMFUL)
def test_the_reference_person_comes_to_harm_when_the_page_says(name: str) -> None:
    scenario = load_scenario(name)
    found = label(reference_course(scenario), reference_person(scenario.copd))
    assert scenario.harm_h is not None
    assert found.harm_h == pytest.approx(scenario.harm_h, rel=0.03)
    assert found.critical_h is not None
    assert found.harm_h is not None
    assert found.critical_h <= found.harm_h


def test_untreated_sepsis_reaches_a_score_of_seven_before_any_single_three() -> None:
    """The evaluation page counts NEWS2 >= 7 as critical too; for this scenario that comes 3.5 h earlier."""
    found = label(reference_course(load_scenario("sepsis_home")), reference_person())
    assert found.critical_h == pytest.approx(19.5, abs=0.1)


@pytest.mark.parametrize("name", HARMLESS)
def test_who_only_has_a_harmless_thing_is_never_critical(name: str) -> None:
    found = label(reference_course(load_scenario(name)), reference_person())
    assert (found.harm_h, found.critical_h) == (None, None)


def test_a_person_who_hardly_worsens_never_becomes_critical() -> None:
    mild = replace(
        reference_course(load_scenario("copd")), strength={"hr": 0.1, "rr": 0.1, "spo2": 0.1, "activity": 1.0}
    )
    assert label(mild, reference_person(copd=True)).critical_h is None


def test_a_three_that_stood_before_is_not_the_harm() -> None:
    low = replace(reference_person(), spo2=np.array([90.0]))
    assert label(reference_course(load_scenario("sepsis_home")), low).harm_h == pytest.approx(23, rel=0.03)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("rr", [8, 9, 11, 12, 20, 21, 24, 25], [3, 1, 1, 0, 0, 2, 2, 3]),
        ("spo2", [91, 92, 93, 94, 95, 96], [3, 2, 2, 1, 1, 0]),
        ("spo2_scale2", [83, 84, 85, 86, 87, 88, 97], [3, 2, 2, 1, 1, 0, 0]),
        ("sbp", [90, 91, 100, 101, 110, 111, 219, 220], [3, 2, 2, 1, 1, 0, 0, 3]),
        ("hr", [40, 41, 50, 51, 90, 91, 110, 111, 130, 131], [3, 1, 1, 0, 0, 1, 1, 2, 2, 3]),
        ("temp", [35.0, 35.04, 35.05, 36.0, 36.1, 38.0, 38.05, 39.0, 39.1], [3, 3, 1, 1, 0, 0, 1, 1, 2]),
    ],
)
def test_points_at_every_edge(name: str, values: list[float], expected: list[int]) -> None:
    assert points(name, np.array(values, dtype=np.float64)).tolist() == expected


def test_courses_differ_in_strength_pace_and_silence() -> None:
    scenario = load_scenario("sepsis_home")
    courses = [draw_course(scenario, np.random.default_rng(seed)) for seed in range(400)]
    silent = {vital: np.mean([course.strength[vital] == 0.0 for course in courses]) for vital in scenario.knots}
    assert silent["temp"] == pytest.approx(0.3, abs=0.07)
    assert silent["hr"] == pytest.approx(0.15, abs=0.06)
    assert silent["spo2"] == 0.0
    assert np.std(np.log([course.strength["spo2"] for course in courses])) == pytest.approx(0.35, abs=0.04)
    assert np.std(np.log([course.pace for course in courses])) == pytest.approx(0.30, abs=0.04)


def test_treated_sepsis_spreads_over_persons_as_measured() -> None:
    scenario = load_scenario("sepsis_treated_icu")
    at_label = [
        float(draw_course(scenario, np.random.default_rng(seed)).at(np.array([48.0]))["hr"][0]) for seed in range(600)
    ]
    assert np.mean(at_label) == pytest.approx(4.5, abs=0.9)
    assert np.std(at_label) == pytest.approx(7.6, rel=0.1)


def test_nothing_moves_before_the_onset_and_the_end_is_held() -> None:
    course = reference_course(load_scenario("sepsis_home"))
    moved = course.at(np.array([-5.0, 0.0, 15.0, 30.0, 99.0]))
    assert moved["hr"].tolist() == [0.0, 0.0, 20.0, 38.0, 38.0]
    assert "fever" not in moved


def test_a_new_scenario_is_a_few_lines() -> None:
    scenario = parse_scenario("new", "t_h = [0, 2]\n[delta]\nhr = [0, 60]\ntemp = [0, 1]")
    moved = reference_course(scenario).at(np.array([1.0]))
    assert (moved["hr"][0], moved["fever"][0]) == (30.0, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t_h = [0, 1", "scenario odd"),
        ("colour = 1", "unknown key 'colour'"),
        ("setting = 'moon'", "setting 'moon'"),
        ("t_h = [0, 2]\n[delta]\nhr = [1]", "hr has 1 values for 2 times"),
        ("t_h = [0, 2]\n[delta]\nmood = [1, 2]", "unknown vital 'mood'"),
        ("t_h = [2, 0]\n[delta]\nhr = [1, 2]", "t_h must start at 0"),
        ("t_h = [0, 2]", "need each other"),
        ("t_h = [0, 2]\n[delta]\nhr = [0, 2]\n[silent]\nrr = 0.1", "silent.rr has no curve"),
        ("t_h = [0, 2]\n[delta]\nhr = [0, 0]\n[person_sd]\nhr = 1", "does not end at 0"),
        ("harm = 'luck'", "harm 'luck'"),
        ("harm = 'label'", "needs harm_h"),
        ("harm = 'limit'", "need each other"),
        ("[harm_limit]\nvital = 'hr'\nat_least = 131", "need each other"),
        ("harm = 'limit'\n[harm_limit]\nvital = 'mood'\nat_least = 1", "harm_limit needs one of hr"),
        ("harm = 'limit'\n[harm_limit]\nvital = 'hr'", "at_least or at_most"),
        ("harm = 'limit'\n[harm_limit]\nspeed = 1", "harm_limit"),
        ("t_h = [0]\n[delta]\nhr = [1]", "t_h must start at 0 and rise"),
        ("[shift]\nmood = 1", "shift.mood"),
        ("sensors = ['crystal ball']", "crystal ball"),
        ("t_h = [0, 2]\n[delta]\nhr = [0, 2]\n[branch.odd]\nrr = [0, 1]", "a branch for rr"),
        ("[apnoea]\nsize = 1", "apnoea"),
        (APNOEA.replace("severe", "ghastly", 1), "severity 'ghastly' is none of mild, severe"),
        ("[decoy.x]\nsize = 1", "decoy"),
    ],
)
def test_a_wrong_scenario_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        parse_scenario("odd", text)


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    with pytest.raises(ScenarioError, match="stable"):
        load_scenario("plague")


def test_a_limit_must_be_kept_for_its_minutes_on_end() -> None:
    plan = parse_scenario(
        "brief",
        "t_h = [0, 1, 1.1, 1.2, 1.3, 2]\nharm = 'limit'\n[harm_limit]\nvital = 'hr'\nat_least = 131\nminutes = 20\n"
        "[delta]\nhr = [0, 90, 90, 0, 90, 90]",
    )
    # From 70, 131 (rounded from 130.5) is reached after 0.672 h and left again 21.8 min later, 16 s too early for 22 min.
    found = label(reference_course(plan), reference_person())
    assert found.harm_h == pytest.approx(60.5 / 90 + 20 / 60, abs=2 / 3600)
    longer = replace(plan, harm_limit=HarmLimit("hr", at_least=131, minutes=29))
    later = label(reference_course(longer), reference_person())
    assert later.harm_h == pytest.approx(1.2 + 0.1 * 60.5 / 90 + 29 / 60, abs=2 / 3600)


def test_a_limit_that_the_baseline_is_beyond_is_not_the_harm() -> None:
    low = replace(reference_person(), mean_pressure=np.array([58.0]))
    assert label(reference_course(load_scenario("hypotension")), low).harm_h is None


def test_a_heart_that_cannot_beat_so_fast_comes_to_no_harm_by_it() -> None:
    old = replace(reference_person(), hr_ceiling=np.array([112.0]))
    assert label(reference_course(load_scenario("af_fast")), old).harm_h is None


def test_a_branch_is_taken_by_its_share_or_by_those_it_is_for() -> None:
    bleed, terminal = load_scenario("bleed"), load_scenario("terminal")
    blocked, plain = Description(60, "M", beta_blocker=True), Description(60, "M")
    for seed in range(20):
        assert draw_course(bleed, np.random.default_rng(seed), who=blocked).branch == "beta"
        assert draw_course(bleed, np.random.default_rng(seed), who=plain).branch == ""
    falls = [draw_course(terminal, np.random.default_rng(seed), who=plain).branch == "fall" for seed in range(800)]
    assert np.mean(falls) == pytest.approx(0.35, abs=0.05)
    taken = replace(reference_course(terminal), branch="fall").at(np.array([48.0]))
    assert (taken["hr"][0], taken["rr"][0]) == (-30.0, 5.9)


def test_an_absolute_curve_takes_the_place_of_the_own_level_and_gives_it_back() -> None:
    course = reference_course(load_scenario("hypo"))
    moved = course.at(np.array([-1.0, 0.0, 0.5, 1.2, 1.7, 2.7, 9.0]))
    assert moved["glucose_own"].tolist() == pytest.approx([1, 1, 0, 0, 0, 0.5, 1])
    assert moved["glucose"].tolist() == pytest.approx([0, 0, 80, 48, 85, 42.5, 0])


def test_a_new_vital_at_the_end_of_the_list_changes_no_course_of_before() -> None:
    """Numbers of the first release."""
    course = draw_course(load_scenario("sepsis_home"), np.random.default_rng(3))
    assert course.pace == pytest.approx(0.464543763)
    assert course.strength["sbp"] == pytest.approx(2.042800565)
    assert (course.strength["rr"], course.branch) == (0.0, "")
