"""Which open alert carries another one, so that the other need not call by itself. Never a severe limit.

A NEWS2 of 7 or more carries the limits of the vitals that score in it. Of two pressures of one cuff the first carries the other.
A limit carries a low NEWS2 alert whose single 3 is the same vital. A lost signal carries what only says that the same sensor is
silent, and a silent sensor carries the doubts about its signal that came after it. Once somebody has dealt with a lost signal it
carries no silence that begins later: data have come in between, and nobody has been told that they stopped again.
"""

from __future__ import annotations

from collections.abc import Iterable

from analytics.calling.ask import Ask
from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority
from vigil.domain.calls import Call, How, because
from vigil.domain.lifecycle import crossed_severe_limit
from vigil.domain.news2 import WORST_POINTS
from vigil.domain.order import SIGNAL_LOST_PREFIX, SILENT_PREFIXES
from vigil.domain.phrases import phrase, title_of
from vigil.domain.times import MINUTE

NEWS2 = "news2"
#: A silence that begins so soon after somebody has dealt with a lost signal is the same one, microseconds (ours).
ONE_SILENCE = 15 * MINUTE
#: Rules that only doubt the signal of a sensor.
_DOUBTS = ("flat.", "disagreement.")
_ONE_CUFF = tuple({f"limit.bp_sys.{side}", f"limit.bp_mean.{side}"} for side in ("low", "high"))


def inhibited(ask: Ask) -> Call | None:
    source = carrier(ask.alert, ask.others)
    if source is None:
        return None
    return because(How.INHIBITED, phrase("call.part_of", alert=title_of(source)), source.alert_id)


def carrier(alert: Alert, others: Iterable[Alert]) -> Alert | None:
    """The alert that carries this one now. A snoozed or suppressed one carries nothing, nor one whose data stopped."""
    if crossed_severe_limit(alert) or alert.retrospective:
        return None
    return next((other for other in others if other.alert_id != alert.alert_id and carries(other, alert)), None)


def carries(source: Alert, target: Alert) -> bool:
    if not source.active or source.retrospective or source.suppressed_by or source.snoozed_until is not None:
        return False
    head, _, name = target.rule.partition(".")
    if source.condition is Condition.TRUE and source.kind is Kind.PHYSIOLOGICAL:
        if source.rule == NEWS2 and source.priority is Priority.HIGH and head == "limit":
            return name.partition(".")[0] in _scoring(source, 1)
        if {source.rule, target.rule} in _ONE_CUFF:
            return source.device_id == target.device_id and _before(source, target)
        if source.rule.startswith("limit.") and target.rule == NEWS2 and target.priority is Priority.LOW:
            return _scoring(target, WORST_POINTS) == {source.rule.split(".")[1]}
    if not source.device_id or source.device_id != target.device_id:
        return False
    if source.rule.startswith(SIGNAL_LOST_PREFIX):
        return target.rule.startswith(SILENT_PREFIXES) and _same_silence(source, target)
    # Sensor off holds back new doubts only: an alert that was open before stays as it is.
    return (
        source.rule.startswith(SILENT_PREFIXES)
        and target.rule.startswith(_DOUBTS)
        and source.opened_at <= target.opened_at
    )


def _same_silence(source: Alert, target: Alert) -> bool:
    if source.handling is not Handling.ACKNOWLEDGED or source.acknowledged_at is None:
        return True
    # When one that came back began anew is not kept, but no later than what happened to it last.
    began = target.updated_at if target.recurrence else target.opened_at
    return began - source.acknowledged_at <= ONE_SILENCE


def _before(source: Alert, target: Alert) -> bool:
    return (source.opened_at, source.alert_id) < (target.opened_at, target.alert_id)


def _scoring(alert: Alert, least: int) -> set[str]:
    """Inputs that had so many points or more when the alert was decided."""
    parts = (alert.evidence.score or {}).get("parts", ())
    return {part["name"] for part in parts if (part["points"] or 0) >= least}


def to_suppress(alerts: Iterable[Alert]) -> list[tuple[Alert, Alert]]:
    """(target, source) of one patient's open alerts that another one has come to carry since they opened. What nobody has to deal
    with any more stays: an acknowledged alert calls nobody."""
    found = []
    every = list(alerts)
    for alert in every:
        if alert.active and not alert.suppressed_by and alert.handling is Handling.UNACKNOWLEDGED:
            source = carrier(alert, every)
            if source is not None:
                found.append((alert, source))
    return found


def to_release(alerts: Iterable[Alert]) -> list[Alert]:
    """One patient's suppressed alerts whose carrier is closed, snoozed, unknown or no longer says the same."""
    every = {alert.alert_id: alert for alert in alerts}
    suppressed = [alert for alert in every.values() if alert.suppressed_by]
    return [
        alert
        for alert in suppressed
        if (source := every.get(alert.suppressed_by)) is None or not carries(source, alert)
    ]
