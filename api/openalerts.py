"""The open alerts in memory, kept up to date from the alert log."""

from __future__ import annotations

from vigil.domain.alerts import Alert, Transition
from vigil.store import RecordStore

#: Log lines read at once.
CHUNK = 1000


def lines_after(records: RecordStore, seq: int) -> list[Transition]:
    """All log lines after position ``seq``, in order."""
    found: list[Transition] = []
    while True:
        chunk = records.transitions(after_seq=seq, limit=CHUNK)
        found += chunk
        if len(chunk) < CHUNK:
            return found
        seq = chunk[-1].seq


class OpenAlerts:
    """What is open as of log position ``seq``. Reads the log itself, so that position and content cannot disagree.

    Not safe from several threads: its owner holds a lock.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._by_patient: dict[str, dict[str, Alert]] = {}
        self.seq = -1

    def refresh(self) -> set[str]:
        """Patients whose open alerts changed since the last call."""
        if self.seq < 0:
            return self._load()
        touched = set()
        for line in lines_after(self._records, self.seq):
            self.seq = line.seq
            self._apply(line.after)
            touched.add(line.after.patient_id)
        return touched

    def of(self, patient_id: str) -> tuple[Alert, ...]:
        return tuple(self._by_patient.get(patient_id, {}).values())

    def all(self) -> list[Alert]:
        return [alert for alerts in self._by_patient.values() for alert in alerts.values()]

    def _load(self) -> set[str]:
        """The position is read first: what is recorded in between is seen twice, never missed."""
        self.seq = self._records.last_seq()
        for alert in self._records.alerts(open_only=True):
            self._apply(alert)
        return set(self._by_patient)

    def _apply(self, alert: Alert) -> None:
        alerts = self._by_patient.setdefault(alert.patient_id, {})
        known = alerts.get(alert.alert_id)
        if known is not None and known.version > alert.version:
            return
        if alert.open:
            alerts[alert.alert_id] = alert
        else:
            alerts.pop(alert.alert_id, None)
