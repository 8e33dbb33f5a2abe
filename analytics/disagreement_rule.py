"""The rule ``disagreement.<vital>``: two sensors that a person wears for one vital do not tell the same, minute after minute.

Live it looks at the minute that has just ended, as far as it has come; the episode log judges it again with what came late.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from analytics.alerting import Alerting
from analytics.directory import Directory
from analytics.patient_detectors import DISAGREEMENT
from analytics.patient_detectors.disagreement import MARGINS, disagreement
from analytics.patient_detectors.runs import FRESH, USUAL, Memory, Span
from analytics.slots import Slots
from analytics.windows import Windows
from analytics.wording import disagreement_text, disagreement_title
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.phrases import tell
from vigil.domain.readings import F64
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

#: The lower and the higher slot of a pair.
Pair = tuple[int, int]


class DisagreementRule:
    def __init__(self, slots: Slots, windows: Windows, directory: Directory, alerting: Alerting) -> None:
        self._slots = slots
        self._windows = windows
        self._directory = directory
        self._alerting = alerting
        self._memory: dict[Pair, Memory] = {}

    def judge(self, patient_id: str, minute_end: int) -> None:
        """Once a minute, with the end of the minute that is over."""
        policy = self._directory.policy(patient_id)
        worn: dict[int, list[int]] = {}
        for slot in self._slots.of(patient_id):
            if self._slots.end[slot] >= minute_end:
                worn.setdefault(int(self._slots.vital[slot]), []).append(slot)
        for vital, margin in MARGINS.items():
            alike = worn.get(BY_NAME[vital].index, [])
            if len(alike) > 1 and (priority := policy.finding(f"{DISAGREEMENT}.{vital}")) is not None:
                self._compare(patient_id, vital, alike, margin, priority, minute_end)

    def _compare(
        self, patient_id: str, vital: str, alike: list[int], margin: float, priority: Priority, minute_end: int
    ) -> None:
        value = {slot: self._windows.median_between(slot, minute_end - MINUTE, minute_end) for slot in alike}
        memories: dict[Pair, Memory] = {}
        for one, other in combinations(alike, 2):
            known = self._memory.get((one, other), FRESH)
            if minute_end <= known.minute:
                return
            minute = np.array([minute_end])
            _, memory = disagreement(minute, _one(value[one]), _one(value[other]), margin, known)
            memories[one, other] = self._memory[one, other] = memory
        found = next(((pair, memory.open) for pair, memory in memories.items() if memory.open is not None), None)
        rule = f"{DISAGREEMENT}.{vital}"
        alert = self._alerting.book.active(patient_id, rule)
        stamp = self._alerting.stamp(f"deadline:{minute_end}")
        if found is not None and alert is None:
            pair, span = found
            finding = self._finding(patient_id, vital, priority, pair, value, span)
            self._alerting.submit(patient_id, rule, Began(stamp, finding))
        elif found is None and alert is not None and all(each.usual >= USUAL for each in memories.values()):
            self._alerting.submit(patient_id, rule, Ended(stamp, minute_end))

    def _finding(
        self, patient_id: str, vital: str, priority: Priority, pair: Pair, value: dict[int, float], span: Span
    ) -> Finding:
        said = [(self._slots.device[slot], value[slot]) for slot in pair]
        told = tell(disagreement_title(vital), disagreement_text(vital, said))
        return Finding(
            patient_id=patient_id,
            rule=f"{DISAGREEMENT}.{vital}",
            kind=Kind.TECHNICAL,
            priority=priority,
            title=told.title,
            evidence=Evidence(told.text, policy_version=self._directory.policy_version(patient_id), said=told.said),
            onset_at=span.began,
            device_id=said[0][0],
        )


def _one(value: float) -> F64:
    return np.array([value])
