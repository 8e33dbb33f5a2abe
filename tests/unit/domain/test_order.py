"""Drawn tables for the ward order and the work list (reference page "The nurse station" sections 1 and 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority
from vigil.domain.order import Standing, in_main_lane, lower_bound, ward_order, work_order
from vigil.domain.scores import Coverage, CoverageState, Score, ScoreStatus

P, T = Kind.PHYSIOLOGICAL, Kind.TECHNICAL
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW
UNACK, ACK = Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED
TRUE, UNKNOWN, FALSE = Condition.TRUE, Condition.UNKNOWN, Condition.FALSE


def alert(
    name: str,
    priority: Priority = MEDIUM,
    handling: Handling = UNACK,
    kind: Kind = P,
    condition: Condition = TRUE,
    opened_at: int = 0,
    deadline_at: int | None = None,
    rule: str = "news2",
    patient_id: str = "p",
    resolved_at: int | None = None,
    snoozed_until: int | None = None,
    accept_by: int | None = None,
    suppressed_by: str = "",
) -> Alert:
    return Alert(
        alert_id=name,
        patient_id=patient_id,
        rule=rule,
        kind=kind,
        priority=priority,
        peak_priority=priority,
        condition=condition,
        handling=handling,
        title="",
        cause=name,
        onset_at=0,
        opened_at=opened_at,
        updated_at=opened_at,
        evidence=Evidence(""),
        deadline_at=deadline_at,
        resolved_at=resolved_at,
        resolved_reason="" if resolved_at is None else "ended while acknowledged",
        snoozed_until=snoozed_until,
        accept_by=accept_by,
        suppressed_by=suppressed_by,
    )


def score(lower: int | None) -> Score:
    status = ScoreStatus.NOT_APPLICABLE if lower is None else ScoreStatus.PARTIAL
    return Score("news2", "p", 0, status, None, lower, lower, None, False, ())


def coverage(state: CoverageState) -> Coverage:
    return Coverage("p", state, 0, "")


# Top to bottom as on the ward board; each line differs from the next in what stands in its comment.
WARD = [
    Standing("high-waiting", (alert("1", HIGH),)),
    Standing("unverified-high", (alert("2", HIGH, kind=T, rule="unverified.spo2.low"),)),  # same rank as above: by id
    Standing("medium-waiting", (alert("3"), alert("3b", HIGH, ACK)), score(9)),  # also has a high one, acknowledged
    Standing("medium-waiting-2", (alert("4"),), score(9)),
    Standing("medium-waiting-3", (alert("5"),), score(2)),  # lower score
    Standing("low-waiting", (alert("6", LOW),)),
    Standing("high-acked", (alert("7", HIGH, ACK),)),  # somebody has it
    Standing("high-snoozed", (alert("7b", HIGH, snoozed_until=9),)),  # somebody has set it aside
    Standing("low-carried", (alert("8b", LOW, suppressed_by="a"), alert("8a", LOW, ACK)), score(13)),
    Standing("low-acked", (alert("8", LOW, ACK),), score(12)),
    Standing("technical-high", (alert("9", HIGH, kind=T, rule="missing.device"),)),
    Standing("technical-low", (alert("10", LOW, kind=T, rule="missing.device"),), score(3)),
    Standing("score-6", (), score(6)),
    Standing("score-0-dark", (), score(0), coverage(CoverageState.NOT_WATCHED)),
    Standing("score-0-partly", (), score(0), coverage(CoverageState.PARTLY)),
    Standing("score-0-watched", (), score(0), coverage(CoverageState.WATCHED)),
    Standing("resolved-only", (alert("11", HIGH, resolved_at=5),), None, coverage(CoverageState.NOT_WATCHED)),
    Standing("no-score", (), None, coverage(CoverageState.NO_DEVICE)),
    Standing("not-applicable", (), score(None), coverage(CoverageState.WATCHED)),
    Standing("z-same-in-all", (), score(None), coverage(CoverageState.WATCHED)),  # by id
]


@given(st.permutations(WARD))
def test_ward_order_is_the_drawn_table_however_it_comes(shuffled: list[Standing]) -> None:
    assert ward_order(shuffled) == [standing.patient_id for standing in WARD]


WORK = [
    alert("01-high-waiting-long", HIGH, opened_at=10),
    alert("02-high-waiting", HIGH, opened_at=20, condition=UNKNOWN),
    alert("03-unverified", HIGH, opened_at=30, kind=T, rule="unverified.spo2.low"),
    alert("04-high-cleared", HIGH, opened_at=5, condition=FALSE),  # latched: after active ones, though it waits longer
    alert("04a-handed-over-soon", LOW, ACK, accept_by=50, deadline_at=400),
    alert("04b-handed-over-later", HIGH, ACK, accept_by=60, deadline_at=300),
    alert("05-medium-sicker", MEDIUM, opened_at=7, patient_id="sick"),  # same waiting: by score lower bound
    alert("06-medium", MEDIUM, opened_at=7, patient_id="well"),
    alert("07-medium-same", MEDIUM, opened_at=7, patient_id="well"),  # by id
    alert("08-acked-soon", LOW, ACK, opened_at=3, deadline_at=100),
    alert("09-acked-later", HIGH, ACK, opened_at=1, deadline_at=200),  # by re-alarm deadline, not by priority
    alert("10-low", LOW, opened_at=0),
    alert("10a-low-carried", HIGH, suppressed_by="10-low"),  # directly under what carries it
    alert("10b-low-carried-acked", LOW, ACK, suppressed_by="10-low", deadline_at=1),
    alert("10c-snoozed-soon", LOW, snoozed_until=50, opened_at=2),
    alert("10d-snoozed-later", HIGH, snoozed_until=60, opened_at=1),  # by its end, not by priority
    alert("10e-carrier-not-listed", HIGH, suppressed_by="gone"),
    alert("10f-nobody-answered", MEDIUM, kind=T, rule="unanswered", opened_at=9),  # the alarms' own path first
    alert("11-technical-high", HIGH, kind=T, rule="missing.device", opened_at=0),
    alert("12-technical-medium", MEDIUM, kind=T, rule="missing.device", opened_at=0),
    alert("12a-self-test-acked", HIGH, ACK, kind=T, rule="self_test", deadline_at=5),  # somebody deals with it
    alert("13-resolved-new", LOW, resolved_at=900, condition=FALSE),
    alert("14-resolved-technical", HIGH, kind=T, rule="missing.device", resolved_at=800, condition=FALSE),
    alert("15-resolved-old", HIGH, resolved_at=700, condition=FALSE),
]


@given(st.permutations(WORK))
def test_work_list_is_the_drawn_table_however_it_comes(shuffled: list[Alert]) -> None:
    ordered = work_order(shuffled, {"sick": score(7), "well": score(1)})
    assert [one.alert_id for one in ordered] == [one.alert_id for one in WORK]


@pytest.mark.parametrize(
    ("kind", "rule", "main"),
    [(P, "news2", True), (P, "limit.spo2.low", True), (T, "unverified.spo2.low", True), (T, "missing.device", False)],
)
def test_lanes(kind: Kind, rule: str, main: bool) -> None:
    assert in_main_lane(alert("a", kind=kind, rule=rule)) is main


def test_acknowledging_moves_a_patient_below_all_who_wait() -> None:
    waiting = Standing("b", (alert("1", LOW),))
    taken = Standing("a", (alert("2", HIGH),))
    assert ward_order([waiting, taken]) == ["a", "b"]
    acked = replace(taken, alerts=(replace(taken.alerts[0], handling=ACK),))
    assert ward_order([waiting, acked]) == ["b", "a"]


def test_lower_bound_of_no_score_is_below_zero() -> None:
    assert lower_bound(None) == lower_bound(score(None)) < lower_bound(score(0))
