"""The life cycle of an alert as pure functions: the alert as it is and what happened give the next line of its log.

Implements section 6 of the reference page "Alarms and alerts". Two axes are kept apart: the condition (true, unknown, false)
follows the patient and the equipment (``condition``), the handling (unacknowledged, acknowledged) follows people (``handling``,
``passing_on``). Over both lie what keeps an alert from calling for a while (``overlays``). All waiting times come from the
policy, are ours, and need clinical sign-off.

``apply`` returns None when the event changes nothing, so that a repeated event is harmless. What opens an alert decides its
identifier, so that a replay after a crash cannot mint a second one.
"""

from __future__ import annotations

from vigil.domain.alerts import Alert, Transition
from vigil.domain.events import (
    Accept,
    AcceptDue,
    Acknowledge,
    Amended,
    Assign,
    Began,
    Beginning,
    CallDue,
    CallNextLevel,
    Command,
    Confirmed,
    Continuing,
    DataBack,
    DataLost,
    DeadlineReached,
    Eased,
    Ended,
    Event,
    Finding,
    HandOver,
    Passed,
    ReturnToList,
    Snooze,
    SnoozeEnded,
    Stamp,
    Suppress,
    Unsuppress,
    Withdraw,
    Worsened,
)
from vigil.domain.lifecycle import condition, handling, overlays, passing_on
from vigil.domain.lifecycle.condition import (
    ENDED_ACKNOWLEDGED,
    ENDED_BY_ITSELF,
    ENDED_THEN_ACKNOWLEDGED,
    RECUR_WITHIN,
    THIRD_WITHIN,
)
from vigil.domain.lifecycle.handling import ACCEPT_WITHIN
from vigil.domain.lifecycle.log import mint
from vigil.domain.lifecycle.overlays import SNOOZE_AT_MOST, SNOOZES_AT_MOST, crossed_severe_limit
from vigil.domain.lifecycle.states import has_come
from vigil.domain.policy import Policy

__all__ = [
    "ACCEPT_WITHIN",
    "ENDED_ACKNOWLEDGED",
    "ENDED_BY_ITSELF",
    "ENDED_THEN_ACKNOWLEDGED",
    "RECUR_WITHIN",
    "SNOOZES_AT_MOST",
    "SNOOZE_AT_MOST",
    "THIRD_WITHIN",
    "Accept",
    "AcceptDue",
    "Acknowledge",
    "Amended",
    "Assign",
    "Began",
    "CallDue",
    "CallNextLevel",
    "Command",
    "Confirmed",
    "DataBack",
    "DataLost",
    "DeadlineReached",
    "Eased",
    "Ended",
    "Event",
    "Finding",
    "HandOver",
    "Passed",
    "ReturnToList",
    "Snooze",
    "SnoozeEnded",
    "Stamp",
    "Suppress",
    "Unsuppress",
    "Withdraw",
    "Worsened",
    "apply",
    "crossed_severe_limit",
    "has_come",
    "mint",
]


def apply(alert: Alert | None, event: Event, policy: Policy) -> Transition | None:
    """The next line of the alert's log, or None when nothing changes.

    ``alert``: the newest occurrence of (patient, rule), open or resolved, live for all events but ``Passed``, which takes the
    newest retrospective one; None when there never was one. Raises ``VersionConflict`` for a command on a stale version or a
    resolved alert, and ``InvalidInput`` for a command that this person cannot give or that is beyond a bound.
    """
    if isinstance(event, Passed):
        return condition.passed(alert, event)
    if isinstance(event, Beginning):
        return condition.began(alert, event, policy)
    if alert is None:
        return None
    if isinstance(event, Amended):
        return condition.amended(alert, event)
    if isinstance(event, Command):
        return _commanded(alert, event, policy)
    return _continued(alert, event, policy) if alert.open else None


def _commanded(alert: Alert, event: Command, policy: Policy) -> Transition | None:
    match event:
        case Acknowledge():
            return handling.acknowledged(alert, event, policy)
        case ReturnToList():
            return passing_on.returned(alert, event, policy)
        case Assign():
            return passing_on.assigned(alert, event, policy)
        case CallNextLevel():
            return passing_on.next_level_called(alert, event, policy)
        case Snooze():
            return overlays.snoozed(alert, event, policy)
        case Accept():
            return handling.accepted(alert, event, policy)


def _continued(alert: Alert, event: Continuing, policy: Policy) -> Transition | None:
    match event:
        case Eased():
            return condition.eased(alert, event)
        case Confirmed():
            return condition.confirmed(alert, event, policy)
        case DataLost():
            return condition.data_lost(alert, event, policy)
        case DataBack():
            return condition.data_back(alert, event)
        case Ended():
            return condition.ended(alert, event)
        case Withdraw():
            return condition.withdrawn(alert, event)
        case DeadlineReached():
            return handling.deadline(alert, event, policy)
        case HandOver():
            return handling.handed_over(alert, event, policy)
        case AcceptDue():
            return handling.accept_due(alert, event, policy)
        case SnoozeEnded():
            return overlays.snooze_ended(alert, event, policy)
        case Suppress():
            return overlays.suppressed(alert, event)
        case Unsuppress():
            return overlays.unsuppressed(alert, event)
        case CallDue():
            return overlays.called(alert, event, policy)
