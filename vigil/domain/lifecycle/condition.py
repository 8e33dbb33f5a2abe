"""The condition's axis: what the patient, the equipment, or the decision to withdraw a rule does to an alert."""

from __future__ import annotations

from dataclasses import replace

from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority, Step, Transition
from vigil.domain.changed import changed
from vigil.domain.events import (
    Amended,
    Began,
    Confirmed,
    DataBack,
    DataLost,
    Eased,
    Ended,
    Finding,
    Passed,
    Stamp,
    Withdraw,
    Worsened,
)
from vigil.domain.lifecycle.log import cause_of, following, line, mint
from vigil.domain.lifecycle.states import escalate_at, realarm_at, resolved, snooze_over, unsilenced, waiting, worse
from vigil.domain.phrases import phrase, with_more
from vigil.domain.policy import Policy
from vigil.domain.times import MINUTE

#: An acknowledged alert that ended is the same occurrence when its limit is crossed again this soon, microseconds.
RECUR_WITHIN = 15 * MINUTE
#: The third beginning inside this time is shown as unacknowledged again, microseconds.
THIRD_WITHIN = 60 * MINUTE

#: ``Alert.resolved_reason`` of alerts that ended; a withdrawn one carries its own reason.
ENDED_ACKNOWLEDGED = "ended while acknowledged"
ENDED_THEN_ACKNOWLEDGED = "acknowledged after it ended"
ENDED_BY_ITSELF = "ended by itself"


def _worst(one: Priority, other: Priority) -> Priority:
    return one if one.rank >= other.rank else other


def _with_finding(alert: Alert, finding: Finding) -> Alert:
    """The alert brought up to what the rule found now. A confirmed alert stays physiological."""
    physiological = Kind.PHYSIOLOGICAL in (alert.kind, finding.kind)
    return changed(
        alert,
        kind=Kind.PHYSIOLOGICAL if physiological else finding.kind,
        priority=finding.priority,
        peak_priority=_worst(alert.peak_priority, finding.priority),
        title=finding.title,
        evidence=finding.evidence,
        device_id=finding.device_id or alert.device_id,
    )


def _fresh(stamp: Stamp, finding: Finding, condition: Condition) -> Alert:
    cause = cause_of(stamp, Step.OPENED)
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


def began(alert: Alert | None, event: Began | Worsened, policy: Policy) -> Transition | None:
    stamp, finding = event.stamp, event.finding
    unknown = isinstance(event, Began) and event.unknown
    condition = Condition.UNKNOWN if unknown else Condition.TRUE
    if alert is None or not alert.open:
        again = _began_again(alert, event, policy) if alert is not None and isinstance(event, Began) else None
        if again is not None:
            return again
        opened = _fresh(stamp, finding, condition)
        return line(Step.OPENED, stamp, changed(opened, deadline_at=escalate_at(policy, finding.priority, stamp.at)))
    if alert.cleared:
        return _recurred(alert, event, condition, policy)
    if _is_worse(alert, event):
        after = changed(_with_finding(following(alert, stamp), finding), condition=Condition.TRUE)
        return line(Step.WORSENED, stamp, worse(after, policy, stamp.at))
    if unknown:
        return None
    return data_back(alert, DataBack(stamp))


def _is_worse(alert: Alert, event: Began | Worsened) -> bool:
    rank = event.finding.priority.rank
    return rank > alert.priority.rank or (isinstance(event, Worsened) and rank == alert.priority.rank)


def _recurred(alert: Alert, event: Began | Worsened, condition: Condition, policy: Policy) -> Transition:
    """A latched alert goes on. A snooze that runs goes on too, unless it is worse now or its data have stopped."""
    stamp = event.stamp
    after = changed(
        _with_finding(following(alert, stamp), event.finding),
        condition=condition,
        recurrence=alert.recurrence + 1,
        ended_at=None,
    )
    if _is_worse(alert, event):
        level = alert.escalation_level
        after = changed(worse(after, policy, stamp.at), escalation_level=level)
    elif condition is Condition.UNKNOWN:
        after = snooze_over(after, policy, stamp.at)
    deadline = escalate_at(policy, after.priority, max(stamp.at, after.snoozed_until or 0))
    if alert.deadline_at is not None:
        deadline = min(deadline, alert.deadline_at)
    return line(Step.RECURRED, stamp, changed(after, deadline_at=deadline))


def _began_again(alert: Alert, event: Began, policy: Policy) -> Transition | None:
    """The same occurrence when it was acknowledged, ended a short time ago and is not worse now; else None."""
    stamp, finding = event.stamp, event.finding
    recent = alert.resolved_at is not None and stamp.at - alert.resolved_at <= RECUR_WITHIN
    ended_well = alert.resolved_reason in (ENDED_ACKNOWLEDGED, ENDED_THEN_ACKNOWLEDGED)
    if not (recent and ended_well) or finding.priority.rank > alert.peak_priority.rank:
        return None
    after = changed(
        _with_finding(following(alert, stamp), finding),
        condition=Condition.UNKNOWN if event.unknown else Condition.TRUE,
        recurrence=alert.recurrence + 1,
        ended_at=None,
        resolved_at=None,
        resolved_reason="",
    )
    if event.begun_in_last_hour >= 2:
        after = waiting(after, policy, stamp.at)
    else:
        after = changed(after, deadline_at=realarm_at(policy, finding.priority, stamp.at))
    return line(Step.RECURRED, stamp, after)


