"""The rules ``outage.<ward>`` and ``outage``: most of a ward's devices, or of everybody's, fell silent within minutes.

Low from the first, medium when it lasts: then it calls. It ends when data have come back from most; who is still silent then has
his own alert. All of it follows from the open alerts and from when each device was last heard, so that a restart in the middle
changes nothing. All numbers are ours and need clinical sign-off.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.alerting import Alerting
from analytics.calling.outage import EVERYWHERE, OF_WARD, is_outage, outage_rule
from analytics.directory import Directory
from analytics.freshness import MEDIUM_AT_LEAST, Freshness
from analytics.slots import Slots
from analytics.wording import outage_text, outage_title
from vigil.domain.alerts import Alert, Evidence, Handling, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding, Suppress
from vigil.domain.order import NO_DATA_PREFIX
from vigil.domain.people import is_test
from vigil.domain.phrases import tell
from vigil.domain.self_test import PLATFORM
from vigil.domain.times import MINUTE

#: Together means last heard within ``TOGETHER``; so many people at least, and half of those heard in the ``HEARD`` up to its end.
TOGETHER = 5 * MINUTE
HEARD = 10 * MINUTE
LEAST = 5
#: An outage goes on until fewer than one in so many are silent: two gateways of a ward seldom come back at once.
ONE_IN = 4
#: It calls when the silence, or Vigil's own start, is so long ago: a single device's would be of medium priority then.
CALLS_AFTER = MEDIUM_AT_LEAST


@dataclass(frozen=True, slots=True)
class Silent:
    """A person's missing-data alert, and when its device was last heard, server time."""

    alert: Alert
    ward: str
    fell_at: int


