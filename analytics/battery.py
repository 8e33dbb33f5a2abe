"""The rule ``battery.<device>``: a sensor that will soon be silent. Advisory, low priority: nothing is wrong yet.

Below 20 % it opens, and it ends at 30 % or when the device is taken off (ours, needs clinical sign-off). Of a device with several
batteries the lowest counts.
"""

from __future__ import annotations

import numpy as np

from analytics.alerting import Alerting
from analytics.directory import Directory
from analytics.slots import Slots
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding, Stamp
from vigil.domain.phrases import phrase, tell
from vigil.domain.vitals import BY_NAME

HEAD = "battery."
LOW, CHARGED = 20.0, 30.0
_BATTERY = BY_NAME["battery_level"].index


class BatteryRule:
    def __init__(self, slots: Slots, directory: Directory, alerting: Alerting) -> None:
        self._slots = slots
        self._directory = directory
        self._alerting = alerting

    def tick(self, now: int) -> None:
        slots, size = self._slots, self._slots.size
        known = (slots.vital[:size] == _BATTERY) & (slots.valid_at[:size] > 0) & (slots.end[:size] > now)
        if not known.any():
            return
        lowest: dict[tuple[str, str], int] = {}
        for slot in sorted(np.flatnonzero(known).tolist(), key=lambda slot: float(slots.valid_value[slot])):
            lowest.setdefault((slots.patient[slot], slots.device[slot]), slot)
        for slot in lowest.values():
            if slots.valid_value[slot] < LOW:
                self._call(slot)
            elif slots.valid_value[slot] >= CHARGED:
                self._end(slot)

    def _call(self, slot: int) -> None:
        patient_id, device_id = self._slots.patient[slot], self._slots.device[slot]
        rule = HEAD + device_id
        if not patient_id or self._alerting.book.active(patient_id, rule) is not None:
            return
        at = int(self._slots.valid_at[slot])
        level = float(self._slots.valid_value[slot])
        told = tell(phrase("battery.title"), phrase("battery", device=device_id, level=level, at=at, limit=LOW))
        finding = Finding(
            patient_id=patient_id,
            rule=rule,
            kind=Kind.ADVISORY,
            priority=Priority.LOW,
            title=told.title,
            evidence=Evidence(told.text, policy_version=self._directory.policy_version(patient_id), said=told.said),
            onset_at=at,
            device_id=device_id,
        )
        self._alerting.submit(patient_id, rule, Began(self._stamp(slot), finding))

    def _end(self, slot: int) -> None:
        patient_id, rule = self._slots.patient[slot], HEAD + self._slots.device[slot]
        if patient_id and self._alerting.book.active(patient_id, rule) is not None:
            self._alerting.submit(patient_id, rule, Ended(self._stamp(slot), int(self._slots.valid_at[slot])))

    def _stamp(self, slot: int) -> Stamp:
        return self._alerting.stamp(f"ordinal:{int(self._slots.valid_ordinal[slot])}", int(self._slots.valid_at[slot]))
