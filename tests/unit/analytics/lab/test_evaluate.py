"""The figures by hand on small wards, and what intervals and differences must obey."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.lab import chance
from analytics.lab.alarms import Alarm, Lane
from analytics.lab.bootstrap import difference, draws, fewer, longer, median_lead, ratio
from analytics.lab.evaluate import compared, cumulative, figures, judge, top_tenth
from tests.unit.analytics.lab.given import alarm, event, ward
from vigil.domain.alerts import Priority

EVENTS = (
    event("e-1", 100, 200),
    event("e-2", 300, 400, patient="p-2", scenario="bleed"),
    event("e-3", 500, 600, patient="p-2", scenario="bleed"),
)
ALARMS = [
    alarm("a", 110, (110, 130)),
    alarm("b", 380, patient="p-2", priority=Priority.HIGH),
    alarm("c", 900, (), patient="p-3", priority=Priority.LOW, listed=900),
    alarm("d", 900, patient="p-3", lane=Lane.UNVERIFIED),
    alarm("e", 900, patient="p-3", lane=Lane.TECHNICAL),
    alarm("f", 900, (), patient="p-3", shown=False),
]


def test_burden_is_counted_a_patient_day_and_lanes_apart() -> None:
    small = ward(*EVENTS, patients=4, days=2.0)
    row = figures(judge("ours", "v1", ALARMS, small), small)
    assert row["patient_days"] == 8
    assert row["physiological_alerts_per_patient_day"] == 3 / 8
    assert [row[f"physiological_alerts_{name}_per_patient_day"] for name in ("high", "medium", "low")] == [1 / 8] * 3
    assert row["interruptions_per_patient_day"] == 3 / 8
    assert row["unverified_alerts_per_patient_day"] == row["technical_alerts_per_patient_day"] == 1 / 8
    assert row["all_interruptions_per_patient_day"] == 5 / 8
    assert (row["listed_alerts_per_patient_day"], row["carried_alerts_per_patient_day"]) == (1 / 8, 1 / 8)
    # 5 calls in 8 patient-days, ten patients a nurse
    assert row["interruptions_per_nurse_hour"] == pytest.approx(5 / 8 / 24 * 10, abs=1e-4)
    # minutes 110 and 130 lie in two hours, 380 in one, 900 in one
    assert row["alert_hours_share"]["value"] == pytest.approx(4 / (8 * 24), abs=1e-4)
    assert row["event_free"]["patients"] == 2
    assert row["event_free"]["physiological_alerts_per_patient_day"]["value"] == 1 / 4


def test_events_are_counted_overall_by_scenario_and_by_group() -> None:
    small = ward(*EVENTS, patients=4, left_out=("bleed",))
    row = figures(judge("ours", "v1", ALARMS, small), small)
    assert (row["events"], row["missed"], row["sensitivity"]) == (3, 1, pytest.approx(2 / 3, abs=1e-4))
    assert row["by_scenario"]["bleed"]["missed"] == 1
    assert row["by_scenario"]["sepsis"]["lead_time_median_s"]["value"] == 90 * 60
    assert row["without_left_out"]["value"] == 1
    assert row["by_group"]["sex"]["F"]["events"] == 2
    # leads 90 min, 20 min and a miss, which ranks last
    assert row["lead_time_median_s"] == 20 * 60
    assert [miss["event"] for miss in row["misses"]] == ["e-3"]


def test_a_comparison_says_what_is_spared_and_what_is_lost() -> None:
    small = ward(*EVENTS, patients=4)
    many = [alarm(f"m-{number}", 10 * number, patient=f"p-{1 + number % 4}") for number in range(80)]
    ours, theirs = judge("ours", "1", ALARMS, small), judge("theirs", "1", many, small)
    row = compared(ours, theirs, small)
    assert row["fewer_alerts"]["value"] == pytest.approx(1 - 3 / 80, abs=1e-4)
    assert [each["event"] for each in row["lost"]] == ["e-3"]
    assert row["gained"] == []
    assert row["sensitivity_difference"]["value"] == pytest.approx(-1 / 3, abs=1e-4)
    assert (row["non_inferior"], row["scenarios_worse"]) == (False, ["bleed"])
    assert compared(theirs, theirs, small)["non_inferior"] is True


def test_without_events_there_is_only_burden() -> None:
    small = ward(patients=3)
    judged = judge("ours", "1", ALARMS, small)
    row = figures(judged, small)
    assert (row["events"], row["sensitivity"], row["lead_time_median_s"], row["by_scenario"]) == (0, None, None, {})
    assert compared(judged, judged, small)["non_inferior"] is None


def test_most_missed_leaves_no_median_lead() -> None:
    weights = draws(3, 50)
    leads = np.array([600.0, -np.inf, -np.inf])
    assert median_lead(weights, leads, np.arange(3)).value is None
    assert longer(weights, leads, leads, np.arange(3)).value is None


def test_intervals_are_of_patients_and_the_same_each_time() -> None:
    alerts, days = np.array([10.0, 0.0, 0.0, 0.0]), np.ones(4)
    once, again = (ratio(draws(4), alerts, days) for _ in range(2))
    assert once == again
    assert once.value == 2.5
    # One patient has everything: drawn 0 to 3 times or so, never a single alert of it.
    assert (once.low, once.high) == (0.0, 7.5)


def test_a_difference_is_paired() -> None:
    weights, days = draws(30), np.ones(30)
    alerts = np.arange(30.0)
    shifted = difference(weights, (alerts + 1, days), (alerts, days))
    assert (shifted.low, shifted.value, shifted.high) == pytest.approx((1, 1, 1))
    half = fewer(weights, (alerts, days), (alerts * 2, days))
    assert (half.low, half.value, half.high) == pytest.approx((0.5, 0.5, 0.5))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_the_tenth_with_the_most_has_at_least_its_share(counts: list[int]) -> None:
    column = np.array(counts, np.float64)
    share, curve = top_tenth(column), cumulative(column)
    if not column.sum():
        assert (share, curve) == (None, [])
        return
    assert share is not None
    assert share >= max(1, round(column.size / 10)) / column.size - 1e-4
    assert (curve[0], curve[-1]) == (0, 1)
    assert all(later >= earlier for earlier, later in pairwise(curve))


@pytest.mark.parametrize("rate", [0.5, 3.0, 40.0])
def test_chance_is_what_random_alerts_do(rate: float) -> None:
    rng = np.random.default_rng(7)
    windows = np.array([0.02, 0.3, 0.8, 1.0, 2.0])
    first = rng.exponential(1 / rate, (20_000, windows.size))
    lead = np.where(first <= windows, windows - first, -np.inf)
    assert chance.sensitivity(rate, windows) == pytest.approx(np.mean(lead >= 0), abs=0.01)
    said, seen = chance.median_lead_s(rate, windows), np.median(lead)
    if np.isneginf(seen):
        assert said is None
    else:
        assert said == pytest.approx(seen * 86_400, rel=0.05)


def test_a_rate_of_nothing_catches_nothing() -> None:
    assert chance.sensitivity(0.0, np.array([1.0])) == 0
    assert chance.sensitivity(1.0, np.array([])) is None


def test_alarms_of_one_patient_do_not_show_in_another() -> None:
    small = ward(*EVENTS, patients=4)
    others: list[Alarm] = [each for each in ALARMS if each.patient != "p-3"]
    with_all = figures(judge("ours", "1", ALARMS, small), small)
    without = figures(judge("ours", "1", others, small), small)
    assert with_all["sensitivity"] == without["sensitivity"]
