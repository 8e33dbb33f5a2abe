"""The state machine of alerts: the table of the reference page "Alarms and alerts" section 6, without its overlays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.domain.lives import (
    ESCALATE,
    HIGH,
    LATER,
    LOW,
    MEDIUM,
    NOW,
    REALARM,
    Make,
    acked,
    after,
    ended,
    finding,
    opened,
    stamp,
)
from vigil.domain.alerts import Alert, Handling, Kind, Priority, Step
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
    Passed,
    ReturnToList,
    Withdraw,
    Worsened,
    apply,
)
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import MINUTE, SECOND


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
"""


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_table(row: str) -> None:
    state, priority, event, step, *expected = (part.strip() for part in row.split("  ") if part.strip())
    alert = given_state(state, Priority(priority))
    line = apply(alert, EVENTS[event](alert), BEDSIDE_POLICY)
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
    line = apply(None, Passed(stamp(), finding(HIGH), NOW), BEDSIDE_POLICY)
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
    assert apply(confirmed, Confirmed(stamp(NOW + 2 * MINUTE), finding(HIGH)), BEDSIDE_POLICY) is None


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
    line = apply(alert, DeadlineReached(stamp(much_later), due), BEDSIDE_POLICY)
    assert line is not None
    assert line.step is Step.ESCALATED
    assert line.after.deadline_at == much_later + ESCALATE[HIGH]
    assert apply(line.after, DeadlineReached(stamp(much_later), due), BEDSIDE_POLICY) is None
    assert apply(alert, DeadlineReached(stamp(due - 1), due), BEDSIDE_POLICY) is None


def test_acknowledged_and_still_true_alarms_again() -> None:
    alert = acked(opened(HIGH))
    assert alert.deadline_at == NOW + SECOND + REALARM[HIGH]
    due = alert.deadline_at
    again = apply(alert, DeadlineReached(stamp(due), due), BEDSIDE_POLICY)
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
    assert apply(once, again, BEDSIDE_POLICY) is None
    other = Acknowledge(stamp(LATER, "command:3", "other nurse"), seen)
    with pytest.raises(VersionConflict):
        apply(once, other, BEDSIDE_POLICY)
    worse = after(once, Worsened(stamp(LATER), finding(HIGH)))
    with pytest.raises(VersionConflict):
        apply(worse, again, BEDSIDE_POLICY)


def test_a_resolved_alert_takes_no_command_of_whatever_version() -> None:
    resolved = ended(acked(opened()))
    assert not resolved.open
    for version in (1, resolved.version):
        for event in (
            Acknowledge(stamp(LATER, "command:1", "nurse"), version),
            ReturnToList(stamp(LATER, "command:2", "nurse"), version),
        ):
            with pytest.raises(VersionConflict):
                apply(resolved, event, BEDSIDE_POLICY)
    closing = acked(ended(opened()), LATER)
    again = Acknowledge(stamp(LATER + 1, "command:3", "nurse"), closing.version - 1)
    assert apply(closing, again, BEDSIDE_POLICY) is None  # the tap that resolved it, once more


def test_only_the_owner_returns_an_alert() -> None:
    alert = acked(opened())
    with pytest.raises(InvalidInput):
        apply(alert, ReturnToList(stamp(LATER, "command:2", "other nurse"), alert.version), BEDSIDE_POLICY)
    back = after(alert, ReturnToList(stamp(LATER, "command:2", "nurse"), alert.version))
    assert back.handling is Handling.UNACKNOWLEDGED
    assert back.deadline_at == LATER + ESCALATE[MEDIUM]


def test_a_withdrawn_alert_says_why() -> None:
    line = apply(opened(), Withdraw(stamp(LATER, "command:revision-7"), "patient discharged"), BEDSIDE_POLICY)
    assert line is not None
    assert (line.note, line.cause) == ("patient discharged", "command:revision-7")
    assert line.after.cleared
    assert line.after.evidence.text.endswith("Withdrawn: patient discharged.")
    resolved = after(acked(opened()), Withdraw(stamp(LATER), "limit changed"))
    assert resolved.resolved_reason == "limit changed"


# --- amended by readings that came later ------------------------------------------------------------------------------


def test_an_amended_alert_keeps_what_it_said_and_adds_the_note() -> None:
    alert = opened()
    line = apply(alert, Amended(stamp(LATER), "Not so."), BEDSIDE_POLICY)
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
