"""Snooze, suppression and held calls: overlays in the table of the reference page "Alarms and alerts" section 6."""

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
    acked,
    after,
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
from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority, Step
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import (
    SNOOZE_AT_MOST,
    Accept,
    Acknowledge,
    Amended,
    Began,
    CallDue,
    Confirmed,
    DataBack,
    DataLost,
    DeadlineReached,
    Eased,
    Ended,
    Event,
    HandOver,
    Passed,
    Snooze,
    SnoozeEnded,
    Suppress,
    Unsuppress,
    Withdraw,
    Worsened,
    apply,
)
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import HOUR, MINUTE, SECOND

UNTIL = NOW + SECOND + 5 * MINUTE
PARTS = "limit.resp_rate.high"


def suppressed(alert: Alert, carrier: str = "a-carrier") -> Alert:
    return after(alert, Suppress(stamp(NOW + SECOND), carrier))


def held(alert: Alert, minutes: int = 10) -> Alert:
    """As the ward's budget leaves it."""
    return replace(alert, held_until=alert.opened_at + minutes * MINUTE)


def snooze(alert: Alert, minutes: float, reason: str = "with the patient", at: int = LATER) -> Snooze:
    return Snooze(by("nurse", at), alert.version, at + round(minutes * MINUTE), reason)


# --- snooze: bounds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("priority", "minutes"), [(HIGH, 10), (MEDIUM, 30), (LOW, 240)])
def test_a_snooze_has_a_bound_by_priority_and_says_it(priority: Priority, minutes: int) -> None:
    alert = opened(priority)
    assert SNOOZE_AT_MOST[priority] == minutes * MINUTE
    assert after(alert, snooze(alert, minutes)).snoozed_until == LATER + minutes * MINUTE
    beyond = Snooze(by("nurse", LATER), alert.version, LATER + minutes * MINUTE + 1, "known")
    with pytest.raises(InvalidInput, match=f"{priority.value} priority is snoozed for {minutes} min at most"):
        apply(alert, beyond, BEDSIDE_POLICY)


@pytest.mark.parametrize(
    ("minutes", "reason", "words"), [(5, " ", "reason"), (0, "known", "future"), (-1, "x", "future")]
)
def test_a_snooze_needs_a_reason_and_an_end_in_the_future(minutes: float, reason: str, words: str) -> None:
    alert = opened()
    with pytest.raises(InvalidInput, match=words):
        apply(alert, snooze(alert, minutes, reason), BEDSIDE_POLICY)


def test_at_most_two_in_a_row_until_somebody_acknowledges_or_it_gets_worse() -> None:
    twice = snoozed(snoozed(opened()), at=LATER)
    assert (twice.snoozes, twice.snoozed_until) == (2, LATER + 5 * MINUTE)
    lost = after(twice, DataLost(stamp(LATER + 1)))
    waiting = after(ended(after(lost, DataBack(stamp(LATER + 2))), LATER + 3), Began(stamp(LATER + 4), finding()))
    for alert in (twice, lost, waiting):  # neither lost data nor a condition that comes and goes gives a new one
        with pytest.raises(InvalidInput, match="2 times in a row"):
            apply(alert, snooze(alert, 1), BEDSIDE_POLICY)
    assert snoozed(acked(waiting, LATER + MINUTE), at=LATER + 2 * MINUTE).snoozes == 1
    assert snoozed(after(twice, Worsened(stamp(LATER), finding(HIGH))), at=LATER + 1).snoozes == 1


def test_a_snooze_is_visible_with_by_whom_until_when_and_why() -> None:
    alert = opened()
    line = line_of(alert, snooze(alert, 5, " known, plan agreed "))
    assert (line.step, line.actor, line.note, line.detail) == (
        Step.SNOOZED, "nurse", "known, plan agreed", {"until_at": LATER + 5 * MINUTE},
    )  # fmt: skip
    found = line.after
    assert (found.snoozed_by, found.snooze_reason, found.open) == ("nurse", "known, plan agreed", True)
    assert found.handling is Handling.UNACKNOWLEDGED


