"""The burden table, from courses drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.alerts import Priority
from vigil.domain.burden import LEAST_SHOWN, By, Course, Exposure, Group, share, subgroups, table, total
from vigil.domain.feedback import Verdict
from vigil.domain.people import Patient
from vigil.domain.times import DAY, HOUR, SECOND, from_iso

NOW = from_iso("2026-06-01T00:00:00Z")
EXPOSURE = Exposure({f"p-{number}": DAY for number in range(20)}, 48 * HOUR, {"p-1": 1})


def course(patient_id: str = "p-1", rule: str = "limit.spo2.low", **change: Any) -> Course:
    return replace(Course(patient_id, rule, Priority.MEDIUM, "abc", NOW), **change)


def judged(words: str) -> list[Course]:
    """u, n, a, w: one alert each; a dot: nobody has said anything."""
    said = {"u": Verdict.USEFUL, "n": Verdict.NOT_USEFUL, "a": Verdict.ARTEFACT, "w": Verdict.WRONG_LIMIT}
    return [course(verdict=said.get(word)) for word in words]


def test_positive_predictive_value_of_those_who_were_judged() -> None:
    row = total(judged("uuunaw....."), EXPOSURE)
    assert (row.alerts, row.verdicts) == (
        11,
        {Verdict.USEFUL: 3, Verdict.NOT_USEFUL: 1, Verdict.ARTEFACT: 1, Verdict.WRONG_LIMIT: 1},
    )
    assert (row.true.count, row.true.of, row.useful.count, row.useful.of) == (4, 6, 3, 6)
    assert total(judged("..."), EXPOSURE).true == share(0, 0)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # By hand from Wilson's formula: for none of n, z2 / (n + z2); for half, symmetric about it.
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # the formula in another form
        (15, 148, 0.0624, 0.1605),  # the same
    ],
)
def test_wilson_intervals(count: int, of: int, low: float, high: float) -> None:
    one = share(count, of)
    assert [one.low, one.high] == pytest.approx([low, high], abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_in_its_interval(drawn: tuple[int, int]) -> None:
    one = share(*drawn)
    assert one.low is not None
    assert one.high is not None
    assert one.share is not None
    assert 0 <= one.low <= one.share <= one.high <= 1
    assert one.low < one.high


def test_times_escalations_and_what_ended_by_itself() -> None:
    told = [
        course(acknowledged_at=NOW + 60 * SECOND, ended_at=NOW + 90 * SECOND),
        course(acknowledged_at=NOW + 120 * SECOND, ended_at=NOW + 90 * SECOND, level=1),
        course(acknowledged_at=NOW + 600 * SECOND, level=2),
        course(ended_at=NOW + 5 * SECOND),
        course("p-2", level=1),
        course("p-2", retrospective=True),
    ]
    row = total(told, EXPOSURE)
    assert (row.acknowledged, row.acknowledge_median_s) == (3, 120)
    assert (row.self_limited, row.self_limited_share) == (3, 0.5)
    # p-1's chain has a second level; p-2's is the built-in one, which has none.
    assert (row.escalated, row.unanswered) == (3, 2)


def test_an_alert_that_opened_before_counts_by_its_calls_only() -> None:
    row = total([course(opened_at=None, acknowledged_at=NOW, interruptions=2, carried=True, level=5)], EXPOSURE)
    assert (row.alerts, row.acknowledged, row.escalated, row.interruptions, row.carried) == (0, 0, 0, 2, 1)
    assert (row.self_limited_share, row.busiest_tenth, row.acknowledge_median_s) == (None, None, None)


def test_rates() -> None:
    row = total([course(interruptions=3), course(interruptions=1)], EXPOSURE)
    assert (row.per_patient_day, row.per_nurse_hour) == (4 / 20, 4 / 48)
    nobody = total([course(interruptions=3)], Exposure({}, 0, {}))
    assert (nobody.per_patient_day, nobody.per_nurse_hour, nobody.busiest_tenth) == (None, None, None)


def test_the_busiest_tenth_is_of_the_patients_under_watch() -> None:
    """Two of twenty, those without an alert counted too; alerts about nobody are in no patient's share."""
    told = [course("p-1")] * 5 + [course("p-2")] * 3 + [course("p-3")] * 2 + [course("", "self_test")] * 7
    assert total(told, EXPOSURE).busiest_tenth == 8 / 10


@pytest.mark.parametrize("rule", ["unverified.spo2.low", "no_data.w-1", "no_signal.heart_rate", "signal_lost.news2"])
def test_what_waits_for_data_is_not_held_by_the_budget(rule: str) -> None:
    row = total([course(rule=rule, held=True), course(held=True), course(joined=True)], EXPOSURE)
    assert (row.held, row.joined) == (1, 1)


