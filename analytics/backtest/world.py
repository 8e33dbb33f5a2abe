"""One patient's history as the stores that judging reads from: nobody else is there, and nothing is written to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from analytics.slots import FOREVER, LATENESS_WINDOW
from vigil.domain.alerts import Alert, Transition
from vigil.domain.deliveries import Target
from vigil.domain.errors import VersionConflict
from vigil.domain.pauses import Pause
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.policy import Policy
from vigil.domain.readings import I64, ReadingBatch, Stream
from vigil.domain.scores import Score
from vigil.domain.teams import Team
from vigil.domain.vitals import VITALS

_MODEL = "history"


def unknown_adult(patient_id: str) -> Patient:
    """Of whom a table says nothing but the id."""
    return Patient(patient_id, "", "", date(1950, 1, 1), "unknown", "")


@dataclass(frozen=True, slots=True)
class History:
    """``batch``: the patient's readings in order of ordinal, which is that of receipt. ``streams``: where they come from."""

    patient: Patient
    streams: Sequence[Stream]
    batch: ReadingBatch
    policy: Policy


@dataclass(slots=True)
class World:
    """A ``ReadingHistory`` and ``WardRecords`` for one patient, who wears every device all the time."""

    history: History
    log: list[Transition] = field(default_factory=list)
    _alerts: dict[str, Alert] = field(default_factory=dict)
    _open: dict[str, Alert] = field(default_factory=dict)
    _causes: set[tuple[str, str]] = field(default_factory=set)
    _by_stream: dict[int, tuple[I64, I64]] = field(default_factory=dict)
    _devices: list[Device] = field(default_factory=list)

    # --- readings -----------------------------------------------------------------------------------------------------

    def streams(self) -> list[Stream]:
        return list(self.history.streams)

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        start = int(np.searchsorted(self.history.batch.ordinal, np.uint64(ordinal), side="right"))
        return self.history.batch.take(slice(start, start + limit))

    def head(self) -> int:
        return int(self.history.batch.ordinal[-1]) if len(self.history.batch) else 0

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        batch = self.history.batch
        rows = np.concatenate([self._span(stream, start, end) for stream in streams])
        return batch.take(rows[np.lexsort((rows, batch.measured_at[rows]))][-limit:])

    def _span(self, stream: int, start: int, end: int) -> I64:
        rows, at = self._of_stream(stream)
        first, last = np.searchsorted(at, (start, min(end, FOREVER)))
        return rows[first:last]

    def _of_stream(self, stream: int) -> tuple[I64, I64]:
        """Rows and measured times of one stream in order of measured time; the index is made once."""
        if stream not in self._by_stream:
            batch = self.history.batch
            rows = np.flatnonzero(batch.stream == stream)
            at = batch.measured_at[rows]
            if (at[1:] < at[:-1]).any():
                order = np.argsort(at, kind="stable")
                rows, at = rows[order], at[order]
            self._by_stream[stream] = rows, at
        return self._by_stream[stream]

    def append_scores(self, scores: Sequence[Score]) -> None:
        """The minute grid gives the scores of a back-test; those of single seconds are not kept."""

    # --- records ------------------------------------------------------------------------------------------------------

    def patients(self, *, include_discharged: bool = False, include_test: bool = False) -> list[Patient]:  # noqa: ARG002 nobody is a test
        patient = self.history.patient
        return [patient] if include_discharged or patient.discharged_at is None else []

    def devices(self) -> list[Device]:
        """With the spacing that their values have in the history: what is more seldom than usual is not missing data."""
        if not self._devices:
            spacing: dict[str, dict[str, float]] = {}
            for stream in self.history.streams:
                of_device = spacing.setdefault(stream.device_id, {})
                found = self._spacing_s(stream.stream)
                if found is not None:
                    name = VITALS[stream.vital].name
                    of_device[name] = min(found, of_device.get(name, found))
            self._devices = [Device(device_id, _MODEL, intervals) for device_id, intervals in spacing.items()]
        return self._devices

    def _spacing_s(self, stream: int) -> float | None:
        """Median of the times between values, seconds; None = there are not two. What came too late to be judged has no part
        in it."""
        batch, (rows, at) = self.history.batch, self._of_stream(stream)
        if batch.received_at is not batch.measured_at:
            at = at[batch.received_at[rows] - at <= LATENESS_WINDOW]
        gaps = at[1:] - at[:-1]
        if not gaps.all():
            gaps = gaps[gaps > 0]
        if not gaps.size:
            return None
        # Most often more than half of them are alike, and that one is the median.
        usual = gaps[gaps.size // 2]
        return float(usual if 2 * np.count_nonzero(gaps == usual) > gaps.size else np.median(gaps)) / 1e6

    def bindings(self) -> list[Binding]:
        devices = sorted({stream.device_id for stream in self.history.streams})
        patient_id = self.history.patient.patient_id
        return [Binding(number, device, patient_id, 0, None) for number, device in enumerate(devices, 1)]

    def revision(self) -> int:
        return 1

    def policy(self, patient_id: str) -> Policy | None:
        return self.history.policy if patient_id == self.history.patient.patient_id else None

    def newest_pauses(self) -> list[Pause]:
        """A history is judged as if somebody had watched all the time."""
        return []

    def teams(self) -> list[Team]:
        return []

    def record(self, transition: Transition, targets: Sequence[Target] = ()) -> Transition | None:  # noqa: ARG002 nobody is called
        after = transition.after
        cause = (after.rule, transition.cause)
        if cause in self._causes:
            return None
        known = self._alerts.get(after.alert_id)
        if after.version - 1 != (0 if known is None else known.version):
            raise VersionConflict(after.alert_id)
        self._causes.add(cause)
        self._alerts[after.alert_id] = after
        if after.open:
            self._open[after.alert_id] = after
        else:
            self._open.pop(after.alert_id, None)
        self.log.append(replace(transition, seq=len(self.log) + 1))
        return self.log[-1]

    def alerts(
        self,
        *,
        patient_id: str | None = None,
        open_only: bool = False,
        resolved_since: int | None = None,
        limit: int = 10_000,
        include_test: bool = False,  # noqa: ARG002
    ) -> list[Alert]:
        kept = self._open if open_only else self._alerts
        found = [alert for alert in kept.values() if patient_id in (None, alert.patient_id)]
        if resolved_since is not None:
            found = [alert for alert in found if alert.open or (alert.resolved_at or 0) >= resolved_since]
        return sorted(found, key=lambda alert: alert.opened_at, reverse=True)[:limit]

    def transitions(
        self,
        *,
        after_seq: int = 0,
        alert_id: str | None = None,
        limit: int = 10_000,
        include_test: bool = False,  # noqa: ARG002
    ) -> list[Transition]:
        return [line for line in self.log[after_seq:] if alert_id in (None, line.after.alert_id)][:limit]

    def last_seq(self) -> int:
        return len(self.log)

    def true_share(self) -> dict[str, tuple[int, int]]:
        return {}