def passed(alert: Alert | None, event: Passed) -> Transition:
    """Opens a retrospective alert, or adds to the one that is still open. Never above medium, never a deadline."""
    high = event.finding.priority is Priority.HIGH
    finding = replace(event.finding, priority=Priority.MEDIUM) if high else event.finding
    if alert is None or not alert.open:
        opened = _fresh(event.stamp, finding, Condition.FALSE)
        return line(Step.OPENED, event.stamp, changed(opened, retrospective=True, ended_at=event.ended_at))
    worst = _worst(alert.priority, finding.priority)
    after = changed(
        _with_finding(following(alert, event.stamp), replace(finding, priority=worst)),
        onset_at=min(alert.onset_at, finding.onset_at),
        ended_at=max(alert.ended_at or event.ended_at, event.ended_at),
        recurrence=alert.recurrence + 1,
    )
    if worst.rank > alert.priority.rank:
        after = unsilenced(after)
    return line(Step.RECURRED, event.stamp, after)


def eased(alert: Alert, event: Eased) -> Transition | None:
    if not alert.active or event.finding.priority.rank >= alert.priority.rank:
        return None
    return line(Step.EASED, event.stamp, _with_finding(following(alert, event.stamp), event.finding))


def confirmed(alert: Alert, event: Confirmed, policy: Policy) -> Transition | None:
    """New for the nurse even when someone has acknowledged or set aside the doubt: it is real now."""
    if not alert.active or alert.kind is Kind.PHYSIOLOGICAL:
        return None
    stamp = event.stamp
    after = changed(_with_finding(following(alert, stamp), event.finding), condition=Condition.TRUE)
    calls = alert.handling is Handling.UNACKNOWLEDGED and alert == unsilenced(alert)
    return line(Step.CONFIRMED, stamp, after if calls else worse(after, policy, stamp.at))


def data_lost(alert: Alert, event: DataLost, policy: Policy) -> Transition | None:
    """Handling and deadlines go on: data that stop never close an alert. Nobody can set aside what is not known."""
    if alert.condition is not Condition.TRUE:
        return None
    stamp = event.stamp
    after = changed(snooze_over(following(alert, stamp), policy, stamp.at), condition=Condition.UNKNOWN)
    ended_snooze = alert.snoozed_until is not None
    return line(Step.DATA_LOST, stamp, after, detail={"snooze": "ended"} if ended_snooze else None)


def data_back(alert: Alert, event: DataBack) -> Transition | None:
    if alert.condition is not Condition.UNKNOWN:
        return None
    return line(Step.DATA_BACK, event.stamp, changed(following(alert, event.stamp), condition=Condition.TRUE))


def ended(alert: Alert, event: Ended) -> Transition | None:
    if not alert.active:
        return None
    after = changed(following(alert, event.stamp), condition=Condition.FALSE, ended_at=event.ended_at)
    if alert.handling is Handling.ACKNOWLEDGED:
        return line(Step.RESOLVED, event.stamp, resolved(after, event.stamp, ENDED_ACKNOWLEDGED))
    if alert.peak_priority is Priority.LOW:
        return line(Step.RESOLVED, event.stamp, resolved(after, event.stamp, ENDED_BY_ITSELF))
    return line(Step.CLEARED, event.stamp, _latched(after))


def _latched(alert: Alert) -> Alert:
    """What is over escalates only when it was high and about the patient: a signal that is back needs no second call."""
    goes_on = alert.peak_priority is Priority.HIGH and alert.kind is Kind.PHYSIOLOGICAL
    return alert if goes_on else changed(alert, deadline_at=None)


def amended(alert: Alert, event: Amended) -> Transition:
    """The note stays with the alert, resolved or not; a condition that still held is over, and the alert stands as cleared until
    somebody has seen it, or is resolved when somebody had."""
    evidence = with_more(alert.evidence, phrase("as_said", said=event.note))
    after = changed(following(alert, event.stamp), evidence=evidence)
    if alert.active:
        after = _over_by_decision(after, event.stamp, event.note)
    return line(Step.AMENDED, event.stamp, after, event.note)


def withdrawn(alert: Alert, event: Withdraw) -> Transition | None:
    """An acknowledged alert is resolved, any other stands as cleared until somebody has seen it."""
    if not alert.active:
        return None
    evidence = with_more(alert.evidence, phrase("withdrawn", reason=event.reason))
    after = changed(following(alert, event.stamp), evidence=evidence)
    return line(Step.WITHDRAWN, event.stamp, _over_by_decision(after, event.stamp, event.reason), event.reason)


def _over_by_decision(alert: Alert, stamp: Stamp, reason: str) -> Alert:
    after = changed(alert, condition=Condition.FALSE, ended_at=stamp.at, held_until=None)
    return resolved(after, stamp, reason) if alert.handling is Handling.ACKNOWLEDGED else _latched(after)
