"""Technical alerts for missing data, on server time, from the state as it stands.

``no_data.<device>``: nothing valid from a worn device. ``no_signal.<vital>``: the device sends, but nothing valid for this vital.
Low after the first threshold of ``freshness``, medium after the second. While a device is silent altogether, its vitals bring no
alerts of their own, and those that were open stay as they are.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from analytics.alerting import Alerting
from analytics.calling.outage import carried_by, outage_over
from analytics.directory import Directory
from analytics.freshness import WATCHED_VITALS, Freshness, low_after, medium_after
from analytics.slots import Slots
from analytics.wording import last_text, no_data_text, no_signal_text, no_signal_title
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding, Withdraw
from vigil.domain.order import GAP_PREFIXES, NO_DATA_PREFIX, NO_SIGNAL_PREFIX, SILENT_PREFIXES
from vigil.domain.people import Binding
from vigil.domain.phrases import Phrase, Told, phrase, tell
from vigil.domain.times import SECOND
from vigil.domain.vitals import VITALS

#: Why missing data were withdrawn.
PAUSED = "monitoring is paused"
#: A device that never sent anything is expected to send this often, unless it says otherwise (ours).
UNKNOWN_INTERVAL = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Gap:
    """Something missing. ``since``: the last valid value, or when the count began."""

    rule: str
    priority: Priority
    told: Told
    device_id: str
    since: int
    due: int


class Missing:
    def __init__(self, slots: Slots, directory: Directory, alerting: Alerting) -> None:
        self._slots = slots
        self._directory = directory
        self._alerting = alerting

    def judge(self, patient_id: str, freshness: Freshness, now: int, live_since: int) -> None:
        """Open, raise or end the patient's missing-data alerts."""
        gaps: dict[str, Gap] = {}
        silent: set[str] = set()
        uncertain: set[str] = set()
        sensors = self._directory.sensors_on(patient_id, now)
        expected = [slot for slot in self._slots.of(patient_id) if freshness.expected[slot]]
        for binding in sensors:
            gap = self._device_gap(binding, expected, freshness, now, live_since)
            if gap is not None:
                gaps[gap.rule] = gap
                silent.add(binding.device_id)
            elif not self._came(binding, expected, freshness):
                uncertain.add(f"{NO_DATA_PREFIX}{binding.device_id}")
        talking = [slot for slot in expected if self._slots.device[slot] not in silent]
        for gap in self._vital_gaps(expected, talking, freshness, now):
            gaps[gap.rule] = gap
        for gap in gaps.values():
            self._call(patient_id, gap)
        of_silent = {self._signal_rule(slot) for slot in expected if slot not in talking}
        came = {self._signal_rule(slot) for slot in expected if freshness.fresh[slot]}
        uncertain |= {self._signal_rule(slot) for slot in expected} - came
        self._end_others(patient_id, gaps.keys() | of_silent | uncertain, now)

    def withdraw(self, patient_id: str) -> None:
        """Monitoring is paused by plan: nothing is expected until it is over."""
        for alert in self._alerting.book.open_alerts(patient_id):
            if alert.active and alert.rule.startswith(GAP_PREFIXES):
                self._alerting.change(alert, Withdraw(self._alerting.overlay_stamp(alert), PAUSED))

    def _came(self, binding: Binding, expected: list[int], freshness: Freshness) -> bool:
        """Has the device really been heard, or did only the count of its silence begin anew because Vigil did?"""
        slots = [slot for slot in expected if self._slots.binding[slot] == binding.binding_id]
        return any(freshness.fresh[slot] for slot in slots) if slots else self._sends_something(binding)

    def _signal_rule(self, slot: int) -> str:
        return f"{NO_SIGNAL_PREFIX}{VITALS[int(self._slots.vital[slot])].name}"

    def _device_gap(
        self, binding: Binding, expected: list[int], freshness: Freshness, now: int, live_since: int
    ) -> Gap | None:
        slots = [slot for slot in expected if self._slots.binding[slot] == binding.binding_id]
        if slots:
            interval = min(int(self._slots.interval[slot]) for slot in self._in_step(slots))
            last = max(int(freshness.last[slot]) for slot in slots)
        elif self._sends_something(binding):
            return None  # nothing that a person is watched by, such as a scale
        else:
            interval = self._told_interval(binding)
            last = max(binding.start, live_since)
        low, medium = low_after(interval), medium_after(interval)
        if now - last <= low:
            return None
        late = now - last > medium
        others = any(freshness.fresh[slot] for slot in expected if slot not in slots)
        newest = max(slots, key=lambda slot: int(self._slots.valid_at[slot]), default=-1)
        since = int(self._slots.valid_at[newest]) if newest >= 0 else 0
        text = no_data_text(binding.device_id, now - (since or last), others, self._last_words(newest, named=True))
        return Gap(
            rule=f"{NO_DATA_PREFIX}{binding.device_id}",
            priority=Priority.MEDIUM if late else Priority.LOW,
            told=tell(phrase("no_data.title"), *text),
            device_id=binding.device_id,
            since=since or last,
            due=last + (medium if late else low),
        )

    def _in_step(self, slots: list[int]) -> list[int]:
        """Those that were not yet missing when the device was heard last: the others are silent by themselves, and say nothing of
        when it should speak again."""
        measured, interval = self._slots.valid_at, self._slots.interval
        newest = max(int(measured[slot]) for slot in slots)
        return [slot for slot in slots if newest - int(measured[slot]) <= low_after(int(interval[slot]))]

    def _sends_something(self, binding: Binding) -> bool:
        found = self._slots.of(binding.patient_id)
        return any(self._slots.binding[slot] == binding.binding_id for slot in found)

    def _told_interval(self, binding: Binding) -> int:
        device = self._directory.devices.get(binding.device_id)
        told = (
            [] if device is None else [device.interval_s[name] for name in WATCHED_VITALS if name in device.interval_s]
        )
        return round(min(told) * SECOND) if told else UNKNOWN_INTERVAL

    def _vital_gaps(self, expected: list[int], talking: list[int], freshness: Freshness, now: int) -> list[Gap]:
        gaps = []
        for vital in sorted({int(self._slots.vital[slot]) for slot in talking}):
            alike = [slot for slot in expected if self._slots.vital[slot] == vital]
            best = min(alike, key=lambda slot: (int(freshness.level[slot]), -int(freshness.last[slot])))
            level = int(freshness.level[best])
            if level == 0:
                continue
            interval = int(self._slots.interval[best])
            name = VITALS[vital].name
            seen = any(freshness.seen[slot] for slot in alike)
            since = int(self._slots.valid_at[best]) or int(freshness.last[best])
            text = no_signal_text(name, now - since, seen, self._last_words(best, named=False))
            gaps.append(
                Gap(
                    rule=f"{NO_SIGNAL_PREFIX}{name}",
                    priority=Priority.MEDIUM if level == 2 else Priority.LOW,
                    told=tell(no_signal_title(name, seen), *text),
                    device_id=self._slots.device[best],
                    since=since,
                    due=int(freshness.last[best]) + (medium_after(interval) if level == 2 else low_after(interval)),
                )
            )
        return gaps

    def _last_words(self, slot: int, *, named: bool) -> list[Phrase]:
        if slot < 0 or not self._slots.valid_at[slot]:
            return []
        vital, value = VITALS[int(self._slots.vital[slot])].name, float(self._slots.valid_value[slot])
        return [last_text(vital, value, int(self._slots.valid_at[slot]), named=named)]

    def _call(self, patient_id: str, gap: Gap) -> None:
        alert = self._alerting.book.active(patient_id, gap.rule)
        if alert is not None and (alert.priority.rank >= gap.priority.rank or self._in_outage(alert)):
            return
        version = self._directory.policy_version(patient_id)
        finding = Finding(
            patient_id=patient_id,
            rule=gap.rule,
            kind=Kind.TECHNICAL,
            priority=gap.priority,
            title=gap.told.title,
            evidence=Evidence(gap.told.text, policy_version=version, said=gap.told.said),
            onset_at=gap.since,
            device_id=gap.device_id,
        )
        self._alerting.submit(patient_id, gap.rule, Began(self._alerting.stamp(f"deadline:{gap.due}"), finding))

    def _in_outage(self, alert: Alert) -> bool:
        """One alert tells it for all of them: this one stays low and ends by itself with the outage."""
        ward = self._directory.ward(alert.patient_id)
        return carried_by(alert, outage_over(self._alerting.book, ward))

    def _end_others(self, patient_id: str, stay: Set[str], now: int) -> None:
        """An alert ends when data came, or when nothing is expected any more; never because Vigil was away itself."""
        for alert in self._alerting.book.open_alerts(patient_id):
            if alert.rule.startswith(SILENT_PREFIXES) and alert.active and alert.rule not in stay:
                stamp = self._alerting.stamp(f"deadline:{now}")
                self._alerting.submit(patient_id, alert.rule, Ended(stamp, now))
