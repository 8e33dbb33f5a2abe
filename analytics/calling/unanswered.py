"""Nobody came although everybody in the chain was called: a technical alert of its own, while the chain begins again."""

from __future__ import annotations

from collections import defaultdict

from analytics.alerting import Alerting
from analytics.directory import Directory
from vigil.domain.alerts import Alert, Evidence, Handling, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.teams import last_level

RULE = "unanswered"
#: Somebody may just be on the way: where the chain has one level only it is called twice more before this is said (ours).
LEAST = 1


class Unanswered:
    def __init__(self, alerting: Alerting, directory: Directory) -> None:
        self._alerting = alerting
        self._directory = directory

    def tick(self, now: int) -> None:
        """One alert a patient; it ends when somebody has answered all that called."""
        waiting: defaultdict[str, list[Alert]] = defaultdict(list)
        standing = []
        for alert in self._alerting.book.open_alerts():
            if alert.rule == RULE:
                standing.append(alert)
            elif self._is_unanswered(alert):
                waiting[alert.patient_id].append(alert)
        for patient_id, alerts in waiting.items():
            worst = max(alerts, key=lambda alert: (alert.priority.rank, -alert.opened_at))
            known = self._alerting.book.active(patient_id, RULE)
            if known is None or known.priority.rank < worst.priority.rank:
                self._call(worst)
        for alert in standing:
            if alert.active and alert.patient_id not in waiting:
                self._alerting.submit(alert.patient_id, RULE, Ended(self._alerting.stamp(f"deadline:{now}"), now))

    def _is_unanswered(self, alert: Alert) -> bool:
        if (
            alert.handling is not Handling.UNACKNOWLEDGED
            or alert.priority is Priority.LOW
            or not alert.escalation_level
        ):
            return False
        return alert.escalation_level > max(LEAST, last_level(self._directory.team(alert.patient_id)))

    def _call(self, alert: Alert) -> None:
        times = alert.escalation_level + 1
        text = f'Nobody has answered "{alert.title}": called {times} times, the whole chain of the team.'
        finding = Finding(
            patient_id=alert.patient_id,
            rule=RULE,
            kind=Kind.TECHNICAL,
            priority=alert.priority,
            title="Nobody has answered",
            evidence=Evidence(text, policy_version=self._directory.policy_version(alert.patient_id)),
            onset_at=alert.opened_at,
        )
        stamp = self._alerting.stamp(f"overlay:{alert.alert_id}:{alert.version}")
        self._alerting.submit(alert.patient_id, RULE, Began(stamp, finding))
