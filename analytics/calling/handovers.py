"""At a change of shift, what the outgoing people dealt with goes to those who come."""

from __future__ import annotations

from analytics.alerting import Alerting
from analytics.directory import Directory
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import HandOver
from vigil.domain.rota import ShiftChange
from vigil.domain.teams import Team, shift_changes
from vigil.domain.times import HOUR

#: How far back changes of shift are looked for after a start.
LOOK_BACK = 12 * HOUR


class Handovers:
    def __init__(self, alerting: Alerting, directory: Directory) -> None:
        self._alerting = alerting
        self._directory = directory
        self._looked_at: int | None = None

    def tick(self, now: int) -> None:
        """Each change of shift once: its moment is the cause, so that a second look after a start changes nothing."""
        since = now - LOOK_BACK if self._looked_at is None else self._looked_at
        self._looked_at = now + 1
        for team in self._directory.teams():
            for change in shift_changes(team, since, now + 1) if team.rota.shifts else ():
                self._hand_over(team, change)

    def _hand_over(self, team: Team, change: ShiftChange) -> None:
        for alert in self._alerting.book.open_alerts():
            if self._directory.ward_of(alert) == team.ward and _goes_with(alert, change):
                incoming = change.incoming[0] if change.incoming else ""
                stamp = self._alerting.stamp(f"deadline:{change.at}")
                self._alerting.change(alert, HandOver(stamp, incoming))


def _goes_with(alert: Alert, change: ShiftChange) -> bool:
    """Was it in the hands of somebody who leaves? What was taken on after the change stays with who took it."""
    owner, since = alert.owner or alert.acknowledged_by, alert.acknowledged_at or 0
    mine = owner in change.outgoing and since <= change.at
    return mine or (alert.snoozed_until is not None and alert.snoozed_by in change.outgoing)
