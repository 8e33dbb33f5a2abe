"""Nobody came although everybody in the chain was called: a technical alert of its own, while the chain begins again."""

from __future__ import annotations

from collections import defaultdict

from analytics.alerting import Alerting
from analytics.directory import Directory
from vigil.domain.alerts import Alert, Evidence, Handling, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.phrases import phrase, tell, title_of
from vigil.domain.teams import last_level

RULE = "unanswered"
#: Somebody may just be on the way: where the chain has one level only it is called twice more before this is said (ours).
LEAST = 1


class Unanswered:
    def __init__(self, alerting: Alerting, directory: Directory) -> None:
        self._alerting = alerting
        self._directory = directory
        self._calls: dict[str, tuple[int, int]] = {}

    def tick(self, now: int) -> None:
        """One alert a patient; it ends when somebody has answered all that called."""
        waiting: defaultdict[str, list[Alert]] = defaultdict(list)
        standing = []
        for alert in self._alerting.book.open_alerts():
            if alert.rule == RULE:
                standing.append(alert)
            elif self._is_unanswered(alert):
                waiting[alert.patient_id].append(alert)
        self._calls = {one.alert_id: self._calls[one.alert_id] for alerts in waiting.values() for one in alerts}
        for patient_id, alerts in waiting.items():
            worst = max(alerts, key=lambda alert: (alert.priority.rank, -alert.opened_at))
            known = self._alerting.book.active(patient_id, RULE)
            if known is None or known.priority.rank < worst.priority.rank:
                self._call(worst)
        for alert in standing:
            if alert.active and alert.patient_id not in waiting:
                self._alerting.submit(alert.patient_id, RULE, Ended(self._alerting.stamp(f"deadline:{now}"), now))

    def _is_unanswered(self, alert: Alert) -> bool:
        if alert.handling is not Handling.UNACKNOWLEDGED or alert.priority is Priority.LOW:
            return False
        whole = max(LEAST, last_level(self._directory.team_of(alert)))
        return alert.escalation_level > whole and self._times_called(alert) > whole

    def _times_called(self, alert: Alert) -> int:
        """An alert that only joined others has escalated, but its own calls count."""
        version, calls = self._calls.get(alert.alert_id, (0, 0))
        if version != alert.version:
            calls = self._alerting.times_called(alert)
            self._calls[alert.alert_id] = alert.version, calls
        return calls

    def _call(self, alert: Alert) -> None:
        calls = self._times_called(alert)
        told = tell(phrase("unanswered.title"), phrase("unanswered", alert=title_of(alert), calls=calls))
        finding = Finding(
            patient_id=alert.patient_id,
            rule=RULE,
            kind=Kind.TECHNICAL,
            priority=alert.priority,
            title=told.title,
            evidence=Evidence(
                told.text, policy_version=self._directory.policy_version(alert.patient_id), said=told.said
            ),
            onset_at=alert.opened_at,
        )
        stamp = self._alerting.overlay_stamp(alert)
        self._alerting.submit(alert.patient_id, RULE, Began(stamp, finding))
