"""One event of an alert that no rule of analytics raises, decided by its life cycle and recorded once."""

from __future__ import annotations

from vigil.domain.alerts import Transition
from vigil.domain.errors import VersionConflict
from vigil.domain.lifecycle import RECUR_WITHIN, Event, apply
from vigil.domain.policy import DEFAULT_POLICY
from vigil.store import RecordStore

_TRIES = 3


def change(records: RecordStore, patient_id: str, rule: str, event: Event, now: int) -> Transition | None:
    """The line that was recorded, for the bus; None when the event changes nothing or was recorded before.

    Analytics takes the line over from the log. ``now``: server time. Raises ``StoreError``; ``VersionConflict`` when people and
    rules change the alert faster than it can be read.
    """
    for tries_left in reversed(range(_TRIES)):
        alerts = records.alerts(patient_id=patient_id, resolved_since=now - RECUR_WITHIN)
        newest = next((alert for alert in alerts if alert.rule == rule), None)
        line = apply(newest, event, records.policy(patient_id) or DEFAULT_POLICY)
        if line is None:
            return None
        try:
            return records.record(line)
        except VersionConflict:
            if not tries_left:
                raise
    return None