def test_the_same_tap_again_changes_nothing_and_a_stale_one_or_a_resolved_alert_refuses() -> None:
    alert = opened()
    once = after(alert, snooze(alert, 5))
    assert unchanged(once, snooze(alert, 5))
    with pytest.raises(VersionConflict):
        apply(once, Snooze(by("other", LATER), alert.version, LATER + 6 * MINUTE, "known"), BEDSIDE_POLICY)
    resolved = ended(acked(alert))
    with pytest.raises(VersionConflict, match="resolved"):
        apply(resolved, snooze(resolved, 5), BEDSIDE_POLICY)
    with pytest.raises(VersionConflict, match="resolved"):
        apply(resolved, Accept(by("nurse", LATER), resolved.version), BEDSIDE_POLICY)


# --- snooze: what waits, and what ends it -----------------------------------------------------------------------------


@pytest.mark.parametrize("priority", list(Priority))
def test_escalation_waits_for_the_end_of_the_snooze_and_keeps_its_level(priority: Priority) -> None:
    alert = opened(priority)
    assert alert.deadline_at is not None
    up = after(alert, DeadlineReached(stamp(alert.deadline_at), alert.deadline_at))
    at = up.updated_at + 1
    quiet = snoozed(up, 5, at)
    assert quiet.deadline_at == at + 5 * MINUTE + ESCALATE[priority]
    assert quiet.next_due == at + 5 * MINUTE
    line = line_of(quiet, SnoozeEnded(stamp(at + 6 * MINUTE), at + 5 * MINUTE))
    assert (line.step, line.after.snoozed_until, line.after.snoozed_by) == (Step.SNOOZE_ENDED, None, "")
    assert line.after.deadline_at == at + 6 * MINUTE + ESCALATE[priority]
    assert line.after.escalation_level == 1


def test_a_snooze_ends_at_its_own_time_only() -> None:
    quiet = snoozed(opened())
    assert quiet.snoozed_until == UNTIL
    assert unchanged(quiet, SnoozeEnded(stamp(UNTIL - 1), UNTIL))
    assert unchanged(quiet, SnoozeEnded(stamp(UNTIL + 1), UNTIL + 1))
    assert unchanged(opened(), SnoozeEnded(stamp(UNTIL), UNTIL))


def test_a_snoozed_acknowledged_alert_alarms_again_at_the_end_at_the_earliest() -> None:
    alert = acked(opened(HIGH))
    early = snoozed(alert, 5, NOW + MINUTE)
    assert early.deadline_at == alert.deadline_at == NOW + SECOND + REALARM[HIGH]
    late = snoozed(alert, 10, NOW + 9 * MINUTE)
    until = NOW + 19 * MINUTE
    assert (late.deadline_at, late.handling) == (until, Handling.ACKNOWLEDGED)
    over = after(late, SnoozeEnded(stamp(until), until))
    assert over.deadline_at == until
    assert line_of(over, DeadlineReached(stamp(until), until)).step is Step.REALARMED
    cut = after(late, DataLost(stamp(NOW + 10 * MINUTE)))
    assert cut.deadline_at == until  # no later than it stood


def test_whichever_is_looked_at_first_after_a_stop_the_call_comes() -> None:
    quiet = snoozed(opened(HIGH))
    assert quiet.deadline_at is not None
    at = quiet.deadline_at + HOUR
    line = line_of(quiet, DeadlineReached(stamp(at), quiet.deadline_at))
    assert (line.step, line.after.snoozed_until) == (Step.ESCALATED, None)
    assert unchanged(line.after, SnoozeEnded(stamp(at), UNTIL))


ENDS: dict[str, Event] = {
    "worse": Worsened(stamp(LATER), finding(MEDIUM)),
    "crossed high": Began(stamp(LATER), finding(HIGH)),
    "data lost": DataLost(stamp(LATER)),
    "acknowledged": Acknowledge(by("other", LATER), 2),
    "shift ended": HandOver(stamp(LATER), "incoming"),
    "self-limited": Ended(stamp(LATER), LATER),
}


