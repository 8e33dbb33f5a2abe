"""Open alerts whose data stopped: their condition becomes unknown, and a technical alert of the same priority says so.

Judged on server time, from the alert and the slots as they stand. Data that stop never close an alert.
"""

from __future__ import annotations

from analytics.alerting import Alerting
from analytics.conditions import Conditions
from analytics.directory import Directory
from analytics.slots import SIDES, Slots
from analytics.wording import last_text
from vigil.domain.alerts import Alert, Condition, Evidence, Kind
from vigil.domain.lifecycle import Began, DataBack, DataLost, Ended, Finding
from vigil.domain.order import SIGNAL_LOST_PREFIX
from vigil.domain.phrases import Phrase, phrase, tell, title_of
from vigil.domain.vitals import BY_NAME


class DataLoss:
    def __init__(self, slots: Slots, conditions: Conditions, directory: Directory, alerting: Alerting) -> None:
        self._slots = slots
        self._conditions = conditions
        self._directory = directory
        self._alerting = alerting

    def tick(self, now: int, live_since: int) -> None:
        """``live_since``: when the backlog had drained after the start; silence before that is the platform's own."""
        resumed = self._directory.resumed(now)
        for alert in self._alerting.book.open_alerts():
            if alert.rule.startswith(SIGNAL_LOST_PREFIX):
                self._end_link(alert, now)
            elif alert.active and alert.kind is Kind.PHYSIOLOGICAL and alert.rule.startswith(("limit.", "unverified.")):
                self._judge_limit(alert, now, max(live_since, resumed.get(alert.patient_id, 0)))

    def lost(self, alert: Alert, due: int, *text: Phrase) -> None:
        """No valid sample since longer than the staleness limit, which ended at ``due``. While monitoring is paused by plan the
        alert says so, and nothing beside it."""
        if alert.condition is Condition.TRUE:
            self._alerting.submit(alert.patient_id, alert.rule, DataLost(self._alerting.stamp(f"deadline:{due}")))
        if self._directory.pause(alert.patient_id, self._alerting.now()) is not None:
            return
        if self._alerting.book.active(alert.patient_id, SIGNAL_LOST_PREFIX + alert.rule) is None:
            told = tell(phrase("signal_lost.title"), *text)
            finding = Finding(
                patient_id=alert.patient_id,
                rule=SIGNAL_LOST_PREFIX + alert.rule,
                kind=Kind.TECHNICAL,
                priority=alert.priority,
                title=told.title,
                evidence=Evidence(
                    told.text, policy_version=self._directory.policy_version(alert.patient_id), said=told.said
                ),
                onset_at=due,
                device_id=alert.device_id,
            )
            self._alerting.submit(
                alert.patient_id, finding.rule, Began(self._alerting.stamp(f"deadline:{due}"), finding)
            )

    def back(self, alert: Alert, cause: str) -> None:
        """Valid data are there again."""
        if alert.condition is Condition.UNKNOWN:
            self._alerting.submit(alert.patient_id, alert.rule, DataBack(self._alerting.stamp(cause)))

    def _judge_limit(self, alert: Alert, now: int, live_since: int) -> None:
        name = alert.rule.partition(".")[2]
        holders = self.witnesses(alert.patient_id, name, now)
        if not holders:
            return
        newest = max(holders, key=lambda slot: int(self._slots.valid_at[slot]))
        due = max(int(self._slots.valid_at[newest]), live_since) + int(self._slots.stale[newest])
        if now > due:
            self.lost(alert, due, *self._text(alert, newest))
        elif int(self._slots.valid_at[newest]) + int(self._slots.stale[newest]) >= now:
            self.back(alert, f"ordinal:{int(self._slots.valid_ordinal[newest])}")

    def witnesses(self, patient_id: str, name: str, now: int) -> list[int]:
        """The slots that can tell how a condition ``<vital>.<side>`` stands: those that hold it, else all worn ones."""
        vital, _, side = name.partition(".")
        index = BY_NAME[vital].index
        holders = self._conditions.holders((patient_id, index, SIDES.index(side)))
        if holders:
            return holders
        of_vital = (slot for slot in self._slots.of(patient_id) if self._slots.vital[slot] == index)
        return [slot for slot in of_vital if self._slots.end[slot] > now]

    def _text(self, alert: Alert, slot: int) -> list[Phrase]:
        vital, at = alert.rule.split(".")[1], int(self._slots.valid_at[slot])
        what = phrase("signal_lost", vital=vital, alert=title_of(alert))
        return [what, last_text(vital, float(self._slots.valid_value[slot]), at, named=False)] if at else [what]

    def _end_link(self, link: Alert, now: int) -> None:
        """The linked alert ends when its own alert has ended or has data again."""
        if not link.active:
            return
        alert = self._alerting.book.active(link.patient_id, link.rule.removeprefix(SIGNAL_LOST_PREFIX))
        if alert is None or alert.condition is Condition.TRUE:
            self._alerting.submit(link.patient_id, link.rule, Ended(self._alerting.stamp(f"deadline:{now}"), now))
