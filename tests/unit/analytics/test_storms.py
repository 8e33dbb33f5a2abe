"""Storms: outages, the platform's own downtime and great backfills end in few notices, and hide nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.calling.settling import GAP_WAITS
from analytics.outage_rule import CALLS_AFTER
from tests.unit.analytics.fleet import STEP, CountingRecords, Course, Fleet, Reaches
from vigil.domain.alerts import Condition, Kind, Priority
from vigil.domain.calls import How, call_of
from vigil.domain.rota import Rota
from vigil.domain.scores import CoverageState
from vigil.domain.self_test import PLATFORM
from vigil.domain.teams import Level, Member, Team
from vigil.domain.times import SECOND

#: The second from which a gateway is dead.
OUT = 600
#: By this second the ward's outage has called, if it calls at all.
CALLED = OUT + CALLS_AFTER // SECOND + 3 * STEP
#: After the end of an outage, whoever is still silent has called by then: raised to medium, held, called.
STRAGGLERS = GAP_WAITS // SECOND + 6 * STEP


def silent(people: Iterable[int], until: int = 10**9) -> Reaches:
    out = set(people)
    return lambda person, second: person not in out or not OUT <= second < until


def rule_of(ward: str) -> str:
    return f"outage.{ward}"


# --- a gateway dies ---------------------------------------------------------------------------------------------------


def test_a_ward_that_falls_silent_is_one_alert(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    fleet.live(0, CALLED, silent(range(12)))
    (outage,) = fleet.of("outage")
    assert (outage.patient_id, outage.rule, outage.kind) == (PLATFORM, rule_of("A"), Kind.TECHNICAL)
    assert outage.title == "No data from 12 of 20 patients: gateway, network or broker"
    assert outage.priority is Priority.MEDIUM
    assert fleet.called() == [(PLATFORM, rule_of("A"), "worsened")]
    gaps = fleet.of("no_data")
    assert len(gaps) == 12
    assert {(gap.priority, gap.suppressed_by, gap.active) for gap in gaps} == {(Priority.LOW, outage.alert_id, True)}
    lights = [fleet.bus.board.coverage(f"p-{person:03d}") for person in range(20)]
    assert [light.state for light in lights if light] == [CoverageState.NOT_WATCHED] * 12 + [CoverageState.WATCHED] * 8


def test_it_ends_when_data_come_back_and_leaves_nothing_to_acknowledge_but_itself(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    fleet.live(0, 1500 + 3 * STEP, silent(range(20), until=1500))
    (outage,) = fleet.of("outage")
    assert outage.condition is Condition.FALSE
    assert [alert.rule for alert in fleet.records.alerts(open_only=True)] == [rule_of("A")]
    fleet.live(1500 + 3 * STEP, 1500 + STRAGGLERS)
    assert fleet.called(1500) == []


def test_who_is_still_silent_then_calls_by_himself(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    back = silent(range(20), until=1500)
    fleet.live(0, 1500 + STRAGGLERS, lambda person, second: back(person, second) and (person != 7 or second < OUT))
    assert fleet.called(1500) == [("p-007", "no_data.w-007", "called")]


def test_a_short_outage_calls_nobody(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    fleet.live(0, 1500, silent(range(20), until=OUT + 180))
    assert fleet.called() == []
    assert [alert.resolved_reason for alert in fleet.of("outage")] == ["ended by itself"]


@pytest.mark.parametrize(("people", "out"), [(20, 9), (8, 4)], ids=["less than half", "less than five"])
def test_few_silent_devices_are_no_outage(tmp_path: Path, people: int, out: int) -> None:
    fleet = Fleet(tmp_path, people)
    fleet.live(0, OUT + 300 + STRAGGLERS, silent(range(out)))
    assert fleet.of("outage") == []
    assert fleet.called() == [(f"p-{person:03d}", f"no_data.w-{person:03d}", "called") for person in range(out)]


def test_devices_that_fall_silent_one_after_the_other_are_no_outage(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 10)
    fleet.live(0, OUT + 10 * 180, lambda person, second: second < OUT + 180 * person)
    assert fleet.of("outage") == []


def test_who_was_silent_before_calls_by_himself(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    later = silent(range(1, 20))
    fleet.live(0, OUT + 900, lambda person, second: later(person, second) and (person > 0 or second < 100))
    assert [call for call in fleet.called() if call[2] != "escalated"] == [
        (PLATFORM, rule_of("A"), "worsened"),
        ("p-000", "no_data.w-000", "called"),
    ]
    assert fleet.of("no_data")[0].suppressed_by == ""


def test_a_device_that_falls_silent_during_the_outage_belongs_to_it(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 20)
    out = silent(range(12))
    fleet.live(0, CALLED + 900, lambda person, second: out(person, second) and (person != 15 or second < CALLED))
    assert fleet.of("no_data")[-1].suppressed_by == fleet.of("outage")[0].alert_id
    assert {patient for patient, _, _ in fleet.called()} == {PLATFORM}


def test_an_outage_that_comes_again_while_the_last_one_waits_to_be_seen_is_the_same_alert(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 10)
    again = 1200 + 2 * CALLED
    first = silent(range(10), until=1200)
    fleet.live(0, again + CALLED - OUT, lambda person, second: first(person, second) and second < again)
    (outage,) = fleet.of("outage")
    assert (outage.recurrence, outage.active) == (1, True)
    (first_call, second_call) = [line.at for line in fleet.calls() if line.step.value == "worsened"]
    assert second_call - first_call == (again - OUT) * SECOND, "neither sooner nor later than the first time"
    assert {gap.suppressed_by for gap in fleet.of("no_data") if gap.active} == {outage.alert_id}


def test_a_value_beyond_a_severe_limit_calls_at_once_in_an_outage(tmp_path: Path) -> None:
    at = CALLED + 60
    course: Course = lambda person, second: 72.0 if person == 15 and second >= at else 97.0  # noqa: E731
    fleet = Fleet(tmp_path, 20, courses={"spo2": course})
    fleet.live(0, at + 2 * STEP, silent(range(12)))
    severe = [line for line in fleet.calls() if line.after.patient_id == "p-015"]
    first = severe[0]
    assert (first.after.rule, first.after.priority) == ("limit.spo2.low", Priority.HIGH)
    assert first.at - first.after.onset_at <= STEP * SECOND


@pytest.mark.parametrize("moments", [(OUT + 50,), (OUT + 70, OUT + 90), (OUT + 310, CALLED + 100), (1500,)])
def test_restarts_in_the_middle_change_nothing_but_the_time(tmp_path: Path, moments: tuple[int, ...]) -> None:
    fleet = Fleet(tmp_path, 20)
    reaches, start = silent(range(14), until=1800), 0
    for moment in moments:
        fleet.live(start, moment, reaches)
        fleet.restarted().catch_up()
        start = moment
    fleet.live(start, 1800 + STRAGGLERS, reaches)
    assert [rule for _, rule, step in fleet.called() if step != "escalated"] == [rule_of("A")]
    assert [alert.rule for alert in fleet.records.alerts(open_only=True)] == [rule_of("A")]


WHEN = st.sampled_from((300, 340, 500, 900, 1500))
GONE = st.tuples(WHEN, st.sampled_from((0, 40, 200, 600, 10_000)))


@settings(max_examples=15)
@given(gone=st.lists(GONE, min_size=9, max_size=9), restarts=st.sets(WHEN, max_size=2))
def test_nobody_who_is_silent_is_forgotten(
    gone: list[tuple[int, int]], restarts: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever is silent at the end was called for, by himself or by an outage that stands and carries him; nobody else is."""
    fleet = Fleet(tmp_path_factory.mktemp("ward"), 9)
    reaches: Reaches = lambda person, second: not gone[person][0] <= second < sum(gone[person])  # noqa: E731
    start, end = 0, 2100 + 300 + STRAGGLERS
    for moment in (*sorted(restarts), end):
        fleet.live(start, moment, reaches)
        fleet.restarted().catch_up()
        start = moment
    standing = {alert.alert_id for alert in fleet.of("outage") if alert.active}
    called = {line.after.alert_id for line in fleet.calls()}
    assert standing <= called
    for gap in fleet.of("no_data"):
        still = sum(gone[int(gap.device_id[2:])]) > end
        assert gap.active is still
        if still:
            assert gap.suppressed_by in standing or (not gap.suppressed_by and gap.alert_id in called)
    assert {gap.device_id for gap in fleet.of("no_data") if gap.active} == {
        f"w-{person:03d}" for person in range(9) if sum(gone[person]) > end
    }


