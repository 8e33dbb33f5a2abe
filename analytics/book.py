"""The alerts that matter now, mirrored from the record store by its log, so that rules need not ask it for each reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vigil.domain.alerts import Alert, Transition
from vigil.domain.lifecycle import RECUR_WITHIN
from vigil.domain.times import DAY, HOUR
from vigil.store import WardRecords

_PAGE = 10_000
#: How far back the log is searched for what a replay of readings has brought already.
_LOG_WINDOW = DAY + HOUR


def base_rule(rule: str) -> str:
    """What ``limit.spo2.low`` and ``unverified.spo2.low`` have in common, so that a replay finds either.

    >>> base_rule("limit.spo2.low"), base_rule("unverified.spo2.low"), base_rule("news2")
    ('spo2.low', 'spo2.low', 'news2')
    """
    head, _, rest = rule.partition(".")
    return rest if head in ("limit", "unverified") else rule


class Book:
    """Open alerts, and those resolved so recently that the same occurrence can recur.

    Of each (patient, rule) the newest live and the newest retrospective occurrence is kept.
    """

    def __init__(self, records: WardRecords) -> None:
        self._records = records
        self._newest: dict[tuple[str, str, bool], Alert] = {}
        self._open: dict[str, dict[str, Alert]] = {}
        self._marks: dict[tuple[str, str, bool], int] = {}
        self._own_marks: dict[tuple[str, str, bool], int] = {}
        self.seq = 0

    def load(self, now: int) -> None:
        self.seq = self._records.last_seq()
        recent = self._records.alerts(resolved_since=now - RECUR_WITHIN, limit=1_000_000, include_test=True)
        for alert in reversed(recent):
            self.put(alert)

    def sync(self) -> None:
        """Take over what others, such as a nurse through the API, have done since."""
        for line in self._log(self.seq):
            self.put(line.after)
            self.seq = line.seq

    def put(self, alert: Alert) -> None:
        key = (alert.patient_id, alert.rule, alert.retrospective)
        known = self._newest.get(key)
        if known is not None:
            if known.alert_id == alert.alert_id and known.version > alert.version:
                return
            if known.alert_id != alert.alert_id and (known.open or known.opened_at > alert.opened_at):
                return
        self._newest[key] = alert
        of_patient = self._open.setdefault(alert.patient_id, {})
        if alert.open:
            of_patient[alert.alert_id] = alert
        else:
            of_patient.pop(alert.alert_id, None)
            if not of_patient:
                del self._open[alert.patient_id]

    def newest(self, patient_id: str, rule: str, retrospective: bool = False) -> Alert | None:
        return self._newest.get((patient_id, rule, retrospective))

    def active(self, patient_id: str, rule: str) -> Alert | None:
        """The live occurrence whose condition is true or unknown."""
        alert = self.newest(patient_id, rule)
        return alert if alert is not None and alert.active else None

    def open_alerts(self, patient_id: str | None = None) -> list[Alert]:
        if patient_id is not None:
            return list(self._open.get(patient_id, {}).values())
        return [alert for alerts in self._open.values() for alert in alerts.values()]

    def forget_old(self, now: int) -> None:
        """Drop resolved alerts that cannot recur any more."""
        self._newest = {
            key: alert
            for key, alert in self._newest.items()
            if alert.open or (alert.resolved_at or 0) >= now - RECUR_WITHIN
        }

    # --- replay ----------------------------------------------------------------------------------------------------

    def mark_replayed(self, after_seq: int, now: int) -> None:
        """Remember the greatest ordinal whose effect is on record for each (patient, rule).

        ``after_seq`` is the log's end when the snapshot was written; 0 = no snapshot, then the log of the last day is read.
        """
        start = after_seq or self._seq_before(now - _LOG_WINDOW)
        for line in self._log(start):
            source, _, rest = line.cause.partition(":")
            if source == "ordinal":
                alert = line.after
                ordinal = int(rest.partition(":")[0])
                for marks, rule in ((self._marks, base_rule(alert.rule)), (self._own_marks, alert.rule)):
                    key = (alert.patient_id, rule, alert.retrospective)
                    marks[key] = max(marks.get(key, 0), ordinal)

    def is_behind(self, patient_id: str, rule: str, ordinal: int, retrospective: bool = False) -> bool:
        """Has this reading had its effect before? So it is when a later one has, or when the rule has a line of its own."""
        base = self._marks.get((patient_id, base_rule(rule), retrospective), 0)
        return ordinal < base or ordinal <= self._own_marks.get((patient_id, rule, retrospective), 0)

    def log_since(self, at: int) -> Iterator[Transition]:
        """Lines recorded at ``at`` or later."""
        return (line for line in self._log(self._seq_before(at)) if line.at >= at)

    def _seq_before(self, at: int) -> int:
        seq = self._records.last_seq()
        while seq > 0:
            seq = max(0, seq - _PAGE)
            first = self._records.transitions(after_seq=seq, limit=1, include_test=True)
            if first and first[0].at < at:
                break
        return seq

    def _log(self, after_seq: int) -> Iterator[Transition]:
        while True:
            page = self._records.transitions(after_seq=after_seq, limit=_PAGE, include_test=True)
            yield from page
            if len(page) < _PAGE:
                return
            after_seq = page[-1].seq


def earlier_beginnings(lines: Iterable[Transition], since: int) -> int:
    """How many of an occurrence's beginnings lie at or after ``since``."""
    return sum(line.at >= since and line.step.value in ("opened", "recurred") for line in lines)