@pytest.mark.parametrize("what", ENDS)
def test_what_ends_a_snooze(what: str) -> None:
    alert = snoozed(opened(LOW if what == "self-limited" else MEDIUM))
    found = after(alert, ENDS[what])
    assert (found.snoozed_until, found.snoozed_by, found.snooze_reason) == (None, "", "")
    if found.open and found.handling is Handling.UNACKNOWLEDGED:
        assert found.deadline_at == LATER + ESCALATE[found.priority]


def test_lost_data_say_in_the_log_that_they_ended_a_snooze() -> None:
    assert line_of(snoozed(opened()), DataLost(stamp(LATER))).detail == {"snooze": "ended"}
    assert line_of(opened(), DataLost(stamp(LATER))).detail == {}


def test_a_doubt_that_is_confirmed_ends_whatever_kept_it_silent() -> None:
    doubt = opened(HIGH, Kind.TECHNICAL, "unverified.spo2.low")
    real = Confirmed(stamp(LATER), finding(HIGH, rule="unverified.spo2.low"))
    found = after(snoozed(doubt), real)
    assert (found.snoozed_until, found.snoozes, found.deadline_at) == (None, 0, LATER + ESCALATE[HIGH])
    assert after(doubt, real).deadline_at == doubt.deadline_at  # it was calling all the time


def test_a_condition_that_comes_and_goes_stays_snoozed_unless_it_is_worse() -> None:
    cleared = ended(snoozed(opened()))
    assert (cleared.snoozed_until, cleared.deadline_at) == (UNTIL, None)
    again = after(cleared, Began(stamp(LATER), finding(MEDIUM)))
    assert (again.snoozed_until, again.deadline_at) == (UNTIL, UNTIL + ESCALATE[MEDIUM])
    for event in (
        Began(stamp(LATER), finding(HIGH)),
        Worsened(stamp(LATER), finding(MEDIUM)),
        Began(stamp(LATER), finding(MEDIUM), unknown=True),
    ):
        found = after(cleared, event)
        assert (found.snoozed_until, found.deadline_at) == (None, LATER + ESCALATE[found.priority])


def test_easing_leaves_a_snooze_as_it_is() -> None:
    assert after(snoozed(opened(HIGH)), Eased(stamp(LATER), finding(MEDIUM))).snoozed_until == UNTIL


def test_a_cleared_alert_and_a_past_episode_may_be_snoozed() -> None:
    past = after(None, Passed(stamp(), finding(LOW), NOW))
    for alert in (ended(opened()), past):
        quiet = snoozed(alert, at=LATER)
        assert (quiet.deadline_at, quiet.next_due) == (None, quiet.snoozed_until)
    worse = after(snoozed(past), Passed(stamp(LATER), finding(MEDIUM), LATER))
    same = after(snoozed(past), Passed(stamp(LATER), finding(LOW), LATER))
    assert (worse.snoozed_until, same.snoozed_until) == (None, UNTIL)


# --- suppression ------------------------------------------------------------------------------------------------------


def test_a_suppressed_alert_names_its_carrier_and_its_deadlines_run_on() -> None:
    alert = opened(rule=PARTS)
    line = line_of(alert, Suppress(stamp(LATER), "a-carrier"))
    assert (line.step, line.detail, line.after.suppressed_by) == (Step.SUPPRESSED, {"by": "a-carrier"}, "a-carrier")
    assert line.after.deadline_at == alert.deadline_at
    assert alert.deadline_at is not None
    up = after(line.after, DeadlineReached(stamp(alert.deadline_at), alert.deadline_at))
    assert (up.escalation_level, up.suppressed_by) == (1, "a-carrier")
    line = line_of(up, Unsuppress(stamp(up.updated_at + 1), "carrier closed"))
    assert (line.step, line.note, line.detail) == (Step.UNSUPPRESSED, "carrier closed", {"by": "a-carrier"})
    assert line.after == replace(up, suppressed_by="", version=up.version + 1, updated_at=up.updated_at + 1)