# --- more than one ward -----------------------------------------------------------------------------------------------


def team(ward: str) -> Team:
    everyone = Level(("everyone",), after_s={"medium": 600.0})
    return Team(f"team-{ward}", ward, (Member(f"nurse-{ward}", "N", ("pager",)),), Rota("UTC", ()), (everyone,))


def told(fleet: Fleet, rule: str) -> set[str]:
    assert isinstance(fleet.records, CountingRecords)
    every = [targets for line, targets in fleet.records.told if line.after.rule == rule]
    return {target.person for targets in every for target in targets}


def test_two_wards_that_fall_silent_are_one_alert_for_both_teams(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 30, ("A", "B", "C"))
    fleet.records.all_teams = [team(ward) for ward in "ABC"]
    out = [person for person in range(30) if person % 3 < 2]
    fleet.live(0, CALLED, silent(out))
    assert fleet.called() == [(PLATFORM, "outage", "worsened")]
    assert told(fleet, "outage") == {"nurse-A", "nurse-B", "nurse-C"}
    (outage,) = (alert for alert in fleet.of("outage") if alert.active)
    assert {gap.suppressed_by for gap in fleet.of("no_data")} == {outage.alert_id}


def test_a_wards_outage_calls_its_own_team_and_the_next_wards_makes_one_of_both(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 30, ("A", "B", "C"))
    fleet.records.all_teams = [team(ward) for ward in "ABC"]
    spread: Reaches = lambda person, second: second < (OUT, OUT + 180, 10**9)[person % 3]  # noqa: E731
    fleet.live(0, OUT + 180, spread)
    assert [(alert.rule, alert.active) for alert in fleet.of("outage")] == [(rule_of("A"), True)]
    fleet.live(OUT + 180, CALLED + 240, spread)
    assert fleet.called() == [(PLATFORM, "outage", "worsened")]
    assert {gap.priority for gap in fleet.of("no_data")} == {Priority.LOW}


