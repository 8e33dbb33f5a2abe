"""From a changed condition to a line in an alert's log: the life cycle decides, the store records, the bus tells.

A line is published only after it is recorded. Its cause names the reading, deadline or decision behind it, so that a replay of
the same readings records nothing twice.
"""

from __future__ import annotations

import logging

from analytics.book import Book, earlier_beginnings
from analytics.calling.desk import Desk
from analytics.directory import Directory
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Handling, Transition
from vigil.domain.calls import call_of, interrupts
from vigil.domain.errors import VersionConflict
from vigil.domain.lifecycle import THIRD_WITHIN, Amended, Began, Event, Passed, Stamp, apply
from vigil.domain.people import is_test
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.store import WardRecords

_LOG = logging.getLogger(__name__)
#: A person's command and a rule's event may cross; the loser reads again and decides anew.
_TRIES = 5


class Alerting:
    def __init__(
        self,
        records: WardRecords,
        bus: Bus,
        clock: Clock,
        directory: Directory,
        book: Book,
        desk: Desk,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._bus = bus
        self._clock = clock
        self._directory = directory
        self.book = book
        self._desk = desk
        self._count = metrics.counter("analytics_transitions_total", "Lines written to alert logs", ("step",))
        self._calls = metrics.counter("analytics_calls_total", "Lines that asked for a person, by the answer", ("how",))

    def now(self) -> int:
        return self._clock.now_us()

    def stamp(self, cause: str, measured_at: int | None = None) -> Stamp:
        return Stamp(cause, self._clock.now_us(), measured_at=measured_at)

    def overlay_stamp(self, alert: Alert) -> Stamp:
        """For what follows from this alert as it stands: each version of it is the cause of one change at most."""
        return self.stamp(f"overlay:{alert.alert_id}:{alert.version}")

    def change(self, alert: Alert, event: Event) -> Transition | None:
        """Apply the event to this open alert as it is now, a retrospective one too. Raises as ``submit``."""
        return self._submit(alert.patient_id, alert.rule, event, alert.retrospective)

    def submit(self, patient_id: str, rule: str, event: Event) -> Transition | None:
        """Apply the event to the newest occurrence of (patient, rule); the recorded line, or None when nothing changed.

        Raises ``VersionConflict`` when the alert kept changing under our hands, ``StoreError`` when it cannot be recorded.
        """
        return self._submit(patient_id, rule, event, isinstance(event, Passed))

    def _submit(self, patient_id: str, rule: str, event: Event, retrospective: bool) -> Transition | None:
        policy = self._directory.policy(patient_id)
        for _ in range(_TRIES):
            alert = self.book.newest(patient_id, rule, retrospective)
            if alert is not None and not alert.open and isinstance(event, Began):
                since = event.stamp.at - THIRD_WITHIN
                lines = self._records.transitions(alert_id=alert.alert_id)
                event = Began(event.stamp, event.finding, event.unknown, earlier_beginnings(lines, since))
            line = apply(alert, event, policy)
            if line is None:
                return None
            line = self._desk.decided(line, alert)
            try:
                recorded = self._records.record(line, self._desk.targets(line))
            except VersionConflict:
                self.book.sync()
                continue
            return None if recorded is None else self._tell(recorded)
        raise VersionConflict(
            f"the alert of rule {rule} changed {_TRIES} times while {type(event).__name__} was applied"
        )

    def times_called(self, alert: Alert) -> int:
        """How often somebody was called for the alert since nobody deals with it, by its log."""
        called = 0
        for line in self._records.transitions(alert_id=alert.alert_id):
            called = 0 if line.after.handling is Handling.ACKNOWLEDGED else called + interrupts(line)
        return called

    def amend(self, alert: Alert, event: Amended) -> Transition | None:
        """Annotate one alert, whichever occurrence it is and whether it is resolved or not."""
        line = apply(alert, event, self._directory.policy(alert.patient_id))
        assert line is not None
        recorded = self._records.record(line)
        return None if recorded is None else self._tell(recorded)

    def _tell(self, line: Transition) -> Transition:
        alert = line.after
        self.book.put(alert)
        self._desk.note(line)
        if not is_test(alert.patient_id):
            self._count.labels(line.step.value).inc()
            if (call := call_of(line)) is not None:
                self._calls.labels(call.how.value).inc()
            _LOG.info("alert %s %s %s %s", alert.alert_id, line.step.value, alert.rule, alert.priority.value)
        self._bus.transitions.publish(line)
        return line