class OutageRule:
    def __init__(self, slots: Slots, directory: Directory, alerting: Alerting) -> None:
        self._slots = slots
        self._directory = directory
        self._alerting = alerting
        self._live_since = 0

    def tick(self, freshness: Freshness, now: int, live_since: int) -> None:
        """After each person's missing data were judged, so that their alerts are there."""
        self._live_since = live_since
        standing = {alert.rule: alert for alert in self._alerting.book.open_alerts(PLATFORM) if is_outage(alert)}
        standing = {rule: alert for rule, alert in standing.items() if alert.active}
        silent = self._silent(freshness)
        if not standing and _fell_together(silent)[1] < LEAST:
            return  # as nearly always: nobody else need be looked at
        heard = self._heard(freshness)
        wards = sorted(
            {each.ward for each in silent} | {rule.removeprefix(OF_WARD) for rule in standing if rule != EVERYWHERE}
        )
        if len(wards) > 1 or EVERYWHERE in standing:
            self._judge(None, silent, heard, standing, now)
        if self._alerting.book.active(PLATFORM, EVERYWHERE) is not None:
            self._end([alert for rule, alert in standing.items() if rule != EVERYWHERE], now)
            return
        for ward in wards:
            people = {one: at for one, at in heard.items() if self._directory.ward(one) == ward}
            self._judge(ward, [each for each in silent if each.ward == ward], people, standing, now)

    def _judge(
        self,
        ward: str | None,
        silent: list[Silent],
        heard: Mapping[str, int],
        standing: Mapping[str, Alert],
        now: int,
    ) -> None:
        """``silent`` and ``heard`` (patient to when a device of his was last heard) of this ward, or of everybody."""
        outage = standing.get(outage_rule(ward))
        onset_at = _fell_together(silent)[0] if outage is None else outage.onset_at
        members = [each for each in silent if _belongs(each, outage, onset_at)]
        people = {each.alert.patient_id for each in members}
        among = people | {one for one, at in heard.items() if at >= onset_at + TOGETHER - HEARD}
        if outage is not None and (len(people) < LEAST or len(people) * ONE_IN < len(among)):
            self._end([outage], now)
            return
        if outage is None and (len(people) < LEAST or 2 * len(people) < len(among)):
            return
        due = max(_fell_together(members)[0], self._live_since) + CALLS_AFTER
        numbers = len(people), len(among)
        if outage is None:
            self._call(ward, onset_at, numbers, now, Priority.LOW)
        elif now > due and outage.priority is Priority.LOW:
            self._call(ward, onset_at, numbers, due, Priority.MEDIUM)
        self._carry(outage_rule(ward), members, {alert.alert_id for alert in standing.values()})

    def _silent(self, freshness: Freshness) -> list[Silent]:
        found = []
        for alert in self._alerting.book.open_alerts():
            if alert.active and alert.rule.startswith(NO_DATA_PREFIX) and not is_test(alert.patient_id):
                at = self._last(alert.patient_id, alert.device_id, freshness)
                found.append(Silent(alert, self._directory.ward(alert.patient_id), at or alert.onset_at))
        return found

    def _heard(self, freshness: Freshness) -> dict[str, int]:
        """By patient, of any device."""
        slots = self._slots
        heard: dict[str, int] = {}
        received = np.where(freshness.expected, slots.valid_received[: slots.size], 0).tolist()
        for patient_id, at in zip(slots.patient, received, strict=True):
            heard[patient_id] = max(at, heard.get(patient_id, 0))
        return {one: at for one, at in heard.items() if one and not is_test(one)}

    def _last(self, patient_id: str, device_id: str, freshness: Freshness) -> int:
        """When the device's newest valid value came; 0 = never. What the platform missed makes no difference."""
        slots = [slot for slot in self._slots.of(patient_id) if self._slots.device[slot] == device_id]
        return max((int(self._slots.valid_received[slot]) for slot in slots if freshness.expected[slot]), default=0)

    def _call(self, ward: str | None, onset_at: int, numbers: tuple[int, int], due: int, priority: Priority) -> None:
        told = tell(outage_title(*numbers), outage_text(*numbers, ward, onset_at))
        finding = Finding(
            patient_id=PLATFORM,
            rule=outage_rule(ward),
            kind=Kind.TECHNICAL,
            priority=priority,
            title=told.title,
            evidence=Evidence(told.text, said=told.said),
            onset_at=onset_at,
        )
        self._alerting.submit(PLATFORM, finding.rule, Began(self._alerting.stamp(f"deadline:{due}"), finding))

    def _carry(self, rule: str, members: list[Silent], outages: Collection[str]) -> None:
        """Everybody's outage takes over what a ward's carried."""
        outage = self._alerting.book.active(PLATFORM, rule)
        assert outage is not None
        for alert in (each.alert for each in members):
            free = not alert.suppressed_by or alert.suppressed_by in outages
            if alert.handling is Handling.UNACKNOWLEDGED and free and alert.suppressed_by != outage.alert_id:
                self._alerting.change(alert, Suppress(self._alerting.overlay_stamp(alert), outage.alert_id))

    def _end(self, outages: list[Alert], now: int) -> None:
        for outage in outages:
            self._alerting.submit(PLATFORM, outage.rule, Ended(self._alerting.stamp(f"deadline:{now}"), now))


def _fell_together(silent: list[Silent]) -> tuple[int, int]:
    """When the silence began that most of them share, of equals the earliest; and how many share it."""
    times = sorted(each.fell_at for each in silent if _is_new(each.alert))
    sizes = [bisect_right(times, at + TOGETHER) - place for place, at in enumerate(times)]
    most = max(sizes, default=0)
    return (times[sizes.index(most)], most) if times else (0, 0)


def _is_new(alert: Alert) -> bool:
    """Nobody deals with it and nobody was called for it: what called by itself goes on doing so."""
    return alert.handling is Handling.UNACKNOWLEDGED and not alert.escalation_level


def _belongs(each: Silent, outage: Alert | None, onset_at: int) -> bool:
    """While it stands, whoever falls silent later belongs to it too."""
    if outage is not None and each.alert.suppressed_by == outage.alert_id:
        return True
    inside = each.fell_at >= onset_at if outage is not None else onset_at <= each.fell_at <= onset_at + TOGETHER
    return inside and _is_new(each.alert)
