"""The state machine of alerts: the table of the reference page "Alarms and alerts" section 6, and its invariants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import (
    ENDED_ACKNOWLEDGED,
    ENDED_BY_ITSELF,
    ENDED_THEN_ACKNOWLEDGED,
    Acknowledge,
    Amended,
    Began,
    Confirmed,
    DataBack,
    DataLost,
    DeadlineReached,
    Eased,
    Ended,
    Event,
    Finding,
    Passed,
    ReturnToList,
    Stamp,
    Withdraw,
    Worsened,
    apply,
)
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import MINUTE, SECOND

NOW = 1_767_225_600_000_000
ESCALATE = {p: round(DEFAULT_POLICY.escalate_s[p.value] * SECOND) for p in Priority}
REALARM = {p: round(DEFAULT_POLICY.realarm_s[p.value] * SECOND) for p in Priority}
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW


def stamp(at: int = NOW, cause: str | None = None, actor: str = "vigil") -> Stamp:
    return Stamp(cause or f"ordinal:{at // SECOND}", at, actor, measured_at=at - SECOND)


def finding(priority: Priority = MEDIUM, kind: Kind = Kind.PHYSIOLOGICAL) -> Finding:
    return Finding(
        "p-1", "limit.spo2.low", kind, priority, "SpO2 low", Evidence(f"{priority} text"), NOW - SECOND, "w-1"
    )


def after(alert: Alert | None, event: Event) -> Alert:
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    return line.after


def opened(priority: Priority = MEDIUM, kind: Kind = Kind.PHYSIOLOGICAL) -> Alert:
    return after(None, Began(stamp(), finding(priority, kind)))


def acked(alert: Alert, at: int = NOW + SECOND) -> Alert:
    return after(alert, Acknowledge(stamp(at, f"command:{at}", "nurse"), alert.version))


def ended(alert: Alert, at: int = NOW + MINUTE) -> Alert:
    return after(alert, Ended(stamp(at), at - MINUTE))


def given_state(name: str, priority: Priority) -> Alert | None:
    """The states of the table by their short names."""
    if name == "-":
        return None
    alert = opened(priority)
    parts = name.split()
    if "unknown" in parts:
        alert = after(alert, DataLost(stamp(NOW + 1)))
    if "ack" in parts:
        alert = acked(alert)
    return ended(alert) if "cleared" in parts or "resolved" in parts else alert


LATER = NOW + 2 * MINUTE
Make = Callable[[Alert | None], Event]

EVENTS: dict[str, Make] = {
    "crossed medium": lambda _: Began(stamp(LATER), finding(MEDIUM)),
    "crossed high": lambda _: Began(stamp(LATER), finding(HIGH)),
    "crossed unknown": lambda _: Began(stamp(LATER), finding(MEDIUM), unknown=True),
    "severe": lambda _: Worsened(stamp(LATER), finding(HIGH)),
    "eased": lambda _: Eased(stamp(LATER), finding(LOW)),
    "normal": lambda _: Ended(stamp(LATER), LATER - MINUTE),
    "lost": lambda _: DataLost(stamp(LATER)),
    "back": lambda _: DataBack(stamp(LATER)),
    "ack": lambda a: Acknowledge(stamp(LATER, "command:x", "nurse"), a.version if a else 1),
    "return": lambda a: ReturnToList(stamp(LATER, "command:y", "nurse"), a.version if a else 1),
    "withdrawn": lambda _: Withdraw(stamp(LATER), "limit changed"),
    "amended": lambda _: Amended(stamp(LATER), "Contradicted."),
}

# from, peak priority, event -> step, condition, handling, resolved?    ("none": nothing changes)
TABLE = """
-                   medium  crossed medium   opened        true     unacknowledged  open
-                   medium  severe           opened        true     unacknowledged  open
-                   medium  crossed unknown  opened        unknown  unacknowledged  open
-                   medium  normal           none
-                   medium  withdrawn        none
active unack        medium  crossed medium   none
active unack        medium  crossed high     worsened      true     unacknowledged  open
active unack        medium  severe           worsened      true     unacknowledged  open
active unack        medium  eased            eased         true     unacknowledged  open
active unack        medium  lost             data_lost     unknown  unacknowledged  open
active unack        medium  back             none
active unack        medium  ack              acknowledged  true     acknowledged    open
active unack        high    normal           cleared       false    unacknowledged  open
active unack        medium  normal           cleared       false    unacknowledged  open
active unack        low     normal           resolved      false    unacknowledged  resolved
active unack        medium  return           none
active unack        medium  withdrawn        withdrawn     false    unacknowledged  open
active unack        medium  amended          amended       false    unacknowledged  open
active ack          medium  amended          amended       false    acknowledged    resolved
unknown unack       medium  amended          amended       false    unacknowledged  open
unknown ack         high    amended          amended       false    acknowledged    resolved
cleared unack       medium  amended          amended       false    unacknowledged  open
resolved ack        medium  amended          amended       false    acknowledged    resolved
-                   medium  amended          none
active ack          medium  crossed medium   none
active ack          medium  severe           worsened      true     unacknowledged  open
active ack          high    severe           worsened      true     unacknowledged  open
active ack          medium  normal           resolved      false    acknowledged    resolved
active ack          high    normal           resolved      false    acknowledged    resolved
active ack          medium  lost             data_lost     unknown  acknowledged    open
active ack          medium  ack              none
active ack          medium  return           returned      true     unacknowledged  open
active ack          medium  withdrawn        withdrawn     false    acknowledged    resolved
unknown unack       medium  back             data_back     true     unacknowledged  open
unknown unack       medium  crossed medium   data_back     true     unacknowledged  open
unknown unack       medium  severe           worsened      true     unacknowledged  open
unknown unack       medium  normal           cleared       false    unacknowledged  open
unknown unack       medium  lost             none
unknown ack         medium  back             data_back     true     acknowledged    open
unknown ack         medium  normal           resolved      false    acknowledged    resolved
cleared unack       medium  ack              acknowledged  false    acknowledged    resolved
cleared unack       medium  crossed medium   recurred      true     unacknowledged  open
cleared unack       medium  severe           recurred      true     unacknowledged  open
cleared unack       high    crossed medium   recurred      true     unacknowledged  open
cleared unack       medium  normal           none
cleared unack       medium  withdrawn        none
resolved ack        medium  crossed medium   recurred      true     acknowledged    open
resolved ack        medium  crossed high     opened        true     unacknowledged  open
resolved ack        medium  normal           none
resolved ack        medium  ack              none
"""


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_table(row: str) -> None:
    state, priority, event, step, *expected = (part.strip() for part in row.split("  ") if part.strip())
    alert = given_state(state, Priority(priority))
    line = apply(alert, EVENTS[event](alert), DEFAULT_POLICY)
    if step == "none":
        assert line is None
        return
    assert line is not None
    found = line.after
    assert line.step is Step(step)
    handled = "resolved" if not found.open else "open"
    assert [found.condition.value, found.handling.value, handled] == expected


# --- opening --------------------------------------------------------------------------------------------------------


def test_the_same_cause_opens_the_same_alert_and_says_nothing_about_the_patient() -> None:
    one, two = opened(), opened()
    assert one == two
    assert one.alert_id != after(None, Began(stamp(NOW + SECOND), finding())).alert_id
    assert "p-1" not in one.alert_id
    assert one.cause == f"ordinal:{NOW // SECOND}:opened"


def test_an_opened_alert_escalates_by_its_priority() -> None:
    for priority in Priority:
        assert opened(priority).deadline_at == NOW + ESCALATE[priority]


def test_a_past_episode_is_cleared_unacknowledged_never_above_medium_and_without_deadline() -> None:
    line = apply(None, Passed(stamp(), finding(HIGH), NOW), DEFAULT_POLICY)
    assert line is not None
    alert = line.after
    assert alert.retrospective
    assert alert.cleared
    assert (alert.priority, alert.peak_priority, alert.deadline_at) == (MEDIUM, MEDIUM, None)
    more = after(alert, Passed(stamp(NOW + SECOND), finding(HIGH), NOW + MINUTE))
    assert (more.alert_id, more.recurrence, more.ended_at) == (alert.alert_id, 1, NOW + MINUTE)
    assert acked(more).resolved_reason == ENDED_THEN_ACKNOWLEDGED


def test_an_unverified_critical_value_becomes_physiological_when_confirmed() -> None:
    doubt = opened(HIGH, Kind.TECHNICAL)
    confirmed = after(acked(doubt), Confirmed(stamp(NOW + MINUTE), finding(HIGH)))
    assert confirmed.kind is Kind.PHYSIOLOGICAL
    assert confirmed.handling is Handling.UNACKNOWLEDGED
    assert confirmed.alert_id == doubt.alert_id
    assert apply(confirmed, Confirmed(stamp(NOW + 2 * MINUTE), finding(HIGH)), DEFAULT_POLICY) is None


# --- going on -------------------------------------------------------------------------------------------------------


def test_easing_lowers_the_priority_and_keeps_peak_and_handling() -> None:
    alert = acked(opened(HIGH))
    eased = after(alert, Eased(stamp(LATER), finding(MEDIUM)))
    assert (eased.priority, eased.peak_priority) == (MEDIUM, HIGH)
    assert eased.handling is Handling.ACKNOWLEDGED
    assert eased.deadline_at == alert.deadline_at


def test_deadlines_go_on_without_data() -> None:
    alert = opened(HIGH)
    lost = after(alert, DataLost(stamp(NOW + SECOND)))
    assert lost.deadline_at == alert.deadline_at
    assert alert.deadline_at is not None
    due = alert.deadline_at
    assert after(lost, DeadlineReached(stamp(due), due)).escalation_level == 1


def test_cleared_escalates_only_when_it_was_high() -> None:
    assert ended(opened(HIGH)).deadline_at == NOW + ESCALATE[HIGH]
    assert ended(opened(MEDIUM)).deadline_at is None
    eased = after(opened(HIGH), Eased(stamp(NOW + 1), finding(LOW)))
    assert ended(eased).deadline_at is not None


def test_an_overdue_deadline_fires_once_and_counts_from_now() -> None:
    alert = opened(HIGH)
    assert alert.deadline_at is not None
    due = alert.deadline_at
    much_later = due + 100 * ESCALATE[HIGH]
    line = apply(alert, DeadlineReached(stamp(much_later), due), DEFAULT_POLICY)
    assert line is not None
    assert line.step is Step.ESCALATED
    assert line.after.deadline_at == much_later + ESCALATE[HIGH]
    assert apply(line.after, DeadlineReached(stamp(much_later), due), DEFAULT_POLICY) is None
    assert apply(alert, DeadlineReached(stamp(due - 1), due), DEFAULT_POLICY) is None


def test_acknowledged_and_still_true_alarms_again() -> None:
    alert = acked(opened(HIGH))
    assert alert.deadline_at == NOW + SECOND + REALARM[HIGH]
    due = alert.deadline_at
    again = apply(alert, DeadlineReached(stamp(due), due), DEFAULT_POLICY)
    assert again is not None
    assert again.step is Step.REALARMED
    assert again.after.handling is Handling.UNACKNOWLEDGED
    assert again.after.acknowledged_by == ""


def test_ending() -> None:
    assert ended(acked(opened())).resolved_reason == ENDED_ACKNOWLEDGED
    assert ended(opened(LOW)).resolved_reason == ENDED_BY_ITSELF
    cleared = ended(opened(MEDIUM))
    assert cleared.cleared
    assert acked(cleared, LATER).resolved_reason == ENDED_THEN_ACKNOWLEDGED


def test_low_now_but_once_medium_latches() -> None:
    alert = after(opened(MEDIUM), Eased(stamp(NOW + 1), finding(LOW)))
    assert ended(alert).cleared


# --- recurrence -----------------------------------------------------------------------------------------------------


def test_a_latched_alert_recurs_as_the_same_occurrence() -> None:
    alert = ended(opened())
    again = after(alert, Began(stamp(LATER), finding()))
    assert (again.alert_id, again.recurrence, again.ended_at) == (alert.alert_id, 1, None)
    assert again.deadline_at == LATER + ESCALATE[MEDIUM]


def test_within_15_minutes_it_stays_acknowledged_and_the_third_time_in_an_hour_it_does_not() -> None:
    resolved = ended(acked(opened()))
    assert resolved.resolved_at is not None
    soon, late = resolved.resolved_at + 15 * MINUTE, resolved.resolved_at + 15 * MINUTE + 1
    second = after(resolved, Began(stamp(soon), finding(), begun_in_last_hour=1))
    assert (second.alert_id, second.handling) == (resolved.alert_id, Handling.ACKNOWLEDGED)
    assert second.deadline_at == soon + REALARM[MEDIUM]
    third = after(resolved, Began(stamp(soon), finding(), begun_in_last_hour=2))
    assert (third.alert_id, third.handling) == (resolved.alert_id, Handling.UNACKNOWLEDGED)
    assert after(resolved, Began(stamp(late), finding())).alert_id != resolved.alert_id


@pytest.mark.parametrize(
    "unseen", [ended(opened(LOW)), after(acked(opened()), Withdraw(stamp(LATER), "device unbound"))]
)
def test_what_nobody_acknowledged_or_what_was_withdrawn_opens_anew(unseen: Alert) -> None:
    assert after(unseen, Began(stamp(LATER + 1), finding(LOW))).alert_id != unseen.alert_id


# --- people ---------------------------------------------------------------------------------------------------------


def test_a_repeated_acknowledge_changes_nothing_and_a_stale_one_is_refused() -> None:
    alert = opened()
    seen = alert.version
    once = acked(alert)
    again = Acknowledge(stamp(LATER, "command:2", "nurse"), seen)
    assert apply(once, again, DEFAULT_POLICY) is None
    other = Acknowledge(stamp(LATER, "command:3", "other nurse"), seen)
    with pytest.raises(VersionConflict):
        apply(once, other, DEFAULT_POLICY)
    worse = after(once, Worsened(stamp(LATER), finding(HIGH)))
    with pytest.raises(VersionConflict):
        apply(worse, again, DEFAULT_POLICY)


def test_only_the_owner_returns_an_alert() -> None:
    alert = acked(opened())
    with pytest.raises(InvalidInput):
        apply(alert, ReturnToList(stamp(LATER, "command:2", "other nurse"), alert.version), DEFAULT_POLICY)
    back = after(alert, ReturnToList(stamp(LATER, "command:2", "nurse"), alert.version))
    assert back.handling is Handling.UNACKNOWLEDGED
    assert back.deadline_at == LATER + ESCALATE[MEDIUM]


def test_a_withdrawn_alert_says_why() -> None:
    line = apply(opened(), Withdraw(stamp(LATER, "command:revision-7"), "patient discharged"), DEFAULT_POLICY)
    assert line is not None
    assert (line.note, line.cause) == ("patient discharged", "command:revision-7")
    assert line.after.cleared
    assert line.after.evidence.text.endswith("Withdrawn: patient discharged.")
    resolved = after(acked(opened()), Withdraw(stamp(LATER), "limit changed"))
    assert resolved.resolved_reason == "limit changed"


# --- amended by readings that came later ------------------------------------------------------------------------------


def test_an_amended_alert_keeps_what_it_said_and_adds_the_note() -> None:
    alert = opened()
    line = apply(alert, Amended(stamp(LATER), "Not so."), DEFAULT_POLICY)
    assert line is not None
    assert (line.step, line.note, line.after.version) == (Step.AMENDED, "Not so.", alert.version + 1)
    assert line.after.evidence == replace(alert.evidence, text=f"{alert.evidence.text} Not so.")
    assert (line.after.ended_at, line.after.updated_at, line.after.alert_id) == (LATER, LATER, alert.alert_id)
    assert line.cause == f"ordinal:{LATER // SECOND}:amended"


def test_amended_it_stands_as_cleared_until_somebody_has_seen_it() -> None:
    for priority in Priority:
        alert = after(opened(priority), Amended(stamp(LATER), "Not so."))
        assert alert.cleared
        assert alert.deadline_at == (NOW + ESCALATE[HIGH] if priority is HIGH else None)
        assert acked(alert, LATER + SECOND).resolved_reason == ENDED_THEN_ACKNOWLEDGED


def test_amended_when_somebody_had_seen_it_is_resolved_by_the_note() -> None:
    alert = after(acked(opened(HIGH)), Amended(stamp(LATER), "Not so."))
    assert (alert.resolved_reason, alert.resolved_at, alert.deadline_at) == ("Not so.", LATER, None)
    again = after(alert, Began(stamp(LATER + SECOND), finding()))
    assert again.alert_id != alert.alert_id


@pytest.mark.parametrize("made", [ended(acked(opened())), ended(opened(LOW)), acked(ended(opened()), LATER - SECOND)])
def test_a_resolved_alert_keeps_its_resolution(made: Alert) -> None:
    amended = after(made, Amended(stamp(LATER), "Not so."))
    expected = replace(
        made,
        version=made.version + 1,
        updated_at=LATER,
        evidence=replace(made.evidence, text=f"{made.evidence.text} Not so."),
    )
    assert amended == expected


def test_a_past_episode_may_be_amended_too() -> None:
    alert = after(None, Passed(stamp(), finding(HIGH), NOW))
    amended = after(alert, Amended(stamp(LATER), "Not so."))
    assert (amended.retrospective, amended.cleared, amended.ended_at) == (True, True, NOW)


# --- invariants 1, 2, 4, 5, 8, 11 under any sequence ------------------------------------------------------------------


class AnyLife(RuleBasedStateMachine):
    """One (patient, rule) under any sequence of events, people and deadlines included."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.log: list[Transition] = []
        self.alerts: dict[str, Alert] = {}
        self.live: Alert | None = None
        self.commands = 0

    @initialize()
    def begin(self) -> None:
        self.happen(Began(self.stamp(), finding(MEDIUM)))

    def stamp(self, actor: str = "vigil") -> Stamp:
        self.now += SECOND
        self.commands += 1
        cause = f"ordinal:{self.commands}" if actor == "vigil" else f"command:{self.commands}"
        return Stamp(cause, self.now, actor, self.now)

    def happen(self, event: Event) -> None:
        before = self.live
        line = apply(before, event, DEFAULT_POLICY)
        if line is None:
            return
        found = line.after
        # 1: at most one open live occurrence.
        assert before is None or not before.open or found.alert_id == before.alert_id
        known = self.alerts.get(found.alert_id)
        assert found.version == (known.version + 1 if known is not None else 1)
        if before is not None and before.open and not found.open:
            # 2 and 11: only a valid normal value, readings that came late, a decision or a person closes; unseen only what
            # never was above low.
            assert isinstance(event, Ended | Amended | Withdraw | Acknowledge)
            seen = found.handling is Handling.ACKNOWLEDGED
            assert seen or (found.peak_priority is LOW and isinstance(event, Ended))
            assert found.resolved_reason
        self.log.append(line)
        self.alerts[found.alert_id] = found
        self.live = found

    @rule(priority=st.sampled_from(Priority), unknown=st.booleans(), often=st.integers(0, 3))
    def cross(self, priority: Priority, unknown: bool, often: int) -> None:
        self.happen(Began(self.stamp(), finding(priority), unknown, often))

    @rule(priority=st.sampled_from(Priority))
    def worsen(self, priority: Priority) -> None:
        self.happen(Worsened(self.stamp(), finding(priority)))

    @rule(priority=st.sampled_from(Priority))
    def ease(self, priority: Priority) -> None:
        self.happen(Eased(self.stamp(), finding(priority)))

    @rule()
    def confirm(self) -> None:
        self.happen(Confirmed(self.stamp(), finding(HIGH)))

    @rule(lost=st.booleans())
    def data(self, lost: bool) -> None:
        self.happen(DataLost(self.stamp()) if lost else DataBack(self.stamp()))

    @rule()
    def become_normal(self) -> None:
        self.happen(Ended(self.stamp(), self.now))

    @rule()
    def withdraw(self) -> None:
        self.happen(Withdraw(self.stamp(), "limit changed"))

    @rule()
    def be_contradicted(self) -> None:
        before = self.live
        self.happen(Amended(self.stamp(), "Not so."))
        if before is not None and not before.open:
            assert self.live is not None
            assert self.live.resolved_reason == before.resolved_reason

    @precondition(lambda self: self.live is not None)
    @rule(stale=st.booleans())
    def acknowledge(self, stale: bool) -> None:
        assert self.live is not None
        if stale and self.live.version > 2:
            # 5: an old version is refused, whoever sends it.
            with pytest.raises(VersionConflict):
                apply(self.live, Acknowledge(self.stamp("other"), self.live.version - 1), DEFAULT_POLICY)
            return
        event = Acknowledge(self.stamp("nurse"), self.live.version)
        was_waiting = self.live.open and self.live.handling is Handling.UNACKNOWLEDGED
        self.happen(event)
        assert self.live.handling is Handling.ACKNOWLEDGED or not self.live.open
        if was_waiting:
            assert apply(self.live, event, DEFAULT_POLICY) is None  # 5: again changes nothing

    @precondition(lambda self: self.live is not None and self.live.handling is Handling.ACKNOWLEDGED)
    @rule()
    def give_back(self) -> None:
        assert self.live is not None
        if self.live.open:
            self.happen(ReturnToList(self.stamp(self.live.acknowledged_by), self.live.version))

    @precondition(lambda self: self.live is not None and self.live.deadline_at is not None)
    @rule(overdue=st.integers(0, 10))
    def reach_deadline(self, overdue: int) -> None:
        assert self.live is not None
        assert self.live.deadline_at is not None
        self.now = max(self.now, self.live.deadline_at + overdue * MINUTE)
        self.happen(DeadlineReached(self.stamp(), self.live.deadline_at))
        assert self.live.deadline_at is not None
        assert self.live.deadline_at > self.now

    @invariant()
    def the_state_makes_sense(self) -> None:
        alert = self.live
        if alert is None:
            return
        assert alert.peak_priority.rank >= alert.priority.rank
        assert (alert.handling is Handling.ACKNOWLEDGED) == bool(alert.acknowledged_by)
        if not alert.open:
            assert (alert.condition, alert.deadline_at) == (Condition.FALSE, None)  # 8: and with a reason
            assert alert.resolved_at is not None
        elif alert.active:
            assert alert.deadline_at is not None
            assert alert.ended_at is None

    @invariant()
    def the_log_gives_the_same_state(self) -> None:
        # 4: the last line of each alert holds its state, and causes are never used twice.
        assert {line.after.alert_id: line.after for line in self.log} == self.alerts
        causes = [line.cause for line in self.log]
        assert len(causes) == len(set(causes))

    @invariant()
    def people_alone_can_close_it(self) -> None:
        # 11: acknowledge; a condition that holds then ends by withdrawal (the decision of a person).
        alert = self.live
        if alert is None or not alert.open:
            return
        if alert.handling is Handling.UNACKNOWLEDGED:
            alert = after(alert, Acknowledge(Stamp("command:close", self.now, "nurse"), alert.version))
        if alert.open:
            alert = after(alert, Withdraw(Stamp("command:off", self.now, "doctor"), "limit changed"))
        assert not alert.open


