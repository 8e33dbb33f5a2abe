"""What time alone changes: escalation and re-alarm, the end of a snooze, a call held long enough, a hand-over nobody accepted.

Each from the deadline stored with the alert, on server time. One that is overdue, after a restart or a jump of the clock, fires
once: the next one counts from now. So do all of an alert whose last change lies in the future: the clock was set back.
"""

from __future__ import annotations

from collections.abc import Iterator

from analytics.alerting import Alerting
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import AcceptDue, CallDue, DeadlineReached, Event, SnoozeEnded, has_come


def fire_due(alerting: Alerting, now: int) -> None:
    for alert in alerting.book.open_alerts():
        for event in _due(alerting, alert, now):
            alerting.change(alert, event)


def _due(alerting: Alerting, alert: Alert, now: int) -> Iterator[Event]:
    """The life cycle leaves out what an event before it has settled."""
    for due, event in (
        (alert.snoozed_until, SnoozeEnded),
        (alert.held_until, CallDue),
        (alert.accept_by, AcceptDue),
        (alert.deadline_at, DeadlineReached),
    ):
        if due is not None and has_come(alert, due, now):
            yield event(alerting.stamp(f"deadline:{due}"), due)