def test_the_other_wards_team_hears_nothing_of_it(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 30, ("A", "B", "C"))
    fleet.records.all_teams = [team(ward) for ward in "ABC"]
    fleet.live(0, CALLED, silent(range(0, 30, 3)))
    assert told(fleet, rule_of("A")) == {"nurse-A"}
    (line,) = fleet.calls()
    assert line.after.deadline_at == line.at + 600 * SECOND
    assert told(fleet, "outage") == set()


def test_small_wards_that_fall_silent_together_are_one_outage(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 12, ("A", "B", "C", "D"))
    fleet.live(0, CALLED, silent(range(12)))
    assert fleet.called() == [(PLATFORM, "outage", "worsened")]


# --- the platform itself was away -------------------------------------------------------------------------------------

DOWN, UP = 600, 4200
SHALLOW, DEEP, ILL, DEAD = range(20), range(20, 23), range(30, 35), (98, 99)


def history(person: int, second: int) -> float:
    """SpO2: some were low while Vigil was away, five are low now."""
    if person in SHALLOW and 1200 <= second < 1320:
        return 88.0
    if person in DEEP and 1800 <= second < 1830:
        return 75.0
    return 87.0 if person in ILL and second >= 3000 else 97.0


@pytest.mark.parametrize("newest_first", [False, True], ids=["in order", "newest first"])
def test_an_hour_of_our_own_downtime(tmp_path: Path, newest_first: bool) -> None:
    """100 patients. Calls: five for what is true now, one for what is past, two for devices that stayed silent."""
    fleet = Fleet(tmp_path, 100, courses={"spo2": history})
    fleet.live(0, DOWN)
    fleet.analytics.save()
    fleet.restarted()
    fleet.at(UP)
    fleet.analytics.catch_up()
    fleet.tick()
    reaches: Reaches = lambda person, second: person not in DEAD or second < DOWN  # noqa: E731
    if newest_first:
        fleet.receive(fleet.measured([UP], reaches), UP + 1)
    kept = fleet.measured(range(DOWN, UP, STEP), reaches)
    end = fleet.bring_back(kept, UP + 2)
    fleet.live(end - end % STEP + STEP, UP + 1200, reaches)
    first = [call for call in fleet.called(UP) if call[2] != "escalated" and call[1] != "unanswered"]
    counts = Counter((rule.partition(".w-")[0], step) for _, rule, step in first)
    assert counts == {("limit.spo2.low", "opened"): 6, ("no_data", "called"): 2}, f"{len(first)} calls: {first}"
    now = {alert.patient_id for alert in fleet.of("limit.spo2.low") if not alert.retrospective}
    past = {alert.patient_id for alert in fleet.of("limit.spo2.low") if alert.retrospective}
    assert now == {f"p-{person:03d}" for person in ILL}
    assert past == {f"p-{person:03d}" for person in (*SHALLOW, *DEEP)}
    assert all(alert.priority is not Priority.HIGH for alert in fleet.of("limit.spo2.low"))
    assert {alert.patient_id for alert in fleet.of("no_data")} == {"p-098", "p-099"}, "nobody else was silent"
    assert fleet.of("outage") == []


def test_after_our_downtime_devices_that_do_not_come_back_are_one_outage(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 100)
    fleet.live(0, DOWN)
    fleet.analytics.save()
    fleet.restarted()
    fleet.at(UP)
    fleet.analytics.catch_up()
    fleet.live(UP, UP + 1500, lambda person, _second: person >= 90)
    calls = [call for call in fleet.called(UP) if call[2] != "escalated"]
    assert calls == [(PLATFORM, rule_of("A"), "worsened")], f"{len(calls)} calls"
    assert fleet.of("outage")[0].title.startswith("No data from 90 of 100 patients")


