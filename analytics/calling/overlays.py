"""Each second: suppress what another alert has come to carry, give back what nothing carries any more, and make the calls that
were held when the budget has room again, or the pause that held them was ended early."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from analytics.alerting import Alerting
from analytics.calling.budget import HELD_AT_MOST, by_expected_value
from analytics.calling.desk import Desk
from analytics.calling.inhibit import to_release, to_suppress
from analytics.calling.outage import carried_by
from analytics.calling.settling import waits
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import CallDue, Suppress, Unsuppress
from vigil.domain.times import MINUTE

CARRIER_GONE = "what carried it is closed, snoozed or without data, or no longer says the same"
#: How old what people said of the rules may be when held calls are put in order, microseconds.
SHARES_FOR = MINUTE


class Overlays:
    """``true_share``: by rule, alerts that people found true and alerts that they judged."""

    def __init__(self, alerting: Alerting, desk: Desk, true_share: Callable[[], dict[str, tuple[int, int]]]) -> None:
        self._alerting = alerting
        self._desk = desk
        self._true_share = true_share
        self._shares: dict[str, tuple[int, int]] = {}
        self._shares_at: int | None = None

    def tick(self, now: int) -> None:
        by_patient: defaultdict[str, list[Alert]] = defaultdict(list)
        for alert in self._alerting.book.open_alerts():
            by_patient[alert.patient_id].append(alert)
        for alerts in by_patient.values():
            if len(alerts) > 1 or alerts[0].suppressed_by:
                self._carry(alerts)
        self._call_held([alert for alerts in by_patient.values() for alert in alerts if alert.held_until], now)

    def _carry(self, alerts: list[Alert]) -> None:
        outage = self._desk.outage(alerts[0].patient_id)
        for alert in (each for each in to_release(alerts) if not carried_by(each, outage)):
            self._alerting.change(alert, Unsuppress(self._alerting.overlay_stamp(alert), CARRIER_GONE))
        for alert, source in to_suppress(alerts):
            self._alerting.change(alert, Suppress(self._alerting.overlay_stamp(alert), source.alert_id))

    def _call_held(self, held: list[Alert], now: int) -> None:
        """Nothing but a pause holds a call for longer than ten minutes."""
        waiting = []
        for alert in (each for each in held if not self._desk.paused(each.patient_id, now)):
            if alert.held_until is not None and alert.held_until - now > HELD_AT_MOST:
                self._alerting.change(alert, CallDue(self._alerting.overlay_stamp(alert), alert.held_until))
            elif waits(alert) is None:
                waiting.append(alert)
        if not waiting:
            return
        if self._shares_at is None or not 0 <= now - self._shares_at < SHARES_FOR:
            self._shares, self._shares_at = self._true_share(), now
        for alert in by_expected_value(waiting, self._shares):
            if alert.held_until is not None and self._desk.room(alert.patient_id, now):
                self._alerting.change(alert, CallDue(self._alerting.overlay_stamp(alert), alert.held_until))
