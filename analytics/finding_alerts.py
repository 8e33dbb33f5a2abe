"""Alerts of the other detectors, as far as the patient's policy lets them call anybody: rules ``<detector>.<vital>[.<side>]``.

Most findings only stand in the episode log. A past one brings no notice of its own: it is a hint, not an event.
"""

from __future__ import annotations

from analytics.alerting import Alerting
from analytics.changes import Change, What
from analytics.conditions import Conditions
from analytics.detectors import detectors
from analytics.detectors.contract import Detector
from analytics.directory import Directory
from analytics.engine.engine import Engine
from analytics.evidence import change_row
from analytics.limit_alerts import CONTRADICTED, LIMIT, UNVERIFIED
from analytics.patient_detectors import DISAGREEMENT, MULTIVARIATE
from analytics.slots import Slots
from analytics.telling import Telling
from analytics.wording import finding_text, finding_title
from vigil.domain.alerts import Evidence, Priority
from vigil.domain.lifecycle import Amended, Began, Ended, Event, Finding, Withdraw
from vigil.domain.phrases import tell
from vigil.domain.risk import RISK_PREFIX
from vigil.domain.vitals import VITALS

#: Changes after which nothing holds any more.
_OVER = (What.ENDED, What.WITHDRAWN, What.CONTRADICTED)


def finding_names() -> list[str]:
    """What a policy's ``findings`` may name; ``risk`` stands for ``risk.NAME`` of any model."""
    own = [each for each in detectors() if each.name not in (LIMIT, UNVERIFIED)]
    names = {DISAGREEMENT, MULTIVARIATE, RISK_PREFIX.rstrip("."), *(each.name for each in own)}
    for vital in VITALS:
        names |= {f"{each.name}.{vital.name}" for each in own} | {f"{DISAGREEMENT}.{vital.name}"}
        names |= {each.rule(vital.name, side) for each in own for side in (0, 1)}
    return sorted(names)


class FindingAlerts:
    def __init__(self, engine: Engine, slots: Slots, directory: Directory, alerting: Alerting) -> None:
        self._engine = engine
        self._slots = slots
        self._directory = directory
        self._alerting = alerting
        own = (number for name, number in engine.numbers.items() if name not in (LIMIT, UNVERIFIED))
        self._conditions = {number: Conditions(slots) for number in own}

    def rebuild(self, telling: Telling) -> None:
        for number, conditions in self._conditions.items():
            conditions.rebuild(telling.told, number)

    def take(self, changes: list[Change]) -> None:
        """Changes of slots, in order; those of limits are left out."""
        for change in changes:
            conditions = self._conditions.get(change.detector)
            if conditions is None or change.what is What.PASSED:
                continue
            for merged in conditions.merge(change):
                patient_id = self._slots.patient[change.slot]
                if patient_id:
                    self._take(patient_id, self._engine.detectors[change.detector], merged)

    def _take(self, patient_id: str, detector: Detector, change: Change) -> None:
        rule = detector.rule(VITALS[int(self._slots.vital[change.slot])].name, change.side)
        priority = self._directory.policy(patient_id).finding(rule)
        over = change.what in _OVER
        if (priority is None and not over) or self._alerting.book.is_behind(patient_id, rule, change.ordinal):
            return
        if over:
            if self._alerting.book.active(patient_id, rule) is not None:
                self._alerting.submit(patient_id, rule, self._end(change))
        elif change.what is What.BEGAN and priority is not None:
            finding = self._finding(patient_id, rule, detector, priority, change)
            stamp = self._alerting.stamp(f"ordinal:{change.ordinal}", change.measured_at)
            self._alerting.submit(patient_id, rule, Began(stamp, finding))

    def _end(self, change: Change) -> Event:
        stamp = self._alerting.stamp(f"ordinal:{change.ordinal}", change.measured_at)
        if change.what is What.CONTRADICTED:
            return Amended(stamp, CONTRADICTED)
        return Withdraw(stamp, change.reason) if change.reason else Ended(stamp, change.ended_at)

    def _finding(self, patient_id: str, rule: str, detector: Detector, priority: Priority, change: Change) -> Finding:
        vital = VITALS[int(self._slots.vital[change.slot])].name
        text = finding_text(detector.title, vital, change.value, change.measured_at - change.onset_at)
        told = tell(finding_title(detector.title, vital), text)
        version = self._directory.policy_version(patient_id)
        return Finding(
            patient_id=patient_id,
            rule=rule,
            kind=detector.kind,
            priority=priority,
            title=told.title,
            evidence=Evidence(told.text, (change_row(vital, change),), None, None, version, told.said),
            onset_at=change.onset_at,
            device_id=self._slots.device[change.slot],
        )