AnyLife.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyLife = AnyLife.TestCase


def test_no_reachable_state_is_stuck() -> None:
    """All states of the small model, time left out: from each of them an open alert can still be brought to resolved."""

    def shape(alert: Alert | None) -> Alert | None:
        if alert is None:
            return None
        return replace(
            alert, alert_id="", cause="", opened_at=0, updated_at=0, onset_at=0, version=1, recurrence=0, ended_at=None,
            escalation_level=0, resolved_at=NOW if alert.resolved_at else None, device_id="",
            deadline_at=NOW if alert.deadline_at else None, evidence=Evidence(""), acknowledged_at=None,
        )  # fmt: skip

    makes: list[Make] = [*EVENTS.values(), lambda _: Began(stamp(LATER), finding(LOW))]
    makes.append(lambda a: DeadlineReached(stamp(LATER), a.deadline_at or 0 if a else 0))
    seen: dict[Alert | None, set[Alert | None]] = {}
    todo: list[Alert | None] = [None]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        lines = [apply(state, make(state), DEFAULT_POLICY) for make in makes]
        seen[state] = {shape(line.after) for line in lines if line is not None}
        todo += seen[state]
    closing = {state for state in seen if state is None or not state.open}
    grown = True
    while grown:
        more = {state for state, then in seen.items() if then & closing} - closing
        closing |= more
        grown = bool(more)
    assert len(seen) > 30
    assert set(seen) == closing
