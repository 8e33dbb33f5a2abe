"""The life cycle of an alert as pure functions: the alert as it is and what happened give the next line of its log.

Implements section 6 of the reference page "Alarms and alerts". Two axes are kept apart: the condition (true, unknown, false)
follows the patient and the equipment, the handling (unacknowledged, acknowledged) follows people. All waiting times come from
the policy, are ours, and need clinical sign-off.

``apply`` returns None when the event changes nothing, so that a repeated event is harmless. What opens an alert decides its
identifier, so that a replay after a crash cannot mint a second one.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority, Step, Transition
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.events import (
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
)
from vigil.domain.policy import Policy
from vigil.domain.times import MINUTE

__all__ = [
    "ENDED_ACKNOWLEDGED",
    "ENDED_BY_ITSELF",
    "ENDED_THEN_ACKNOWLEDGED",
    "RECUR_WITHIN",
    "THIRD_WITHIN",
    "Acknowledge",
    "Amended",
    "Began",
    "Confirmed",
    "DataBack",
    "DataLost",
    "DeadlineReached",
    "Eased",
    "Ended",
    "Event",
    "Finding",
    "Passed",
    "ReturnToList",
    "Stamp",
    "Withdraw",
    "Worsened",
    "apply",
    "mint",
]

#: An acknowledged alert that ended is the same occurrence when its limit is crossed again this soon, microseconds.
RECUR_WITHIN = 15 * MINUTE
#: The third beginning inside this time is shown as unacknowledged again, microseconds.
THIRD_WITHIN = 60 * MINUTE

#: ``Alert.resolved_reason`` of alerts that ended; a withdrawn one carries its own reason.
ENDED_ACKNOWLEDGED = "ended while acknowledged"
ENDED_THEN_ACKNOWLEDGED = "acknowledged after it ended"
ENDED_BY_ITSELF = "ended by itself"


def mint(patient_id: str, rule: str, cause: str) -> str:
    """The opaque identifier of the alert that ``cause`` opens; the same cause always gives the same one."""
    digest = hashlib.blake2b(f"{patient_id}\0{rule}\0{cause}".encode(), digest_size=12)
    return f"a-{digest.hexdigest()}"


def apply(alert: Alert | None, event: Event, policy: Policy) -> Transition | None:
    """The next line of the alert's log, or None when nothing changes.

    ``alert``: the newest occurrence of (patient, rule), open or resolved, live for all events but ``Passed``, which takes the
    newest retrospective one; None when there never was one. Raises ``VersionConflict`` for a command on a stale version and
    ``InvalidInput`` for a command that this person cannot give.
    """
    if isinstance(event, Began | Worsened):
        return _began(alert, event, policy)
    if isinstance(event, Passed):
        return _passed(alert, event)
    if isinstance(event, Amended):
        return None if alert is None else _amended(alert, event)
    if alert is None or (not alert.open and not isinstance(event, Acknowledge)):
        return None
    match event:
        case Eased():
            return _eased(alert, event)
        case Confirmed():
            return _confirmed(alert, event, policy)
        case DataLost():
            return _data(alert, event.stamp, Condition.TRUE, Condition.UNKNOWN, Step.DATA_LOST)
        case DataBack():
            return _data(alert, event.stamp, Condition.UNKNOWN, Condition.TRUE, Step.DATA_BACK)
        case Ended():
            return _ended(alert, event)
        case Acknowledge():
            return _acknowledged(alert, event, policy)
        case ReturnToList():
            return _returned(alert, event, policy)
        case DeadlineReached():
            return _deadline(alert, event, policy)
        case Withdraw():
            return _withdrawn(alert, event)


def _line(step: Step, stamp: Stamp, after: Alert, note: str = "") -> Transition:
    return Transition(step, _cause(stamp, step), stamp.at, stamp.actor, after, stamp.measured_at, note)


def _cause(stamp: Stamp, step: Step) -> str:
    return stamp.cause if stamp.cause.startswith("command:") else f"{stamp.cause}:{step.value}"


def _next(alert: Alert, stamp: Stamp) -> Alert:
    return replace(alert, version=alert.version + 1, updated_at=stamp.at)


def _escalate_at(policy: Policy, priority: Priority, at: int) -> int:
    return at + round(policy.escalate_s[priority.value] * 1e6)


def _realarm_at(policy: Policy, priority: Priority, at: int) -> int:
    return at + round(policy.realarm_s[priority.value] * 1e6)


def _worse(one: Priority, other: Priority) -> Priority:
    return one if one.rank >= other.rank else other


def _unacknowledged(alert: Alert, deadline_at: int | None) -> Alert:
    return replace(
        alert,
        handling=Handling.UNACKNOWLEDGED,
        acknowledged_by="",
        acknowledged_at=None,
        note="",
        escalation_level=0,
        deadline_at=deadline_at,
    )


def _resolved(alert: Alert, stamp: Stamp, reason: str) -> Alert:
    return replace(alert, condition=Condition.FALSE, deadline_at=None, resolved_at=stamp.at, resolved_reason=reason)


def _with_finding(alert: Alert, finding: Finding) -> Alert:
    """The alert brought up to what the rule found now. A confirmed alert stays physiological."""
    physiological = Kind.PHYSIOLOGICAL in (alert.kind, finding.kind)
    return replace(
        alert,
        kind=Kind.PHYSIOLOGICAL if physiological else Kind.TECHNICAL,
        priority=finding.priority,
        peak_priority=_worse(alert.peak_priority, finding.priority),
        title=finding.title,
        evidence=finding.evidence,
        device_id=finding.device_id or alert.device_id,
    )


def _fresh(stamp: Stamp, finding: Finding, condition: Condition) -> Alert:
    cause = _cause(stamp, Step.OPENED)
    return Alert(
        alert_id=mint(finding.patient_id, finding.rule, cause),
        patient_id=finding.patient_id,
        rule=finding.rule,
        kind=finding.kind,
        priority=finding.priority,
        peak_priority=finding.priority,
        condition=condition,
        handling=Handling.UNACKNOWLEDGED,
        title=finding.title,
        cause=cause,
        onset_at=finding.onset_at,
        opened_at=stamp.at,
        updated_at=stamp.at,
        evidence=finding.evidence,
        device_id=finding.device_id,
    )


def _began(alert: Alert | None, event: Began | Worsened, policy: Policy) -> Transition | None:
    stamp, finding = event.stamp, event.finding
    unknown = isinstance(event, Began) and event.unknown
    if alert is None or not alert.open:
        again = _began_again(alert, event, policy) if alert is not None and isinstance(event, Began) else None
        if again is not None:
            return again
        opened = _fresh(stamp, finding, Condition.UNKNOWN if unknown else Condition.TRUE)
        return _line(Step.OPENED, stamp, replace(opened, deadline_at=_escalate_at(policy, finding.priority, stamp.at)))
    condition = Condition.UNKNOWN if unknown else Condition.TRUE
    if alert.cleared:
        after = replace(_with_finding(_next(alert, stamp), finding), condition=condition, ended_at=None)
        deadline = _escalate_at(policy, finding.priority, stamp.at)
        if alert.deadline_at is not None:
            deadline = min(deadline, alert.deadline_at)
        return _line(Step.RECURRED, stamp, replace(after, recurrence=alert.recurrence + 1, deadline_at=deadline))
    rank = finding.priority.rank
    if rank > alert.priority.rank or (isinstance(event, Worsened) and rank == alert.priority.rank):
        after = replace(_with_finding(_next(alert, stamp), finding), condition=Condition.TRUE)
        after = _unacknowledged(after, _escalate_at(policy, finding.priority, stamp.at))
        return _line(Step.WORSENED, stamp, after)
    if unknown:
        return None
    return _data(alert, stamp, Condition.UNKNOWN, Condition.TRUE, Step.DATA_BACK)


def _began_again(alert: Alert, event: Began, policy: Policy) -> Transition | None:
    """The same occurrence when it was acknowledged, ended a short time ago and is not worse now; else None."""
    stamp, finding = event.stamp, event.finding
    recent = alert.resolved_at is not None and stamp.at - alert.resolved_at <= RECUR_WITHIN
    ended = alert.resolved_reason in (ENDED_ACKNOWLEDGED, ENDED_THEN_ACKNOWLEDGED)
    if not (recent and ended) or finding.priority.rank > alert.peak_priority.rank:
        return None
    after = replace(
        _with_finding(_next(alert, stamp), finding),
        condition=Condition.UNKNOWN if event.unknown else Condition.TRUE,
        recurrence=alert.recurrence + 1,
        ended_at=None,
        resolved_at=None,
        resolved_reason="",
    )
    if event.begun_in_last_hour >= 2:
        after = _unacknowledged(after, _escalate_at(policy, finding.priority, stamp.at))
    else:
        after = replace(after, deadline_at=_realarm_at(policy, finding.priority, stamp.at))
    return _line(Step.RECURRED, stamp, after)


def _passed(alert: Alert | None, event: Passed) -> Transition:
    """Opens a retrospective alert, or adds to the one that is still open. Never above medium, never a deadline."""
    high = event.finding.priority is Priority.HIGH
    finding = replace(event.finding, priority=Priority.MEDIUM) if high else event.finding
    if alert is None or not alert.open:
        opened = _fresh(event.stamp, finding, Condition.FALSE)
        return _line(Step.OPENED, event.stamp, replace(opened, retrospective=True, ended_at=event.ended_at))
    worst = _worse(alert.priority, finding.priority)
    after = replace(
        _with_finding(_next(alert, event.stamp), replace(finding, priority=worst)),
        onset_at=min(alert.onset_at, finding.onset_at),
        ended_at=max(alert.ended_at or event.ended_at, event.ended_at),
        recurrence=alert.recurrence + 1,
    )
    return _line(Step.RECURRED, event.stamp, after)


def _eased(alert: Alert, event: Eased) -> Transition | None:
    if not alert.active or event.finding.priority.rank >= alert.priority.rank:
        return None
    return _line(Step.EASED, event.stamp, _with_finding(_next(alert, event.stamp), event.finding))


def _confirmed(alert: Alert, event: Confirmed, policy: Policy) -> Transition | None:
    """New for the nurse even when someone has acknowledged the doubt: it is real now."""
    if not alert.active or alert.kind is Kind.PHYSIOLOGICAL:
        return None
    after = replace(_with_finding(_next(alert, event.stamp), event.finding), condition=Condition.TRUE)
    if alert.handling is Handling.ACKNOWLEDGED:
        after = _unacknowledged(after, _escalate_at(policy, after.priority, event.stamp.at))
    return _line(Step.CONFIRMED, event.stamp, after)


def _data(alert: Alert, stamp: Stamp, before: Condition, then: Condition, step: Step) -> Transition | None:
    """Handling and deadlines go on: data that stop never close an alert."""
    if alert.condition is not before:
        return None
    return _line(step, stamp, replace(_next(alert, stamp), condition=then))


def _ended(alert: Alert, event: Ended) -> Transition | None:
    if not alert.active:
        return None
    after = replace(_next(alert, event.stamp), condition=Condition.FALSE, ended_at=event.ended_at)
    if alert.handling is Handling.ACKNOWLEDGED:
        return _line(Step.RESOLVED, event.stamp, _resolved(after, event.stamp, ENDED_ACKNOWLEDGED))
    if alert.peak_priority is Priority.LOW:
        return _line(Step.RESOLVED, event.stamp, _resolved(after, event.stamp, ENDED_BY_ITSELF))
    latched = after if alert.peak_priority is Priority.HIGH else replace(after, deadline_at=None)
    return _line(Step.CLEARED, event.stamp, latched)


def _check_version(alert: Alert, version: int) -> None:
    if version != alert.version:
        raise VersionConflict(f"alert {alert.alert_id} is at version {alert.version}, not {version}")


def _acknowledged(alert: Alert, event: Acknowledge, policy: Policy) -> Transition | None:
    stamp = event.stamp
    mine = alert.acknowledged_by == stamp.actor and alert.acknowledged_at == alert.updated_at
    if alert.handling is Handling.ACKNOWLEDGED and mine and event.version == alert.version - 1:
        return None  # the same tap again: nothing happened to the alert since this person's own acknowledgement
    _check_version(alert, event.version)
    if not alert.open or alert.handling is Handling.ACKNOWLEDGED:
        return None
    after = replace(
        _next(alert, stamp),
        handling=Handling.ACKNOWLEDGED,
        acknowledged_by=stamp.actor,
        acknowledged_at=stamp.at,
        note=event.note,
        deadline_at=_realarm_at(policy, alert.priority, stamp.at),
    )
    if alert.cleared:
        after = _resolved(after, stamp, ENDED_THEN_ACKNOWLEDGED)
    return _line(Step.ACKNOWLEDGED, stamp, after, event.note)


def _returned(alert: Alert, event: ReturnToList, policy: Policy) -> Transition | None:
    _check_version(alert, event.version)
    if alert.handling is not Handling.ACKNOWLEDGED:
        return None
    if alert.acknowledged_by != event.stamp.actor:
        raise InvalidInput("only the person who acknowledged an alert can return it to the list")
    deadline = _escalate_at(policy, alert.priority, event.stamp.at)
    return _line(Step.RETURNED, event.stamp, _unacknowledged(_next(alert, event.stamp), deadline))


def _deadline(alert: Alert, event: DeadlineReached, policy: Policy) -> Transition | None:
    """However long the deadline is overdue it fires once: the next one counts from now."""
    stamp = event.stamp
    if alert.deadline_at != event.due or event.due > stamp.at:
        return None
    deadline = _escalate_at(policy, alert.priority, stamp.at)
    if alert.handling is Handling.ACKNOWLEDGED:
        return _line(Step.REALARMED, stamp, _unacknowledged(_next(alert, stamp), deadline))
    after = replace(_next(alert, stamp), escalation_level=alert.escalation_level + 1, deadline_at=deadline)
    return _line(Step.ESCALATED, stamp, after)


def _amended(alert: Alert, event: Amended) -> Transition:
    """The note stays with the alert, resolved or not; a condition that still held is over, and the alert stands as cleared until
    somebody has seen it, or is resolved when somebody had."""
    stamp = event.stamp
    evidence = replace(alert.evidence, text=f"{alert.evidence.text} {event.note}")
    after = replace(_next(alert, stamp), evidence=evidence)
    if alert.active:
        after = replace(after, condition=Condition.FALSE, ended_at=stamp.at)
        if alert.handling is Handling.ACKNOWLEDGED:
            after = _resolved(after, stamp, event.note)
        elif alert.peak_priority is not Priority.HIGH:
            after = replace(after, deadline_at=None)
    return _line(Step.AMENDED, stamp, after, event.note)


def _withdrawn(alert: Alert, event: Withdraw) -> Transition | None:
    """An acknowledged alert is resolved, any other stands as cleared until somebody has seen it."""
    if not alert.active:
        return None
    stamp = event.stamp
    evidence = replace(alert.evidence, text=f"{alert.evidence.text} Withdrawn: {event.reason}.")
    after = replace(_next(alert, stamp), condition=Condition.FALSE, evidence=evidence, ended_at=stamp.at)
    if alert.handling is Handling.ACKNOWLEDGED:
        after = _resolved(after, stamp, event.reason)
    elif alert.peak_priority is not Priority.HIGH:
        after = replace(after, deadline_at=None)
    return _line(Step.WITHDRAWN, stamp, after, event.reason)
