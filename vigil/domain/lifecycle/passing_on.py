"""What a person does with an alert that he cannot deal with himself: gives it back, asks somebody else, calls the next level.

Whoever deals with an alert may pass it on, and nobody else; what nobody deals with, anybody may. An alert that was assigned is
unacknowledged until it is accepted: it goes on to call and to escalate, and the person who was asked has ``ACCEPT_WITHIN``.
"""

from __future__ import annotations

from vigil.domain.alerts import Alert, Handling, Step, Transition
from vigil.domain.changed import changed
from vigil.domain.errors import InvalidInput
from vigil.domain.events import Assign, CallNextLevel, ReturnToList
from vigil.domain.lifecycle.handling import ACCEPT_WITHIN
from vigil.domain.lifecycle.log import check_command, following, line
from vigil.domain.lifecycle.states import escalate_at, owner, snooze_over, waiting, without_snooze
from vigil.domain.policy import Policy


def returned(alert: Alert, event: ReturnToList, policy: Policy) -> Transition | None:
    """Escalation starts anew, also where a snooze is taken back. Where an assignment is, it has never stopped, and goes on."""
    stamp = event.stamp
    check_command(alert, event.version)
    if alert.handling is Handling.ACKNOWLEDGED:
        _check_owner(alert, stamp.actor, "return it to the list")
        return line(Step.RETURNED, stamp, waiting(following(alert, stamp), policy, stamp.at))
    if alert.accept_by is None and alert.snoozed_until is None:
        return None
    free = snooze_over(following(alert, stamp), policy, stamp.at)
    return line(Step.RETURNED, stamp, changed(free, owner="", accept_by=None))


def assigned(alert: Alert, event: Assign, policy: Policy) -> Transition | None:
    """To ask the same person again adds no time. Raises ``InvalidInput`` for oneself, and for what somebody else deals with."""
    stamp = event.stamp
    if alert.open and alert.accept_by is not None and alert.owner == event.to:
        return None
    check_command(alert, event.version)
    if event.to == stamp.actor:
        raise InvalidInput("an alert is assigned to somebody else: acknowledge it to deal with it yourself")
    if alert.handling is Handling.ACKNOWLEDGED:
        _check_owner(alert, stamp.actor, "assign it")
        free = waiting(following(alert, stamp), policy, stamp.at)
    elif alert.held_until is not None and alert.deadline_at is not None:  # somebody is called now
        free = changed(following(alert, stamp), deadline_at=escalate_at(policy, alert.priority, stamp.at))
    else:
        free = snooze_over(following(alert, stamp), policy, stamp.at)
    after = changed(free, owner=event.to, accept_by=stamp.at + ACCEPT_WITHIN, held_until=None)
    return line(Step.HANDED_OVER, stamp, after, event.note, {"from": stamp.actor, "to": event.to})


def next_level_called(alert: Alert, event: CallNextLevel, policy: Policy) -> Transition:
    """It is unacknowledged again, for whoever comes. Somebody who was asked before may still accept it.

    Raises ``InvalidInput`` for what is over, and for what somebody else deals with.
    """
    stamp = event.stamp
    check_command(alert, event.version)
    if not alert.active:
        raise InvalidInput("the alert is over: nobody is called for it")
    calling = without_snooze(following(alert, stamp))
    if alert.handling is Handling.ACKNOWLEDGED:
        _check_owner(alert, stamp.actor, "escalate it")
        calling = waiting(calling, policy, stamp.at)
    after = changed(
        calling,
        escalation_level=alert.escalation_level + 1,
        held_until=None,
        deadline_at=escalate_at(policy, alert.priority, stamp.at),
    )
    return line(Step.ESCALATED, stamp, after)


def _check_owner(alert: Alert, actor: str, act: str) -> None:
    if owner(alert) != actor:
        raise InvalidInput(f"only the person who deals with an alert can {act}")
