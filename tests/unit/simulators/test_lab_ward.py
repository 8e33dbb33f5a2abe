"""The ward with labels: who is in it, that its truth holds in the simulated values, and that it is the same every time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulators.export import START_US
from simulators.lab_export import write_ward
from simulators.lab_ward import FAULTS, SETTLED_H, SHARES, LabBed, WardPlan, lab_ward, version
from simulators.scenario import load_scenario, scenario_names
from simulators.treated import HELP_AFTER_H, RECOVERY_H, Treated
from vigil.domain.errors import ScenarioError
from vigil.domain.times import HOUR

FULL = WardPlan(200, 14, 1)
HARMFUL = {name for name in scenario_names() if load_scenario(name).worsens and load_scenario(name).harm != "none"}


def harms(bed: LabBed) -> list[float]:
    """Hours at which this person is critical."""
    return [each.worst_at_h for each in bed.illnesses if each.harmful]


def test_every_scenario_is_in_it_with_thirty_events_or_more() -> None:
    events = Counter(bed.scenario for bed in lab_ward(FULL) for _ in harms(bed))
    assert set(SHARES) == set(scenario_names())
    assert set(events) == HARMFUL
    assert min(events.values()) >= 30
    assert sum(not harms(bed) for bed in lab_ward(FULL)) == 40


@pytest.mark.parametrize("plan", [FULL, WardPlan(30, 3, 5)])
def test_events_of_a_person_do_not_meet_and_end_inside_the_watch(plan: WardPlan) -> None:
    for bed in lab_ward(plan):
        ends = [each.worst_at_h + HELP_AFTER_H + RECOVERY_H for each in bed.illnesses]
        begins = [each.onset_h for each in bed.illnesses]
        assert all(begin >= end for begin, end in zip(begins[1:], ends, strict=False))
        assert all(end <= 24 * plan.days for end in ends)
        assert all(each.worst_at_h > 24 for each in bed.illnesses)


def test_every_fault_meets_every_scenario() -> None:
    met = Counter((bed.scenario, span.name) for bed in lab_ward(FULL) for span in bed.spans)
    assert set(met) == {(scenario, fault) for scenario in SHARES for fault in FAULTS}
    for bed in lab_ward(FULL):
        assert all(SETTLED_H / 2 < span.start_h < span.end_h for span in bed.spans)


def test_oximeters_are_biased_by_0_to_4_points_whatever_the_person_has() -> None:
    biases = Counter(bed.spo2_bias for bed in lab_ward(FULL))
    assert set(biases) == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert min(biases.values()) > 20


def test_a_ward_is_the_same_every_time_and_another_for_another_seed() -> None:
    lab_ward.cache_clear()
    once = [(bed.scenario, bed.who, bed.seed) for bed in lab_ward(WardPlan(12, 3, 1))]
    lab_ward.cache_clear()
    assert [(bed.scenario, bed.who, bed.seed) for bed in lab_ward(WardPlan(12, 3, 1))] == once
    assert [(bed.scenario, bed.who, bed.seed) for bed in lab_ward(WardPlan(12, 3, 2))] != once
    assert len(version()) == 12


@pytest.mark.parametrize("plan", [WardPlan(0, 14, 1), WardPlan(2001, 14, 1), WardPlan(5, 1, 1)])
def test_a_ward_too_small_or_too_large_is_refused(plan: WardPlan) -> None:
    with pytest.raises(ScenarioError, match="1 to 2000"):
        lab_ward(plan)


def test_an_illness_moves_nobody_before_its_onset_nor_after_help() -> None:
    for bed in lab_ward(FULL):
        for illness in bed.illnesses[:1]:
            push = Treated(illness.course, illness.worst_h + HELP_AFTER_H)
            hours = np.array([-1.0, illness.worst_h, illness.worst_h + HELP_AFTER_H + RECOVERY_H])
            before, worst, after = (
                {name: column[place] for name, column in push.deltas(3600 * hours).items()} for place in range(3)
            )
            neutral = {name: 1.0 if name in ("activity", "glucose_own") else 0.0 for name in before}
            assert before == pytest.approx(neutral)
            assert after == pytest.approx(neutral)
            assert (worst == pytest.approx(neutral)) != illness.harmful


def read(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(f"SELECT * FROM '{path}' ORDER BY ALL").fetchall()


def test_the_table_is_the_same_for_any_number_of_workers_and_faults_change_it(tmp_path: Path) -> None:
    plan = WardPlan(7, 2, 3)
    for name, faulty, workers in (("one", False, 1), ("two", False, 2), ("faulty", True, 2)):
        write_ward(plan, tmp_path / f"{name}.parquet", faulty=faulty, workers=workers)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    sound = read(tmp_path / "one.parquet")
    assert sound != read(tmp_path / "faulty.parquet")
    assert {row[0] for row in sound} == {bed.patient_id for bed in lab_ward(plan)}
    times = [row[2] for row in sound]
    assert START_US <= min(times) <= max(times) < START_US + 48 * HOUR  # type: ignore[type-var, operator]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faulty.parquet", "one.parquet", "two.parquet"]
