"""The handling's axis: what people do about an alert, and what comes when they do nothing."""

from __future__ import annotations

from vigil.domain.alerts import Alert, Handling, Step, Transition
from vigil.domain.changed import changed
from vigil.domain.errors import InvalidInput
from vigil.domain.events import Accept, AcceptDue, Acknowledge, DeadlineReached, HandOver, Stamp
from vigil.domain.lifecycle.condition import ENDED_THEN_ACKNOWLEDGED
from vigil.domain.lifecycle.log import check_command, following, line
from vigil.domain.lifecycle.overlays import released
from vigil.domain.lifecycle.states import (
    escalate_at,
    has_come,
    owner,
    realarm_at,
    resolved,
    snooze_over,
    waiting,
    without_snooze,
)
from vigil.domain.policy import Policy
from vigil.domain.times import MINUTE

#: What was handed over or assigned and is not accepted so soon belongs to nobody and calls again, microseconds.
ACCEPT_WITHIN = 10 * MINUTE

NOT_ACCEPTED = "hand-over not accepted"
ASSIGNMENT_NOT_ACCEPTED = "assignment not accepted"
NOBODY_TAKES_OVER = "nobody takes over"
SHIFT_ENDED = "shift ended"


def acknowledged(alert: Alert, event: Acknowledge, policy: Policy) -> Transition | None:
    """Whoever does it is the owner, also of what was assigned to somebody else."""
    stamp = event.stamp
    mine = alert.acknowledged_by == stamp.actor and alert.acknowledged_at == alert.updated_at
    if alert.handling is Handling.ACKNOWLEDGED and mine and event.version == alert.version - 1:
        return None  # the same tap again: nothing happened to the alert since this person's own acknowledgement
    check_command(alert, event.version)
    if alert.handling is Handling.ACKNOWLEDGED:
        return None
    return line(Step.ACKNOWLEDGED, stamp, _taken(alert, stamp, policy, event.note), event.note)


def _taken(alert: Alert, stamp: Stamp, policy: Policy, note: str = "") -> Alert:
    """Ends a snooze and a held call: somebody deals with it. A suppression stays: it says what carries the alert."""
    after = changed(
        without_snooze(following(alert, stamp)),
        handling=Handling.ACKNOWLEDGED,
        acknowledged_by=stamp.actor,
        acknowledged_at=stamp.at,
        owner=stamp.actor,
        accept_by=None,
        note=note,
        snoozes=0,
        held_until=None,
        deadline_at=realarm_at(policy, alert.priority, stamp.at),
    )
    return resolved(after, stamp, ENDED_THEN_ACKNOWLEDGED) if alert.cleared else after


def handed_over(alert: Alert, event: HandOver, policy: Policy) -> Transition | None:
    """An acknowledged alert goes to the next shift, which has to accept it; any snooze ends with the shift. Without somebody who
    takes over, the alert is back on the list at once."""
    stamp = event.stamp
    if alert.handling is Handling.UNACKNOWLEDGED:
        if alert.snoozed_until is None:
            return None
        after = snooze_over(following(alert, stamp), policy, stamp.at)
        return line(Step.SNOOZE_ENDED, stamp, after, SHIFT_ENDED)
    if not event.incoming:
        return _taken_by_nobody(alert, stamp, policy, NOBODY_TAKES_OVER)
    if owner(alert) == event.incoming:
        return None
    after = changed(
        snooze_over(following(alert, stamp), policy, stamp.at),
        owner=event.incoming,
        accept_by=stamp.at + ACCEPT_WITHIN,
    )
    return line(Step.HANDED_OVER, stamp, after, detail={"from": owner(alert), "to": event.incoming})


def accepted(alert: Alert, event: Accept, policy: Policy) -> Transition | None:
    """Whoever accepts is the owner from then on: a colleague may step in. Accepting again changes nothing. To accept what was
    assigned is to acknowledge it.

    Raises ``InvalidInput`` when the alert waits for nobody's acceptance.
    """
    if alert.open and alert.accept_by is None and alert.owner == event.stamp.actor:
        return None
    check_command(alert, event.version)
    if alert.accept_by is None:
        raise InvalidInput("the alert was not handed over: acknowledge it to deal with it")
    if alert.handling is Handling.UNACKNOWLEDGED:
        return line(Step.ACCEPTED, event.stamp, _taken(alert, event.stamp, policy))
    after = changed(following(alert, event.stamp), owner=event.stamp.actor, accept_by=None)
    return line(Step.ACCEPTED, event.stamp, after)


def accept_due(alert: Alert, event: AcceptDue, policy: Policy) -> Transition | None:
    if alert.accept_by != event.due or not has_come(alert, event.due, event.stamp.at):
        return None
    if alert.handling is Handling.UNACKNOWLEDGED:
        after = changed(following(alert, event.stamp), owner="", accept_by=None)
        return line(Step.REALARMED, event.stamp, after, ASSIGNMENT_NOT_ACCEPTED)
    return _taken_by_nobody(alert, event.stamp, policy, NOT_ACCEPTED)


def _taken_by_nobody(alert: Alert, stamp: Stamp, policy: Policy, why: str) -> Transition:
    """It calls again: with the shift went the only person who dealt with it."""
    return line(Step.REALARMED, stamp, waiting(following(alert, stamp), policy, stamp.at), why)


def deadline(alert: Alert, event: DeadlineReached, policy: Policy) -> Transition | None:
    """However long the deadline is overdue it fires once: the next one counts from now.

    A call that was still held back is made first, to the first level, before anybody above it is called. While a snooze runs no
    deadline comes (``overlays.snoozed`` moves it), so one that has come says that the snooze is over too.
    """
    stamp = event.stamp
    if alert.deadline_at != event.due or not has_come(alert, event.due, stamp.at):
        return None
    if alert.handling is Handling.ACKNOWLEDGED:
        return line(Step.REALARMED, stamp, waiting(following(alert, stamp), policy, stamp.at))
    if alert.held_until is not None:
        return released(alert, stamp, policy)
    after = changed(
        without_snooze(following(alert, stamp)),
        escalation_level=alert.escalation_level + 1,
        deadline_at=escalate_at(policy, alert.priority, stamp.at),
    )
    return line(Step.ESCALATED, stamp, after)
