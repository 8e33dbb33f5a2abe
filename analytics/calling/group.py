"""Alerts of the same patient call once: who comes for one of them sees them all.

While somebody is being called for a patient, another alert of the same lane that is not worse joins that call. When somebody has
acknowledged an alert and is with the patient, one of the same cause that is neither worse nor of high priority joins for a while;
low glucose after fast breathing is news. An alert of high priority only ever joins another of high priority that still calls.
"""

from __future__ import annotations

from analytics.calling.ask import Ask
from analytics.calling.inhibit import NEWS2
from vigil.domain.alerts import Alert, Handling, Priority
from vigil.domain.calls import Call, How, because
from vigil.domain.order import in_main_lane
from vigil.domain.phrases import phrase, title_of
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

#: So long after an acknowledgement somebody is taken to be with the patient, microseconds (ours).
ATTENDED = 15 * MINUTE


def joined(ask: Ask) -> Call | None:
    alert, now = ask.alert, ask.line.at
    for other in sorted(ask.others, key=_first_called):
        if in_main_lane(other) is not in_main_lane(alert):
            continue
        if _calling(other) and _leads(other, alert):
            return because(How.JOINED, phrase("call.joined", alert=title_of(other)), other.alert_id)
        if alert.priority is not Priority.HIGH and _attended(other, alert, now) and _same_cause(other, alert):
            return because(How.JOINED, phrase("call.attended", alert=title_of(other)), other.alert_id)
    return None


def _first_called(alert: Alert) -> tuple[int, int, str]:
    return (-alert.priority.rank, alert.opened_at, alert.alert_id)


def _calling(other: Alert) -> bool:
    waits = other.handling is Handling.UNACKNOWLEDGED and other.priority is not Priority.LOW
    silent = other.suppressed_by or other.snoozed_until is not None or other.held_until is not None
    return other.open and waits and not silent


def _leads(other: Alert, alert: Alert) -> bool:
    """The worst leads, of equals the one that opened first, so that of two alerts one always calls."""
    return _first_called(other) < _first_called(alert)


def _attended(other: Alert, alert: Alert, now: int) -> bool:
    if other.handling is not Handling.ACKNOWLEDGED or other.acknowledged_at is None:
        return False
    return other.priority.rank >= alert.priority.rank and now - other.acknowledged_at <= ATTENDED


#: What changes together, by the words of a rule's name (ours).
_CAUSES = (
    frozenset({"resp_rate", "spo2", NEWS2}),
    frozenset({"heart_rate", "bp_sys", "bp_dia", "bp_mean", NEWS2}),
    frozenset({"body_temp", NEWS2}),
)


def _same_cause(one: Alert, other: Alert) -> bool:
    """Technical alerts: of one sensor. Others: of vitals that change together, or of the same vital."""
    if not in_main_lane(one):
        return one.device_id == other.device_id
    names, more = set(one.rule.split(".")), set(other.rule.split("."))
    vital = {name for name in names & more if name in BY_NAME or name == NEWS2}
    return bool(vital) or any(names & cause and more & cause for cause in _CAUSES)
