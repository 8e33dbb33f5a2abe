"""Each second: suppress what another alert has come to carry, give back what nothing carries any more, and make the calls that
were held when the budget has room again."""

from __future__ import annotations

from collections import defaultdict

from analytics.alerting import Alerting
from analytics.calling.ask import is_severe
from analytics.calling.budget import by_expected_value
from analytics.calling.desk import Desk
from analytics.calling.inhibit import to_release, to_suppress
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import CallDue, Suppress, Unsuppress

CARRIER_GONE = "what carried it is closed, snoozed or without data, or no longer says the same"


class Overlays:
    def __init__(self, alerting: Alerting, desk: Desk) -> None:
        self._alerting = alerting
        self._desk = desk

    def tick(self, now: int) -> None:
        by_patient: defaultdict[str, list[Alert]] = defaultdict(list)
        for alert in self._alerting.book.open_alerts():
            by_patient[alert.patient_id].append(alert)
        for alerts in by_patient.values():
            if len(alerts) > 1 or alerts[0].suppressed_by:
                self._carry(alerts)
        self._call_held([alert for alerts in by_patient.values() for alert in alerts if alert.held_until], now)

    def _carry(self, alerts: list[Alert]) -> None:
        for alert in to_release(alerts):
            self._alerting.change(alert, Unsuppress(self._alerting.stamp(_cause(alert)), CARRIER_GONE))
        for alert, source in to_suppress(alerts):
            self._alerting.change(alert, Suppress(self._alerting.stamp(_cause(alert)), source.alert_id))

    def _call_held(self, held: list[Alert], now: int) -> None:
        for alert in by_expected_value(each for each in held if not is_severe(each)):
            if alert.held_until is not None and self._desk.room(alert.patient_id, now):
                self._alerting.change(alert, CallDue(self._alerting.stamp(_cause(alert)), alert.held_until))


def _cause(alert: Alert) -> str:
    """Each version of an alert is changed by this at most once."""
    return f"overlay:{alert.alert_id}:{alert.version}"
