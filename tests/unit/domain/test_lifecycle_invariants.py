"""The eleven invariants of the reference page "Alarms and alerts" section 6, those that the life cycle can state, by number.

Not here: 6 (what became of a notice) is the outbox's, 10 (the dead-man's switch) is the self-test's, and the second half of 5 (an
alert that is not yours looks like none) is the api's. ``test_lifecycle_machine`` and ``test_lifecycle_search`` hold the same
invariants against any sequence of events and in all states of the small model.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.lives import (
    ESCALATE,
    HIGH,
    LATER,
    LOW,
    MEDIUM,
    NOW,
    acked,
    after,
    assigned,
    by,
    ended,
    finding,
    handed_over,
    line_of,
    opened,
    snoozed,
    stamp,
    unchanged,
)
from vigil.domain.alerts import Alert, Condition, Handling, Priority, Transition
from vigil.domain.errors import VersionConflict
from vigil.domain.lifecycle import (
    Accept,
    AcceptDue,
    Acknowledge,
    Assign,
    Began,
    CallDue,
    CallNextLevel,
    DataLost,
    DeadlineReached,
    Ended,
    Event,
    ReturnToList,
    Snooze,
    SnoozeEnded,
    Stamp,
    Suppress,
    Unsuppress,
    Withdraw,
    Worsened,
    apply,
)
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.store.records.documents import alert_of, alert_row

OPEN: dict[str, Alert] = {
    "active": opened(),
    "high": opened(HIGH),
    "unknown": after(opened(), DataLost(stamp(NOW + 1))),
    "acknowledged": acked(opened()),
    "cleared": ended(opened()),
    "snoozed": snoozed(opened()),
    "snoozed, acknowledged": snoozed(acked(opened())),
    "suppressed": after(opened(), Suppress(stamp(NOW + 1), "a-1")),
    "held": replace(opened(), held_until=NOW + 10 * MINUTE),
    "handed over": handed_over(acked(opened())),
    "assigned": assigned(opened()),
    "assigned, cleared": ended(assigned(opened())),
}


@pytest.mark.parametrize("name", OPEN)
def test_invariant_01_at_most_one_open_live_occurrence_of_a_rule(name: str) -> None:
    alert = OPEN[name]
    for event in (
        Began(stamp(LATER), finding()),
        Began(stamp(LATER), finding(HIGH)),
        Began(stamp(LATER), finding(), unknown=True),
        Worsened(stamp(LATER), finding(HIGH)),
    ):
        line = apply(alert, event, BEDSIDE_POLICY)
        assert line is None or line.after.alert_id == alert.alert_id


@pytest.mark.parametrize("name", OPEN)
def test_invariant_02_no_alert_closes_because_data_stopped(name: str) -> None:
    alert: Alert = OPEN[name]
    line = apply(alert, DataLost(stamp(LATER)), BEDSIDE_POLICY)
    if line is not None:
        alert = line.after
        assert alert.condition is Condition.UNKNOWN
    for _ in range(20):  # whatever time brings after that
        assert alert.open
        due = alert.next_due
        if due is None:
            assert alert.cleared
            return
        alert = after(alert, _timer(alert, due))
    assert alert.handling is Handling.UNACKNOWLEDGED


def _timer(alert: Alert, due: int) -> Event:
    """The event of the timer that is due first."""
    at = stamp(due, f"deadline:{due}")
    if alert.snoozed_until == due:
        return SnoozeEnded(at, due)
    if alert.held_until == due:
        return CallDue(at, due)
    return AcceptDue(at, due) if alert.accept_by == due else DeadlineReached(at, due)


def test_invariant_03_every_transition_stores_actor_both_times_version_limits_and_values() -> None:
    for alert, event in STEPS:
        line = line_of(alert, event)
        assert (line.actor, line.at, line.measured_at) == (event.stamp.actor, event.stamp.at, event.stamp.measured_at)
        assert line.cause
        evidence = line.after.evidence
        assert (evidence.policy_version, evidence.limit) == (
            "policy-1",
            {"vital": "spo2", "side": "low", "value": 90, "severe": False},
        )
        assert evidence.values == ({"vital": "spo2", "value": 84.0},)
        assert line.after.updated_at == event.stamp.at


STEPS: list[tuple[Alert | None, Event]] = [
    (None, Began(stamp(), finding())),
    (OPEN["active"], Acknowledge(by("nurse", LATER), 1)),
    (OPEN["active"], Snooze(by("nurse", LATER), 1, LATER + MINUTE, "known")),
    (OPEN["snoozed"], SnoozeEnded(stamp(LATER + HOUR), OPEN["snoozed"].snoozed_until or 0)),
    (OPEN["active"], Suppress(stamp(LATER), "a-1")),
    (OPEN["suppressed"], Unsuppress(stamp(LATER), "carrier closed")),
    (OPEN["held"], CallDue(stamp(LATER), OPEN["held"].held_until or 0)),
    (OPEN["active"], DeadlineReached(stamp(LATER + HOUR), OPEN["active"].deadline_at or 0)),
    (OPEN["handed over"], Accept(by("incoming", LATER), OPEN["handed over"].version)),
    (OPEN["handed over"], AcceptDue(stamp(LATER + HOUR), OPEN["handed over"].accept_by or 0)),
    (OPEN["active"], Assign(by("nurse", LATER), 1, "doctor")),
    (OPEN["assigned"], Accept(by("doctor", LATER), OPEN["assigned"].version)),
    (OPEN["assigned"], AcceptDue(stamp(LATER + HOUR), OPEN["assigned"].accept_by or 0)),
    (OPEN["acknowledged"], CallNextLevel(by("nurse", LATER), OPEN["acknowledged"].version)),
    (OPEN["active"], Ended(stamp(LATER), LATER)),
    (OPEN["acknowledged"], Withdraw(stamp(LATER), "limit changed")),
]


def test_invariant_04_replaying_the_events_gives_the_same_state_as_the_log() -> None:
    events: list[Event] = [
        Began(stamp(), finding()),
        Snooze(by("nurse", NOW + SECOND), 1, NOW + MINUTE, "with the patient"),
        DataLost(stamp(NOW + 2 * SECOND)),
        Suppress(stamp(NOW + 3 * SECOND), "a-1"),
        Worsened(stamp(NOW + 4 * SECOND), finding(HIGH)),
        Acknowledge(by("nurse", NOW + 5 * SECOND), 5, "calling now"),
        Ended(stamp(NOW + MINUTE), NOW + MINUTE),
    ]
    log, again = _replayed(events), _replayed(events)
    assert log == again
    assert [line.after.version for line in log] == [1, 2, 3, 4, 5, 6, 7]
    for line in log:  # and each line alone, written and read back, is the state
        assert alert_of(json.loads(json.dumps(alert_row(line.after)))) == line.after
    assert not log[-1].after.open


def _replayed(events: list[Event]) -> list[Transition]:
    alert: Alert | None = None
    log = []
    for event in events:
        log.append(line_of(alert, event))
        alert = log[-1].after
    return log


@pytest.mark.parametrize("name", OPEN)
def test_invariant_05_a_repeated_acknowledge_changes_nothing_and_a_stale_one_is_refused(name: str) -> None:
    alert = OPEN[name]
    tap = Acknowledge(by("nurse", LATER), alert.version)
    if alert.handling is Handling.ACKNOWLEDGED:
        assert unchanged(alert, tap)
        return
    once = after(alert, tap)
    assert unchanged(once, tap)
    for stale in (
        Acknowledge(by("other", LATER), alert.version),
        Snooze(by("other", LATER), alert.version, LATER + MINUTE, "known"),
        ReturnToList(by("nurse", LATER), alert.version),
        Assign(by("nurse", LATER), alert.version, "other"),
        CallNextLevel(by("nurse", LATER), alert.version),
    ):
        with pytest.raises(VersionConflict):
            apply(once, stale, BEDSIDE_POLICY)


def test_invariant_05_a_late_tap_cannot_acknowledge_what_came_after_it() -> None:
    seen = opened()
    for newer in (
        after(seen, Worsened(stamp(LATER), finding(HIGH))),
        after(ended(seen), Began(stamp(LATER), finding())),
        ended(acked(seen)),
    ):
        with pytest.raises(VersionConflict):
            apply(newer, Acknowledge(by("nurse", LATER + 1), seen.version), BEDSIDE_POLICY)


@pytest.mark.parametrize("late", [0, 1, HOUR, 400 * DAY])
@pytest.mark.parametrize("name", ["high", "acknowledged", "snoozed", "held", "handed over"])
def test_invariant_07_an_overdue_time_fires_once_after_a_restart_or_a_clock_jump(name: str, late: int) -> None:
    alert = alert_of(json.loads(json.dumps(alert_row(OPEN[name]))))
    due = alert.next_due
    assert due is not None
    event = _timer(alert, due)
    event = replace(event, stamp=replace(event.stamp, at=due + late))
    found = after(alert, event)
    assert unchanged(found, event)
    assert found.deadline_at is not None
    assert found.deadline_at > due + late


@pytest.mark.parametrize("name", OPEN)
def test_invariant_08_a_withdrawn_rule_closes_with_a_reason_and_never_unseen(name: str) -> None:
    alert = OPEN[name]
    line = apply(alert, Withdraw(stamp(LATER), "device unbound"), BEDSIDE_POLICY)
    if alert.cleared:
        assert line is None
        return
    assert line is not None
    assert line.note == "device unbound"
    assert line.after.evidence.text.endswith("Withdrawn: device unbound.")
    seen = alert.handling is Handling.ACKNOWLEDGED
    assert line.after.resolved_reason == ("device unbound" if seen else "")
    assert line.after.condition is Condition.FALSE


@settings(max_examples=60, derandomize=True)
@given(measured=st.integers(-DAY, DAY), server=st.integers(0, 30 * DAY), priority=st.sampled_from(Priority))
def test_invariant_09_deadlines_count_on_server_time_and_onset_on_measured_time(
    measured: int, server: int, priority: Priority
) -> None:
    at = Stamp("ordinal:1", NOW + server, measured_at=NOW + measured)
    alert = after(None, Began(at, replace(finding(priority), onset_at=NOW + measured)))
    assert (alert.onset_at, alert.opened_at) == (NOW + measured, NOW + server)
    assert alert.deadline_at == NOW + server + ESCALATE[priority]
    tap = Stamp("command:1", NOW + server + SECOND, "nurse", NOW + measured)
    snooze = after(alert, Snooze(tap, 1, tap.at + MINUTE, "known"))
    assert snooze.next_due == NOW + server + SECOND + MINUTE


@pytest.mark.parametrize("name", OPEN)
def test_invariant_11_people_alone_close_every_open_alert_and_see_it_first(name: str) -> None:
    alert = OPEN[name]
    if alert.handling is Handling.UNACKNOWLEDGED:
        alert = after(alert, Acknowledge(by("nurse", LATER), alert.version))
    if alert.open:
        alert = after(alert, Withdraw(by("doctor", LATER + 1), "limit changed"))
    assert not alert.open
    assert alert.handling is Handling.ACKNOWLEDGED


def test_invariant_11_only_the_low_and_self_limited_closes_unseen() -> None:
    for priority in Priority:
        over = ended(opened(priority))
        assert over.open == (priority is not LOW)
        assert over.handling is Handling.UNACKNOWLEDGED
    assert after(snoozed(opened(MEDIUM)), Ended(stamp(LATER), LATER)).open
