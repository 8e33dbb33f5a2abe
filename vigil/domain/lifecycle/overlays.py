"""What lies over an open alert and keeps it from calling, for a bounded time and always visible: snooze, suppression, held call.

Deadlines under them. *Suppressed*: escalation and re-alarm run on, because nobody has decided anything about this alert; if what
carries it goes, it calls at the level that it would have had. *Snoozed*: a person has seen it and asked for silence. Escalation
is calls and nothing else, so it waits: it counts anew from the end of the snooze, at the level where it stood, and a re-alarm
comes then at the earliest. *Held*: escalation counts from the call, which is let go at the escalation deadline at the latest.
"""

from __future__ import annotations

from vigil.domain.alerts import Alert, Handling, Priority, Step, Transition
from vigil.domain.changed import changed
from vigil.domain.errors import InvalidInput
from vigil.domain.events import CallDue, Snooze, SnoozeEnded, Stamp, Suppress, Unsuppress
from vigil.domain.lifecycle.log import check_command, following, line
from vigil.domain.lifecycle.states import escalate_at, has_come, snooze_over
from vigil.domain.order import UNVERIFIED_RULE_PREFIX
from vigil.domain.policy import Policy
from vigil.domain.times import HOUR, MINUTE

#: The longest snooze by priority, microseconds (ours, needs clinical sign-off).
SNOOZE_AT_MOST = {Priority.HIGH: 10 * MINUTE, Priority.MEDIUM: 30 * MINUTE, Priority.LOW: 4 * HOUR}
#: In a row: until somebody acknowledges the alert, or it gets worse.
SNOOZES_AT_MOST = 2

_LIMIT = "limit."


def snoozed(alert: Alert, event: Snooze, policy: Policy) -> Transition | None:
    """A snooze that runs may be replaced, which counts as one more in a row.

    Raises ``InvalidInput`` beyond a bound or without a reason.
    """
    stamp = event.stamp
    if alert.open and alert.snoozed_until == event.until and alert.snoozed_by == stamp.actor:
        return None  # the same tap again
    check_command(alert, event.version)
    _check_bounds(alert, event)
    deadline = alert.deadline_at
    if deadline is not None:
        acknowledged = alert.handling is Handling.ACKNOWLEDGED
        deadline = max(deadline, event.until) if acknowledged else escalate_at(policy, alert.priority, event.until)
    after = changed(
        following(alert, stamp),
        snoozed_until=event.until,
        snoozed_by=stamp.actor,
        snooze_reason=event.reason.strip(),
        snoozes=alert.snoozes + 1,
        held_until=None,
        deadline_at=deadline,
    )
    return line(Step.SNOOZED, stamp, after, after.snooze_reason, {"until_at": event.until})


def _check_bounds(alert: Alert, event: Snooze) -> None:
    most = SNOOZE_AT_MOST[alert.priority]
    if not event.reason.strip():
        raise InvalidInput("a snooze needs a reason")
    if event.until <= event.stamp.at:
        raise InvalidInput("a snooze must end in the future")
    if event.until - event.stamp.at > most:
        raise InvalidInput(f"an alert of {alert.priority.value} priority is snoozed for {most // MINUTE} min at most")
    if alert.snoozes >= SNOOZES_AT_MOST:
        raise InvalidInput(f"an alert is snoozed {SNOOZES_AT_MOST} times in a row at most: acknowledge it")


def snooze_ended(alert: Alert, event: SnoozeEnded, policy: Policy) -> Transition | None:
    stamp = event.stamp
    if alert.snoozed_until != event.due or not has_come(alert, event.due, stamp.at):
        return None
    return line(Step.SNOOZE_ENDED, stamp, snooze_over(following(alert, stamp), policy, stamp.at))


def suppressed(alert: Alert, event: Suppress) -> Transition | None:
    """Refused, which is to say nothing changes, for what crossed a severe limit: that calls by itself, whoever else is called."""
    if event.by in ("", alert.alert_id, alert.suppressed_by) or crossed_severe_limit(alert):
        return None
    after = changed(following(alert, event.stamp), suppressed_by=event.by, held_until=None)
    return line(Step.SUPPRESSED, event.stamp, after, detail={"by": event.by})


def crossed_severe_limit(alert: Alert) -> bool:
    """Is a value beyond a severe limit, whatever priority that has, verified or not, or did the limit's alert ever call at high
    priority? Such an alert is never held back, whoever else is called."""
    if alert.rule.startswith(UNVERIFIED_RULE_PREFIX):
        return True
    if not alert.rule.startswith(_LIMIT):
        return False
    return bool((alert.evidence.limit or {}).get("severe")) or alert.peak_priority is Priority.HIGH


def unsuppressed(alert: Alert, event: Unsuppress) -> Transition | None:
    if not alert.suppressed_by:
        return None
    after = changed(following(alert, event.stamp), suppressed_by="")
    return line(Step.UNSUPPRESSED, event.stamp, after, event.reason, {"by": alert.suppressed_by})


def called(alert: Alert, event: CallDue, policy: Policy) -> Transition | None:
    """Before ``due`` too: the budget may have room earlier."""
    if alert.held_until is None or alert.held_until != event.due:
        return None
    return released(alert, event.stamp, policy)


def released(alert: Alert, stamp: Stamp, policy: Policy) -> Transition:
    """The call that was held back. Where something escalates, the time to answer begins now."""
    after = changed(following(alert, stamp), held_until=None)
    if alert.deadline_at is not None:
        after = changed(after, deadline_at=escalate_at(policy, alert.priority, stamp.at))
    return line(Step.CALLED, stamp, after)
