"""The states that several events lead to (waiting again, worse, resolved, no longer snoozed), and how long each waits."""

from __future__ import annotations

from vigil.domain.alerts import Alert, Handling, Priority
from vigil.domain.changed import changed
from vigil.domain.events import Stamp
from vigil.domain.policy import Policy
from vigil.domain.times import MINUTE

#: Server time that lies so far before the last change of an alert was set back, microseconds (ours).
SET_BACK = MINUTE


def has_come(alert: Alert, due: int, at: int) -> bool:
    """Is a time that the alert holds there? Also where the server's clock was set back behind the alert's last change: how long
    it has waited is not known then, and nobody may wait for the same time again."""
    return due <= at or at < alert.updated_at - SET_BACK


def escalate_at(policy: Policy, priority: Priority, at: int) -> int:
    return at + round(policy.escalate_s[priority.value] * 1e6)


def realarm_at(policy: Policy, priority: Priority, at: int) -> int:
    return at + round(policy.realarm_s[priority.value] * 1e6)


def owner(alert: Alert) -> str:
    """Alerts from before there were owners belong to who acknowledged them."""
    return alert.owner or alert.acknowledged_by


def waiting(alert: Alert, policy: Policy, at: int) -> Alert:
    """Unacknowledged: it belongs to nobody, calls again, and escalates from the first level."""
    return changed(
        without_snooze(alert),
        handling=Handling.UNACKNOWLEDGED,
        acknowledged_by="",
        acknowledged_at=None,
        note="",
        owner="",
        accept_by=None,
        held_until=None,
        escalation_level=0,
        deadline_at=escalate_at(policy, alert.priority, at),
    )


def worse(alert: Alert, policy: Policy, at: int) -> Alert:
    """New for the nurse, who may set it aside again."""
    return waiting(unsilenced(alert), policy, at)


def unsilenced(alert: Alert) -> Alert:
    """Whatever kept it from calling is over."""
    return changed(without_snooze(alert), suppressed_by="", held_until=None, snoozes=0)


def without_snooze(alert: Alert) -> Alert:
    """``snoozes`` stays: an end by lost data must not open the way to endless ones."""
    return changed(alert, snoozed_until=None, snoozed_by="", snooze_reason="")


def snooze_over(alert: Alert, policy: Policy, at: int) -> Alert:
    """As it goes on when its snooze, if it has one, ends: escalation counts from now, a re-alarm comes no later than it stood."""
    if alert.snoozed_until is None:
        return alert
    deadline = alert.deadline_at
    if deadline is not None:
        acknowledged = alert.handling is Handling.ACKNOWLEDGED
        again = realarm_at(policy, alert.priority, at)
        deadline = min(deadline, again) if acknowledged else escalate_at(policy, alert.priority, at)
    return changed(without_snooze(alert), deadline_at=deadline)


def resolved(alert: Alert, stamp: Stamp, reason: str) -> Alert:
    """Closed, with nothing left that time could bring. Whoever was asked to deal with it and never accepted does not own it."""
    return changed(
        without_snooze(alert),
        owner=alert.owner if alert.handling is Handling.ACKNOWLEDGED else "",
        deadline_at=None,
        suppressed_by="",
        held_until=None,
        accept_by=None,
        resolved_at=stamp.at,
        resolved_reason=reason,
    )