def test_suppressing_and_releasing_twice_changes_nothing_and_nothing_carries_itself() -> None:
    alert = opened(rule=PARTS)
    once = suppressed(alert)
    assert unchanged(once, Suppress(stamp(LATER), "a-carrier"))
    assert suppressed(once, "a-other").suppressed_by == "a-other"
    assert unchanged(alert, Suppress(stamp(LATER), alert.alert_id))
    assert unchanged(alert, Suppress(stamp(LATER), ""))
    assert unchanged(alert, Unsuppress(stamp(LATER), "x"))
    assert unchanged(ended(acked(alert)), Suppress(stamp(LATER), "a-carrier"))


SEVERE = {
    "severe limit": opened(HIGH, limit=80),
    "severe limit that a policy calls at medium": opened(MEDIUM, limit=80),
    "eased since": after(opened(HIGH, limit=80), Eased(stamp(LATER), finding(MEDIUM))),
    "cleared since": ended(opened(HIGH, limit=80)),
    "acknowledged": acked(opened(HIGH, limit=80)),
    "unverified critical value": opened(HIGH, Kind.TECHNICAL, "unverified.spo2.low", 80),
}


@pytest.mark.parametrize("what", SEVERE)
def test_a_severe_limit_is_never_suppressed(what: str) -> None:
    assert unchanged(SEVERE[what], Suppress(stamp(LATER), "a-carrier"))


def test_worse_ends_suppression_and_snooze_together() -> None:
    alert = snoozed(suppressed(opened()))
    found = after(alert, Worsened(stamp(LATER), finding(HIGH, limit=80)))
    assert (found.suppressed_by, found.snoozed_until, found.handling) == ("", None, Handling.UNACKNOWLEDGED)
    cleared = ended(suppressed(opened()))
    assert after(cleared, Began(stamp(LATER), finding(MEDIUM))).suppressed_by == "a-carrier"
    assert after(cleared, Began(stamp(LATER), finding(HIGH))).suppressed_by == ""


# --- held calls -------------------------------------------------------------------------------------------------------


def test_a_held_call_is_let_go_once_early_or_late_and_then_the_time_to_answer_begins() -> None:
    alert = held(opened(), 8)
    assert alert.held_until is not None
    for at in (NOW + MINUTE, alert.held_until, alert.held_until + HOUR):
        line = line_of(alert, CallDue(stamp(at), alert.held_until))
        assert (line.step, line.after.held_until, line.after.deadline_at) == (Step.CALLED, None, at + ESCALATE[MEDIUM])
        assert unchanged(line.after, CallDue(stamp(at), alert.held_until))
    assert unchanged(alert, CallDue(stamp(LATER), alert.held_until + 1))
    assert after(ended(alert), CallDue(stamp(LATER), alert.held_until)).deadline_at is None


def test_nobody_is_called_at_a_higher_level_before_the_first() -> None:
    alert = held(opened(), 60)
    assert alert.deadline_at is not None
    line = line_of(alert, DeadlineReached(stamp(alert.deadline_at), alert.deadline_at))
    assert (line.step, line.after.escalation_level, line.after.held_until) == (Step.CALLED, 0, None)


@pytest.mark.parametrize(
    "event",
    [
        Acknowledge(by("nurse", LATER), 1),
        Snooze(by("nurse", LATER), 1, LATER + MINUTE, "known"),
        Suppress(stamp(LATER), "a-carrier"),
        Worsened(stamp(LATER), finding(HIGH)),
        Withdraw(stamp(LATER), "limit changed"),
        Amended(stamp(LATER), "Not so."),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_makes_a_held_call_needless(event: Event) -> None:
    assert after(held(opened()), event).held_until is None


def test_the_next_due_time_is_the_earliest_of_all() -> None:
    alert = held(opened(), 1)
    assert (alert.next_due, opened().next_due) == (NOW + MINUTE, NOW + ESCALATE[MEDIUM])
    assert ended(acked(alert)).next_due is None


def test_resolving_takes_every_overlay_away() -> None:
    given = replace(handed_over(acked(suppressed(opened()))), snoozed_until=UNTIL, snoozed_by="nurse")
    closed = ended(given, LATER)
    assert not closed.open
    assert (closed.snoozed_until, closed.suppressed_by, closed.accept_by, closed.next_due) == (None, "", None, None)
    assert (closed.condition, closed.owner) == (Condition.FALSE, "incoming")
