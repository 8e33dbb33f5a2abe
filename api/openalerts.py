"""The open alerts in memory, kept up to date from the alert log."""

from __future__ import annotations

from collections.abc import Iterable

from vigil.domain.alerts import Alert, Transition
from vigil.domain.calls import Call, call_of
from vigil.domain.people import is_test
from vigil.store import RecordStore

#: Log lines read at once.
CHUNK = 1000


def lines_after(records: RecordStore, seq: int) -> list[Transition]:
    """All log lines after position ``seq``, in order, the self-test's too: their positions count."""
    found: list[Transition] = []
    while True:
        chunk = records.transitions(after_seq=seq, limit=CHUNK, include_test=True)
        found += chunk
        if len(chunk) < CHUNK:
            return found
        seq = chunk[-1].seq


def newest_call(lines: Iterable[Transition]) -> Call | None:
    """Of one alert's log: what its newest line that asked for somebody did."""
    return next((call for line in reversed(list(lines)) if (call := call_of(line)) is not None), None)


class OpenAlerts:
    """What is open as of log position ``seq``. Reads the log itself, so that position and content cannot disagree.
    ``calls``: by alert, what its newest line that asked for somebody did; where it never asked, it is not there.

    Not safe from several threads: its owner holds a lock.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._by_patient: dict[str, dict[str, Alert]] = {}
        self.calls: dict[str, Call] = {}
        self.seq = -1

    def refresh(self) -> set[str]:
        """Patients whose open alerts changed since the last call; the self-test is none of them."""
        if self.seq < 0:
            return self._load()
        touched = set()
        for line in lines_after(self._records, self.seq):
            self.seq = line.seq
            if not is_test(line.after.patient_id):
                self._apply(line.after)
                self._note(line.after, call_of(line))
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
            self._note(alert, newest_call(self._records.transitions(alert_id=alert.alert_id)))
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

    def _note(self, alert: Alert, call: Call | None) -> None:
        if not alert.open:
            self.calls.pop(alert.alert_id, None)
        elif call is not None:
            self.calls[alert.alert_id] = call