def test_rows_by_rule_and_policy_policy_and_priority() -> None:
    told = [
        course(rule="no_data.w-1", interruptions=1),
        course(rule="no_data.manual.p-7", interruptions=1),
        course(rule="news2", policy_version="def", priority=Priority.HIGH, interruptions=9),
        course(policy_version="def"),
    ]

    def rows(by: By) -> list[tuple[str | None, str | None, Priority | None, int]]:
        return [(row.rule, row.policy_version, row.priority, row.alerts) for row in table(told, by, EXPOSURE)]

    assert rows(By.RULE) == [
        ("news2", "def", None, 1),
        ("no_data", "abc", None, 2),
        ("limit.spo2.low", "def", None, 1),
    ]
    assert rows(By.POLICY) == [(None, "def", None, 2), (None, "abc", None, 2)]
    assert rows(By.PRIORITY) == [(None, None, Priority.HIGH, 1), (None, None, Priority.MEDIUM, 3)]


courses = st.lists(
    st.builds(
        Course,
        st.sampled_from(["p-1", "p-2", "p-3", ""]),
        st.sampled_from(["news2", "no_data.w-1", "no_data.w-2", "limit.spo2.low"]),
        st.sampled_from(list(Priority)),
        st.sampled_from(["abc", "def"]),
        st.one_of(st.none(), st.just(NOW)),
        interruptions=st.integers(0, 9),
        held=st.booleans(),
        verdict=st.one_of(st.none(), st.sampled_from(list(Verdict))),
    )
)


@given(courses, st.sampled_from(list(By)))
def test_rows_add_up_to_the_total(drawn: list[Course], by: By) -> None:
    rows, whole = table(drawn, by, EXPOSURE), total(drawn, EXPOSURE)
    for name in ("alerts", "interruptions", "held", "acknowledged", "self_limited"):
        assert sum(getattr(row, name) for row in rows) == getattr(whole, name)
    assert sum(row.true.of for row in rows) == whole.true.of == sum(whole.verdicts.values())
    assert len({(row.rule, row.policy_version, row.priority) for row in rows}) == len(rows)


def people(*groups: tuple[int, str, int]) -> tuple[list[Patient], Exposure]:
    """(age, sex, how many), each watched for a day."""
    found = [
        Patient(f"{sex}-{age}-{number}", "F", "G", date(2026 - age, 1, 1), sex, "A")
        for age, sex, count in groups
        for number in range(count)
    ]
    return found, Exposure({one.patient_id: DAY for one in found}, 0, {})


def shown(groups: Sequence[Group], factor: str) -> dict[str, int | None]:
    return {one.value: one.patients for one in groups if one.factor == factor}


def test_held_calls_by_age_band_and_sex() -> None:
    patients, exposure = people((30, "female", 10), (80, "male", 11))
    told = [course("male-80-3", interruptions=2, held=True), course("male-80-4", held=True), course("p-1", held=True)]
    assert subgroups(told, patients, exposure, NOW) == [
        Group("age", "18-39", 10, 10.0, 0, 0, 0),
        Group("age", "80+", 11, 11.0, 2, 2, 2),
        Group("sex", "female", 10, 10.0, 0, 0, 0),
        Group("sex", "male", 11, 11.0, 2, 2, 2),
    ]


def test_a_small_group_is_hidden_and_cannot_be_told_from_the_rest() -> None:
    patients, exposure = people((30, "female", 9), (50, "female", 30), (70, "male", 12), (85, "male", 20))
    groups = subgroups([course("female-30-1", held=True)], patients, exposure, NOW)
    assert shown(groups, "age") == {"18-39": None, "40-64": 30, "65-79": None, "80+": 20}
    assert shown(groups, "sex") == {"female": 39, "male": 32}
    assert all((one.held is None) == (one.patients is None) == (one.alerts is None) for one in groups)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_no_group_below_ten_is_shown_nor_only_one_hidden(sizes: list[int]) -> None:
    ages = (20, 50, 70, 90)
    patients, exposure = people(*[(age, "female", size) for age, size in zip(ages, sizes, strict=False)])
    seen = shown(subgroups([], patients, exposure, NOW), "age")
    hidden = [name for name, number in seen.items() if number is None]
    assert all(number is None or number >= LEAST_SHOWN for number in seen.values())
    assert len(hidden) != 1 or len(seen) == 1
    assert any(size < LEAST_SHOWN for size in sizes) or not hidden


def test_who_was_not_under_watch_is_in_no_group() -> None:
    patients, _ = people((30, "female", 12))
    assert subgroups([], patients, Exposure({}, 0, {}), NOW) == []