def test_a_restart_does_not_end_what_is_still_silent(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 3)
    fleet.live(0, OUT + 400, silent([1]))
    fleet.restarted().catch_up()
    fleet.live(OUT + 400, OUT + 800, silent([1]))
    (gap,) = fleet.of("no_data")
    assert [line.step.value for line in fleet.lines(gap.rule)] == ["opened", "worsened"]
    fleet.live(OUT + 800, OUT + 830)
    assert fleet.of("no_data")[0].condition is Condition.FALSE


# --- a day comes back -------------------------------------------------------------------------------------------------

DAY_S = 86_400
MINUTES = 120  # between two values of a day's backfill, seconds


def ill_yesterday(person: int, second: int) -> float:
    low = 30_000 + 60 * person <= second < 32_000 + 60 * person
    return (74.0 if low else 96.0) + second % 7 % 3


def test_a_days_backfill_of_100_patients_calls_once(tmp_path: Path) -> None:
    """Everybody was severely ill yesterday, unseen, and three are ill now."""
    ill_now = (5, 50, 95)
    course: Course = lambda person, second: (  # noqa: E731
        85.0 if person in ill_now and second >= DAY_S + 60 else ill_yesterday(person, second)
    )
    fleet = Fleet(tmp_path, 100, courses={"spo2": course})
    fleet.live(DAY_S, DAY_S + 60)
    kept = fleet.measured(range(1200, DAY_S, MINUTES))
    end = fleet.bring_back(kept, DAY_S + 60, chunks=10)
    fleet.live(end, end + 120)
    calls = fleet.calls()
    past = [line for line in calls if line.after.retrospective]
    live = [line.after.patient_id for line in calls if not line.after.retrospective]
    notices = fleet.of("limit.spo2.low")
    assert sorted(live) == [f"p-{person:03d}" for person in ill_now], f"{len(calls)} calls, {len(past)} of the past"
    assert len(past) == 1, f"{len(calls)} calls, {len(past)} of the past"
    retrospective = Counter(alert.patient_id for alert in notices if alert.retrospective)
    assert set(retrospective.values()) == {1}
    assert len(retrospective) == 100, "everybody has a notice to read"
    assert all(alert.priority is Priority.MEDIUM for alert in notices)
    how = Counter(call.how for line in fleet.lines("limit.spo2.low") if (call := call_of(line)) is not None)
    assert (how[How.NOW], how[How.LIST] + how[How.JOINED]) == (4, 99), (
        "three live, one past; the rest is shown with its reason"
    )


def test_another_wards_past_calls_for_itself(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 10, ("A", "B"), courses={"spo2": ill_yesterday})
    fleet.live(DAY_S, DAY_S + 60)
    end = fleet.bring_back(fleet.measured(range(1200, DAY_S, MINUTES)), DAY_S + 60, chunks=10)
    fleet.live(end, end + 60)
    wards = Counter(fleet.records.patient(line.after.patient_id).ward for line in fleet.calls())
    assert wards == {"A": 1, "B": 1}


def test_the_call_of_the_past_is_remembered_over_a_restart(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 10, courses={"spo2": ill_yesterday})
    fleet.live(DAY_S, DAY_S + 60)
    first = [row for row in fleet.measured(range(1200, DAY_S, MINUTES)) if row[0] < 5]
    end = fleet.bring_back(first, DAY_S + 60, chunks=2)
    fleet.live(end, end + 60)
    fleet.restarted().catch_up()
    rest = [row for row in fleet.measured(range(1200, DAY_S, MINUTES)) if row[0] >= 5]
    end = fleet.bring_back(rest, end + 60, chunks=2)
    fleet.live(end, end + 60)
    assert len(fleet.of("limit.spo2.low")) == 10
    assert len(fleet.calls()) == 1


def test_what_is_past_makes_no_score_of_now(tmp_path: Path) -> None:
    """Breathing, pulse and saturation of an hour ago, brought back after a value of now: NEWS2 was 9 then and is 0 now."""
    past: dict[str, Course] = {
        "spo2": lambda _person, second: 88.0 if second < 3600 else 97.0,
        "heart_rate": lambda _person, second: 135.0 if second < 3600 else 70.0,
        "resp_rate": lambda _person, second: 27.0 if second < 3600 else 15.0,
    }
    fleet = Fleet(tmp_path, 2, courses=past)
    fleet.live(3600, 3660)
    end = fleet.bring_back(fleet.measured(range(0, 3600, STEP)), 3660, chunks=6)
    fleet.live(end + 4, end + 64)
    assert fleet.of("news2") == []
    assert {alert.retrospective for alert in fleet.records.alerts()} == {True}
    score = fleet.bus.board.score("p-000")
    assert score is not None
    assert [part.value for part in score.parts if part.name == "spo2"] == [97.0]
