"""Alerts that stand although nothing holds them any more, after a restart without memory or a change of the records.

An alert of a limit ends when a valid value inside the limits was measured after its onset; without one it stays open. It is
withdrawn, with the reason, when its patient was discharged, its limit removed or its device taken off.
"""

from __future__ import annotations

from analytics.alerting import Alerting
from analytics.conditions import Conditions
from analytics.data_loss import DataLoss
from analytics.directory import SCHEDULE, Directory
from analytics.lapses import DEVICE_UNBOUND, LIMIT_CHANGED, PATIENT_DISCHARGED
from analytics.limit_alerts import LIMIT
from analytics.slots import SIDES
from analytics.state import State
from vigil.domain.alerts import Alert, Kind
from vigil.domain.lifecycle import Ended, Withdraw
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.self_test import PLATFORM
from vigil.domain.vitals import BY_NAME


class Settle:
    def __init__(
        self,
        state: State,
        conditions: Conditions,
        directory: Directory,
        alerting: Alerting,
        data_loss: DataLoss,
    ) -> None:
        self._state = state
        self._conditions = conditions
        self._directory = directory
        self._alerting = alerting
        self._data_loss = data_loss

    def withdraw(self, now: int) -> None:
        """After the records changed."""
        for alert in self._alerting.book.open_alerts():
            reason = self._ground_lost(alert, now) if alert.active else ""
            if reason:
                stamp = self._alerting.stamp(self._directory.cause(reason))
                self._alerting.submit(alert.patient_id, alert.rule, Withdraw(stamp, reason))

    def _ground_lost(self, alert: Alert, now: int) -> str:
        if alert.patient_id == PLATFORM:
            return ""
        if alert.patient_id not in self._directory.patients:
            return PATIENT_DISCHARGED
        head, _, name = alert.rule.partition(".")
        policy = self._directory.policy(alert.patient_id)
        changed = SCHEDULE if self._directory.turned(alert.patient_id) else LIMIT_CHANGED
        if alert.rule == "news2" and not policy.news2:
            return changed
        worn = {binding.device_id for binding in self._directory.sensors_on(alert.patient_id, now)}
        if head in ("limit", "unverified"):
            vital, _, side = name.partition(".")
            rule = policy.limit(vital, side)
            if rule is None or not rule.enabled:
                return changed
            held = self._conditions.holders((alert.patient_id, BY_NAME[vital].index, SIDES.index(side)))
            taken_off = alert.device_id not in worn and not alert.device_id.startswith(MANUAL_PREFIX)
            return DEVICE_UNBOUND if alert.device_id and taken_off and not held else ""
        if alert.rule == "news2":
            return DEVICE_UNBOUND if not worn and self._directory.bindings_of(alert.patient_id) else ""
        if head in ("no_data", "battery"):
            return DEVICE_UNBOUND if name not in worn else ""
        return DEVICE_UNBOUND if head == "no_signal" and not worn else ""

    def tick(self, now: int) -> None:
        """End what a later valid value contradicts."""
        for alert in self._alerting.book.open_alerts():
            head, _, name = alert.rule.partition(".")
            if alert.active and head in ("limit", "unverified"):
                self._end_if_contradicted(alert, name, now)

    def _end_if_contradicted(self, alert: Alert, name: str, now: int) -> None:
        vital, _, side = name.partition(".")
        key = (alert.patient_id, BY_NAME[vital].index, SIDES.index(side))
        doubt = alert.kind is Kind.TECHNICAL
        if self._conditions.doubted(key) if doubt else self._conditions.level(key):
            return
        for slot in self._data_loss.witnesses(alert.patient_id, name, now):
            if self._contradicts(slot, key[2], alert.onset_at):
                at = int(self._state.slots.valid_at[slot])
                stamp = self._alerting.stamp(f"ordinal:{int(self._state.slots.valid_ordinal[slot])}", at)
                self._alerting.submit(alert.patient_id, alert.rule, Ended(stamp, at))
                return

    def _contradicts(self, slot: int, side: int, onset_at: int) -> bool:
        """The newest valid value of the slot was measured after the onset and is inside the limit, and nothing runs."""
        engine, slots = self._state.engine, self._state.slots
        running = engine.condition(engine.numbers[LIMIT], slot)
        if (running is not None and running["status"][side]) or slots.valid_at[slot] <= onset_at:
            return False
        limit, value = slots.limit[slot, side], slots.valid_value[slot]
        return bool(value >= limit if side == 0 else value <= limit)  # false where there is no limit
