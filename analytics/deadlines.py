"""Escalation and re-alarm from the deadline stored with each alert, on server time.

A deadline that is overdue, after a restart or a jump of the clock, fires once: the next one counts from now.
"""

from __future__ import annotations

from analytics.alerting import Alerting
from vigil.domain.lifecycle import DeadlineReached


def fire_due(alerting: Alerting, now: int) -> None:
    for alert in alerting.book.open_alerts():
        due = alert.deadline_at
        if due is not None and due <= now:
            event = DeadlineReached(alerting.stamp(f"deadline:{due}"), due)
            alerting.submit(alert.patient_id, alert.rule, event)
